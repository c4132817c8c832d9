"""Counts and history: R7 and R8."""

from __future__ import annotations

from collections import Counter

from rules_school import ACTOR, numbers

from captrid_core.lists.model import OnUidChange


def eventful(school):
    """Let everything happen at once that can happen to a person; return the run."""
    ada, bo, cy, di, ed, fay, guy, hal, ida = (
        school.enrol(uid, uid.title()) for uid in ("ada", "bo", "cy", "di", "ed", "fay", "guy", "hal", "ida")
    )
    school.add("jo", first_name="Jo")
    school.add("kay", first_name="By hand")
    school.synced()
    school.directory.delete_user(bo)
    school.synced()
    school.set_active("hal", False)

    school.directory.update_user(ada, givenName="Adele", department="Art")  # updated in two fields
    school.directory.restore_user(bo)  # reactivated
    school.directory.delete_user(cy)  # deactivated
    school.directory.update_user(di, employeeId="new di")  # deactivated and created
    school.directory.update_user(ed, employeeId=None)  # skipped
    school.directory.update_user(fay, employeeId="guy")  # skipped: guy feeds guy
    school.directory.update_user(hal, givenName="Henry")  # updated, inactive as staff want it
    school.directory.delete_user(ida)
    school.enrol("ida", "Ida")  # linked anew
    school.enrol("jo", "Jo")  # linked, no value changes
    school.enrol("kay", "Kay")  # linked and updated
    school.enrol("lee", "x" * 4001)  # created, with a bad value
    school.enrol("twice")
    school.enrol("twice")
    assert guy
    return school.synced()


def test_r7_the_numbers_add_up(school):
    run = eventful(school)

    assert numbers(run) == {
        "read": 13,
        "created": 2,
        "updated": 4,
        "reactivated": 1,
        "deactivated": 2,
        "unchanged": 3,
        "skipped": 4,
    }
    counts = run.counts
    assert counts.read == counts.created + counts.updated + counts.unchanged + counts.skipped
    assert counts.read == len(list(school.directory.users()))


def test_r7_the_numbers_are_those_in_the_tables(school):
    run = eventful(school)

    changes = school.workspace.runs.changes(run, school.list.people_table, school.list.uid_field)
    rows = Counter(one.action for one in changes)
    people = {action: {one.person_id for one in changes if one.action == action} for action in rows}
    assert len(people["created"]) == rows["created"] == run.counts.created
    assert len(people["deactivated"]) == rows["deactivated"] == run.counts.deactivated
    assert len(people["reactivated"]) == rows["reactivated"] == run.counts.reactivated
    assert len(people["updated"] | people["reactivated"]) == run.counts.updated
    skipped = [note for note in school.errors(run) if note.code != "bad_value"]
    assert len(skipped) == run.counts.skipped
    assert school.workspace.runs.get(run.id) == run


def test_r7_an_object_that_comes_twice_counts_once(school, sandbox):
    school.enrol_many(5)
    sandbox.faults.add("repeat", match="users")

    run = school.synced()

    assert numbers(run) == {"read": 5, "created": 5}


def test_r7_who_is_out_of_scope_is_not_counted(make_school):
    school = make_school(exclude_guests=True, exclude_disabled=True)
    school.enrol("1")
    school.enrol("2", userType="Guest")
    school.enrol("3", accountEnabled=False)

    assert numbers(school.synced()) == {"read": 1, "created": 1}


def test_r7_a_bad_value_counts_by_what_the_rest_did(school):
    account = school.enrol("1", "Ada", department="Art")
    school.synced()

    school.directory.update_user(account, department="x" * 4001)
    unchanged = school.synced()
    school.directory.update_user(account, givenName="Adele")
    updated = school.synced()

    assert numbers(unchanged) == {"read": 1, "unchanged": 1}
    assert numbers(updated) == {"read": 1, "updated": 1}


def test_r8_every_action_leaves_a_row(school):
    run = eventful(school)

    users = {user.get("employeeId"): user["id"] for user in school.directory.users()}
    rows = school.changes(run)
    linked = [row for row in rows if row[0] in ("linked", "unlinked")]
    assert [row for row in rows if row not in linked] == [
        ("created", "lee", None, None, None),
        ("created", "new di", None, None, None),
        ("deactivated", "cy", None, None, None),
        ("deactivated", "di", None, None, None),
        ("reactivated", "bo", None, None, None),
        ("updated", "ada", "department", None, "Art"),
        ("updated", "ada", "first_name", "Ada", "Adele"),
        ("updated", "hal", "first_name", "Hal", "Henry"),
        ("updated", "kay", "first_name", "By hand", "Kay"),
    ]
    assert [(action, uid, new) for action, uid, _, _, new in linked] == [
        ("linked", "ida", users["ida"]),
        ("linked", "jo", users["jo"]),
        ("linked", "kay", users["kay"]),
        ("unlinked", "di", None),
    ]


def test_r8_a_row_names_the_person_by_an_id_that_stays(make_school):
    school = make_school(on_uid_change=OnUidChange.SAME_PERSON)
    account = school.enrol("A", "Ada")
    school.synced()
    person = school.person("A")

    school.directory.update_user(account, employeeId="B")
    run = school.synced()

    (row,) = school.workspace.runs.changes(run, school.list.people_table, "employee_id")
    assert (row.person_id, row.field, row.old, row.new) == (person.id, "employee_id", "A", "B")
    assert run.actor == ACTOR
