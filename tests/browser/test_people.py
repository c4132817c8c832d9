"""The People tab: editing in the table, deciding over many, choosing columns, taking people away as files."""

from __future__ import annotations

import json

import duckdb
import pytest
from playwright.sync_api import expect

from captrid_core.lists.model import StatusFilter
from captrid_core.sandbox import Sandbox
from pages import strings
from tests.browser.conftest import ACTOR, Beside
from tests.browser.screen import Screen

pytestmark = pytest.mark.browser


def test_local_fields_are_edited_in_the_table_and_saved_together(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Table", "Homeroom 10A")
    first, second, *_ = beside.workspace.people.find(made).people
    screen.go(f"/list?list={made.id}")
    screen.pick("people_mode", strings.MODE_EDIT)
    expect(screen.by_key("people_edit_save").get_by_role("button")).to_be_disabled()
    screen.edit_cell("people_editor", 0, 3, "A1")
    screen.edit_cell("people_editor", 1, 3, "=A2")
    screen.sees(strings.SAVE_N.format(changes="2 changes"))
    expect(screen.by_key("people_search").locator("input").first).to_be_disabled()
    screen.shot("people-edit")
    assert beside.workspace.people.get(made, first.uid or "").values["locker"] is None

    screen.click("people_edit_save")

    screen.sees(strings.PEOPLE_SAVED.format(people="2 people"))
    assert beside.workspace.people.get(made, first.uid or "").values["locker"] == "A1"
    assert beside.workspace.people.get(made, second.uid or "").values["locker"] == "=A2"


def test_a_locked_cell_cannot_be_edited_in_the_table(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Locked", "Homeroom 11A")
    screen.go(f"/list?list={made.id}")
    screen.pick("people_mode", strings.MODE_EDIT)

    screen.edit_cell("people_editor", 0, 1, "Hacked")

    expect(screen.by_key("people_edit_save").get_by_role("button")).to_be_disabled()
    assert not beside.workspace.people.find(made, search="Hacked").total


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Conflict", "Homeroom 12A")
    person = beside.workspace.people.find(made).people[0]
    uid = person.uid or ""
    screen.go(f"/list?list={made.id}")
    screen.pick("people_mode", strings.MODE_EDIT)
    screen.edit_cell("people_editor", 0, 3, "mine")
    beside.workspace.people.set_values(made, uid, {"locker": "theirs"}, actor=ACTOR)

    screen.click("people_edit_save")

    screen.sees("Nothing was saved.", "you entered “mine”, now it is “theirs”")
    assert beside.workspace.people.get(made, uid).values["locker"] == "theirs"


def test_several_people_are_deactivated_together_and_the_table_says_why(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Several", "Homeroom 7B")
    total = beside.workspace.lists.counts(made).total
    screen.go(f"/list?list={made.id}")
    screen.pick("people_mode", strings.MODE_SELECT)
    screen.select_row("people_table", 0)
    screen.select_row("people_table", 2)
    screen.sees(strings.CHOSEN.format(people="2 people"))
    screen.shot("people-select")
    screen.click("bulk_deactivate")
    expect(screen.dialog()).to_contain_text("2 people of “Several” become Inactive.")
    screen.click("bulk_confirm")

    screen.sees(strings.BULK_DEACTIVATED.format(people="2 people"))
    assert beside.workspace.lists.counts(made).active == total - 2
    screen.choose("people_status", strings.INACTIVE)
    assert all(
        strings.BY_HAND.format(actor="Alex Admin") in row for row in screen.cells("people_table", count=2)
    )
    screen.shot("people-inactive")


def test_columns_are_hidden_and_stay_so(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Columns", "Homeroom 8B")
    screen.go(f"/list?list={made.id}")
    before = len(screen.cells("people_table")[0])
    screen.click("people_columns")
    screen.page.get_by_test_id("stPopoverBody").get_by_text("Locker", exact=True).click()
    screen.settle()
    screen.page.keyboard.press("Escape")
    assert len(screen.cells("people_table")[0]) == before - 1

    screen.choose("people_status", strings.ALL)

    assert len(screen.cells("people_table")[0]) == before  # Status has come, Locker stays away


@pytest.mark.parametrize("ending", [".xlsx", ".parquet", ".json"])
def test_people_are_taken_away_in_other_formats(
    screen: Screen, quiet: Sandbox, beside: Beside, ending: str, tmp_path
):
    known = [one for one in beside.workspace.lists.all() if one.name == "Formats"]
    made = known[0] if known else beside.synced_list("Formats", "Homeroom 9B")
    uids = {one.uid for one in beside.workspace.people.find(made, status=StatusFilter.ALL).people}
    screen.go(f"/list?list={made.id}")
    screen.by_key("export").get_by_role("button").first.click()
    with screen.page.expect_download() as download:
        screen.by_key(f"export{ending}").get_by_role("button").click()

    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    if ending == ".xlsx":
        assert file.read_bytes()[:2] == b"PK"
    elif ending == ".json":
        assert {one["employee_id"] for one in json.loads(file.read_text())} == uids
    else:
        found = duckdb.connect().execute("SELECT employee_id FROM read_parquet(?)", [str(file)]).fetchall()
        assert {one for (one,) in found} == uids
