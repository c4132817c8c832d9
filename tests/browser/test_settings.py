"""Schedules, Organisation Settings and notifications in the dashboard."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from captrid_core.sandbox import Sandbox
from pages import strings
from tests.browser.conftest import ACTOR, Beside, wait_for
from tests.browser.screen import Screen

pytestmark = pytest.mark.browser


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Return the address of a webhook on this machine, and what it gets."""
    got: list[dict[str, object]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_schedule_is_set_and_the_server_runs_what_is_due(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Scheduled", "Year 7 Students")
    screen.go(f"/list?list={made.id}&tab=Sync")
    screen.sees(strings.NO_SCHEDULE)
    screen.click("schedule_change")
    screen.pick("schedule_form_rhythm", strings.SCHEDULE_CRON)
    screen.by_key("schedule_form_cron").locator("input").fill("61 * * * *")
    screen.settle()
    expect(screen.dialog()).to_contain_text("is no schedule")
    screen.by_key("schedule_form_cron").locator("input").fill("30 6 * * 1-5")
    screen.settle()
    expect(screen.dialog()).to_contain_text("Next, in your time zone")
    screen.shot("schedule")
    screen.click("schedule_form_save")
    screen.sees(strings.SCHEDULE_SAVED, "30 6 * * 1-5")

    runs = len(beside.workspace.runs.of_list(made.id))
    with beside.workspace.database.write() as cursor:
        cursor.execute("UPDATE schedule SET next_due = next_due - INTERVAL 10 DAY")
    wait_for(lambda: len(beside.workspace.runs.of_list(made.id)) > runs, seconds=60)
    last = beside.workspace.runs.last(made.id)
    assert last is not None
    assert last.actor == "schedule"


def test_the_organisation_is_set_up(screen: Screen, quiet: Sandbox, beside: Beside):
    screen.go("/settings")
    screen.type("organisation_name", "Banksia College")
    screen.choose("organisation_zone", "Australia/Sydney")
    screen.click("organisation_save")
    screen.sees(strings.SETTINGS_SAVED)
    screen.pick("new_lists_guests", strings.EXCLUDE_GUESTS)
    screen.type("new_lists_deactivate_count", "9")
    screen.click("new_lists_save")
    screen.shot("settings")

    wait_for(lambda: beside.workspace.organisation.get().new_lists.exclude_guests)
    found = beside.workspace.organisation.get()
    assert (found.name, found.time_zone, found.new_lists.guards.deactivate_count) == (
        "Banksia College",
        "Australia/Sydney",
        9,
    )
    screen.go("/new_list")
    screen.type("list_name", "Begins with these")
    (draft,) = [
        one for one in beside.workspace.drafts.all("create") if one.content["name"] == "Begins with these"
    ]
    assert (draft.content["exclude_guests"], draft.content["deactivate_count"]) == (True, 9)


def test_a_webhook_is_set_up_tested_and_told_of_a_failure(
    screen: Screen, quiet: Sandbox, beside: Beside, hook
):
    url, got = hook
    made = beside.synced_list("Told", "Year 8 Students")
    screen.go("/settings")
    screen.type("webhook_url", "http://hooks.example.org/")
    screen.click("webhook_save")
    screen.sees("would be sent to unencrypted")
    screen.type("webhook_url", url)
    screen.type("webhook_secret", "sign-with-this")
    screen.click("webhook_save")
    screen.sees(strings.SETTINGS_SAVED)
    screen.click("webhook_test")
    screen.sees(strings.TEST_SENT)
    assert got[-1]["event"] == "test"
    assert "sign-with-this" not in screen.page.content()

    quiet.faults.add("wrong_secret", times=None)
    beside.workspace.runner.sync(made.id, actor=ACTOR)
    wait_for(lambda: any(one.get("name") == "Told" for one in got), seconds=60)
    screen.go("/settings")
    screen.by_key("notifications_sent").locator("summary").click()
    assert any("The sync of “Told” failed" in row for row in screen.cells("notifications_latest"))
    screen.shot("settings-notifications")
    screen.click("webhook_off")
    screen.sees(strings.SWITCHED_OFF)
    assert beside.workspace.notifications.channel("webhook") is None


def test_what_an_it_administrator_needs_to_know_can_be_copied(screen: Screen):
    screen.go("/connections")
    if not screen.page.get_by_text("GroupMember.Read.All (reads groups").is_visible():
        screen.by_key("ask_it").locator("summary").click()

    screen.sees("User.Read.All (reads people)", "Grant admin consent")
