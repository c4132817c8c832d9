"""Fixtures for the tests of the sync rules: a directory over HTTPS, and lists that it feeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rules_school import ACTOR, FIELDS, MAPPING, School, form_for

from captrid_core.errors import NotFound
from captrid_core.lists.model import Field, SyncConfiguration
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(users=0, groups=False, seed=3).running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """Return a directory with nobody in it that behaves."""
    yield running
    running.faults.clear()
    for user in list(running.directory.users()):
        running.directory.purge_user(user["id"])
    for group_id in running.directory.group_ids():
        running.directory.delete_group(group_id)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(Settings(home=tmp_path)) as opened:
        yield opened


@pytest.fixture
def make_school(sandbox: Sandbox, workspace: Workspace) -> Callable[..., School]:
    """Return what makes a list that the directory feeds; its configuration is given by name."""

    def make(
        *,
        fields: tuple[Field, ...] = FIELDS,
        mapping: dict[str, str] = MAPPING,
        uid_property: str = "employeeId",
        name: str = "Students",
        **configuration: Any,
    ) -> School:
        try:
            connection = workspace.connections.get("School Entra")
        except NotFound:
            connection = workspace.connections.add(form_for(sandbox), test=None, actor=ACTOR)
        made = workspace.lists.create(
            name,
            uid_field=mapping[uid_property],
            fields=fields,
            sync=SyncConfiguration(connection.id, uid_property, mapping, **configuration),
            actor=ACTOR,
        )
        return School(sandbox, workspace, made)

    return make


@pytest.fixture
def school(make_school: Callable[..., School]) -> School:
    return make_school()
