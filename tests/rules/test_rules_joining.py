"""Two records of one person are joined: the repair after R13."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from captrid_core.lists.joining import NotJoinable
from captrid_core.lists.model import OnUidChange, StatusFilter
from captrid_core.sync.runs import RunKind


@pytest.fixture
def renamed(school):
    """Return a school in which the directory gave Ada another UID, so that the list has her twice."""
    account = school.enrol("1", "Ada", department="Art")
    school.enrol("2", "Bo")
    school.synced()
    school.edit("1", note="local")
    school.directory.update_user(account, employeeId="100", department="Music")
    school.synced()
    assert school.table("note") == [
        ("1", "local", "inactive"),
        ("100", None, "active"),
        ("2", None, "active"),
    ]
    return school


def join(school, one, other):
    return school.workspace.people.join(school.list, one, other, actor="Sam Staff")


@pytest.mark.parametrize("order", [("1", "100"), ("100", "1")])
@pytest.mark.parametrize("kind", [RunKind.FULL, RunKind.DELTA])
def test_r13_the_old_record_goes_on_under_the_new_uid(renamed, order, kind):
    old_id = renamed.ids()["1"]

    joined = join(renamed, *order)

    assert (joined.id, joined.uid, joined.managed, joined.active) == (old_id, "100", True, True)
    assert renamed.table("first_name", "department", "note") == [
        ("100", "Ada", "Music", "local", "active"),
        ("2", "Bo", None, None, "active"),
    ]
    assert renamed.synced(asked=kind).counts.updated == 0
    renamed.directory.update_user(renamed.directory_id("100"), department="Drama")
    assert renamed.synced(asked=kind).counts.updated == 1
    assert renamed.table("department", "note")[0] == ("100", "Drama", "local", "active")


def test_r13_a_local_value_of_either_record_is_kept(renamed):
    renamed.edit("1", note=None)
    renamed.edit("100", note="newer")

    assert join(renamed, "1", "100").values["note"] == "newer"


def test_r8_what_was_joined_is_told_and_the_past_stays_as_it_was(renamed):
    before = datetime.now(UTC)

    def at(moment):
        people = renamed.workspace.people.find(renamed.list, status=StatusFilter.ALL, as_of=moment).people
        return [(one.id, one.uid, one.active, one.values["department"], one.values["note"]) for one in people]

    now = at(None)
    assert at(before) == now

    joined = join(renamed, "1", "100")

    assert at(before) == now
    assert len(at(None)) == len(now) - 1
    with renamed.workspace.database.read() as cursor:
        told = cursor.execute(
            """SELECT action, field, old_value, new_value, actor FROM change
               WHERE person_id = ? AND run_id IS NULL AND changed_at > ?""",
            [joined.id, before.replace(tzinfo=None)],
        ).fetchall()
    assert {(action, field) for action, field, *_ in told} == {
        ("updated", "employee_id"),
        ("updated", "department"),
        ("reactivated", None),
        ("linked", None),
        ("joined", None),
    }
    assert {actor for *_, actor in told} == {"Sam Staff"}


def test_r8_the_history_of_a_joined_person_holds_that_of_both_records(renamed):
    joined = join(renamed, "1", "100")

    found = renamed.workspace.people.history(renamed.list, joined.id)

    assert found == sorted(found, key=lambda one: one.at, reverse=True)
    assert [(one.actor, one.run_id) for one in found if one.action == "created"] == [
        ("Alex Admin", 2),
        ("Alex Admin", 1),
    ]
    assert [one.reason for one in found if one.action == "deactivated"] == ["uid_changed"]
    [note] = [one for one in found if one.field == "note"]
    assert (note.actor, note.run_id, note.old, note.new) == ("Sam Staff", None, None, "local")
    assert [one.action for one in found].count("joined") == 1
    assert len(renamed.workspace.people.history(renamed.list, joined.id, limit=2)) == 2


def test_two_living_accounts_are_never_joined(school):
    school.enrol("1")
    school.enrol("2")
    school.synced()
    before = school.table()

    with pytest.raises(NotJoinable, match="feeds both"):
        join(school, "1", "2")
    with pytest.raises(NotJoinable, match="itself"):
        join(school, "1", " 1 ")
    assert school.table() == before


def test_r22_a_record_that_was_added_by_hand_is_joined_too(school):
    school.enrol("1", "Ada")
    school.synced()
    school.add("x1", note="by hand")

    assert join(school, "1", "x1").uid == "1"
    assert school.table("first_name", "note") == [("1", "Ada", "by hand", "active")]


def test_somebody_who_left_keeps_what_the_directory_said_when_a_record_by_hand_is_joined(school):
    account = school.enrol("1", "Ada", department="Art")
    school.enrol("2")
    school.synced()
    school.directory.delete_user(account)
    school.synced()
    school.add("x1", note="by hand")

    joined = join(school, "1", "x1")

    assert (joined.uid, joined.managed) == ("x1", True)
    assert school.table("first_name", "department", "note")[1] == ("x1", "Ada", "Art", "by hand", "active")


def test_r36_the_run_that_made_two_of_one_is_undone_without_harm_after_they_were_joined(renamed):
    join(renamed, "1", "100")
    before = renamed.table("first_name", "department", "note")

    undo = renamed.workspace.runner.undo(2, actor="Alex Admin")

    assert undo.status == "succeeded"
    assert renamed.table("first_name", "department", "note") == before
    assert {one.code for one in renamed.warnings(undo)} == {"changed_since"}


def test_r13_same_person_needs_no_repair(make_school):
    school = make_school(on_uid_change=OnUidChange.SAME_PERSON)
    account = school.enrol("1")
    school.synced()
    school.directory.update_user(account, employeeId="100")
    school.synced()

    assert school.table() == [("100", "active")]
