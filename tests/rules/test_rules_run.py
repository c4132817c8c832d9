"""One run: R1 to R6."""

from __future__ import annotations

import json
import threading

import duckdb
import pytest
from rules_school import during, numbers

from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.errors import NotFound, SyncRunning
from captrid_core.sandbox import Fault, FaultKind
from captrid_core.sync import apply as apply_module
from captrid_core.sync import runner as runner_module
from captrid_core.sync.runner import Runner

TWO_PAGES = 1100
PAGE = r"/users\?"  # a request for a page of people, and not for their number


def changed_everything(school):
    """Sync two people, then change everything about them in the directory; return what the list has."""
    one, two = school.enrol("1", "Ada"), school.enrol("2", "Bo")
    school.synced()
    school.directory.update_user(one, givenName="Changed")
    school.directory.delete_user(two)
    school.enrol("3", "New")
    return school.people()


# R1 and R2: a run that fails changes nothing, and leaves one row that says why


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(FaultKind.WRONG_SECRET), "secret_wrong"),
        (Fault(FaultKind.SECRET_EXPIRED), "secret_expired"),
        (Fault(FaultKind.APP_DISABLED), "client_unknown"),
        (
            Fault(FaultKind.ERROR, match="users", status=403, code="Authorization_RequestDenied"),
            "permission_missing",
        ),
        (Fault(FaultKind.ERROR, match="users", status=400, code="Request_BadRequest"), "request_refused"),
        (Fault(FaultKind.THROTTLE, match="users", retry_after=9000), "throttled"),
        (Fault(FaultKind.HTML_PAGE, match="users"), "not_a_directory"),
        (Fault(FaultKind.MISSING_VALUE, match="users"), "read_incomplete"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_r1_a_read_that_fails_changes_nothing_and_leaves_one_row(school, sandbox, fault, code):
    before = changed_everything(school)
    history = school.runs()
    sandbox.faults.add(fault)

    run = school.sync()

    assert school.people() == before
    assert school.runs() == [run, *history]
    assert (run.status, run.error["code"]) == ("failed", code)
    assert run.message
    assert run.error["hint"]
    assert numbers(run) == {}
    assert school.changes(run) == []
    sandbox.faults.clear()
    assert numbers(school.synced()) == {"read": 2, "created": 1, "updated": 1, "deactivated": 1}


@pytest.mark.parametrize("kind", ["drop_last_page", "foreign_next_link", "looping_next_link"])
def test_r2_part_of_a_read_is_never_taken_for_the_whole(school, sandbox, kind):
    for number in range(TWO_PAGES):
        school.enrol(f"{number:05}")
    school.synced()
    sandbox.faults.add(kind, match="users")

    run = school.sync()

    assert (run.status, run.error["code"]) == ("failed", "read_incomplete")
    assert {status for _, status in school.table()} == {"active"}


def test_r2_a_group_that_answers_with_nobody_against_its_own_count_is_not_believed(make_school, sandbox):
    group = sandbox.directory.add_group("Choir")
    school = make_school(scope=Scope(ScopeKind.GROUP, group_id=group))
    sandbox.directory.add_member(group, school.enrol("1"))
    school.synced()

    sandbox.faults.add("empty_members")
    run = school.sync()

    assert run.status == "held"
    assert school.table() == [("1", "active")]


def test_r2_a_group_that_was_deleted_is_not_an_empty_one(make_school, sandbox):
    group = sandbox.directory.add_group("Choir")
    school = make_school(scope=Scope(ScopeKind.GROUP, group_id=group))
    sandbox.directory.add_member(group, school.enrol("1"))
    school.synced()

    sandbox.directory.delete_group(group)
    run = school.sync()

    assert (run.status, run.error["code"]) == ("failed", "group_not_found")
    assert school.table() == [("1", "active")]


def test_r2_members_without_attributes_are_refused_and_blank_nobody(make_school, sandbox):
    group = sandbox.directory.add_group("Choir")
    school = make_school(scope=Scope(ScopeKind.GROUP, group_id=group))
    sandbox.directory.add_member(group, school.enrol("1", "Ada"))
    school.synced()

    sandbox.faults.add("null_attributes")
    run = school.sync()

    assert (run.status, run.error["code"]) == ("failed", "permission_missing")
    assert school.table("first_name") == [("1", "Ada", "active")]


@pytest.mark.parametrize("phase", ["stage", "compare_full", "judge", "apply_change_set", "mark_synced"])
def test_r1_a_fault_in_any_phase_changes_nothing_and_leaves_one_row(school, monkeypatch, phase):
    before = changed_everything(school)
    history = school.runs()

    def broken(*_arguments, **_named):
        raise RuntimeError(phase)

    monkeypatch.setattr(runner_module, phase, broken)
    run = school.sync()
    monkeypatch.undo()

    assert school.people() == before
    assert school.runs() == [run, *history]
    assert (run.status, run.error["code"]) == ("failed", "internal")
    assert school.changes(run) == []
    assert numbers(school.synced()) == {"read": 2, "created": 1, "updated": 1, "deactivated": 1}


def test_r1_a_write_that_breaks_in_the_middle_is_taken_back_whole(school, monkeypatch):
    before = changed_everything(school)

    def broken(*_arguments):
        raise duckdb.ConstraintException("made up")

    monkeypatch.setattr(apply_module, "_record", broken)  # people are written by then
    run = school.sync()

    assert run.status == "failed"
    assert school.people() == before
    assert school.changes(run) == []


def test_r1_what_goes_wrong_after_the_write_does_not_deny_it(school, monkeypatch):
    changed_everything(school)

    def broken(*_arguments):
        raise duckdb.IOException("made up")

    monkeypatch.setattr(Runner, "_tidy", broken)
    school.sync()

    assert school.runs()[0].status == "succeeded"
    assert school.table("first_name") == [
        ("1", "Changed", "active"),
        ("2", "Bo", "inactive"),
        ("3", "New", "active"),
    ]


def test_r1_a_list_disconnected_during_the_read_is_not_written(school):
    before = changed_everything(school)

    run = school.sync(listener=during("reading", school.disconnect))

    assert (run.status, run.error["code"]) == ("failed", "not_connected")
    assert [one.values for one in school.people()] == [one.values for one in before]
    assert [one.active for one in school.people()] == [one.active for one in before]


def test_r1_a_list_configured_during_the_read_is_not_written(school):
    before = changed_everything(school)

    run = school.sync(listener=during("reading", lambda: school.configure(exclude_guests=True)))

    assert (run.status, run.error["code"]) == ("failed", "configuration_changed")
    assert school.people() == before


# R3


def test_r3_a_second_start_is_refused_and_names_the_run_that_goes_on(school):
    school.enrol("1")
    refused = []

    def start_again():
        for start in (school.sync, lambda: school.workspace.runner.start(school.id, actor="Bo")):
            with pytest.raises(SyncRunning) as caught:
                start()
            refused.append(caught.value)

    run = school.synced(listener=during("reading", start_again))

    assert [one.code for one in refused] == ["sync_running", "sync_running"]
    for one in refused:
        assert (one.details["run_id"], one.details["actor"]) == (str(run.id), run.actor)
        assert one.details["since"] == run.started_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert school.runs() == [run]


def test_r3_another_list_may_run_meanwhile(make_school):
    school, staff = make_school(), make_school(name="Staff")
    school.enrol("1")
    runs = []

    school.synced(listener=during("reading", lambda: runs.append(staff.sync())))

    assert [run.status for run in runs] == ["succeeded"]


def test_r3_of_two_processes_that_start_at_once_one_is_refused(school, sandbox):
    school.enrol("1")
    sandbox.faults.add("hang", match=PAGE)
    processes = [school.command("sync", "Students", "--full", "--quiet") for _ in range(2)]
    ended, going = _first_to_end(processes)

    answer = json.loads(ended.communicate()[0])
    (run,) = school.runs()
    school.workspace.runs.ask_to_cancel(run.id)
    cancelled = json.loads(going.communicate()[0])

    assert answer["error"]["code"] == "sync_running"
    assert (answer["error"]["run_id"], answer["error"]["actor"]) == (str(run.id), "Olga")
    assert (cancelled["run_id"], cancelled["status"]) == (str(run.id), "cancelled")
    assert [(one.id, one.status) for one in school.runs()] == [(run.id, "cancelled")]


def test_r3_a_run_whose_process_died_is_interrupted_and_blocks_nothing(school, sandbox):
    school.enrol("1")
    school.synced()
    school.enrol("2")
    sandbox.faults.add("hang", match=PAGE)
    sandbox.requests.clear()
    process = school.command("sync", "Students", "--full", "--quiet")
    _until(lambda: any(one.status == "running" for one in school.runs()))

    process.kill()
    process.communicate()

    assert [one.status for one in school.runs()] == ["interrupted", "succeeded"]
    assert school.runs()[0].message
    assert school.table() == [("1", "active")]
    sandbox.faults.clear()
    assert numbers(school.synced()) == {"read": 2, "created": 1, "unchanged": 1}
    assert list(school.workspace.runs.folder.glob("run-*")) == []


def test_r3_what_a_process_left_that_died_after_its_run_was_written_goes_with_the_next_run(school):
    run = school.synced()
    left = [
        school.workspace.runs.folder / f"run-{run.id}.{ending}" for ending in ("ndjson", "json", "cancel")
    ]
    for file in left:
        file.touch()

    school.synced()

    assert [file.name for file in left if file.exists()] == []


# R4


@pytest.mark.parametrize("phase", ["signing in", "reading", "comparing"])
def test_r4_a_run_that_is_cancelled_changes_nothing(school, phase):
    before = changed_everything(school)
    history = school.runs()
    stop = threading.Event()

    run = school.sync(stop=stop, listener=during(phase, stop.set))

    assert run.status == "cancelled"
    assert school.people() == before
    assert school.runs() == [run, *history]
    assert numbers(run) == {}
    assert numbers(school.synced()) == {"read": 2, "created": 1, "updated": 1, "deactivated": 1}


def test_r4_another_process_cancels_a_run_that_waits_for_an_answer(school, sandbox):
    before = changed_everything(school)
    sandbox.faults.add("hang", match=PAGE)
    answers = []

    def cancel():
        (run_id,) = (str(one.id) for one in school.runs() if one.status == "running")
        answers.append(school.command("run", "cancel", run_id))

    run = school.sync(listener=during("reading", cancel))
    answer = json.loads(answers[0].communicate()[0])

    assert run.status == "cancelled"
    assert (answer["run_id"], answer["status"]) == (str(run.id), "cancelled")
    assert school.people() == before


def test_r4_an_interrupt_signal_cancels_the_command(school, sandbox):
    before = changed_everything(school)
    sandbox.faults.add("hang", match=PAGE)
    process = school.command("sync", "Students", "--full", "--quiet")
    _until(lambda: any(one.status == "running" for one in school.runs()))
    _until(lambda: (going := school.workspace.runs.progress(school.id)) and going.phase == "reading")

    process.send_signal(2)
    answer = json.loads(process.communicate()[0])

    assert answer["status"] == "cancelled"
    assert process.returncode == 1
    assert school.runs()[0].status == "cancelled"
    assert school.people() == before


def test_r4_a_run_that_fails_after_it_was_asked_to_stop_is_cancelled(school, sandbox):
    before = changed_everything(school)
    sandbox.faults.add("wrong_secret")

    def cancel():
        school.workspace.runs.ask_to_cancel(school.runs()[0].id)

    run = school.sync(listener=during("signing in", cancel))

    assert (run.status, run.error) == ("cancelled", None)
    assert school.runs()[0] == run
    assert school.people() == before


def test_r4_what_is_over_cannot_be_cancelled(school):
    run = school.synced()

    with pytest.raises(NotFound):
        school.workspace.runs.ask_to_cancel(run.id)


# R5


def test_r5_the_same_directory_twice_changes_nothing(school):
    awkward = [
        school.enrol(" 01 ", "  Ada "),
        school.enrol("Zoe\u0308", "Zo\u00eb"),
        school.enrol(None),
        school.enrol("twice"),
        school.enrol("twice"),
        school.enrol("long", "x" * 4001),
        school.enrol("fine", "", department="\u00a0"),
    ]
    first = school.synced()
    before = school.people()

    second = school.synced()

    assert numbers(first) == {"read": 7, "created": 4, "skipped": 3}
    assert numbers(second) == {"read": 7, "unchanged": 4, "skipped": 3}
    assert school.people() == before
    assert school.changes(second) == []
    assert sorted(note.object_id for note in school.errors(second)) == sorted(awkward[2:6])


# R6


@pytest.mark.parametrize("phase", ["reading", "comparing"])
def test_r6_what_staff_save_during_a_run_stays(school, phase):
    account = school.enrol("1", "Ada")
    school.enrol("2", "Bo")
    school.enrol("3", "Cy")
    school.synced()
    school.directory.update_user(account, givenName="Adele")

    def work():
        school.edit("1", note="saved meanwhile")
        school.edit("2", note="saved too")
        school.set_active("3", False)
        school.add("4", first_name="Added meanwhile")

    run = school.synced(listener=during(phase, work))

    assert school.table("first_name", "note") == [
        ("1", "Adele", "saved meanwhile", "active"),
        ("2", "Bo", "saved too", "active"),
        ("3", "Cy", None, "inactive*"),
        ("4", "Added meanwhile", None, "active"),
    ]
    assert numbers(run) == {"read": 3, "updated": 1, "unchanged": 2}


def test_r6_what_staff_save_while_a_run_applies_waits_and_stays(school):
    accounts = school.enrol_many(30)
    school.synced()
    for account in accounts:
        school.directory.update_user(account, givenName="Adele")
    failures = []

    def edit(uid):
        try:
            school.edit(uid, note="saved meanwhile")
        except Exception as error:  # noqa: BLE001  whatever it is, the edit was lost
            failures.append(error)

    threads = [threading.Thread(target=edit, args=[f"{number:03}"]) for number in range(1, 31)]

    def work():
        for thread in threads:
            thread.start()

    run = school.synced(listener=during("applying", work))
    for thread in threads:
        thread.join(30)

    assert failures == []
    assert set(school.table("first_name", "note")) == {
        (f"{number:03}", "Adele", "saved meanwhile", "active") for number in range(1, 31)
    }
    assert run.counts.updated == 30


def test_r6_an_edit_from_another_process_during_a_run_stays(school):
    account = school.enrol("1", "Ada")
    school.synced()
    school.directory.update_user(account, givenName="Adele")
    answers = []

    def edit():
        answers.append(
            school.command("person", "set", "Students", "1", "note=from elsewhere").communicate()[0]
        )

    school.synced(listener=during("reading", edit))

    assert json.loads(answers[0])["fields"]["note"] == "from elsewhere"
    assert school.table("first_name", "note") == [("1", "Adele", "from elsewhere", "active")]


def _until(condition):
    """Wait until a condition holds, for half a minute at most."""
    pause = threading.Event()
    for _ in range(1500):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("It never came about.")


def _first_to_end(processes):
    _until(lambda: any(process.poll() is not None for process in processes))
    one, other = processes
    return (one, other) if one.poll() is not None else (other, one)
