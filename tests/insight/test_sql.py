"""Queries: what they answer, what is wrong with them, and that they can be stopped."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from captrid_core.errors import AlreadyExists, Cancelled, Invalid, NotFound, NotReadOnly
from captrid_core.insight.sql import SqlTooLarge, SqlTooSlow, SqlWrong
from captrid_core.lists.model import Field
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace(Settings(home=tmp_path_factory.mktemp("home")), linger=60) as opened:
        made = opened.lists.create("Staff", uid_field="code", fields=[Field("code")], actor="tester")
        opened.people.add(made, {"code": "1001"}, actor="tester")
        yield opened


def test_values_of_every_type_come_as_json_has_them(home: Workspace):
    found = home.sql.run(
        """SELECT 1 AS i, 1.5 AS d, 1e300 * 1e300 AS inf, true AS b, 'é\n"' AS t, NULL AS n, DATE '2026-03-03' AS day,
                  TIMESTAMP '2026-03-03 10:00:00' AS ts, TIMESTAMPTZ '2026-03-03 10:00:00+10' AS tz, TIME '10:00' AS at_,
                  [1, 2] AS l, {'a': 1} AS s, 'ab'::BLOB AS blob, 170141183460469231731687303715884105727 AS huge""",
        actor="Ana",
    )

    assert found.rows == [
        (
            *(
                1,
                1.5,
                "inf",
                True,
                'é\n"',
                None,
                "2026-03-03",
                "2026-03-03 10:00:00",
                "2026-03-03 00:00:00+00:00",
            ),
            *("10:00:00", "[1, 2]", '{"a": 1}', "6162", 170141183460469231731687303715884105727),
        )
    ]
    assert found.types[:2] == ("INTEGER", "DECIMAL(2,1)")


@pytest.mark.parametrize(
    "query",
    [
        "SHOW TABLES",
        "DESCRIBE people",
        "SUMMARIZE people",
        "EXPLAIN FROM people",
        "VALUES (1)",
        "FROM people;",
    ],
)
def test_whatever_reads_is_answered(home: Workspace, query: str):
    assert home.sql.run(query, actor="Ana").rows


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [
        ("SELECT * FORM people", 1, 15),
        ("SELECT *\nFROM people\nWHERE nothing = 1", 3, 7),
        ("SELECT 'é', nothing FROM people", 1, 13),
        ("SELECT uid\nFROM nobody", 2, 6),
        ("SELECT *\n" + " " * 200 + "FORM people", 2, 206),
    ],
)
def test_errors_say_where(home: Workspace, query: str, line: int, column: int):
    with pytest.raises(SqlWrong) as wrong:
        home.sql.run(query, actor="Ana")

    assert wrong.value.details == {"line": line, "column": column}
    assert f"(line {line}, column {column})" in wrong.value.message


def test_rows_are_cut_off_where_asked(home: Workspace):
    assert not home.sql.run("FROM range(5)", actor="Ana", limit=5).truncated
    found = home.sql.run("FROM range(6)", actor="Ana", limit=5)
    assert (len(found.rows), found.truncated) == (5, True)


def test_a_slow_query_is_ended(home: Workspace):
    with pytest.raises(SqlTooSlow, match=r"0\.5 seconds"):
        home.sql.run(
            "SELECT sum(hash(a.range, b.range)) FROM range(1000000) a, range(1000000) b",
            actor="Ana",
            seconds=0.5,
        )


def test_a_large_statement_is_refused(home: Workspace):
    with pytest.raises(SqlTooLarge):
        home.sql.run("SELECT 1" + " " * 200_000, actor="Ana")


def test_a_query_is_cancelled(home: Workspace):
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()

    with pytest.raises(Cancelled):
        home.sql.run(
            "SELECT sum(hash(a.range, b.range)) FROM range(1000000) a, range(1000000) b",
            actor="Ana",
            stop=stop,
        )

    assert home.sql.run("SELECT 1", actor="Ana").rows == [(1,)]


def test_a_process_that_is_ready_answers_once(home: Workspace):
    for number in range(3):
        home.sql.warm()
        home.sql.warm()
        assert home.sql.run(f"SELECT {number}", actor="Ana").rows == [(number,)]
    home.sql.warm()
    home.sql.close()
    assert home.sql.run("SELECT 1", actor="Ana").rows == [(1,)]


def test_what_was_asked_is_kept_for_whoever_asked(home: Workspace):
    home.sql.run("SELECT 41", actor="Ben")
    with pytest.raises(NotReadOnly):
        home.sql.run("DROP TABLE lists", actor="Ben")
    home.sql.run("SELECT 41", actor="Ben")

    asked = home.saved_queries.asked("Ben")

    assert [(one.query, one.outcome) for one in asked] == [
        ("SELECT 41", "done"),
        ("DROP TABLE lists", "not_read_only"),
    ]
    assert home.saved_queries.asked("Nobody") == []


def test_saved_queries_are_shared_and_their_names_unique(home: Workspace):
    saved = home.saved_queries
    first = saved.save("Leavers", "SELECT 1", actor="Ana")

    with pytest.raises(AlreadyExists):
        saved.save(" leavers ", "SELECT 2", actor="Ben")
    again = saved.save("leavers", "SELECT 2", actor="Ben", replace=True)

    assert again.id == first.id
    assert [(one.name, one.query, one.actor) for one in saved.all()] == [("leavers", "SELECT 2", "Ben")]
    assert saved.get(first.id).query == "SELECT 2"
    with pytest.raises(Invalid):
        saved.save(" ", "SELECT 1", actor="Ana")
    saved.delete(first.id, actor="Ana")
    with pytest.raises(NotFound):
        saved.get(first.id)
