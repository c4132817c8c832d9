"""The SQL page's examples answer, whatever lists there are; results become files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from captrid_core.errors import Invalid
from captrid_core.insight.sql_examples import examples
from captrid_core.insight.sql_export import export_result
from captrid_core.lists.model import Field
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(Settings(home=tmp_path), linger=60) as opened:
        fields = [Field("code"), Field("department"), Field("select")]
        made = opened.lists.create("Staff", uid_field="code", fields=fields, actor="tester")
        for number in range(3):
            person = {"code": str(number), "department": "Arts"} | ({"select": "x"} if number else {})
            opened.people.add(made, person, actor="tester")
        for room in ("a", "b", "c"):
            opened.people.set_values(made, "1", {"select": room}, actor="tester")
        opened.people.set_status(made, "2", active=False, actor="tester")
        yield opened


def test_the_examples_answer_what_they_say(home: Workspace):
    answers = {
        key: home.sql.run(query, actor="Ana").rows for key, query in examples(home.lists.all()).items()
    }

    assert sorted(row[1] for row in answers["new_starters"]) == ["0", "1", "2"]
    assert answers["leavers"] == [("Arts", 1)]
    assert [row[0] for row in answers["without_value"]] == ["0"]
    assert answers["fields_that_change"] == [("Staff", "select", 3, 1)]
    assert answers["changed_twice"] == [("Staff", "1", "select", 3)]


def test_examples_for_lists_without_a_department_count_by_list(home: Workspace):
    home.lists.create("Guests", uid_field="code", fields=[Field("code")], actor="tester")

    query = examples([home.lists.get("Guests")])["leavers"]

    assert home.sql.run(query, actor="Ana").rows == [("Staff", 1)]


def test_a_result_is_exported_with_its_types_and_without_formulas(home: Workspace):
    result = home.sql.run(
        """SELECT 1 AS n, 1.25 AS d, '=cmd()' AS t, DATE '2026-03-03' AS day, NULL AS nothing, [1] AS l, 2 AS n,
                  1e300 * 1e300 AS inf, TIMESTAMP '2026-03-03 10:00:00' AS ts, true AS yes""",
        actor="Ana",
    )

    csv = export_result(result, ".csv").decode()
    assert csv == (
        "n,d,t,day,nothing,l,n_7,inf,ts,yes\n1,1.25,'=cmd(),2026-03-03,,[1],2,,2026-03-03 10:00:00,True\n"
    )
    with zipfile.ZipFile(io.BytesIO(export_result(result, ".xlsx"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<v>1.25</v>" in sheet
    with pytest.raises(Invalid):
        export_result(result, ".exe")


def test_a_parquet_file_keeps_the_types(home: Workspace, tmp_path: Path):
    result = home.sql.run("SELECT 1 AS n, 'x' AS t, TIMESTAMP '2026-03-03 10:00:00' AS ts", actor="Ana")
    file = tmp_path / "result.parquet"
    file.write_bytes(export_result(result, ".parquet"))

    with duckdb.connect() as reader:
        found = reader.execute(f"DESCRIBE FROM '{file}'").fetchall()
    assert [(row[0], row[1]) for row in found] == [("n", "INTEGER"), ("t", "VARCHAR"), ("ts", "TIMESTAMP")]


def test_an_empty_result_is_exported(home: Workspace):
    result = home.sql.run("SELECT 1 AS n WHERE false", actor="Ana")

    assert export_result(result, ".csv") == b"n\n"
