"""Leaving and coming back: R18 to R22."""

from __future__ import annotations

import pytest
from rules_school import numbers

from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.errors import Invalid
from captrid_core.lists.model import OnUidChange
from captrid_core.sync.runs import RunKind

# R18


def test_r18_who_is_not_in_the_scope_any_more_is_deactivated_and_keeps_everything(school):
    account = school.enrol("1", "Ada", department="Art")
    school.enrol("2", "Bo")
    school.synced()
    school.edit("1", note="kept")
    ids = school.ids()

    school.directory.delete_user(account)
    run = school.synced()

    assert school.table("first_name", "department", "note") == [
        ("1", "Ada", "Art", "kept", "inactive"),
        ("2", "Bo", None, None, "active"),
    ]
    assert school.ids() == ids
    assert numbers(run) == {"read": 1, "deactivated": 1, "unchanged": 1}
    assert school.changes(run) == [("deactivated", "1", None, None, None)]
    assert numbers(school.synced()) == {"read": 1, "unchanged": 1}


def test_r18_who_is_taken_out_of_the_group_is_deactivated(make_school, sandbox):
    group = sandbox.directory.add_group("Choir")
    school = make_school(scope=Scope(ScopeKind.GROUP, group_id=group))
    accounts = [school.enrol("1"), school.enrol("2")]
    school.enrol("3")
    for account in accounts:
        sandbox.directory.add_member(group, account)
    school.synced()
    assert school.table() == [("1", "active"), ("2", "active")]

    sandbox.directory.remove_member(group, accounts[0])
    school.synced()

    assert school.table() == [("1", "inactive"), ("2", "active")]


def test_r18_who_does_not_pass_the_filters_any_more_is_deactivated(make_school):
    school = make_school(exclude_disabled=True, exclude_guests=True)
    disabled, guest = school.enrol("1"), school.enrol("2")
    school.enrol("3")
    school.enrol("4", userType="Guest")
    school.synced()
    assert school.table() == [("1", "active"), ("2", "active"), ("3", "active")]

    school.directory.update_user(disabled, accountEnabled=False)
    school.directory.update_user(guest, userType="Guest")
    run = school.synced()

    assert school.table() == [("1", "inactive"), ("2", "inactive"), ("3", "active")]
    assert numbers(run) == {"read": 1, "deactivated": 2, "unchanged": 1}


# R19


def test_r19_a_delta_deactivates_those_alone_of_whom_something_was_said(make_school):
    school = make_school(exclude_disabled=True)
    removed, filtered, renamed, *_ = school.enrol_many(8)
    school.synced()

    school.directory.delete_user(removed)
    school.directory.update_user(filtered, accountEnabled=False)
    school.directory.update_user(renamed, employeeId="900")
    school.synced(asked=RunKind.DELTA)

    statuses = dict(school.table())
    assert {uid for uid, status in statuses.items() if status == "inactive"} == {"001", "002", "003"}
    assert len(statuses) == 9


def test_r19_the_first_delta_is_a_full_sync_and_says_so(school):
    school.enrol("1")

    run = school.synced(asked=RunKind.DELTA)

    assert (run.asked, run.kind) == ("delta", "full")
    assert "full sync" in run.message
    assert school.table() == [("1", "active")]


# R20


def test_r20_who_comes_back_is_active_again_as_the_same_person(school):
    account = school.enrol("1", "Ada")
    school.enrol("2")
    school.synced()
    school.edit("1", note="kept")
    ids = school.ids()
    school.directory.delete_user(account)
    school.synced()

    school.directory.restore_user(account)
    school.directory.update_user(account, givenName="Adele")
    run = school.synced()

    assert school.table("first_name", "note") == [
        ("1", "Adele", "kept", "active"),
        ("2", "Ada", None, "active"),
    ]
    assert school.ids() == ids
    assert numbers(run) == {"read": 2, "updated": 1, "reactivated": 1, "unchanged": 1}
    assert school.changes(run) == [
        ("reactivated", "1", None, None, None),
        ("updated", "1", "first_name", "Ada", "Adele"),
    ]


def test_r20_who_comes_back_without_any_other_change_is_counted_as_updated_and_reactivated(school):
    account = school.enrol("1")
    school.enrol("2")
    school.synced()
    school.directory.delete_user(account)
    school.synced()

    school.directory.restore_user(account)

    assert numbers(school.synced()) == {"read": 2, "updated": 1, "reactivated": 1, "unchanged": 1}
    assert numbers(school.synced()) == {"read": 2, "unchanged": 2}


def test_r20_an_account_that_comes_back_with_another_uid_is_another_person(school):
    account = school.enrol("1")
    school.enrol("2")
    school.synced()
    school.directory.delete_user(account)
    school.synced()

    school.directory.restore_user(account)
    school.directory.update_user(account, employeeId="3")
    run = school.synced()

    assert school.table() == [("1", "inactive"), ("2", "active"), ("3", "active")]
    assert numbers(run) == {"read": 2, "created": 1, "unchanged": 1}


def test_r20_in_mode_same_person_an_account_that_comes_back_with_another_uid_is_that_person(make_school):
    school = make_school(on_uid_change=OnUidChange.SAME_PERSON)
    account = school.enrol("1")
    school.enrol("2")
    school.synced()
    ids = school.ids()
    school.directory.delete_user(account)
    school.synced()

    school.directory.restore_user(account)
    school.directory.update_user(account, employeeId="3")
    run = school.synced()

    assert school.table() == [("2", "active"), ("3", "active")]
    assert school.ids()["3"] == ids["1"]
    assert numbers(run) == {"read": 2, "updated": 1, "reactivated": 1, "unchanged": 1}


# R21


def test_r21_who_was_deactivated_by_hand_stays_inactive_while_the_fields_go_on(school):
    account = school.enrol("1", "Ada")
    school.synced()

    school.set_active("1", False)
    school.directory.update_user(account, givenName="Adele")
    run = school.synced()

    assert school.table("first_name") == [("1", "Adele", "inactive*")]
    assert numbers(run) == {"read": 1, "updated": 1}
    found = school.workspace.people.find(school.list, status="all", exceptions_only=True)
    assert [one.uid for one in found.people] == ["1"]


def test_r21_who_was_deactivated_by_hand_leaves_and_returns_stays_inactive(school):
    account = school.enrol("1", "Ada")
    school.enrol("2")
    school.synced()
    school.set_active("1", False)

    school.directory.delete_user(account)
    away = school.synced()
    assert school.table() == [("1", "inactive"), ("2", "active")]  # it agrees: no exception meanwhile
    school.directory.restore_user(account)
    back = school.synced()

    assert school.table() == [("1", "inactive*"), ("2", "active")]
    assert numbers(away) == {"read": 1, "unchanged": 1}
    assert numbers(back) == {"read": 2, "unchanged": 2}


def test_r21_who_was_reactivated_by_hand_stays_active_although_the_directory_lacks_them(school):
    account = school.enrol("1")
    school.enrol("2")
    school.synced()
    school.directory.delete_user(account)
    school.synced()

    school.set_active("1", True)
    run = school.synced()

    assert school.table() == [("1", "active*"), ("2", "active")]
    assert numbers(run) == {"read": 1, "unchanged": 1}


def test_r21_somebody_added_and_deactivated_by_hand_stays_inactive_when_linked(school):
    school.add("1", first_name="By hand")
    school.set_active("1", False)
    assert school.table() == [("1", "inactive")]  # no directory to disagree with yet

    school.enrol("1", "Ada")
    run = school.synced()

    assert school.table("first_name") == [("1", "Ada", "inactive*")]
    assert numbers(run) == {"read": 1, "updated": 1}


def test_r21_a_status_by_hand_that_agrees_with_the_directory_is_no_exception(school):
    account = school.enrol("1")
    school.enrol("2")
    school.synced()
    school.set_active("1", False)
    school.set_active("1", True)
    assert school.table() == [("1", "active"), ("2", "active")]
    with pytest.raises(Invalid):
        school.release("1")

    school.directory.delete_user(account)
    run = school.synced()

    assert school.table() == [("1", "inactive"), ("2", "active")]
    assert run.counts.deactivated == 1


def test_r21_release_gives_the_status_back_at_once(school):
    gone = school.enrol("1")
    school.enrol("2")
    school.synced()
    school.directory.delete_user(gone)
    school.synced()
    school.set_active("1", True)
    school.set_active("2", False)
    assert school.table() == [("1", "active*"), ("2", "inactive*")]

    school.release("1")
    school.release("2")

    assert school.table() == [("1", "inactive"), ("2", "active")]
    assert numbers(school.synced()) == {"read": 1, "unchanged": 1}
    school.directory.restore_user(gone)
    school.synced()
    assert school.table() == [("1", "active"), ("2", "active")]


def test_r21_a_new_uid_does_not_deactivate_who_was_reactivated_by_hand(school):
    account = school.enrol("A")
    school.enrol("Z")
    school.synced()
    school.directory.delete_user(account)
    school.synced()
    school.set_active("A", True)

    school.directory.restore_user(account)
    school.directory.update_user(account, employeeId="B")
    school.synced()

    assert school.table() == [("A", "active*"), ("B", "active"), ("Z", "active")]


# R22


def test_r22_people_who_never_came_from_the_directory_are_left_alone(school, tmp_path):
    school.add("hand", first_name="By hand", note="n")
    file = tmp_path / "people.csv"
    file.write_text("employee_id,first_name\nfile,From a file\n")
    school.workspace.files.import_csv(school.list, file, actor="Sam Staff")
    school.enrol("1")
    before = [one for one in school.people() if one.uid != "1"]

    first, second = school.synced(), school.synced()

    assert [one for one in school.people() if one.uid != "1"] == before
    assert [one.origin for one in before] == ["csv", "manual"]
    assert numbers(first) == {"read": 1, "created": 1}
    assert numbers(second) == {"read": 1, "unchanged": 1}


def test_r22_somebody_added_by_hand_who_was_linked_leaves_like_anybody_else(school):
    school.add("1")
    account = school.enrol("1")
    school.enrol("2")
    school.synced()

    school.directory.delete_user(account)
    run = school.synced()

    assert school.table() == [("1", "inactive"), ("2", "active")]
    assert run.counts.deactivated == 1
