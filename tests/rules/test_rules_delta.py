"""Rules R19 and R28 to R34: Delta Sync, over HTTPS against a directory that pages and repeats as Graph does."""

from __future__ import annotations

import pytest
from rules_school import FIELDS, MAPPING, School, numbers

from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.errors import DeltaLinkExpired
from captrid_core.lists.model import Field, OnUidChange
from captrid_core.sandbox.errors import ExpiredForm
from captrid_core.sync.runs import RunKind

DELTA = RunKind.DELTA


def delta(school: School):
    """Run a delta that has to be one and to succeed."""
    run = school.synced(asked=DELTA)
    assert (run.kind, run.message) == ("delta", None), run
    return run


def accounts(directory, count: int) -> list[str]:
    return [
        directory.add_user(employeeId=f"{n:03}", givenName="Ada", department="Arts") for n in range(count)
    ]


def group_of(directory, *members: str, name: str = "Staff") -> str:
    group = directory.add_group(name)
    for member in members:
        directory.add_member(group, member)
    return group


@pytest.fixture
def grouped(sandbox, make_school):
    """Return what makes a list that a group feeds, with the group's id."""

    def make(group: str, *, nested: bool = False, **configuration) -> School:
        scope = Scope(ScopeKind.GROUP, group, nested=nested)
        return make_school(scope=scope, group_name="Staff", **configuration)

    return make


def converged(school: School) -> None:
    """Check that a full sync finds nothing to do (R33)."""
    before = [(one.id, one.active, one.values) for one in school.people()]
    run = school.synced()
    changed = {
        name: count for name, count in numbers(run).items() if name not in ("read", "unchanged", "skipped")
    }
    assert changed == {}, school.changes(run)
    assert [(one.id, one.active, one.values) for one in school.people()] == before


# all users


def test_r28_the_first_sync_of_a_list_is_full_and_says_so(make_school):
    school = make_school()
    school.enrol("001")
    run = school.synced(asked=DELTA)
    assert (run.asked, run.kind) == ("delta", "full")
    assert run.message == "A full sync was run instead of a delta, because this is its first sync."
    assert delta(school).counts.read == 0


def test_a_delta_does_what_changed_and_counts_only_that(make_school):
    school = make_school()
    ids = school.enrol_many(40)
    school.synced()
    school.directory.update_user(ids[0], givenName="Grace")
    school.directory.update_user(ids[1], department="Science")
    school.directory.update_user(ids[2], jobTitle="Head of nothing that is mapped")
    school.directory.delete_user(ids[3])
    school.enrol("041", "Edith", department="Arts")
    run = delta(school)
    assert numbers(run) == {"read": 3, "created": 1, "updated": 2, "deactivated": 1}
    assert sorted(school.changes(run)) == [
        ("created", "041", None, None, None),
        ("deactivated", "004", None, None, None),
        ("updated", "001", "first_name", "Ada", "Grace"),
        ("updated", "002", "department", None, "Science"),
    ]
    assert numbers(delta(school)) == {}
    converged(school)


def test_r16_a_cleared_value_is_cleared_and_one_that_is_left_out_stays(make_school):
    school = make_school()
    ada = school.enrol("001", "Ada", department="Science")
    school.synced()
    school.directory.update_user(ada, department=None)
    delta(school)
    assert school.table("first_name", "department") == [("001", "Ada", None, "active")]
    converged(school)


def test_r14_r20_deleted_restored_purged_and_made_again(make_school):
    school = make_school()
    ids = school.enrol_many(30)
    school.synced()
    who = school.ids()
    school.directory.delete_user(ids[0])
    assert numbers(delta(school)) == {"deactivated": 1}
    assert numbers(delta(school)) == {}
    school.directory.restore_user(ids[0])
    assert numbers(delta(school)) == {"read": 1, "updated": 1, "reactivated": 1}
    school.directory.purge_user(ids[0])
    assert numbers(delta(school)) == {"deactivated": 1}
    school.enrol("001", "Ada")
    assert numbers(delta(school)) == {"read": 1, "updated": 1, "reactivated": 1}
    assert school.ids() == who
    converged(school)


def test_r31_an_object_that_comes_many_times_counts_once(sandbox, make_school):
    school = make_school()
    ids = school.enrol_many(12)
    school.synced()
    sandbox.delta.replays = 50
    sandbox.delta.page_size = 2
    try:
        for name in ("Grace", "Edith", "Rosa"):
            school.directory.update_user(ids[5], givenName=name)
        run = delta(school)
        assert run.counts.updated == 1
        assert run.counts.read == run.counts.updated + run.counts.unchanged
        assert school.person("006").values["first_name"] == "Rosa"
        assert numbers(delta(school)).get("updated") is None
    finally:
        sandbox.delta.replays, sandbox.delta.page_size = 0, 200
    converged(school)


def test_r19_filters_are_crossed_in_both_directions(make_school):
    school = make_school(exclude_guests=True, exclude_disabled=True)
    ids = school.enrol_many(30)
    guest = school.enrol("g01", "Guest", userType="Guest")
    asleep = school.enrol("d01", "Asleep", accountEnabled=False, department="Arts")
    assert numbers(school.synced()) == {"read": 30, "created": 30}
    school.directory.update_user(ids[0], accountEnabled=False)
    school.directory.update_user(ids[1], userType="Guest")
    school.directory.update_user(guest, userType="Member")
    school.directory.update_user(asleep, accountEnabled=True)
    run = delta(school)
    assert numbers(run) == {"read": 2, "created": 2, "deactivated": 2}
    assert school.person("d01").values["department"] == "Arts"
    school.directory.update_user(ids[0], givenName="Unseen")  # still disabled
    assert numbers(delta(school)) == {}
    school.directory.update_user(ids[0], accountEnabled=True)
    assert numbers(delta(school)) == {"read": 1, "updated": 1, "reactivated": 1}
    assert school.person("001").values["first_name"] == "Unseen"
    converged(school)


def test_r11_r12_who_was_skipped_is_looked_at_again_when_what_stood_in_the_way_is_gone(make_school):
    school = make_school()
    school.enrol_many(20)
    first = school.enrol("x", "First")
    second = school.enrol("x", "Second")
    blank = school.enrol(None, "Blank", department="Science")
    assert school.synced().counts.skipped == 3
    assert numbers(delta(school)) == {}
    school.directory.update_user(first, employeeId="y")  # the delta tells of the first alone
    run = delta(school)
    assert numbers(run) == {"read": 2, "created": 2}
    assert school.person("x").values["first_name"] == "Second"
    third = school.enrol("x", "Third")
    run = delta(school)
    assert numbers(run) == {"read": 1, "skipped": 1}
    assert [note.object_id for note in school.errors(run)] == [third]
    assert second in school.errors(run)[0].message
    school.directory.delete_user(second)
    run = delta(school)
    assert school.person("x").values["first_name"] == "Third"
    assert school.person("x").active
    school.directory.update_user(blank, employeeId="z")
    delta(school)
    assert school.table("first_name", "department")[-1] == ("z", "Blank", "Science", "active")
    converged(school)


@pytest.mark.parametrize("policy", list(OnUidChange))
def test_r13_a_changed_uid_in_a_delta(make_school, policy):
    school = make_school(on_uid_change=policy)
    ids = school.enrol_many(20)
    school.synced()
    who = school.ids()
    school.directory.update_user(ids[0], employeeId="new")
    run = delta(school)
    assert [note.code for note in school.warnings(run)] == ["uid_changed"]
    if policy is OnUidChange.SAME_PERSON:
        assert school.person("new").id == who["001"]
    else:
        assert not school.person("001").active
        assert school.person("new").id not in who.values()
    swap = school.ids()
    school.directory.update_user(ids[1], employeeId="003")
    school.directory.update_user(ids[2], employeeId="002")  # by the end of the round nobody is double (R12)
    assert delta(school).counts.skipped == 0
    if policy is OnUidChange.SAME_PERSON:
        swap["002"], swap["003"] = swap["003"], swap["002"]
    assert school.ids() == swap
    converged(school)


def test_r29_what_changes_during_a_full_read_comes_with_the_next_delta(sandbox, make_school):
    school = make_school()
    ids = school.enrol_many(10)
    changed: list[bool] = []

    def while_reading(progress) -> None:
        if progress.read and not changed:
            changed.append(True)
            school.directory.update_user(ids[0], givenName="Late")

    school.synced(listener=while_reading)
    assert changed
    delta(school)
    assert school.person("001").values["first_name"] == "Late"
    converged(school)


@pytest.mark.parametrize("form", list(ExpiredForm))
def test_r30_an_expired_link_becomes_a_full_sync_that_says_so(sandbox, make_school, form):
    school = make_school()
    ids = school.enrol_many(20)
    school.synced()
    school.directory.delete_user(ids[0])
    sandbox.faults.add("expire_delta", form=form)
    run = school.synced(asked=DELTA)
    assert (run.asked, run.kind) == ("delta", "full")
    assert run.message is not None
    assert run.message.startswith(
        "A full sync was run instead of a delta, because Microsoft Graph does not know"
    )
    assert numbers(run) == {"read": 19, "unchanged": 19, "deactivated": 1}
    sandbox.faults.clear()
    assert numbers(delta(school)) == {}


def test_r30_the_full_sync_in_place_of_a_delta_has_its_guards(sandbox, make_school):
    school = make_school()
    ids = school.enrol_many(20)
    school.synced()
    for one in ids[:10]:
        school.directory.delete_user(one)
    sandbox.faults.add("expire_delta")
    run = school.sync(asked=DELTA)
    assert (run.status, run.kind, run.holds) == ("held", "full", ("many_leavers",))
    assert run.message is not None
    assert "instead of a delta" in run.message
    assert "would deactivate 10" in run.message


def test_r26_the_link_of_a_held_delta_moves_when_it_is_applied(make_school):
    school = make_school()
    ids = school.enrol_many(20)
    school.synced()
    before = school.list.sync.delta_link
    for one in ids[:10]:
        school.directory.delete_user(one)
    held = school.sync(asked=DELTA)
    assert (held.status, held.kind) == ("held", "delta")
    assert school.list.sync.delta_link == before
    assert {status for *_, status in school.table()} == {"active"}
    applied = school.workspace.runner.apply_held(held.id, actor="Alex")
    assert (applied.status, applied.counts.deactivated) == ("succeeded", 10)
    assert school.list.sync.delta_link not in (None, before)
    assert numbers(delta(school)) == {}
    converged(school)


def test_r26_what_a_discarded_delta_knew_comes_again(make_school):
    school = make_school()
    ids = school.enrol_many(20)
    school.synced()
    for one in ids[:10]:
        school.directory.delete_user(one)
    held = school.sync(asked=DELTA)
    school.workspace.runner.discard(held.id, actor="Alex")
    again = school.sync(asked=DELTA)
    assert (again.status, again.kind, again.counts.deactivated) == ("held", "delta", 10)


def test_r1_a_delta_that_fails_moves_nothing(sandbox, make_school):
    school = make_school()
    ids = school.enrol_many(600)
    school.synced()
    before = (school.list.sync.delta_link, school.table("first_name"))
    for one in ids:
        school.directory.update_user(one, givenName="Grace")
    sandbox.faults.add("error", match="delta", status=403, code="Authorization_RequestDenied", after=2)
    run = school.sync(asked=DELTA)
    assert run.status == "failed"
    assert (school.list.sync.delta_link, school.table("first_name")) == before
    sandbox.faults.clear()
    assert numbers(delta(school)) == {"read": 600, "updated": 600}


def test_r35_a_delta_is_previewed_and_then_does_just_that(make_school):
    school = make_school()
    ids = school.enrol_many(20)
    school.synced()
    school.directory.update_user(ids[0], givenName="Grace")
    school.directory.delete_user(ids[1])
    shown = school.preview(asked=DELTA)
    assert (shown.run.kind, numbers(shown.run)) == ("delta", {"read": 1, "updated": 1, "deactivated": 1})
    run = delta(school)
    assert numbers(run) == numbers(shown.run)


def test_r28_a_changed_mapping_makes_the_next_sync_a_full_one(make_school):
    school = make_school()
    school.enrol_many(5)
    school.synced()
    school.configure(mapping={path: key for path, key in MAPPING.items() if path != "department"})
    run = school.synced(asked=DELTA)
    assert (run.kind, run.message) == (
        "full",
        "A full sync was run instead of a delta, because its mapping changed.",
    )


def test_r36_after_an_undo_comes_a_full_sync(make_school):
    school = make_school()
    ids = school.enrol_many(10)
    school.synced()
    school.directory.update_user(ids[0], givenName="Grace")
    run = delta(school)
    school.workspace.runner.undo(run.id, actor="Alex")
    assert school.person("001").values["first_name"] == "Ada"
    assert school.synced(asked=DELTA).kind == "full"
    assert school.person("001").values["first_name"] == "Grace"


def test_r21_a_status_by_hand_outlasts_deltas(make_school):
    school = make_school()
    ids = school.enrol_many(10)
    school.synced()
    school.set_active("001", active=False)
    school.directory.update_user(ids[0], givenName="Grace")
    delta(school)
    assert school.table("first_name")[0] == ("001", "Grace", "inactive*")
    school.directory.delete_user(ids[1])
    delta(school)
    school.set_active("002", active=True)
    delta(school)
    assert school.table()[1] == ("002", "active*")


def test_r10_a_new_account_is_linked_to_a_person_added_by_hand(make_school):
    school = make_school()
    school.enrol_many(5)
    school.synced()
    added = school.add("900", department="By hand", note="ours")
    school.enrol("900", "Grace")
    assert numbers(delta(school)) == {"read": 1, "updated": 1}
    assert school.person("900").id == added.id
    # the account has no department: what it lacks is blank as in a full sync
    assert school.table("first_name", "department", "note")[-1] == ("900", "Grace", None, "ours", "active")
    converged(school)


@pytest.mark.parametrize("grouped", [False, True])
def test_managers_are_followed(make_school, sandbox, grouped):
    scope = Scope(ScopeKind.GROUP, sandbox.directory.add_group("Staff")) if grouped else Scope()
    school = make_school(
        fields=(*FIELDS, Field("manager")),
        mapping={**MAPPING, "manager/displayName": "manager"},
        scope=scope,
    )
    ids = school.enrol_many(6)
    for one in ids if grouped else ():
        sandbox.directory.add_member(scope.group_id, one)
    school.directory.update_user(ids[5], displayName="Old Head")
    for one in ids[:3]:
        school.directory.set_manager(one, ids[5])
    school.synced()

    def managers() -> list[str | None]:
        return [name for _, name, _ in school.table("manager")][:4]

    assert managers() == ["Old Head", "Old Head", "Old Head", None]
    school.directory.set_manager(ids[3], ids[5])
    school.directory.set_manager(ids[0], None)
    delta(school)
    assert managers() == [None, "Old Head", "Old Head", "Old Head"]
    school.directory.update_user(ids[5], displayName="New Head")  # the reports themselves do not change
    delta(school)
    assert managers() == [None, "New Head", "New Head", "New Head"]
    school.directory.delete_user(ids[5])
    delta(school)
    assert managers() == [None, None, None, None]
    school.directory.restore_user(ids[5])
    delta(school)
    assert managers() == [None, "New Head", "New Head", "New Head"]
    converged(school)


# groups


def test_r32_members_come_and_go_with_all_their_fields(grouped, sandbox, make_school):
    directory = sandbox.directory
    ids = accounts(directory, 30)
    group = group_of(directory, *ids[:20])
    school = grouped(group)
    assert numbers(school.synced()) == {"read": 20, "created": 20}
    directory.add_member(group, ids[25])
    directory.remove_member(group, ids[0])
    directory.update_user(ids[1], givenName="Grace")
    directory.update_user(ids[26], givenName="Stranger")
    run = delta(school)
    assert numbers(run) == {"read": 2, "created": 1, "updated": 1, "deactivated": 1}
    assert school.person("025").values["department"] == "Arts"
    directory.delete_user(ids[2])
    assert numbers(delta(school)) == {"deactivated": 1}
    directory.restore_user(ids[2])  # its membership was there all the time, and no delta tells of it
    assert numbers(delta(school)) == {"read": 1, "updated": 1, "reactivated": 1}
    directory.remove_member(group, ids[3])
    directory.add_member(group, ids[3])
    assert numbers(delta(school)) == {"read": 1, "unchanged": 1}
    converged(school)


def test_r32_a_member_who_was_in_the_recycle_bin_when_the_list_was_first_read(grouped, sandbox):
    directory = sandbox.directory
    ids = accounts(directory, 6)
    group = group_of(directory, *ids)
    directory.delete_user(ids[0])
    school = grouped(group)
    assert school.synced().counts.created == 5
    directory.restore_user(ids[0])
    assert numbers(delta(school)) == {"read": 1, "created": 1}
    converged(school)


def test_r32_slices_of_a_big_group(grouped, sandbox):
    directory = sandbox.directory
    ids = accounts(directory, 300)
    group = group_of(directory, *ids[:20])
    school = grouped(group)
    school.synced()
    sandbox.delta.link_size = 7
    try:
        for one in ids[20:]:
            directory.add_member(group, one)
        assert numbers(delta(school)) == {"read": 280, "created": 280}
    finally:
        sandbox.delta.link_size = 500
    converged(school)


def test_r32_nested_groups_are_followed_with_their_tree(grouped, sandbox):
    directory = sandbox.directory
    ids = accounts(directory, 60)
    below = group_of(directory, *ids[20:25], name="Below")
    top = group_of(directory, *ids[:20], below, name="Top")
    other = group_of(directory, *ids[24:30], name="Other")
    school = grouped(top, nested=True)
    assert school.synced().counts.created == 25
    directory.add_member(below, ids[40])
    directory.remove_member(below, ids[20])
    assert numbers(delta(school)) == {"read": 1, "created": 1, "deactivated": 1}
    directory.add_member(below, other)  # nobody of the other group changes
    assert numbers(delta(school)) == {"read": 6, "created": 5, "unchanged": 1}
    directory.add_member(other, ids[50])
    assert numbers(delta(school)) == {"read": 1, "created": 1}
    directory.remove_member(below, ids[24])  # who is still a member by way of the other group
    assert numbers(delta(school)) == {"read": 1, "unchanged": 1}
    directory.remove_member(below, other)
    run = school.sync(asked=DELTA)
    assert (run.kind, run.status, run.counts.deactivated) == ("delta", "held", 7)
    school.workspace.runner.apply_held(run.id, actor="Alex")
    directory.add_member(other, ids[51])  # outside by now
    assert numbers(delta(school)) == {}
    converged(school)


def test_r32_a_nested_group_that_was_deleted_makes_a_full_sync(grouped, sandbox):
    directory = sandbox.directory
    ids = accounts(directory, 60)
    below = group_of(directory, *ids[55:], name="Below")
    top = group_of(directory, *ids[:55], below, name="Top")
    school = grouped(top, nested=True)
    school.synced()
    directory.delete_group(below)
    run = school.synced(asked=DELTA)
    assert (run.kind, run.counts.deactivated) == ("full", 5)
    assert run.message is not None
    assert "nested group" in run.message


def test_a_group_that_is_gone_fails_the_delta_and_changes_nothing(grouped, sandbox):
    directory = sandbox.directory
    ids = accounts(directory, 6)
    group = group_of(directory, *ids)
    school = grouped(group)
    school.synced()
    directory.delete_group(group)
    run = school.sync(asked=DELTA)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["code"] == "group_not_found"
    assert {status for *_, status in school.table()} == {"active"}


def test_r32_filters_of_a_group_are_crossed(grouped, sandbox):
    directory = sandbox.directory
    ids = accounts(directory, 20)
    asleep = directory.add_user(employeeId="d01", givenName="Dora", accountEnabled=False)
    group = group_of(directory, *ids, asleep)
    school = grouped(group, exclude_disabled=True)
    school.synced()
    directory.update_user(asleep, accountEnabled=True)
    directory.update_user(ids[0], accountEnabled=False)
    assert numbers(delta(school)) == {"read": 1, "created": 1, "deactivated": 1}
    converged(school)


def test_a_link_given_by_another_address_is_no_link(make_school, workspace):
    """A connection whose Graph address changed cannot use what the old one gave."""
    school = make_school()
    school.enrol("001")
    school.synced()
    connection = workspace.connections.get("School Entra")
    directory = workspace.connections.open(connection.id, _Unwatched())
    try:
        with pytest.raises(DeltaLinkExpired, match="another address"):
            list(
                directory.read_changes(
                    '{"users":"https://elsewhere.example/v1.0/users/delta?$deltatoken=x"}',
                    Scope(),
                    properties=[],
                )
            )
    finally:
        directory.close()


class _Unwatched:
    def check(self) -> None:
        """Go on."""

    def wait(self, seconds: float, reason: str) -> None:
        raise AssertionError(f"Nothing is waited for, but {seconds} s: {reason}")


def test_r12_whom_a_claimed_uid_left_as_is_goes_to_the_claimant_that_remains(school):
    first = school.enrol("1", "Ada")
    school.synced()
    school.directory.delete_user(first)
    stays, goes = school.enrol("1", "Bea"), school.enrol("1", "Cy")
    school.synced()
    assert school.table("first_name") == [("1", "Ada", "active")]

    school.directory.purge_user(goes)
    run = school.synced(asked=RunKind.DELTA)

    assert (run.kind, school.table("first_name")) == (RunKind.DELTA, [("1", "Bea", "active")])
    assert ("linked", "1", None, first, stays) in school.changes(run)


def test_r12_whom_a_claimed_uid_left_as_is_leaves_when_nobody_claims_it_any_more(school):
    first = school.enrol("1", "Ada")
    others = [school.enrol(uid) for uid in ("2", "3")]
    school.synced()
    school.directory.delete_user(first)
    claimants = [school.enrol("1", "Bea"), school.enrol("1", "Cy")]
    school.synced()
    for one in claimants:
        school.directory.purge_user(one)

    school.synced(asked=RunKind.DELTA)

    assert [status for _, status in school.table()] == ["inactive", "active", "active"]
    assert len(others) == 2
