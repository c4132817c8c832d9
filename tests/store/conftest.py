from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from captrid_core.lists.model import Field
from captrid_core.settings import load_settings
from captrid_core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Return a home with a list of three people and a secret."""
    with Workspace(load_settings(tmp_path / "home", environment={})) as opened:
        guests = opened.lists.create("Guests", uid_field="code", fields=[Field("code")], actor="tester")
        for code in ("g1", "g2", "g3"):
            opened.people.add(guests, {"code": code}, actor="tester")
        opened.vault.put("connection:1", "hush")
        yield opened
