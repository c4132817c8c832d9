"""The published snapshot: what analysts can rely on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from captrid_core.errors import CaptridError
from captrid_core.insight.snapshot import OWN_COLUMNS, TABLES
from captrid_core.lists.model import Field, FieldType, MasterList
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Time:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(Settings(home=tmp_path / "home"), linger=60, clock=Time()) as opened:
        yield opened


def students(home: Workspace, name: str = "Students 2026") -> MasterList:
    fields = [
        Field("code", label="Student number"),
        Field("name", label="Full name"),
        Field("age", FieldType.NUMBER),
        Field("born", FieldType.DATE),
        Field("house", FieldType.DROPDOWN, options=("Red", "Blue")),
    ]
    made = home.lists.create(name, uid_field="code", fields=fields, actor="Alex")
    home.people.add(made, {"code": "1", "name": "Ada", "age": "12", "born": "2014-02-03"}, actor="Alex")
    home.people.add(made, {"code": "2", "name": "Bob"}, actor="Alex")
    return made


def ask(home: Workspace, query: str) -> list[tuple]:
    return home.sql.run(query, actor="Ana").rows


def test_a_list_has_a_view_by_its_name_with_a_typed_column_for_each_field(home: Workspace):
    students(home)

    found = home.sql.run('SELECT * FROM "Students 2026" ORDER BY code', actor="Ana")

    assert found.columns == ("code", "name", "age", "born", "house", *OWN_COLUMNS)
    assert found.types[:5] == ("VARCHAR", "VARCHAR", "DOUBLE", "DATE", "VARCHAR")
    assert found.rows[0][:5] == ("1", "Ada", 12.0, "2014-02-03", None)
    assert found.rows[0][found.columns.index("_status")] == "active"


@pytest.mark.parametrize(
    "name",
    [
        "people",
        "RUNS",
        "select",
        'say "hello"',
        "it's",
        "list_1",
        "duckdb_tables",
        "Ünïversität 学校",
        "a.b",
        "x;y",
        "--",
    ],
)
def test_lists_of_any_name_can_be_asked(home: Workspace, name: str):
    students(home, name)

    [(view,)] = ask(home, "SELECT view FROM lists")
    quoted = view.replace('"', '""')

    assert ask(home, f'SELECT name FROM "{quoted}" ORDER BY code') == [("Ada",), ("Bob",)]
    assert ask(home, "SELECT list, uid FROM people ORDER BY uid") == [(name, "1"), (name, "2")]
    assert ("changes",) in ask(home, "SHOW TABLES")


def test_lists_whose_names_would_clash_are_all_there(home: Workspace):
    for name in ("people", "people (list)", "Lists", "list_3 by name"):
        students(home, name)

    views = [view for (view,) in ask(home, "SELECT view FROM lists ORDER BY list_id")]

    assert len({one.lower() for one in views}) == 4
    for number, view in enumerate(views, start=1):
        assert ask(home, f'SELECT count(*) FROM "{view}"') == [(2,)]
        assert ask(home, f"SELECT count(*) FROM list_{number}") == [(2,)]


def test_queries_by_number_and_key_outlive_renames(home: Workspace):
    made = students(home)
    before = ask(home, "SELECT name FROM list_1 ORDER BY code")

    home.upkeep.rename(made.id, "Students 2027", actor="Alex")
    home.upkeep.change_field(made.id, Field("name", label="Display name"), actor="Alex")

    assert ask(home, "SELECT name FROM list_1 ORDER BY code") == before
    assert ask(home, 'SELECT name FROM "Students 2027" ORDER BY code') == before


def test_since_when_the_status_is_so_and_every_change_are_known(home: Workspace):
    made = students(home)
    home.people.set_values(made, "1", {"name": "Ida"}, actor="Sam")
    home.people.set_status(made, "2", active=False, actor="Sam")

    assert ask(home, "SELECT uid, status, since > created_at FROM people ORDER BY uid") == [
        ("1", "active", False),
        ("2", "inactive", True),
    ]
    assert ask(
        home,
        """SELECT actor, list, uid, action, field, old_value, new_value, run_id FROM changes
           WHERE action <> 'created' ORDER BY "at" """,
    ) == [
        ("Sam", "Students 2026", "1", "updated", "name", "Ada", "Ida", None),
        ("Sam", "Students 2026", "2", "deactivated", None, None, None, None),
    ]


def test_the_past_can_be_asked_for_by_number_and_by_name(home: Workspace):
    made = students(home)
    then = str(home.clock().replace(tzinfo=None))
    home.people.set_values(made, "1", {"name": "Ida"}, actor="Sam")
    home.people.set_status(made, "2", active=False, actor="Sam")
    home.people.add(made, {"code": "3"}, actor="Sam")

    assert ask(home, f"SELECT code, name, _status FROM list_1_as_of(TIMESTAMP '{then}') ORDER BY code") == [
        ("1", "Ada", "active"),
        ("2", "Bob", "active"),
    ]
    past = f"SELECT uid, status FROM people_as_of('students 2026', TIMESTAMP '{then}') ORDER BY uid"
    assert ask(home, past) == [("1", "active"), ("2", "active")]
    assert ask(home, "SELECT count(*) FROM people_as_of('nobody', TIMESTAMP '2026-01-01')") == [(0,)]


def test_a_home_without_lists_can_be_asked(home: Workspace):
    for table in TABLES:
        assert ask(home, f"SELECT count(*) FROM {table}") == [(int(table == "published"),)]


def test_everything_is_described(home: Workspace):
    students(home)

    schema = {one.name: one for one in home.sql.schema(actor="Ana")}

    assert next(iter(schema)) == "Students 2026"
    assert set(schema) == {"Students 2026", "list_1", *TABLES}
    for table in schema.values():
        assert table.about, table.name
        for column in table.columns:
            assert column.about, (table.name, column.name)
    columns = {one.name: one for one in schema["Students 2026"].columns}
    assert columns["name"].about == "Full name. Text."
    assert columns["house"].about == "House. Dropdown: Red, Blue."
    for name, (about, described) in TABLES.items():
        assert schema[name].about == about
        assert {one.name: one.about for one in schema[name].columns} == described


def test_it_is_published_anew_when_something_changed_and_only_then(home: Workspace):
    made = students(home)
    first = home.published.refresh(actor="Ana")
    ask(home, "SELECT 1")

    assert home.published.refresh(actor="Ben") == first

    home.people.set_values(made, "1", {"name": "Ida"}, actor="Sam")
    second = home.published.refresh(actor="Ben")
    assert second.at > first.at
    assert second.by == "Ben"
    assert ask(home, 'SELECT "by", "at" FROM published') == [("Ben", str(second.at.replace(tzinfo=None)))]


def test_whoever_has_the_old_one_open_goes_on_reading_it(home: Workspace):
    made = students(home)
    path = home.published.refresh(actor="Ana").path
    with duckdb.connect(str(path), read_only=True) as reader:
        home.people.add(made, {"code": "3"}, actor="Sam")
        # another process, as DuckDB shares what one process has open
        home.published.refresh(actor="Ana")

        assert reader.execute("SELECT count(*) FROM people").fetchall() == [(2,)]
    assert ask(home, "SELECT count(*) FROM people") == [(3,)]


def test_it_is_one_file_that_other_programs_read_under_any_name(home: Workspace, tmp_path: Path):
    students(home)
    path = home.published.refresh(actor="Ana").path

    assert [one.name for one in path.parent.iterdir()] == ["captrid.duckdb"]
    assert path.stat().st_mode & 0o077 == 0
    script = f"""
import duckdb
c = duckdb.connect()
c.execute("ATTACH '{path}' AS other (READ_ONLY)")
print(c.execute('SELECT count(*) FROM other."Students 2026"').fetchone()[0])
c.execute("USE other")
print(c.execute("SELECT count(*) FROM list_1_as_of(now()::TIMESTAMP)").fetchone()[0])
print(c.execute("SELECT count(*) FROM people_as_of('Students 2026', now()::TIMESTAMP)").fetchone()[0])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "2", "2"]


def test_nothing_gets_in_that_is_not_meant_to(home: Workspace):
    students(home)
    with home.database.write() as cursor:
        cursor.execute(
            """INSERT INTO connection (connection_id, name, tenant_id, client_id, ca_file, test_result)
               VALUES (1, 'Entra', 'the-tenant-id', 'the-client-id', 'the-ca-file', 'the-test-result')"""
        )
        cursor.execute("UPDATE master_list SET delta_link = 'the-delta-link'")
        cursor.execute("INSERT INTO draft VALUES ('d', 'wizard', 'the-draft', now()::TIMESTAMP)")
        cursor.execute("INSERT INTO setting VALUES ('x', 'the-setting')")
        cursor.execute("INSERT INTO notification (notification_id, payload) VALUES (1, 'the-payload')")
        cursor.execute(
            """INSERT INTO run (run_id, list_id, status, tenant_id, delta_link)
               VALUES (1, 1, 'held', 'the-tenant-id', 'the-delta-link')"""
        )

    path = home.published.publish(actor="Ana").path

    with duckdb.connect(str(path), read_only=True) as reader:
        names = [
            name
            for (name,) in reader.execute(
                "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY 1"
            ).fetchall()
        ]
        everything = str(
            [reader.execute(f"FROM {name}").fetchall() for name in names]
        ) + path.read_bytes().decode("latin-1")
    assert names == [
        "base.change",
        "base.former_1",
        "base.people_1",
        *sorted(f"main.{one}" for one in TABLES if one not in ("people", "changes")),
    ]
    assert "the-" not in everything


def test_a_publication_that_fails_leaves_what_was_there(home: Workspace, monkeypatch, caplog):
    made = students(home)
    first = home.published.refresh(actor="Ana")
    home.people.add(made, {"code": "3"}, actor="Sam")

    def full(*_: object) -> None:
        raise duckdb.IOException("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("captrid_core.insight.snapshot.copy", full)
        assert home.published.refresh(actor="Ana") == first
        with pytest.raises(CaptridError):
            home.published.publish(actor="Ana")

    assert "tried again" in caplog.text
    assert [one.name for one in home.published.path.parent.iterdir()] == ["captrid.duckdb"]
    assert ask(home, "SELECT count(*) FROM people") == [(3,)]


def test_a_damaged_file_is_published_anew(home: Workspace):
    students(home)
    path = home.published.refresh(actor="Ana").path
    path.write_bytes(b"no database")

    assert ask(home, "SELECT count(*) FROM people") == [(2,)]


def test_in_the_background_it_is_published_when_the_database_was_touched(home: Workspace):
    made = students(home)
    home.published.refresh_if_touched(actor="server")
    first = home.published.current()
    assert first is not None
    assert first.by == "server"

    home.published.refresh_if_touched(actor="server")
    assert home.published.current() == first

    home.people.add(made, {"code": "3"}, actor="Sam")
    home.published.refresh_if_touched(actor="server")
    assert home.published.current() != first
