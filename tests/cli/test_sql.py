"""SQL and publishing on the command line."""

from __future__ import annotations

import csv
import io

from .conftest import Cli


def test_sql_answers_in_columns_as_json_and_as_csv(by_hand: Cli):
    by_hand("person", "add", "Guests", "code=1", "name=Ada, the first", "age=12")

    query = "SELECT code, name, age FROM Guests"

    assert by_hand("sql", query).out.splitlines()[0].split() == ["code", "name", "age"]
    assert by_hand.json("sql", query) == {
        "columns": ["code", "name", "age"],
        "types": ["VARCHAR", "VARCHAR", "DOUBLE"],
        "rows": [["1", "Ada, the first", 12.0]],
        "truncated": False,
    }
    printed = by_hand("sql", query, "--csv").out
    assert list(csv.reader(io.StringIO(printed))) == [
        ["code", "name", "age"],
        ["1", "Ada, the first", "12.0"],
    ]


def test_sql_sees_every_change_at_once(by_hand: Cli):
    for number in range(3):
        by_hand("person", "add", "Guests", f"code={number}")
        assert by_hand.json("sql", "SELECT count(*) FROM people")["rows"] == [[number + 1]]


def test_sql_reads_only(by_hand: Cli):
    assert by_hand.error("sql", "DELETE FROM people")["code"] == "not_read_only"
    wrong = by_hand.error("sql", "SELECT\nnobody FROM people")
    assert (wrong["code"], wrong["line"], wrong["column"]) == ("sql_wrong", 2, 1)
    assert (
        by_hand.error(
            "sql",
            "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range + b.range) = 1",
            "--seconds",
            "0.5",
        )["code"]
        == "sql_too_slow"
    )


def test_sql_says_that_there_is_more(by_hand: Cli):
    cut = by_hand("sql", "FROM range(10)", "--limit", "2", "--json")

    assert cut.json["rows"] == [[0], [1]]
    assert cut.json["truncated"] is True
    assert "--limit" in cut.err


def test_a_sync_is_seen_with_its_run_and_changes(staff: Cli):
    run = staff.json("sync", "Staff")

    people = staff.json(
        "sql", "SELECT count(*), bool_and(managed), min(correct_as_of) IS NOT NULL FROM people"
    )
    assert people["rows"] == [[run["created"], True, True]]
    runs = staff.json("sql", "SELECT run_id::VARCHAR, status, created FROM runs")
    assert runs["rows"] == [[run["run_id"], "succeeded", run["created"]]]


def test_publish_names_the_file(by_hand: Cli):
    made = by_hand.json("publish")

    assert made["file"] == str(by_hand.home / "published" / "captrid.duckdb")
    assert made["by"] == "tester"
    assert "correct as of" in by_hand("publish").out
