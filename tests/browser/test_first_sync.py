"""The whole way, as somebody goes it for the first time: connect, create, sync, and sync again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from captrid_core.sandbox import Sandbox
from pages import strings
from tests.browser.conftest import Beside, Server
from tests.browser.screen import Screen

pytestmark = pytest.mark.browser

GROUP = "All Staff"


def test_from_no_connection_to_a_second_sync(
    screen: Screen, server: Server, sandbox: Sandbox, beside: Beside
):
    lead_by_hand(screen)
    add_a_connection(screen, sandbox, server)
    staff = create_a_list(screen, sandbox)
    see_the_first_results(screen, staff)
    change_and_sync_again(screen, sandbox, beside)
    assert "Traceback" not in server.log.read_text()


def lead_by_hand(screen: Screen) -> None:
    screen.go("/")
    screen.sees(strings.WELCOME, strings.STEP_CONNECT, strings.STEP_CREATE, strings.STEP_SYNC)
    screen.shot("flow-1-welcome")
    screen.click("first_step_1")
    screen.sees(strings.NO_CONNECTIONS)


def add_a_connection(screen: Screen, sandbox: Sandbox, server: Server) -> None:
    screen.click("connection_add")
    screen.type("connection_form_name", "School Entra")
    screen.type("connection_form_tenant", sandbox.tenant_id)
    screen.type("connection_form_client", sandbox.client_id)
    screen.by_key("connection_form_network").locator("summary").click()
    screen.settle()
    screen.choose("connection_form_cloud", strings.CUSTOM_CLOUD)
    screen.type("connection_form_authority_url", sandbox.authority_url)
    screen.type("connection_form_graph_url", sandbox.graph_url)
    screen.type("connection_form_ca_file", str(sandbox.ca_file))

    # the wrong secret first: the cause, the cure and the code; by keyboard over the field's eye
    secret = screen.by_key("connection_form_secret").locator("input")
    secret.fill("wrong-secret")
    secret.press("Tab")
    screen.page.keyboard.press("Tab")
    screen.click("connection_form_test")
    screen.sees("The client secret is wrong", "Copy the secret's Value", "secret_wrong")
    screen.shot("flow-2-wrong-secret")

    secret.fill(sandbox.client_secret)
    screen.click("connection_form_test")
    screen.sees("Connected to Banksia College: 300 users and 58 groups found.", "User.Read.All")
    screen.shot("flow-3-right-secret")
    screen.click("connection_form_save")

    expect(screen.dialog()).to_have_count(0)
    screen.sees("School Entra", "Connected", "300 users", "58 groups", "Banksia College")
    screen.shot("flow-4-connections")

    # never shown again, neither here nor in what the page holds
    screen.click("connection_edit_1")
    assert screen.by_key("connection_form_secret").locator("input").input_value() == ""
    assert sandbox.client_secret not in screen.page.content()
    screen.close_dialog()
    assert sandbox.client_secret not in server.log.read_text()


def create_a_list(screen: Screen, sandbox: Sandbox) -> int:
    """Go through the wizard and return how many people the list has to have: those with a UID."""
    staff = len(sandbox.directory.members(sandbox.directory.group_id(GROUP)))
    screen.go("/")
    screen.click("first_step_2")
    screen.type("list_name", "Staff")
    screen.click("wizard_next")
    screen.sees(strings.CHOOSE_CONNECTION, "Banksia College")
    screen.click("wizard_next")

    screen.sees("Everyone in the directory: 300 users")
    screen.search("scope_search", "alumni")
    screen.pick("scope_group", "Alumni Association")
    screen.sees("0 users found in this group.")
    screen.shot("flow-5-nobody")
    screen.search("scope_search", "students")
    screen.pick("scope_group", "All Students")
    screen.sees("0 users found in this group.")
    screen.pick("scope_nested", strings.NESTED)
    screen.sees("with nested groups")
    screen.pick("scope_nested", strings.NESTED)
    screen.search("scope_search", "staff")
    screen.pick("scope_group", GROUP)
    screen.sees(f"{staff} people")
    screen.shot("flow-6-scope")

    # a reload loses nothing
    screen.reload()
    screen.sees(f"{staff} people", strings.DRAFT_SAVED.format(ago="just now"))
    screen.click("wizard_next")

    screen.sees("6 fields mapped automatically", f"{staff} of {staff} have a value", "recommended")
    screen.click("wizard_next")
    screen.sees(strings.UID_CHOOSE)
    screen.by_key("uid_property").get_by_text("Employee ID").first.click()
    screen.settle()
    # a field of the list's own, created by typing its name
    screen.choose("mapping_show", strings.SHOW_UNMAPPED)
    screen.choose("map_officeLocation", "Room")
    screen.choose("mapping_show", strings.SHOW_MAPPED)
    screen.sees(f"{strings.NEW_FIELDS} (7)")
    screen.shot("flow-7-mapping")
    screen.click("wizard_next")

    screen.sees(strings.REVIEW_PEOPLE, strings.REVIEW_INTRO)
    first = screen.cells("review_people")[0]
    assert len([cell for cell in first if cell]) >= 6
    screen.click("dry_run_start")
    screen.sees(strings.WOULD_BE)
    assert (found := screen.metrics("run_counts_None"))["Created"] == str(with_uid(sandbox))
    assert found[strings.SKIPPED] == "1"
    screen.shot("flow-8-review")

    screen.sees("would be skipped")  # somebody has no employee id

    # slow enough to be seen
    sandbox.faults.add("throttle", match="members", times=1, retry_after=3)
    screen.by_key("wizard_finish_sync").get_by_role("button").click()
    screen.page.wait_for_url("**/list?**")
    return with_uid(sandbox)


def with_uid(sandbox: Sandbox) -> int:
    members = sandbox.directory.members(sandbox.directory.group_id(GROUP))
    return sum(1 for one in members if sandbox.directory.user(one).get("employeeId"))


def see_the_first_results(screen: Screen, staff: int) -> None:
    screen.sees(strings.RUNNING, "Waiting: The directory asks for slower requests.")
    screen.shot("flow-9-live")
    # a reload does not lose sight of it
    screen.page.reload()
    screen.sees(strings.RUNNING, "by Alex Admin")
    expect(screen.by_key("sync_now").get_by_role("button")).to_be_disabled()

    screen.sees(strings.RESULTS, "Succeeded")
    screen.settle()
    expect(screen.by_key("sync_kind").get_by_role("radio", name=strings.DELTA_SYNC)).to_be_checked()
    assert screen.metrics("run_counts_1") == {
        "Created": str(staff),
        "Updated": "0",
        "Deactivated": "0",
        "Reactivated": "0",
        strings.UNCHANGED: "0",
        strings.SKIPPED: "1",
        strings.ERRORS: "1",
    }
    screen.by_key("results_errors").locator("summary").click()
    assert "missing_uid" in screen.cells("results_errors_list")[0]
    assert screen.metrics("list_counts") == {
        strings.TOTAL: str(staff),
        strings.ACTIVE: str(staff),
        strings.SYNCED: str(staff),
    }
    (run,) = screen.cells("history", count=1)
    assert "Succeeded" in run
    assert str(staff) in run
    expect(screen.by_key("activity").locator("canvas, svg").first).to_be_visible()
    screen.shot("flow-10-results")


def change_and_sync_again(screen: Screen, sandbox: Sandbox, beside: Beside) -> None:
    members = sandbox.directory.members(sandbox.directory.group_id(GROUP))
    (first, second, *_) = sorted(one for one in members if sandbox.directory.user(one).get("employeeId"))
    uid = sandbox.directory.user(first)["employeeId"]
    # names that would be pictures and links if a page took them for Markdown
    sandbox.directory.update_user(first, jobTitle="![x](http://evil.example/x.png)")
    sandbox.directory.remove_member(sandbox.directory.group_id(GROUP), second)
    screen.click("sync_now")
    screen.sees("Open run 2")
    screen.settle()
    counts = screen.metrics("run_counts_2")
    assert (counts["Created"], counts["Updated"], counts["Deactivated"]) == ("0", "1", "1")
    assert beside.workspace.people.get(beside.workspace.lists.get("Staff"), uid).values["job_title"] == (
        "![x](http://evil.example/x.png)"
    )

    screen.page.get_by_role("link", name="Open run 2").click()
    screen.sees("Run 2 · Staff")
    screen.settle()
    assert sorted(row[0] for row in screen.cells("changes_2", count=2)) == ["Deactivated", "Updated"]
    screen.choose("changes_action_2", "Updated")
    (updated,) = screen.cells("changes_2", count=1)
    assert updated[1] == uid
    assert updated[3] == "Job title"
    assert updated[5] == "![x](http://evil.example/x.png)"
    screen.shot("flow-11-run")

    # every run has an address of its own, and the history leads there
    screen.go("/list?list=1&tab=Sync")
    screen.select_row("history", 1)
    screen.sees("Run 1 · Staff")
    screen.go("/")
    screen.sees("Staff", strings.CORRECT_AS_OF.format(ago=""))
    screen.shot("flow-12-home")
