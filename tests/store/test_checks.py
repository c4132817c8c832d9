from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from captrid_core.store import migrate
from captrid_core.store.checks import Check, check_home
from captrid_core.workspace import Workspace

TABLES = (Path(migrate.__file__).parent / "migrations" / "0001_start.sql").read_text().count("CREATE TABLE ")


def checks(workspace: Workspace) -> dict[str, Check]:
    return {
        one.check: one for one in check_home(workspace.settings.home, workspace.database, workspace.vault)
    }


def broken(workspace: Workspace) -> dict[str, str]:
    return {name: one.message for name, one in checks(workspace).items() if not one.ok}


@pytest.fixture
def sound(workspace: Workspace) -> Workspace:
    """Return a home in which nothing is wrong."""
    workspace.vault.remove("connection:1")
    assert broken(workspace) == {}
    return workspace


def test_a_sound_home(sound: Workspace) -> None:
    assert {name: one.message for name, one in checks(sound).items()} == {
        "permissions": f"{sound.settings.home} is private.",
        "database": f"Schema 1; all {TABLES + 2} tables can be read.",
        "list Guests": "3 people, every UID and every linked object once.",
        "runs": "The numbers of 0 runs are those of the history.",
        "secrets": "The key opens all 0 secrets.",
        "leftovers": "Nothing was left behind.",
    }


@pytest.mark.parametrize(
    ("home_mode", "file_mode", "found"),
    [
        (0o700, 0o644, False),
        (0o755, 0o600, False),
        (0o755, 0o644, True),
        (0o770, 0o600, True),
        (0o702, 0o600, True),
    ],
)
def test_others_have_no_business_here(sound: Workspace, home_mode: int, file_mode: int, found: bool) -> None:
    home = sound.settings.home
    for path in home.glob("masterlists.duckdb*"):
        path.chmod(file_mode)
    home.chmod(home_mode)
    assert ("permissions" in broken(sound)) == found


def test_secrets_and_connections_belong_together(workspace: Workspace) -> None:
    with workspace.database.write() as cursor:
        cursor.execute("INSERT INTO connection (connection_id, name) VALUES (1, 'Entra'), (2, 'Other')")
    assert broken(workspace)["secrets"] == "“Other” has no secret."
    workspace.vault.put("connection:2", "hush")
    assert broken(workspace) == {}
    (workspace.settings.home / "key").write_text("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n")
    assert "Entra: The key is not the one" in broken(workspace)["secrets"]
    (workspace.settings.home / "secrets.json").write_text("{")
    assert "is damaged" in broken(workspace)["secrets"]


def test_a_blank_uid_is_found(sound: Workspace) -> None:
    with sound.database.write() as cursor:
        cursor.execute("UPDATE people_1 SET _uid_key = NULL WHERE code = 'g1'")
    assert broken(sound) == {"list Guests": "1 people have no UID"}


def test_what_a_crash_left_is_named_and_what_is_in_use_is_not(sound: Workspace) -> None:
    home = sound.settings.home
    with sound.database.write() as cursor:
        cursor.execute(
            "INSERT INTO run (run_id, list_id, status) VALUES (1, 1, 'running'), (2, 1, 'held'), (3, 1, 'failed')"
        )
        cursor.execute("CREATE TABLE held_staged_2 (a INTEGER)")
    for name in ("run-1.ndjson", "run-preview-1-2.ndjson"):
        (home / "runs" / name).touch()
    (home / ".captrid-restoring").mkdir()
    assert broken(sound) == {}

    (home / "runs" / "run-3.json").touch()
    two_hours_ago = time.time() - 7200
    for path in (home / "runs" / "run-preview-1-2.ndjson", home / ".captrid-restoring"):
        os.utime(path, (two_hours_ago, two_hours_ago))
    assert broken(sound) == {
        "leftovers": "A crash left .captrid-restoring, runs/run-3.json, runs/run-preview-1-2.ndjson."
    }
