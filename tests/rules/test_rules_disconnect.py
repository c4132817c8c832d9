"""Disconnecting and removing: R37 to R39."""

from __future__ import annotations

import random

import pytest
from rules_school import ACTOR, form_for, numbers

from captrid_core.directory.connections import ConnectionInUse
from captrid_core.errors import FieldLocked, NotConnected, NotFound

# R37


def test_r37_disconnecting_keeps_everybody_and_unlocks_their_fields(school):
    gone = school.enrol("1", "Ada")
    school.enrol("2", "Bo", department="Art")
    school.add("hand")
    school.synced()
    school.directory.delete_user(gone)
    school.synced()
    table, ids = school.table("first_name", "department"), school.ids()
    with pytest.raises(FieldLocked):
        school.edit("2", first_name="Mine")

    school.disconnect()

    assert (school.table("first_name", "department"), school.ids()) == (table, ids)
    assert not any(one.managed for one in school.people())
    assert school.edit("2", first_name="Mine").values["first_name"] == "Mine"
    with pytest.raises(NotConnected):
        school.sync()
    with pytest.raises(NotConnected):
        school.preview()


def test_r37_reconnecting_links_the_same_people(school):
    school.enrol("1", "Ada")
    school.enrol("2", "Bo")
    school.synced()
    school.edit("1", note="kept")
    ids = school.ids()
    school.disconnect()
    school.edit("2", first_name="Edited meanwhile")

    school.configure()
    run = school.synced()

    assert school.ids() == ids
    assert school.table("first_name", "note") == [("1", "Ada", "kept", "active"), ("2", "Bo", None, "active")]
    assert all(one.managed for one in school.people())
    assert numbers(run) == {"read": 2, "updated": 1, "unchanged": 1}


def test_r37_the_first_sync_after_reconnecting_finds_who_has_left(school):
    account = school.enrol("1")
    school.enrol("2")
    school.add("hand")
    school.synced()
    school.disconnect()
    school.directory.delete_user(account)

    school.configure()
    run = school.synced()

    assert school.table() == [("1", "inactive"), ("2", "active"), ("hand", "active")]
    assert numbers(run) == {"read": 1, "deactivated": 1, "unchanged": 1}


def test_r37_the_guards_watch_the_first_sync_after_reconnecting(school):
    accounts = school.enrol_many(10)
    school.synced()
    school.disconnect()
    for account in accounts[:5]:
        school.directory.delete_user(account)

    school.configure()
    run = school.sync()

    assert (run.status, run.holds) == ("held", ("many_leavers",))
    assert {status for _, status in school.table()} == {"active"}


def test_r37_reconnecting_by_another_connection_links_the_same_people(school, sandbox):
    school.enrol("1", "Ada")
    school.synced()
    ids = school.ids()
    school.disconnect()

    other = school.workspace.connections.add(form_for(sandbox, "Another"), test=None, actor=ACTOR)
    school.configure(connection_id=other.id)

    assert numbers(school.synced()) == {"read": 1, "unchanged": 1}
    assert school.ids() == ids


def test_r37_a_held_run_is_not_applied_to_a_disconnected_list(school):
    accounts = school.enrol_many(10)
    school.synced()
    for account in accounts[:5]:
        school.directory.delete_user(account)
    held = school.sync()
    school.disconnect()

    with pytest.raises(NotConnected):
        school.workspace.runner.apply_held(held.id, actor=ACTOR)
    assert {status for _, status in school.table()} == {"active"}


# R38


def test_r38_a_connection_in_use_is_not_removed(make_school):
    students, staff = make_school(), make_school(name="Staff")
    staff.enrol("1")
    connections = staff.workspace.connections

    with pytest.raises(ConnectionInUse) as caught:
        connections.remove("School Entra", actor=ACTOR)

    assert caught.value.details["lists"] == ["Staff", "Students"]
    assert "“Staff”, “Students”" in caught.value.message
    assert numbers(students.synced()) == {"read": 1, "created": 1}


def test_r38_lists_may_be_disconnected_with_the_removal(school, sandbox):
    school.enrol("1", "Ada")
    school.synced()
    people, ids = school.table("first_name"), school.ids()

    school.workspace.connections.remove("School Entra", disconnect_lists=True, actor=ACTOR)

    assert not school.list.connected
    assert (school.table("first_name"), school.ids()) == (people, ids)
    with pytest.raises(NotFound):
        school.workspace.connections.get("School Entra")
    again = school.workspace.connections.add(form_for(sandbox), test=None, actor=ACTOR)
    school.configure(connection_id=again.id)
    assert numbers(school.synced()) == {"read": 1, "unchanged": 1}


def test_r38_a_connection_of_disconnected_lists_alone_is_removed(school):
    school.disconnect()

    school.workspace.connections.remove("School Entra", actor=ACTOR)

    assert school.workspace.connections.all() == []


# R39


@pytest.mark.parametrize("seed", range(2))
def test_r39_nothing_is_ever_deleted(make_school, seed):
    school = make_school()
    chance = random.Random(seed)
    accounts = school.enrol_many(12, department="Art")
    known: dict[int, str] = {}
    history = 0
    for _ in range(6):
        for account in chance.sample(accounts, 4):
            if chance.random() < 0.4:
                school.directory.delete_user(account)
                accounts.remove(account)
            else:
                uid = chance.choice([None, "001", "900", f"{chance.randrange(20):03}"])
                school.directory.update_user(account, employeeId=uid)
        accounts += [school.enrol(f"{chance.randrange(20):03}", "New") for _ in range(2)]
        run = school.sync()
        if run.status == "held":
            school.workspace.runner.apply_held(run.id, actor=ACTOR)

        people = {one.id: one.uid for one in school.people()}
        assert known.items() <= people.items()
        assert len(set(people.values())) == len(people)
        known = people
        rows = sum(len(school.changes(one)) for one in school.runs())
        assert rows >= history
        history = rows
