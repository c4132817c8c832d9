"""Undo: R36."""

from __future__ import annotations

import pytest
from rules_school import ACTOR, numbers

from captrid_core.errors import NotFound
from captrid_core.lists.model import OnUidChange
from captrid_core.sync.runner import NotUndoable


def undo(school, run):
    done = school.workspace.runner.undo(run.id, actor=ACTOR)
    assert done.status == "succeeded", done
    assert school.workspace.runs.get(run.id).status == "undone"
    return done


def test_r36_a_whole_run_is_taken_back_and_the_next_full_sync_brings_it_again(school):
    changed = school.enrol("1", "Ada", department="Art")
    leaver = school.enrol("2", "Bo")
    back = school.enrol("3", "Cy")
    school.synced()
    school.directory.delete_user(back)
    school.synced()
    before = school.table("first_name", "department")
    school.directory.update_user(changed, givenName="Eve", department=None)
    school.directory.delete_user(leaver)
    school.directory.restore_user(back)
    school.enrol("4", "Di")
    run = school.synced()
    after, ids = school.table("first_name", "department"), school.ids()

    done = undo(school, run)

    assert numbers(done) == {"read": 2, "updated": 2, "reactivated": 1, "deactivated": 2}
    assert school.table("first_name", "department") == [*before, ("4", "Di", None, "inactive")]
    assert school.ids() == ids
    assert (done.kind, done.undoes_run_id) == ("undo", run.id)
    assert school.workspace.runs.get(run.id).undone_by_run_id == done.id
    assert sorted(school.changes(done), key=str) == [
        ("deactivated", "3", None, None, None),
        ("deactivated", "4", None, None, None),
        ("reactivated", "2", None, None, None),
        ("updated", "1", "department", None, "Art"),
        ("updated", "1", "first_name", "Eve", "Ada"),
    ]
    assert school.warnings(done) == []
    assert school.list.sync.full_needed == f"run {run.id} was undone"
    # created people stay linked, and no status is an exception
    assert all(one.managed for one in school.people())
    assert not any(one.exception for one in school.people())

    again = school.synced()

    assert numbers(again) == {"read": 3, "updated": 3, "reactivated": 2, "deactivated": 1}
    assert school.table("first_name", "department") == after
    assert school.ids() == ids


def test_r36_what_was_changed_after_the_run_stays_and_is_listed(school):
    account = school.enrol("1", "Ada", department="Art")
    other = school.enrol("2", "Bo")
    school.synced()
    school.directory.update_user(account, givenName="Eve", department="Music")
    school.directory.delete_user(other)
    run = school.synced()
    school.directory.update_user(account, department="Sport")
    school.synced()
    school.set_active("2", True)

    done = undo(school, run)

    assert school.table("first_name", "department") == [
        ("1", "Ada", "Sport", "active"),
        ("2", "Bo", None, "active*"),
    ]
    assert [(one.code, one.uid, one.field) for one in school.warnings(done)] == [
        ("changed_since", "1", "department"),
        ("changed_since", "2", None),
    ]
    assert "stays “Sport”" in school.warnings(done)[0].message
    assert numbers(done) == {"read": 2, "updated": 1, "unchanged": 1}


def test_r36_the_staff_s_own_fields_and_status_outlive_an_undo(school):
    school.enrol("1", "Ada")
    run = school.synced()
    school.edit("1", note="mine")
    school.add("hand")

    undo(school, run)

    assert school.table("note") == [("1", "mine", "inactive"), ("hand", None, "active")]


def test_r36_a_person_made_by_hand_that_a_run_linked_is_its_own_again(school):
    school.add("1", first_name="By hand")
    school.enrol("1", "Ada")
    run = school.synced()
    assert school.person("1").managed

    done = undo(school, run)

    assert not school.person("1").managed
    assert school.person("1").values["first_name"] == "By hand"
    assert ("unlinked", "1", None) in [change[:3] for change in school.changes(done)]
    assert numbers(school.synced()) == {"read": 1, "updated": 1}


@pytest.mark.parametrize("way", OnUidChange)
def test_r36_a_changed_uid_goes_back_and_comes_again(make_school, way):
    school = make_school(on_uid_change=way)
    account = school.enrol("A")
    school.synced()
    school.directory.update_user(account, employeeId="B")
    run = school.synced()
    after = school.table()

    undo(school, run)

    assert [row for row in school.table() if row[1] == "active"] == [("A", "active")]
    assert school.person("A").managed
    school.synced()
    assert school.table() == after


def test_r36_a_uid_that_somebody_else_has_by_now_stays_with_them(make_school):
    school = make_school(on_uid_change=OnUidChange.SAME_PERSON)
    account = school.enrol("A")
    school.synced()
    school.directory.update_user(account, employeeId="B")
    run = school.synced()
    school.add("A")

    done = undo(school, run)

    assert sorted(one.uid for one in school.people()) == ["A", "B"]
    assert [(one.code, one.uid, one.field) for one in school.warnings(done)] == [
        ("changed_since", "B", "employee_id")
    ]


def test_r36_only_an_applied_run_is_undone_and_only_once(school):
    accounts = school.enrol_many(10)
    first = school.synced()
    for account in accounts:
        school.directory.delete_user(account)
    held = school.sync()
    assert held.status == "held"
    done = undo(school, first)
    runner = school.workspace.runner

    for run, words in ((held, "it is held"), (first, "undone already, by run"), (done, "an undo itself")):
        with pytest.raises(NotUndoable, match=words):
            runner.undo(run.id, actor=ACTOR)
    with pytest.raises(NotFound):
        runner.undo(99, actor=ACTOR)
    assert len(school.runs()) == 3


def test_r36_the_command_line_undoes_a_run(school):
    school.enrol("1")
    run = school.synced()

    process = school.command("run", "undo", str(run.id))
    printed, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert f'"undoes": "{run.id}"' in printed
    assert school.table() == [("1", "inactive")]
