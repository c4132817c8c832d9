"""The whole flow in a real browser: from Add Connection to the chart, and a bad day."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from captrid_core.lists.model import StatusFilter
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 30_000  # milliseconds


class Dashboard:
    """The dashboard as its user sees it; widgets go by their keys."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def go(self, path: str) -> None:
        """Open a page by its address."""
        self.page.goto(self.url + path)
        self.settled()

    def settled(self) -> None:
        """Wait until the page has drawn what there is to draw."""
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-connection-state", "CONNECTED")
        expect(app).to_have_attribute("data-test-script-state", "notRunning")

    def widget(self, key: str):
        """Return a widget."""
        return self.page.locator(".st-key-" + re.sub(r"[^a-zA-Z0-9_-]", "-", key)).first

    def click(self, key: str) -> None:
        """Press a button."""
        self.widget(key).get_by_role("button").first.click()
        self.settled()

    def fill(self, key: str, text: str) -> None:
        """Type into a field and leave it."""
        field = self.widget(key).locator("input").first
        field.fill(text)
        field.press("Tab")
        self.settled()

    def shows(self, text: str) -> None:
        """Wait until a text is on the page."""
        expect(self.page.get_by_text(text).first).to_be_visible()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(users=300, seed=3).running() as running:
        yield running


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[str, Workspace]]:
    """Serve an empty home with the real command, and open the same home beside it."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "captrid_core", "--home", str(home), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout.readline, "")
        url = next(found.group(0) for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        with Workspace(Settings(home=home)) as workspace:
            yield url, workspace
        process.terminate()
        assert process.wait(20) == 0 or process.returncode in (1, 130, -15)


@pytest.fixture(scope="module")
def dashboard(served) -> Iterator[Dashboard]:
    named = os.environ.get("CAPTRID_BROWSER")
    path = named or next((found for name in BROWSERS if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1400}, reduced_motion="reduce")
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield Dashboard(page, served[0])
        browser.close()


def test_from_add_connection_to_the_chart(dashboard, served, sandbox):
    _, workspace = served
    add_connection(dashboard, sandbox)
    create_list(dashboard, sandbox)
    first_sync_is_shown(dashboard, workspace)
    a_change_in_the_directory_arrives(dashboard, workspace, sandbox)
    a_run_is_cancelled_after_a_reload(dashboard, workspace, sandbox)
    a_held_run_is_applied(dashboard, workspace, sandbox)
    the_list_is_disconnected(dashboard, workspace)


def add_connection(dashboard, sandbox):
    dashboard.go("/connections")
    dashboard.click("connection_add")
    dashboard.fill("connection_form_name", "School Entra")
    dashboard.fill("connection_form_tenant", sandbox.tenant_id)
    dashboard.fill("connection_form_client", sandbox.client_id)
    dashboard.fill("connection_form_secret", "not-the-right-one")
    dashboard.widget("connection_form_network").locator("summary").click()
    dashboard.settled()
    cloud = dashboard.widget("connection_form_cloud").get_by_role("combobox")
    cloud.press_sequentially("Custom")
    cloud.press("Enter")
    dashboard.settled()
    dashboard.fill("connection_form_authority_url", sandbox.authority_url)
    dashboard.fill("connection_form_graph_url", sandbox.graph_url)
    dashboard.fill("connection_form_ca_file", str(sandbox.ca_file))
    dashboard.click("connection_form_test")
    dashboard.shows("secret_wrong")
    dashboard.shows("Copy the secret's Value")  # the cure
    dashboard.fill("connection_form_secret", sandbox.client_secret)
    dashboard.click("connection_form_test")
    dashboard.shows("Banksia College")
    dashboard.click("connection_form_save")
    expect(dashboard.widget("connection_1")).to_contain_text("300 users")
    assert sandbox.client_secret not in dashboard.page.content()


def create_list(dashboard, sandbox):
    dashboard.go("/new_list")
    dashboard.fill("list_name", "Staff")
    dashboard.click("wizard_next")
    dashboard.click("wizard_next")
    dashboard.widget("scope_search").locator("input").first.press_sequentially("All Staff")
    dashboard.page.get_by_text("All Staff", exact=True).first.click()
    dashboard.settled()
    dashboard.page.reload()  # what was entered is kept
    dashboard.settled()
    dashboard.click("wizard_next")
    expect(dashboard.widget("uid_property")).to_contain_text("Employee ID")
    dashboard.click("wizard_next")  # refused: the UID is compulsory
    expect(dashboard.widget("uid_property")).to_be_visible()
    dashboard.widget("uid_property").get_by_text("Employee ID").first.click()
    dashboard.settled()
    dashboard.click("wizard_next")
    expect(dashboard.widget("review_people")).to_be_visible()
    dashboard.widget("wizard_finish_sync").get_by_role("button").click()
    dashboard.page.wait_for_url("**/list?**")


def staff(workspace):
    return workspace.lists.get("Staff")


def first_sync_is_shown(dashboard, workspace):
    dashboard.shows("Results")
    dashboard.shows("Succeeded")
    run = workspace.runs.last(staff(workspace).id)
    assert run.counts.created > 20
    dashboard.shows("People changed over time")
    expect(dashboard.page.locator("canvas, svg.marks, [data-testid='stVegaLiteChart']").first).to_be_visible()
    dashboard.go(f"/list?list={staff(workspace).id}")
    dashboard.shows(f"{run.counts.created} people")


def a_change_in_the_directory_arrives(dashboard, workspace, sandbox):
    group = sandbox.directory.group_id("All Staff")
    someone = min(sandbox.directory.members(group))
    sandbox.directory.update_user(someone, department="Marine biology")
    dashboard.go(f"/list?list={staff(workspace).id}&tab=Sync")
    dashboard.click("sync_now")
    run_after(dashboard, workspace, 1)
    run = workspace.runs.last(staff(workspace).id)
    assert (run.counts.updated, run.counts.created, run.counts.deactivated) == (1, 0, 0)
    dashboard.go(f"/run?run={run.id}")
    dashboard.shows(f"Run {run.id}")
    dashboard.shows("Changes")


def run_after(dashboard, workspace, number):
    """Wait in the browser until a run newer than `number` has ended and its results are shown."""
    dashboard.shows(f"Open run {number + 1}")
    assert workspace.runs.last(staff(workspace).id).id == number + 1


def a_run_is_cancelled_after_a_reload(dashboard, workspace, sandbox):
    sandbox.faults.add("throttle", match="members", times=1, retry_after=120)
    dashboard.go(f"/list?list={staff(workspace).id}&tab=Sync")
    dashboard.widget("sync_now").get_by_role("button").click()
    expect(dashboard.widget("run_live")).to_be_visible()
    dashboard.page.reload()
    expect(dashboard.widget("run_live")).to_be_visible()  # a reload loses nothing
    dashboard.widget("sync_cancel").get_by_role("button").click()
    dashboard.shows("Cancelled")
    sandbox.faults.clear()
    assert workspace.runs.last(staff(workspace).id).status == "cancelled"


def a_held_run_is_applied(dashboard, workspace, sandbox):
    group = sandbox.directory.group_id("All Staff")
    leavers = sorted(sandbox.directory.members(group))[:12]
    for one in leavers:
        sandbox.directory.remove_member(group, one)
    dashboard.go(f"/list?list={staff(workspace).id}&tab=Sync")
    dashboard.click("sync_now")
    expect(dashboard.widget("held_panel")).to_be_visible()
    before = workspace.people.find(staff(workspace), status=StatusFilter.INACTIVE).total
    assert before == 0
    dashboard.click("held_apply")
    confirm = dashboard.page.locator("[role=dialog]")
    expect(confirm).to_be_visible()
    typed = confirm.locator("input")
    if typed.count():
        typed.first.fill("12")
        typed.first.press("Tab")
        dashboard.settled()
    dashboard.click("held_apply_confirm")
    expect(dashboard.widget("held_panel")).to_have_count(0)
    assert workspace.people.find(staff(workspace), status=StatusFilter.INACTIVE).total == len(leavers)


def the_list_is_disconnected(dashboard, workspace):
    dashboard.go(f"/list?list={staff(workspace).id}&tab=Sync")
    dashboard.click("sync_disconnect")
    dashboard.click("sync_disconnect_confirm")
    expect(dashboard.widget("sync_unconnected")).to_be_visible()
    assert not staff(workspace).connected
