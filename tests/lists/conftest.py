from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from captrid_core.lists.model import Field, FieldType, MasterList
from captrid_core.settings import load_settings
from captrid_core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(load_settings(tmp_path / "home", environment={}), linger=60) as opened:
        yield opened


@pytest.fixture
def guests(workspace: Workspace) -> MasterList:
    """Return a list with a field of every type, which no directory feeds."""
    return workspace.lists.create(
        "Guests",
        uid_field="code",
        fields=[
            Field("code"),
            Field("name", required=True, label="Full name"),
            Field("age", FieldType.NUMBER),
            Field("mail", FieldType.EMAIL),
            Field("born", FieldType.DATE),
            Field("house", FieldType.DROPDOWN, options=("Red", "Blue")),
        ],
        actor="tester",
    )
