"""“Why is this person (not) in my list?” in the dashboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from captrid_core.sandbox import Sandbox
from pages import strings
from tests.browser.conftest import Beside
from tests.browser.screen import Screen

pytestmark = pytest.mark.browser


def test_somebody_who_is_missing_is_explained_where_the_search_found_nobody(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Missing", "Year 7 Students")
    quiet.directory.add_user(displayName="Zelda Absent", employeeId="Z-1", givenName="Zelda")
    screen.go(f"/list?list={made.id}")
    screen.search("people_search", "zelda absent")
    screen.sees(strings.NOBODY_FITS)

    screen.click("why_not_found")
    screen.by_key("why_ask").get_by_role("button").click()

    expect(screen.dialog()).to_contain_text("Not a member of the group “Year 7 Students”")
    expect(screen.dialog()).to_contain_text("Add the account to the group in Entra.")
    screen.settle()
    screen.shot("why-not")


def test_whom_is_meant_can_be_chosen_and_their_values_are_explained(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Meant", "Year 8 Students")
    one, other, *_ = sorted(quiet.directory.members(quiet.directory.group_id("Year 8 Students")))
    for number, user in enumerate((one, other)):
        quiet.directory.update_user(user, displayName=f"Twin {number}", givenName=f"Twin{number}")
    screen.go(f"/list?list={made.id}")
    screen.click("why_open")
    screen.by_key("why_who").locator("input").fill("Twin")
    screen.click("why_ask")
    expect(screen.dialog()).to_contain_text("Several people fit “Twin”")
    screen.click("why_choose_0")
    expect(screen.dialog()).to_contain_text("is in “Meant”, as the directory says.")
    screen.by_key("why_fields").locator("summary").click()
    rows = screen.cells("why_values_table")
    assert any("the directory has “Twin" in cell for row in rows for cell in row)
    screen.shot("why")


def test_a_persons_panel_tells_where_each_value_comes_from(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Panel", "Year 9 Students")
    screen.go(f"/list?list={made.id}")
    screen.select_row("people_table", 0)
    screen.dialog().get_by_text(strings.WHY_VALUES).click()
    screen.click("why_values")

    rows = screen.cells("why_values_table", count=5)
    assert rows[0][2] == "From employeeId, as it is in the directory now."
    assert rows[3][2] == "Kept by hand."
