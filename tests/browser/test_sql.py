"""The SQL page: asking, charts, files, saved queries, and stopping."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from playwright.sync_api import expect

from pages import strings
from tests.browser.conftest import Beside, Server
from tests.browser.screen import NewScreen, Screen

pytestmark = pytest.mark.browser


def write(screen: Screen, statement: str) -> None:
    screen.by_key("sql_statement").locator("textarea").fill(statement)


def ask(screen: Screen, statement: str) -> None:
    write(screen, statement)
    screen.by_key("sql_statement").locator("textarea").press("Control+Enter")
    screen.settle()


def test_a_query_is_answered_as_a_table_a_chart_and_files(screen: Screen, beside: Beside):
    beside.synced_list("Asked", "Year 7 Students")
    screen.go("/sql")

    ask(
        screen,
        "SELECT status, count(*) AS people, '=1+1' AS formula FROM people WHERE list = 'Asked' GROUP BY ALL",
    )

    [row] = screen.cells("sql_rows", count=1)
    assert row[0] == "active"
    assert int(row[1]) > 5
    screen.shot("sql")
    files = {}
    for ending in ("csv", "xlsx", "parquet"):
        with screen.page.expect_download() as download:
            screen.by_key(f"sql_export_{ending}").get_by_role("button").click()
        files[ending] = download.value.path().read_bytes()
    assert files["csv"].decode() == f"status,people,formula\nactive,{row[1]},'=1+1\n"
    assert files["xlsx"][:2] == b"PK"
    assert pd.read_parquet(io.BytesIO(files["parquet"])).formula.tolist() == ["=1+1"]
    screen.tab(strings.SQL_TAB_CHART)
    expect(screen.by_key("sql_chart").locator("canvas, svg").first).to_be_visible()
    screen.shot("sql-chart")


def test_what_is_wrong_is_said_with_its_place(screen: Screen):
    screen.go("/sql")

    ask(screen, "SELECT *\nFORM people")
    screen.sees("line 2, column 6", "sql_wrong")
    ask(screen, "DROP TABLE lists")
    screen.sees("not_read_only")


def test_a_query_is_cancelled(screen: Screen):
    screen.go("/sql")
    write(screen, "SELECT sum(hash(a.range, b.range)) FROM range(1000000) a, range(1000000) b")
    screen.by_key("sql_run").get_by_role("button").click()
    cancel = screen.by_key("sql_cancel").get_by_role("button")
    cancel.wait_for()
    screen.shot("sql-running")

    cancel.click()

    screen.sees("The query was cancelled.")


def test_a_saved_query_has_a_link_that_others_open(screen: Screen, window: NewScreen, server: Server):
    screen.go("/sql")
    ask(screen, "SELECT 4711 AS number")
    screen.click("sql_saving")
    screen.type("sql_save_name", "My *number*")
    screen.click("sql_save")
    expect(screen.page).to_have_url(f"{server.url}/sql?q=1")

    other = window(server, width=390)
    other.go("/sql?q=1")
    expect(other.by_key("sql_statement").locator("textarea")).to_have_value("SELECT 4711 AS number")
    other.click("sql_run")
    assert other.cells("sql_rows", count=1) == [["4711"]]
    other.shot("sql-narrow")


def test_examples_and_what_there_is_are_offered(window: NewScreen, server: Server, beside: Beside):
    beside.synced_list("Offered", "Year 8 Students")
    screen = window(server, dark=True)
    screen.go("/sql")

    screen.choose("sql_examples", strings.SQL_EXAMPLE_WORDS["new_starters"])
    screen.click("sql_run")
    assert screen.cells("sql_rows")
    screen.choose("sql_table", "changes")
    columns = {row[0]: row for row in screen.cells("sql_columns")}
    assert columns["actor"][2] == "Who: of a run, whoever started it."
    screen.by_key("sql_tools").locator("summary").click()
    screen.sees(str(server.home / "published" / "captrid.duckdb"))
    screen.shot("sql-dark")
