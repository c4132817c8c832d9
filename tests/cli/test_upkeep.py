from __future__ import annotations

from pathlib import Path

import pytest

from captrid_core.sandbox import Sandbox
from captrid_core.settings import load_settings
from captrid_core.store.backup import server_lock
from captrid_core.workspace import Workspace

from .conftest import Cli, files_below


@pytest.fixture
def synced(staff: Cli) -> Cli:
    staff("sync", "Staff")
    return staff


CHECKS = ["permissions", "database", "list Staff", "runs", "secrets", "leftovers"]


def test_the_plan_is_shown_and_changed(cli: Cli) -> None:
    assert cli.json("plan") == {"plan": "business", "connections": 0, "allowed": 10}
    assert cli.json("plan", "ENTERPRISE") == {"plan": "enterprise", "connections": 0, "allowed": None}
    assert cli("plan").out == "Enterprise: 0 of any number of connections.\n"
    assert cli.json("plan", "starter")["allowed"] == 0


def test_a_sound_home_passes_its_checks(synced: Cli) -> None:
    checks = synced.json("check")
    assert [(one["check"], one["ok"]) for one in checks] == [(name, True) for name in CHECKS]
    assert all(set(one) == {"check", "ok", "message"} and one["message"] for one in checks)
    assert "BAD" not in synced("check").out


def test_what_is_wrong_is_found(synced: Cli) -> None:
    with Workspace(load_settings(synced.home)) as workspace, workspace.database.write() as cursor:
        cursor.execute("UPDATE people_1 SET _uid_key = 'same', _anchor = 'same'")
        cursor.execute("UPDATE run SET created = created + 1")
        cursor.execute("CREATE TABLE held_staged_7 (a INTEGER)")
    (synced.home / "key").unlink()
    (synced.home / "runs" / "run-1.ndjson").touch()
    synced.home.chmod(0o770)

    result = synced("check", "--json", status=1)

    found = {one["check"]: one["message"] for one in result.json if not one["ok"]}
    assert set(found) == set(CHECKS) - {"database"}
    assert "1 UIDs belong to several people; 1 directory objects" in found["list Staff"]
    assert found["runs"] == "1 runs disagree with their history: 1."
    assert "the key" in found["secrets"].lower() or "no key" in found["secrets"]
    assert found["leftovers"] == "A crash left held_staged_7, runs/run-1.ndjson."
    assert "chmod 700" in found["permissions"]


def test_a_broken_database_is_said_to_be_one(synced: Cli) -> None:
    (synced.home / "masterlists.duckdb").write_bytes(b"no database at all" * 1000)
    checks = synced.json("check", status=1)
    assert [(one["check"], one["ok"]) for one in checks] == [("permissions", True), ("database", False)]
    assert synced.error("lists", "list")["code"] == "home_unusable"


def test_the_key_is_rotated(synced: Cli) -> None:
    before = (synced.home / "key").read_text()
    assert synced.json("key", "rotate") == {"secrets": 1, "forgotten": 0}
    assert (synced.home / "key").read_text() != before
    assert synced.json("connections", "test", "Entra")["ok"] is True
    synced("key", "rotate", "--yes", status=2)


def test_a_lost_key_is_replaced_on_confirmation(synced: Cli) -> None:
    (synced.home / "key").unlink()
    error = synced.error("connections", "test", "Entra")
    assert error["code"] == "key_missing"
    assert "captrid key rotate --forget" in error["hint"]
    synced("key", "rotate", "--forget", status=2)
    assert synced.json("key", "rotate", "--forget", "--yes") == {"secrets": 0, "forgotten": 1}
    assert synced.error("connections", "test", "Entra")["code"] == "key_wrong"


def test_the_key_of_the_environment_is_shown_nowhere(
    cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    monkeypatch.setenv("CAPTRID_KEY", key)
    cli.connect(sandbox)
    shown = [cli("connections", "test", "Entra", "--debug"), cli("key", "rotate"), cli("check", "--json")]
    assert not [one for one in shown if key in one.out + one.err]
    assert not [path for path, content in files_below(cli.home) if key.encode() in content]
    assert not (cli.home / "key").exists()
    monkeypatch.setenv("CAPTRID_KEY", key.replace("M", "N"))
    assert cli.error("connections", "test", "Entra")["code"] == "key_wrong"
    monkeypatch.setenv("CAPTRID_KEY", "short")
    assert cli.error("connections", "test", "Entra")["code"] == "key_wrong"


@pytest.mark.parametrize("name", ["home.tar.gz", "home.zip"])
def test_a_backup_is_restored_elsewhere(synced: Cli, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    people = synced.json("people", "Staff")
    made = synced.json("backup", str(file), "--with-key")
    contents = {"connections": 1, "lists": 1, "people": 24, "runs": 1, "key": True}
    assert made == {"file": str(file), "bytes": file.stat().st_size, "made_at": made["made_at"], **contents}
    assert file.stat().st_mode & 0o077 == 0

    other = Cli(tmp_path / "other")
    restored = other.json("restore", str(file))

    assert restored == {"home": str(other.home), "made_at": made["made_at"], **contents, "warnings": []}
    assert other.json("people", "Staff") == people
    assert other.json("connections", "test", "Entra")["ok"] is True
    assert all(one["ok"] for one in other.json("check"))


def test_a_backup_without_the_key_opens_no_secret(synced: Cli, tmp_path: Path) -> None:
    file = tmp_path / "home.tar.gz"
    assert synced.json("backup", str(file))["key"] is False
    assert "Backed up 1 connection, 1 Master List, 24 people, 1 run to" in synced("backup", str(file)).out

    other = Cli(tmp_path / "other")
    result = other("restore", str(file), "--json")

    assert len(result.json["warnings"]) == 1
    assert "Warning: " in result.err
    assert other.error("connections", "test", "Entra")["code"] == "key_missing"
    (other.home / "key").write_bytes((synced.home / "key").read_bytes())
    (other.home / "key").chmod(0o600)
    assert other.json("connections", "test", "Entra")["ok"] is True


def test_restoring_replaces_only_on_demand_and_only_an_idle_home(synced: Cli, tmp_path: Path) -> None:
    file = tmp_path / "home.tar.gz"
    synced("backup", str(file))
    people = synced.json("people", "Staff")
    synced("person", "deactivate", "Staff", people[0]["uid"])

    assert synced.error("restore", str(file))["code"] == "already_exists"
    with server_lock(synced.home) as lock:
        assert lock.try_acquire(note={"process": 1, "command": "captrid serve"})
        busy = synced.error("restore", str(file), "--replace")
    assert (busy["code"], "captrid serve (process 1)" in busy["message"]) == ("busy", True)
    assert len(synced.json("people", "Staff")) == 23

    assert synced.json("restore", str(file), "--replace")["people"] == 24
    assert synced.json("people", "Staff") == people
    assert synced.json("connections", "test", "Entra")["ok"] is True


def test_what_is_no_backup_changes_nothing(synced: Cli, tmp_path: Path) -> None:
    file = tmp_path / "home.tar.gz"
    before = synced.json("people", "Staff")
    assert synced.error("restore", str(file), "--replace")["code"] == "not_found"
    file.write_bytes(b"nonsense")
    assert synced.error("restore", str(file), "--replace")["code"] == "not_a_backup"
    assert synced.error("backup", str(tmp_path / "none" / "home.zip"))["code"] == "home_unusable"
    assert synced.json("people", "Staff") == before
