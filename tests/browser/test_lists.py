"""A list from day to day: cancelling, deciding over held runs, people, and disconnecting."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect

from captrid_core.lists.model import StatusFilter
from captrid_core.sandbox import Sandbox
from captrid_core.sync.runs import RunKind, RunStatus
from pages import strings
from tests.browser.conftest import ACTOR, Beside, wait_for
from tests.browser.screen import NewScreen, Screen

pytestmark = pytest.mark.browser


def test_a_run_is_cancelled_after_a_reload_and_changes_nothing(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Cancelled", "Year 7 Students")
    quiet.faults.add("throttle", match="delta", times=1, retry_after=60)
    screen.go(f"/list?list={made.id}&tab=Sync")
    screen.click("sync_now")
    screen.sees(strings.RUNNING)
    screen.reload()
    screen.sees(strings.RUNNING)

    screen.by_key("sync_cancel").get_by_role("button").click()

    screen.sees("The sync was cancelled. Nothing was changed.", "Cancelled")
    screen.settle()
    expect(screen.by_key("sync_now").get_by_role("button")).to_be_enabled()
    last = beside.workspace.runs.last(made.id)
    assert last is not None
    assert last.status is RunStatus.CANCELLED


def test_a_run_of_another_process_is_seen_and_can_be_stopped(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Elsewhere", "Year 8 Students")
    screen.go(f"/list?list={made.id}&tab=Sync")
    quiet.faults.add("throttle", match="members", times=1, retry_after=60)
    elsewhere = threading.Thread(
        target=beside.workspace.runner.sync, args=(made.id,), kwargs={"actor": ACTOR}
    )
    elsewhere.start()
    try:
        # nobody touches the page
        screen.sees(strings.RUNNING, f"by {ACTOR}")

        screen.by_key("sync_cancel").get_by_role("button").click()
        screen.sees("The sync was cancelled. Nothing was changed.")
    finally:
        elsewhere.join(timeout=20)
    assert not elsewhere.is_alive()


def test_a_held_run_is_looked_through_and_applied(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Held", "Year 9 Students")
    group = quiet.directory.group_id("Year 9 Students")
    members = sorted(quiet.directory.members(group))
    leavers = members[: len(members) // 2]
    for one in leavers:
        quiet.directory.remove_member(group, one)
    screen.go(f"/list?list={made.id}&tab=Sync")
    screen.click("sync_now")
    screen.sees(strings.HELD_TITLE, f"would deactivate {len(leavers)} of {len(members)}")
    screen.settle()
    assert screen.metrics("list_counts")[strings.ACTIVE] == str(len(members))
    held = beside.workspace.runs.last(made.id)
    assert held is not None
    screen.search(f"changes_search_{held.id}", quiet.directory.user(leavers[0])["employeeId"])
    assert [row[0] for row in screen.cells(f"changes_{held.id}", count=1)] == ["Deactivated"]
    screen.shot("held")

    screen.go("/")
    screen.sees(strings.NEEDS_ATTENTION, "Held: a sync waits for your decision")
    screen.go(f"/list?list={made.id}&tab=Sync")
    screen.click("held_apply")
    expect(screen.dialog()).to_contain_text(f"Deactivated: {len(leavers)} people")
    screen.click("held_apply_confirm")

    screen.sees(strings.HELD_APPLIED.format(run=held.id))
    screen.sees_not(strings.HELD_TITLE)
    assert screen.metrics("list_counts")[strings.ACTIVE] == str(len(members) - len(leavers))


def test_a_delta_brings_what_changed_in_the_directory(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Delta", "Year 8 Students")
    directory = quiet.directory
    group = directory.group_id("Year 8 Students")
    renamed, removed, deleted, *_ = sorted(directory.members(group))
    names = {one: directory.user(one)["employeeId"] for one in (renamed, removed, deleted)}
    directory.update_user(renamed, givenName="Zebedee")
    directory.remove_member(group, removed)
    directory.delete_user(deleted)
    joined = directory.add_user(employeeId="joiner-1", givenName="Joiner", surname="New")
    directory.add_member(group, joined)

    screen.go(f"/list?list={made.id}&tab=Sync")
    screen.sees(strings.DELTA_LINK)
    screen.click("sync_now")
    screen.settle()
    screen.sees("Succeeded", "Delta Sync")
    run = beside.workspace.runs.last(made.id)
    assert run is not None
    counts = run.counts
    assert (run.kind, counts.read, counts.created, counts.updated, counts.deactivated) == (
        RunKind.DELTA,
        2,
        1,
        1,
        2,
    )
    screen.go(f"/run?run={run.id}")
    cells = screen.cells(f"changes_{run.id}", count=4)
    told = {(row[0], row[1]): row for row in cells}
    assert strings.REASON_WORDS["out_of_scope"] in told["Deactivated", names[removed]]
    assert strings.REASON_WORDS["recycle_bin"] in told["Deactivated", names[deleted]]
    assert "Zebedee" in told["Updated", names[renamed]]
    assert ("Created", "joiner-1") in told
    screen.shot("delta")

    screen.go(f"/list?list={made.id}&tab=Sync")
    screen.click("sync_now")
    screen.sees(strings.NOTHING_NEW)
    screen.sees_not("0 users were found")


def test_two_records_of_one_person_are_joined_and_the_history_tells_it(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Joined", "Year 10 Students")
    account = sorted(quiet.directory.members(quiet.directory.group_id("Year 10 Students")))[0]
    old = quiet.directory.user(account)["employeeId"]
    beside.workspace.people.set_values(made, old, {"locker": "K9"}, actor=ACTOR)
    quiet.directory.update_user(account, employeeId="renamed-1")
    assert beside.workspace.runner.sync(made.id, actor=ACTOR).status is RunStatus.SUCCEEDED

    screen.go(f"/list?list={made.id}")
    screen.search("people_search", "renamed-1")
    screen.sees("1 person")
    screen.select_row("people_table", 0)
    screen.dialog().get_by_text(strings.JOIN_TITLE).click()
    screen.type("person_form_join_uid", "nobody")
    screen.click("person_join_save")
    expect(screen.dialog()).to_contain_text("has nobody with the UID nobody")
    screen.type("person_form_join_uid", old)
    screen.click("person_join_save")
    screen.sees(strings.PERSON_JOINED.format(uid="renamed-1"))

    found = beside.workspace.people.get(made, "renamed-1")
    assert (found.values["locker"], found.active) == ("K9", True)
    assert all(one.uid != old for one in beside.workspace.people.find(made).people)
    screen.select_row("people_table", 0)
    screen.dialog().get_by_text(strings.HISTORY, exact=True).click()
    screen.settle()
    actions = [row[1] for row in screen.cells("person_history")]
    assert {"Joined", "Created", "Updated", "Linked"} <= set(actions)
    screen.shot("joined")


def test_a_run_is_undone(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Undone", "Year 11 Students")
    (run,) = beside.workspace.runs.of_list(made.id)
    someone = beside.workspace.people.find(made).people[0]
    beside.workspace.people.set_values(made, someone.uid, {"locker": "A1"}, actor=ACTOR)
    screen.go(f"/run?run={run.id}")
    screen.click("run_undo")
    expect(screen.dialog()).to_contain_text("people it created are deactivated")
    screen.shot("undo")
    screen.click("run_undo_confirm")

    screen.sees(strings.RUN_UNDONE.format(run=run.id), strings.UNDOES.format(run=run.id))
    screen.settle()
    screen.shot("undone")
    assert beside.workspace.lists.counts(made).active == 0
    assert beside.workspace.people.get(made, someone.uid).values["locker"] == "A1"
    screen.page.get_by_role("link", name=strings.UNDOES.format(run=run.id)).click()
    screen.sees("Undone by run")
    expect(screen.by_key("run_undo")).to_have_count(0)


def test_a_held_run_is_discarded(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Discarded", "Year 10 Students")
    quiet.faults.add("empty_members")
    assert beside.workspace.runner.sync(made.id, actor=ACTOR).status is RunStatus.HELD
    screen.go(f"/list?list={made.id}&tab=Sync")
    screen.sees(strings.HOLD_WORDS["empty_read"])
    before = screen.metrics("list_counts")

    screen.click("held_discard")
    screen.click("held_discard_confirm")

    screen.sees("Discarded")
    screen.sees_not(strings.HELD_TITLE)
    assert screen.metrics("list_counts") == before


def test_local_fields_are_edited_and_locked_ones_are_not(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("People", "Year 11 Students")
    uid = beside.workspace.people.find(made, limit=1).people[0].uid or ""
    screen.go(f"/list?list={made.id}")
    screen.search("people_search", uid)
    screen.sees("1 person")
    screen.select_row("people_table", 0)
    expect(screen.dialog()).to_contain_text(strings.FROM_DIRECTORY)
    # what the directory manages is there to be read, in no input
    expect(screen.by_key("person_locked_first_name")).to_have_count(1)
    expect(screen.by_key("person_locked").locator("input, textarea, button")).to_have_count(0)
    expect(screen.by_key("person_form_first_name")).to_have_count(0)
    screen.shot("person")

    screen.type("person_form_locker", "B12")
    screen.choose("person_form_house", "Blue")
    screen.click("person_save")

    screen.sees(strings.PERSON_SAVED.format(uid=uid))
    expect(screen.dialog()).to_have_count(0)
    found = beside.workspace.people.get(made, uid)
    assert (found.values["locker"], found.values["house"]) == ("B12", "Blue")
    # and a sync leaves it alone
    assert beside.workspace.runner.sync(made.id, actor=ACTOR).status is RunStatus.SUCCEEDED
    assert beside.workspace.people.get(made, uid).values["locker"] == "B12"


def test_a_status_by_hand_is_an_exception_until_it_is_released(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Exceptions", "Year 12 Students")
    person = beside.workspace.people.find(made, limit=1).people[0]
    uid = person.uid or ""
    screen.go(f"/list?list={made.id}")
    screen.search("people_search", uid)
    screen.select_row("people_table", 0)
    screen.click("person_deactivate")
    screen.sees(strings.PERSON_DEACTIVATED.format(uid=uid), strings.NOBODY_FITS)
    assert beside.workspace.people.get(made, uid).exception

    screen.choose("people_status", strings.INACTIVE)
    screen.select_row("people_table", 0)
    expect(screen.dialog()).to_contain_text(strings.EXCEPTION)
    screen.click("person_release")

    screen.sees(strings.PERSON_RELEASED.format(uid=uid))
    assert beside.workspace.people.get(made, uid).active


def test_a_person_is_added_and_refused_a_second_time(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Added", "Camp Committee")
    screen.go(f"/list?list={made.id}")
    for _ in range(2):
        screen.click("person_add")
        screen.type("person_new_employee_id", "V-1")
        screen.type("person_new_first_name", "Vera")
        screen.click("person_new_save")
    expect(screen.dialog()).to_contain_text("duplicate_uid")
    screen.close_dialog()

    assert beside.workspace.people.get(made, "V-1").values["first_name"] == "Vera"


def test_people_come_in_by_a_file_and_go_out_as_one(screen: Screen, quiet: Sandbox, beside: Beside, tmp_path):
    made = beside.synced_list("Files", "Homeroom 7A")
    count = beside.workspace.lists.counts(made).total
    file = tmp_path / "visitors.csv"
    file.write_text("employee_id,first_name,locker\nV-1,Vera,A1\n,Nobody,A2\n", encoding="utf-8")
    screen.go(f"/list?list={made.id}")
    screen.click("people_import")
    screen.by_key("import_file").locator("input[type=file]").set_input_files(file)
    screen.settle()
    assert screen.metrics("import_counts") == {
        "Created": "1",
        "Updated": "0",
        strings.UNCHANGED: "0",
        strings.SKIPPED: "1",
    }
    assert beside.workspace.lists.counts(made).total == count
    screen.click("import_confirm")
    screen.sees("Imported: 1 person created")
    assert beside.workspace.people.get(made, "V-1").values["locker"] == "A1"

    screen.by_key("export").get_by_role("button").first.click()
    with screen.page.expect_download() as download:
        screen.by_key("export.csv").get_by_role("button").click()

    assert download.value.suggested_filename == "Files.csv"
    assert "V-1" in download.value.path().read_text(encoding="utf-8-sig")


def test_a_list_is_disconnected_with_its_consequences_spelled_out(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Disconnected", "Homeroom 8A")
    total = beside.workspace.lists.counts(made).total
    screen.go(f"/list?list={made.id}&tab=Sync")
    screen.click("sync_disconnect")
    for said in ("Sync stops", f"All {total} people stay", "become editable", "connect it again later"):
        expect(screen.dialog()).to_contain_text(said)
    screen.click("sync_disconnect_cancel")
    assert beside.workspace.lists.get(made.id).connected

    screen.click("sync_disconnect")
    screen.click("sync_disconnect_confirm")

    screen.sees(strings.NOT_CONNECTED, strings.DISCONNECTED_TEXT)
    assert beside.workspace.lists.counts(made).total == total
    screen.tab(strings.TAB_PEOPLE)
    screen.select_row("people_table", 0)
    screen.type("person_form_first_name", "Edited")
    screen.click("person_save")
    people = beside.workspace.people.find(made, status=StatusFilter.ALL).people
    wait_for(lambda: any(one.values["first_name"] == "Edited" for one in people) or _edited(beside, made.id))


def _edited(beside: Beside, list_id: int) -> bool:
    made = beside.workspace.lists.get(list_id)
    return bool(beside.workspace.people.find(made, search="Edited").total)


def test_removing_a_used_connection_names_its_lists_and_disconnects_them(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Bereft", "Homeroom 9A")
    other = beside.connect("Other Entra")
    sync = made.sync
    assert sync is not None
    from dataclasses import replace

    beside.workspace.lists.configure(made.id, replace(sync, connection_id=other), actor=ACTOR)
    screen.go("/connections")
    screen.click(f"connection_remove_{other}")
    expect(screen.dialog()).to_contain_text("“Bereft”")

    screen.click("connection_remove_confirm")

    screen.sees(strings.CONNECTION_REMOVED.format(name="Other Entra"))
    assert not beside.workspace.lists.get(made.id).connected


@pytest.mark.parametrize("look", [{"width": 390, "height": 844}, {"dark": True}], ids=["phone", "dark"])
def test_every_page_fits_a_phone_and_the_dark(
    window: NewScreen, server, quiet: Sandbox, beside: Beside, look
):
    name = f"Look {look}"
    made = beside.synced_list(name[:60], "Homeroom 10A")
    screen = window(server, **look)
    for number, path in enumerate(
        (
            "/",
            "/connections",
            "/lists",
            f"/list?list={made.id}",
            f"/list?list={made.id}&tab=Sync",
            "/new_list",
        )
    ):
        screen.go(path)
        too_wide = screen.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide <= 0, path
        screen.shot(f"look-{'dark' if look.get('dark') else 'phone'}-{number}")


def test_the_audit_log_is_searched_and_taken_away(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Audited", "Year 7 Students")
    person = beside.workspace.people.find(made, limit=1).people[0]
    beside.workspace.people.set_status(made, person.uid or "", active=False, actor="Olga Office")

    screen.go("/audit")
    screen.sees(strings.AUDIT_INTRO, "Olga Office", strings.AUDIT_WORDS["person.deactivated"])
    screen.shot("audit")
    screen.search("audit_search", "olga")
    screen.sees("1 entry")
    with screen.page.expect_download() as download:
        screen.click("audit_csv")

    assert b"person.deactivated,Olga Office," in download.value.path().read_bytes()
