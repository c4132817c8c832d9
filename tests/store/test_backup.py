from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from pathlib import Path

import pytest

from captrid_core.errors import AlreadyExists, Busy, Invalid, NotFound
from captrid_core.settings import load_settings
from captrid_core.store.backup import Contents, NotABackup, back_up, restore
from captrid_core.store.database import owner_lock
from captrid_core.store.locks import FileLock
from captrid_core.store.vault import Vault
from captrid_core.workspace import Workspace


def make(workspace: Workspace, file: Path, *, with_key: bool = False) -> Contents:
    return back_up(workspace.settings.home, workspace.database, file, with_key=with_key, at=workspace.clock())


def uids(home: Path) -> list[str | None]:
    with Workspace(load_settings(home, environment={})) as workspace:
        return [one.uid for one in workspace.people.find(workspace.lists.get("Guests")).people]


def members(file: Path) -> dict[str, bytes]:
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(file) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]


def repack(file: Path, contents: dict[str, bytes]) -> None:
    with tarfile.open(file, "w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip", "a.backup"])
@pytest.mark.parametrize("with_key", [True, False])
def test_a_backup_holds_what_is_needed_and_no_more(
    workspace: Workspace, tmp_path: Path, name: str, with_key: bool
) -> None:
    file = tmp_path / name
    contents = make(workspace, file, with_key=with_key)

    assert (contents.connections, contents.lists, contents.people, contents.runs, contents.key) == (
        0,
        1,
        3,
        0,
        with_key,
    )
    packed = members(file)
    assert set(packed) == {
        "manifest.json",
        "masterlists.duckdb",
        "secrets.json",
        *(["key"] if with_key else []),
    }
    assert packed["secrets.json"] == (workspace.settings.home / "secrets.json").read_bytes()
    assert b"hush" not in b"".join(packed.values())
    assert sorted(one.name for one in tmp_path.iterdir()) == [name, "home"]

    (tmp_path / "other").mkdir()
    assert restore(tmp_path / "other", file, replace=False) == contents
    assert uids(tmp_path / "other") == ["g1", "g2", "g3"]
    assert (tmp_path / "other" / "key").exists() == with_key
    if with_key:
        assert Vault(tmp_path / "other").get("connection:1") == "hush"
    assert not list((tmp_path / "other").glob(".captrid-*"))


def test_a_backup_is_of_one_moment(workspace: Workspace, tmp_path: Path) -> None:
    """People are added all the time meanwhile: history and people in the backup still agree."""
    stop = threading.Event()
    guests = workspace.lists.get("Guests")

    def add() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            workspace.people.add(guests, {"code": f"n{number}"}, actor="tester")

    adding = threading.Thread(target=add)
    adding.start()
    try:
        time.sleep(0.2)
        contents = make(workspace, tmp_path / "a.zip")
    finally:
        stop.set()
        adding.join()
    (tmp_path / "other").mkdir()
    restore(tmp_path / "other", tmp_path / "a.zip", replace=False)
    with (
        Workspace(load_settings(tmp_path / "other", environment={})) as other,
        other.database.read() as cursor,
    ):
        found = cursor.execute(
            """SELECT (SELECT count(*) FROM people_1), (SELECT count(*) FROM change),
                      (SELECT next FROM counter WHERE kind = 'person')"""
        ).fetchone()
    assert found == (contents.people, contents.people, contents.people + 1)
    assert contents.people > 3


def test_a_key_outside_the_home_cannot_be_backed_up(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.settings.home / "key").unlink()
    with pytest.raises(Invalid, match="key does not lie in the home"):
        make(workspace, tmp_path / "a.zip", with_key=True)
    assert not (tmp_path / "a.zip").exists()


def test_restoring_takes_away_what_belongs_to_the_old_database(workspace: Workspace, tmp_path: Path) -> None:
    home = workspace.settings.home
    make(workspace, tmp_path / "a.zip")
    workspace.people.add(workspace.lists.get("Guests"), {"code": "later"}, actor="tester")
    workspace.close()
    (home / "masterlists.duckdb.wal").write_bytes(b"stale")
    (home / "runs" / "run-7.ndjson").write_bytes(b"stale")

    restore(home, tmp_path / "a.zip", replace=True)

    assert not (home / "masterlists.duckdb.wal").exists()
    assert list((home / "runs").glob("run-*")) == []
    assert uids(home) == ["g1", "g2", "g3"]
    assert Vault(home).get("connection:1") == "hush"


def test_a_backup_without_secrets_leaves_none(tmp_path: Path) -> None:
    with Workspace(load_settings(tmp_path / "empty", environment={})) as empty:
        empty.lists.all()
        make(empty, tmp_path / "a.zip")
    other = tmp_path / "other"
    other.mkdir()
    Vault(other).put("connection:1", "hush")
    with pytest.raises(AlreadyExists):
        restore(other, tmp_path / "a.zip", replace=False)
    restore(other, tmp_path / "a.zip", replace=True)
    assert not (other / "secrets.json").exists()
    assert (other / "key").exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda packed: packed.pop("manifest.json"),
        lambda packed: packed.pop("masterlists.duckdb"),
        lambda packed: packed.pop("secrets.json"),
        lambda packed: packed.update({"masterlists.duckdb": packed["masterlists.duckdb"][:-1]}),
        lambda packed: packed.update({"secrets.json": b"{}"}),
        lambda packed: packed.update({"manifest.json": b"[]"}),
        lambda packed: packed.update({"manifest.json": b"{"}),
        lambda packed: packed.update(
            {"manifest.json": packed["manifest.json"].replace(b'"people_1": 3', b'"people_1": 4')}
        ),
        lambda packed: packed.update(
            {"manifest.json": packed["manifest.json"].replace(b'"format": 1', b'"format": 9')}
        ),
    ],
)
def test_a_backup_that_is_not_whole_changes_nothing(
    workspace: Workspace, tmp_path: Path, spoil: object
) -> None:
    file = tmp_path / "a.tar.gz"
    make(workspace, file)
    workspace.close()
    packed = members(file)
    spoil(packed)  # type: ignore[operator]
    repack(file, packed)
    before = (workspace.settings.home / "masterlists.duckdb").read_bytes()

    with pytest.raises(NotABackup):
        restore(workspace.settings.home, file, replace=True)

    assert (workspace.settings.home / "masterlists.duckdb").read_bytes() == before
    assert not list(workspace.settings.home.glob(".captrid-*"))


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95])
def test_a_backup_that_was_cut_off_is_none(
    workspace: Workspace, tmp_path: Path, name: str, share: float
) -> None:
    file = tmp_path / name
    make(workspace, file)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    (tmp_path / "other").mkdir()
    with pytest.raises(NotABackup):
        restore(tmp_path / "other", file, replace=False)
    assert not (tmp_path / "other" / "masterlists.duckdb").exists()


def test_other_members_of_an_archive_go_nowhere(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "a.tar.gz"
    make(workspace, file)
    repack(file, {**members(file), "../evil": b"x", "/tmp/evil-captrid": b"x", "evil": b"x"})
    (tmp_path / "other").mkdir()
    restore(tmp_path / "other", file, replace=False)
    assert not list(tmp_path.rglob("*evil*"))
    assert not Path("/tmp/evil-captrid").exists()


def test_a_home_in_use_is_left_alone(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("captrid_core.store.backup._PATIENCE", 0.2)
    make(workspace, tmp_path / "a.zip")
    workspace.close()
    home = workspace.settings.home
    with owner_lock(home / "masterlists.duckdb") as lock:
        assert lock.try_acquire(note={"process": 7, "command": "captrid"})
        with pytest.raises(Busy, match=r"in use by captrid \(process 7\)"):
            restore(home, tmp_path / "a.zip", replace=True)
    with FileLock(home / "runs" / "list-1.lock") as lock:
        assert lock.try_acquire(note={"run_id": 1})
        with pytest.raises(Busy, match="in use by a sync"):
            restore(home, tmp_path / "a.zip", replace=True)
    restore(home, tmp_path / "a.zip", replace=True)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        restore(tmp_path, tmp_path / "none.zip", replace=True)


def test_a_backup_waits_its_turn_beside_another_process(workspace: Workspace, tmp_path: Path) -> None:
    program = """if True:
        import sys, time
        from pathlib import Path
        from captrid_core.settings import load_settings
        from captrid_core.workspace import Workspace
        workspace = Workspace(load_settings(Path(sys.argv[1]), environment={}), linger=60)
        workspace.lists.all()
        print("open", flush=True)
        sys.stdin.read()
    """
    workspace.close()
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program, str(workspace.settings.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with Workspace(workspace.settings) as own:
            assert make(own, tmp_path / "a.zip").people == 3
        other.communicate(b"")


def test_the_manifest_says_what_there_is(workspace: Workspace, tmp_path: Path) -> None:
    make(workspace, tmp_path / "a.zip")
    manifest = json.loads(members(tmp_path / "a.zip")["manifest.json"])
    assert (manifest["format"], manifest["schema"], manifest["tables"]["people_1"]) == (1, 1, 3)
    assert set(manifest["files"]) == {"masterlists.duckdb", "secrets.json"}
