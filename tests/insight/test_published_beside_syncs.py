"""Another process that asks the published file during syncs sees whole runs alone, and never an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.sql import answer, watched
from captrid_core.directory.connections import ConnectionForm
from captrid_core.lists.model import Field, SyncConfiguration
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace

MAPPING = {"employeeId": "code", "department": "department"}


@pytest.mark.slow
def test_readers_see_whole_runs_alone(tmp_path: Path):
    with (
        Sandbox(users=300, seed=5, quirks=False).running() as sandbox,
        Workspace(Settings(home=tmp_path), linger=60) as home,
    ):
        form = ConnectionForm(
            "Entra",
            sandbox.tenant_id,
            sandbox.client_id,
            secret=sandbox.client_secret,
            authority_url=sandbox.authority_url,
            graph_url=sandbox.graph_url,
            ca_file=str(sandbox.ca_file),
        )
        connection = home.connections.add(form, test=None, actor="tester")
        sync = SyncConfiguration(connection.id, "employeeId", MAPPING)
        fields = [Field("code"), Field("department")]
        home.lists.create("Everyone", uid_field="code", fields=fields, sync=sync, actor="tester")
        home.runner.sync("Everyone", actor="tester")
        path = home.published.refresh(actor="tester").path
        whole = {answer(path)}
        with watched(path, whole) as asked:
            for turn in range(5):
                for user in list(sandbox.directory.users()):
                    sandbox.directory.update_user(user["id"], department=f"Department {turn}")
                assert home.runner.sync("Everyone", actor="tester").status == "succeeded"
                home.published.refresh(actor="tester")
                whole.add(answer(path))

    assert len(whole) == 6
    assert asked[0] > 3
