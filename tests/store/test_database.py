"""The database file: one process at a time, in turns; all or nothing."""

from __future__ import annotations

import subprocess
import sys
import threading

import duckdb
import pytest

from captrid_core.errors import Busy, HomeUnusable
from captrid_core.store.database import Database, scalar
from captrid_core.store.migrate import newest_version

HOLD = """
import sys
from pathlib import Path
from captrid_core.store.database import Database
database = Database(Path(sys.argv[1]), linger=float(sys.argv[2]))
with database.write() as cursor:
    cursor.execute("INSERT INTO setting VALUES ('other', '1')")
    print("inside", flush=True)
    sys.stdin.readline()
print("outside", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "masterlists.duckdb"


def settings_of(database):
    with database.read() as cursor:
        return dict(cursor.execute("SELECT key, value FROM setting ORDER BY key").fetchall())


@pytest.fixture
def holder(path):
    """Another process that has the file open: (process, linger) by call."""
    running = []

    def start(linger: float):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path), str(linger)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout.readline() == "inside\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_a_new_file_gets_the_newest_schema(path):
    database = Database(path)
    with database.read() as cursor:
        assert scalar(cursor, "SELECT schema_version FROM meta") == newest_version()


def test_a_block_that_fails_writes_nothing(path):
    database = Database(path)

    def write_and_fail(error: str) -> None:
        with database.write() as cursor:
            cursor.execute("INSERT INTO setting VALUES ('a', '1')")
            cursor.execute(error)

    for error in ("SELECT no_such_column", "SELECT error('at run time')", "no SQL"):
        with pytest.raises(duckdb.Error):
            write_and_fail(error)
    assert settings_of(database) == {}


def test_who_holds_the_file_is_named_when_the_wait_is_over(path, holder):
    process = holder(0)
    with pytest.raises(Busy, match=rf"process {process.pid}"):
        settings_of(Database(path, patience=0.2))


def test_another_process_gets_its_turn_when_the_work_is_done(path, holder):
    process = holder(0)
    waiting = threading.Thread(target=lambda: found.append(settings_of(Database(path))))
    found = []
    waiting.start()
    process.stdin.write("go on\n")
    process.stdin.flush()
    waiting.join()
    assert found == [{"other": "1"}]


def test_a_process_that_keeps_the_file_open_lets_others_in_between(path, holder):
    process = holder(3600)
    process.stdin.write("go on\n")
    process.stdin.flush()
    assert process.stdout.readline() == "outside\n"
    assert settings_of(Database(path, patience=10)) == {"other": "1"}
    assert process.poll() is None


def test_the_turn_ends_with_its_process(path, holder):
    process = holder(0)
    process.kill()
    process.wait()
    assert settings_of(Database(path, patience=10)) == {}


def test_threads_write_one_after_the_other(path):
    database = Database(path, linger=10)

    def add(number: int) -> None:
        with database.write() as cursor:
            count = scalar(cursor, "SELECT count(*) FROM setting")
            cursor.execute("INSERT INTO setting VALUES (?, ?)", [f"{number:02d}", str(count)])

    threads = [threading.Thread(target=add, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(count) for count in settings_of(database).values()) == list(range(16))
    database.close()


def test_a_file_of_a_newer_version_is_refused(path):
    database = Database(path)
    with database.write() as cursor:
        cursor.execute("UPDATE meta SET schema_version = 9999")
    with pytest.raises(HomeUnusable, match="schema 9999"):
        settings_of(database)


def test_a_file_that_is_no_database_says_so(path):
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(HomeUnusable, match="cannot be used"):
        settings_of(Database(path))
