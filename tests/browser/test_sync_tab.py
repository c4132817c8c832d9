"""The Sync tab: previews, charts, and how the list is synced."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from captrid_core.sandbox import Sandbox
from pages import strings
from tests.browser.conftest import ACTOR, Beside
from tests.browser.screen import Screen

pytestmark = pytest.mark.browser


def test_a_preview_shows_what_a_sync_would_do_and_does_nothing(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Previewed", "Year 7 Students")
    group = quiet.directory.group_id("Year 7 Students")
    leaver, renamed, *_ = sorted(quiet.directory.members(group))
    quiet.directory.remove_member(group, leaver)
    quiet.directory.update_user(renamed, givenName="Zebedee")
    runs, counts = len(beside.workspace.runs.of_list(made.id)), beside.workspace.lists.counts(made)
    screen.go(f"/list?list={made.id}&tab=Sync")

    screen.click("sync_preview")

    screen.sees(strings.WOULD_BE)
    found = screen.metrics("run_counts_None")
    assert (found["Updated"], found["Deactivated"]) == ("1", "1")
    screen.by_key("preview_changes").locator("summary").click()
    told = {row[0]: row for row in screen.cells("preview_table", count=2)}
    assert "Zebedee" in told["Updated"]
    assert strings.REASON_WORDS["out_of_scope"] in told["Deactivated"]
    screen.shot("sync-preview")
    assert len(beside.workspace.runs.of_list(made.id)) == runs
    assert beside.workspace.lists.counts(made) == counts
    screen.click("sync_preview_close")
    expect(screen.by_key("sync_previewed")).to_have_count(0)


def test_a_preview_that_fails_says_why(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Not previewed", "Year 8 Students")
    quiet.faults.add("wrong_secret")
    screen.go(f"/list?list={made.id}&tab=Sync")
    screen.pick("sync_kind", strings.FULL_SYNC)

    screen.click("sync_preview")

    screen.sees("secret_wrong")


def test_charts_and_configuration_are_shown(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Charted", "Year 9 Students")
    members = sorted(quiet.directory.members(quiet.directory.group_id("Year 9 Students")))
    quiet.directory.update_user(members[0], givenName="Zara")
    beside.workspace.runner.sync(made.id, actor=ACTOR)
    screen.go(f"/list?list={made.id}&tab=Sync")
    screen.sees(strings.ACTIVITY_UNIT["run"], strings.ACTIVE_OVER_TIME)
    expect(screen.by_key("active_over_time").locator("canvas, svg").first).to_be_visible()
    screen.pick("activity_unit", "Month")
    screen.sees(strings.ACTIVITY_UNIT["month"])
    screen.by_key("sync_configuration").locator("summary").click()
    rows = screen.cells("sync_mappings", count=3)
    assert rows[0] == ["Employee ID", "employeeId", "Employee ID", "Text", "✓"]
    screen.sees("A sync is held when it would deactivate 5 people or more and above 10 %")
    screen.shot("sync-tab")
