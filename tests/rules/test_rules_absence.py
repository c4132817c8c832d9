"""Absence is explained before anybody is deactivated by it: R18."""

from __future__ import annotations

import pytest

from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.sync import absence
from captrid_core.sync.runs import RunKind, RunStatus

KINDS = [RunKind.FULL, RunKind.DELTA]


def reasons(school, run):
    """Return {UID: reason} of those whom a run deactivates."""
    found = school.workspace.runs.changes(run, school.list.people_table, school.list.uid_field)
    return {one.uid: one.reason for one in found if one.action == "deactivated"}


@pytest.mark.parametrize("kind", KINDS)
def test_r18_each_deactivation_says_why(make_school, sandbox, kind):
    group = sandbox.directory.add_group("Choir")
    school = make_school(
        scope=Scope(ScopeKind.GROUP, group_id=group), exclude_disabled=True, exclude_guests=True
    )
    binned, purged, disabled, guest, out, moved, *stays = school.enrol_many(40)
    for account in (binned, purged, disabled, guest, out, moved, *stays):
        sandbox.directory.add_member(group, account)
    school.synced()

    sandbox.directory.delete_user(binned)
    sandbox.directory.delete_user(purged)
    sandbox.directory.purge_user(purged)
    sandbox.directory.update_user(disabled, accountEnabled=False)
    sandbox.directory.update_user(guest, userType="Guest")
    sandbox.directory.remove_member(group, out)
    sandbox.directory.update_user(moved, employeeId="900")
    preview = school.preview(asked=kind)
    run = school.sync(asked=kind)

    expected = {
        "001": "recycle_bin",
        "002": "deleted",
        "003": "disabled",
        "004": "guest",
        "005": "out_of_scope",
        "006": "uid_changed",
    }
    assert run.kind is kind
    assert run.holds == ("many_leavers",)
    assert {one.uid: one.reason for one in preview.changes if one.action == "deactivated"} == expected
    assert reasons(school, run) == expected

    applied = school.workspace.runner.apply_held(run.id, actor="Alex Admin")

    assert reasons(school, applied) == expected


def test_r18_who_left_the_group_and_was_disabled_there_is_told_by_the_filter(make_school, sandbox):
    group = sandbox.directory.add_group("Choir")
    school = make_school(scope=Scope(ScopeKind.GROUP, group_id=group, nested=True), exclude_disabled=True)
    for account in (first := school.enrol("1"), school.enrol("2")):
        sandbox.directory.add_member(group, account)
    school.synced()

    sandbox.directory.remove_member(group, first)
    sandbox.directory.update_user(first, accountEnabled=False)

    assert reasons(school, school.synced()) == {"1": "disabled"}


@pytest.mark.parametrize("grouped", [False, True])
def test_r18_whom_a_read_left_out_stays_active_and_the_run_is_held(make_school, sandbox, grouped):
    scope = Scope()
    if grouped:
        scope = Scope(ScopeKind.GROUP, sandbox.directory.add_group("Choir"))
    school = make_school(scope=scope)
    accounts = school.enrol_many(8)
    if grouped:
        for account in accounts:
            sandbox.directory.add_member(scope.group_id, account)
    school.synced()
    sandbox.directory.update_user(accounts[0], givenName="Renamed")
    sandbox.directory.delete_user(accounts[7])
    sandbox.faults.add("omit", match="microsoft.graph.user" if grouped else r"/users\?", count=2)

    run = school.sync()

    assert (run.status, run.holds) == (RunStatus.HELD, ("incomplete_read",))
    assert "left out 2 people" in (run.message or "")
    assert reasons(school, run) == {"008": "recycle_bin"}
    assert {status for _, status in school.table()} == {"active"}

    school.workspace.runner.apply_held(run.id, actor="Alex Admin")

    assert school.table("first_name")[0] == ("001", "Renamed", "active")
    assert [uid for uid, status in school.table() if status == "inactive"] == ["008"]

    sandbox.faults.clear()
    assert school.synced().counts.unchanged == 7


def test_r18_nobody_is_looked_up_who_is_inactive_or_stands_by_hand(school, sandbox):
    gone, kept = school.enrol("1"), school.enrol("2")
    school.enrol("3")
    school.synced()
    sandbox.directory.delete_user(gone)
    sandbox.directory.delete_user(kept)
    school.synced()
    school.set_active("2", active=True)
    before = len(sandbox.requests)

    school.synced()

    assert not [one for one in sandbox.requests[before:] if "batch" in one.path]


def test_r18_a_bin_that_is_not_shown_leaves_it_at_deleted(school, sandbox):
    gone = school.enrol("1")
    school.enrol("2")
    school.synced()
    sandbox.directory.delete_user(gone)
    sandbox.faults.add("error", match="deleteditems", status=403, code="Authorization_RequestDenied")

    assert reasons(school, school.synced()) == {"1": "deleted"}


def test_r18_more_than_a_run_looks_up_are_held(school, sandbox, monkeypatch):
    monkeypatch.setattr(absence, "LOOKED_UP_AT_MOST", 1)
    first, second, *_ = school.enrol_many(4)
    school.synced()
    sandbox.directory.delete_user(first)
    sandbox.directory.delete_user(second)

    run = school.sync()

    assert (run.status, run.holds) == (RunStatus.HELD, ("unexplained_leavers",))
    assert sorted(reasons(school, run).values(), key=str) == [None, "recycle_bin"]
