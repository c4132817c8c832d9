"""Guards and held runs: R23 to R27."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from rules_school import ACTOR, form_for, numbers

from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.errors import NotFound, SyncRunning
from captrid_core.lists.model import Guards
from captrid_core.sandbox import Sandbox
from captrid_core.sync.runner import ConfigurationChanged, NotHeld

ACTING = "Olga Owner"


def leave(school, accounts):
    for account in accounts:
        school.directory.delete_user(account)


def held_leavers(school, people=10, leavers=5):
    """Sync some people, let some of them leave, and return the accounts and the held run."""
    accounts = school.enrol_many(people)
    school.synced()
    leave(school, accounts[:leavers])
    run = school.sync()
    assert (run.status, run.counts.deactivated) == ("held", leavers)
    return accounts, run


def apply(school, run):
    return school.workspace.runner.apply_held(run.id, actor=ACTING)


def discard(school, run):
    return school.workspace.runner.discard(run.id, actor=ACTING)


def inactive(school):
    return [uid for uid, status in school.table() if status.startswith("inactive")]


# R23


def test_r23_an_empty_read_is_held_even_for_one_person(school):
    account = school.enrol("1")
    school.synced()
    before = school.people()

    school.directory.delete_user(account)
    run = school.sync()

    assert (run.status, run.holds) == ("held", ("empty_read",))
    assert school.people() == before
    assert "nobody" in run.message


def test_r23_an_empty_group_is_held(make_school, sandbox):
    group = sandbox.directory.add_group("Choir")
    school = make_school(scope=Scope(ScopeKind.GROUP, group_id=group))
    account = school.enrol("1")
    sandbox.directory.add_member(group, account)
    school.synced()

    sandbox.directory.remove_member(group, account)

    assert school.sync().holds == ("empty_read",)


def test_r23_filters_that_leave_nobody_are_held(make_school):
    school = make_school(exclude_disabled=True)
    account = school.enrol("1")
    school.synced()

    school.directory.update_user(account, accountEnabled=False)

    assert school.sync().holds == ("empty_read",)


def test_r23_an_empty_read_of_a_list_without_managed_active_people_is_applied(school):
    school.add("hand")
    assert numbers(school.synced()) == {}

    account = school.enrol("1")
    school.synced()
    school.set_active("1", False)
    school.directory.delete_user(account)
    school.synced()

    assert school.table() == [("1", "inactive"), ("hand", "active")]


# R24


@pytest.mark.parametrize(
    ("people", "leavers", "held"),
    [
        (50, 5, False),  # 10 % is not more than 10 %
        (49, 5, True),
        (5, 4, False),  # fewer than 5 people
        (61, 6, False),
        (59, 6, True),
    ],
)
def test_r24_at_least_5_people_and_more_than_10_percent_are_held(school, people, leavers, held):
    accounts = school.enrol_many(people)
    school.synced()

    leave(school, accounts[:leavers])
    run = school.sync()

    assert run.status == ("held" if held else "succeeded")
    assert run.holds == (("many_leavers",) if held else ())
    assert run.counts.deactivated == leavers
    assert len(inactive(school)) == (0 if held else leavers)


@pytest.mark.parametrize(
    ("guards", "held"), [(Guards(3, 50.0), False), (Guards(3, 29.9), True), (Guards(2, 0.0), True)]
)
def test_r24_both_thresholds_are_settings_of_the_list(make_school, guards, held):
    school = make_school(guards=guards)
    accounts = school.enrol_many(10)
    school.synced()

    leave(school, accounts[:3])

    assert school.sync().status == ("held" if held else "succeeded")


def test_r24_people_deactivated_by_a_new_uid_count_as_leavers(school):
    accounts = school.enrol_many(10)
    school.synced()
    before = school.people()

    for account in accounts[:5]:
        school.directory.update_user(account, employeeId=f"new {account}")
    run = school.sync()

    assert run.holds == ("many_leavers",)
    assert school.people() == before


def test_r24_only_managed_active_people_are_the_whole(school):
    accounts = school.enrol_many(45)
    school.synced()
    for number in range(20):
        school.add(f"hand {number}")
    school.set_active("045", False)

    leave(school, accounts[:5])
    run = school.sync()

    assert run.status == "held"
    assert run.message is not None
    assert "5 of 44 managed Active people" in run.message


# R25


@pytest.mark.parametrize(
    ("people", "blanked", "held"),
    [(20, 5, False), (19, 5, True), (5, 4, False), (24, 6, False), (23, 6, True)],
)
def test_r25_at_least_5_people_and_more_than_25_percent_are_held(school, people, blanked, held):
    accounts = school.enrol_many(people, department="Art")
    school.synced()
    before = school.people()

    for account in accounts[:blanked]:
        school.directory.update_user(account, department=None)
    run = school.sync()

    assert run.status == ("held" if held else "succeeded")
    assert run.holds == (("mass_blanking",) if held else ())
    assert run.blanked == blanked
    assert (school.people() == before) is held


def test_r25_one_field_counts_and_not_several_together(school):
    accounts = school.enrol_many(10, department="Art")
    school.synced()

    for account in accounts[:4]:
        school.directory.update_user(account, department=None)
    for account in accounts[4:8]:
        school.directory.update_user(account, givenName=None)

    assert school.sync().status == "succeeded"


def test_r25_values_that_were_blank_before_do_not_count(school):
    accounts = school.enrol_many(10, department=None)
    school.synced()

    for account in accounts:
        school.directory.update_user(account, givenName="Changed")

    assert school.sync().status == "succeeded"


def test_r25_bad_values_blank_nobody(make_school):
    school = make_school()
    accounts = school.enrol_many(10, department="Art")
    school.synced()

    for account in accounts:
        school.directory.update_user(account, department="x" * 4001)
    run = school.synced()

    assert (run.blanked, len(school.errors(run))) == (0, 10)
    assert {department for _, department, _ in school.table("department")} == {"Art"}


# R26


def test_r26_a_held_run_has_changed_nothing_and_shows_what_it_would_do(school):
    accounts = school.enrol_many(10)
    school.synced()
    before = school.people()

    leave(school, accounts[:5])
    school.directory.update_user(accounts[9], givenName="Changed")
    school.enrol("new")
    run = school.sync()

    assert run.status == "held"
    assert school.people() == before
    assert numbers(run) == {"read": 6, "created": 1, "updated": 1, "deactivated": 5, "unchanged": 4}
    assert school.changes(run) == [
        ("created", "new", None, None, None),
        *(("deactivated", f"{number:03}", None, None, None) for number in range(1, 6)),
        ("updated", "010", "first_name", "Ada", "Changed"),
    ]


def test_r26_apply_does_what_was_shown(school):
    _, held = held_leavers(school)
    shown = school.changes(held)

    run = apply(school, held)

    assert run.status == "succeeded"
    assert inactive(school) == ["001", "002", "003", "004", "005"]
    assert school.changes(run) == shown
    assert ACTING in run.message
    assert [(one.id, one.status) for one in school.runs()] == [
        (held.id, "succeeded"),
        (held.id - 1, "succeeded"),
    ]
    assert numbers(school.synced()) == {"read": 5, "unchanged": 5}


def test_r26_discard_changes_nothing_and_the_next_run_is_held_again(school):
    _, held = held_leavers(school)
    before = school.people()

    run = discard(school, held)

    assert run.status == "discarded"
    assert school.people() == before
    assert len(school.changes(run)) == 5
    assert school.sync().status == "held"


def test_r26_what_was_decided_cannot_be_decided_again(school):
    _, first = held_leavers(school)
    discard(school, first)
    second = school.sync()
    apply(school, second)
    after = school.people()

    for run in (first, second):
        with pytest.raises(NotHeld):
            apply(school, run)
        with pytest.raises(NotHeld):
            discard(school, run)
    with pytest.raises(NotFound):
        school.workspace.runner.apply_held(999, actor=ACTING)
    assert school.people() == after


def test_r26_a_newer_read_takes_the_place_of_a_held_run(school):
    accounts, first = held_leavers(school)
    school.directory.restore_user(accounts[0])

    second = school.synced()

    assert school.workspace.runs.get(first.id).status == "discarded"
    assert second.counts.deactivated == 4
    with pytest.raises(NotHeld):
        apply(school, first)


def test_r26_a_failed_run_leaves_a_held_one_waiting(school, sandbox):
    _, held = held_leavers(school)
    sandbox.faults.add("wrong_secret")
    assert school.sync().status == "failed"

    assert apply(school, held).status == "succeeded"
    assert len(inactive(school)) == 5


def test_r26_apply_after_an_edit_is_computed_afresh_and_keeps_the_edit(school):
    accounts = school.enrol_many(10)
    school.synced()
    leave(school, accounts[:5])
    new = school.enrol("new", "From the directory")
    held = school.sync()

    school.edit("007", note="meanwhile")
    school.set_active("001", False)
    school.add("new", first_name="By hand", note="kept")
    run = apply(school, held)

    assert run.status == "succeeded"
    assert numbers(run) == {"read": 6, "updated": 1, "deactivated": 4, "unchanged": 5}
    assert school.person("007").values["note"] == "meanwhile"
    assert school.table("first_name", "note")[-1] == ("new", "From the directory", "kept", "active")
    assert ("linked", "new", None, None, new) in school.changes(run)


def test_r26_apply_is_held_again_if_it_would_deactivate_more_than_was_shown(school):
    accounts = school.enrol_many(10)
    school.synced()
    school.set_active("001", False)
    leave(school, accounts[:6])
    held = school.sync()
    assert held.counts.deactivated == 5

    school.set_active("001", True)
    before = school.people()
    again = apply(school, held)

    assert (again.status, again.counts.deactivated) == ("held", 6)
    assert school.people() == before
    assert ("deactivated", "001", None, None, None) in school.changes(again)
    assert apply(school, again).status == "succeeded"
    assert len(inactive(school)) == 6


def test_r26_apply_is_held_again_if_it_would_deactivate_somebody_who_was_not_shown(school):
    accounts = school.enrol_many(10)
    school.synced()
    school.set_active("001", False)
    leave(school, accounts[:6])
    held = school.sync()

    school.set_active("001", True)  # one more
    school.set_active("002", False)  # and one fewer
    again = apply(school, held)

    assert again.status == "held"
    assert school.person("001").active


def test_r26_apply_is_held_again_if_it_would_blank_more_than_was_shown(school):
    accounts = school.enrol_many(10, department="Art")
    school.add("hand")
    school.synced()
    for account in accounts[:5]:
        school.directory.update_user(account, department=None)
    school.enrol("hand", department=None)
    held = school.sync()
    assert held.holds == ("mass_blanking",)

    school.edit("hand", first_name="Hand", department="Chess")
    again = apply(school, held)

    assert (again.status, again.blanked) == ("held", 6)
    assert school.person("hand").values["department"] == "Chess"


def test_r26_a_bad_value_of_a_held_run_does_not_wander_to_another_person(school):
    accounts = school.enrol_many(10)
    school.add("hand", department="Chess")
    school.synced()
    leave(school, accounts[:5])
    school.enrol("hand", "From the directory", department="x" * 4001)
    held = school.sync()
    assert held.status == "held"

    school.edit("hand", employee_id="other")
    apply(school, held)

    assert school.table("first_name", "department")[-2:] == [
        ("hand", "From the directory", None, "active"),
        ("other", None, "Chess", "active"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"mapping": {"employeeId": "employee_id", "givenName": "first_name", "city": "note"}},
        {"mapping": {"employeeId": "employee_id"}},
        {"scope": Scope(ScopeKind.GROUP, group_id="00000000-1111-4222-8333-444444444444")},
        {"exclude_disabled": True},
    ],
    ids=["another mapping", "less mapping", "scope", "filters"],
)
def test_r26_a_held_run_of_another_configuration_is_not_applied(school, change):
    _, held = held_leavers(school)
    before = school.people()

    school.configure(**change)

    with pytest.raises(ConfigurationChanged):
        apply(school, held)
    assert school.people() == before
    assert discard(school, held).status == "discarded"


def test_r26_other_guards_do_not_keep_a_held_run_from_being_applied(school):
    _, held = held_leavers(school)

    school.configure(guards=Guards(deactivate_count=3))

    assert apply(school, held).status == "succeeded"


def test_r26_a_held_run_is_not_applied_while_another_run_goes_on(school):
    _, held = held_leavers(school)
    refused = []

    def listen(progress):
        if progress.phase == "reading" and not refused:
            with pytest.raises(SyncRunning) as caught:
                apply(school, held)
            refused.append(caught.value.details["run_id"])

    newer = school.sync(listener=listen)

    assert refused == [str(newer.id)]
    assert newer.status == "held"


def test_r26_a_run_that_was_applied_meanwhile_is_not_discarded(school, monkeypatch):
    _, held = held_leavers(school)
    looked = threading.Event()
    get = school.workspace.runs.get

    def slow_get(run_id):
        found = get(run_id)
        if threading.current_thread() is not threading.main_thread():
            looked.set()
        return found

    monkeypatch.setattr(school.workspace.runs, "get", slow_get)
    outcome = []

    def late():
        with pytest.raises(NotHeld):
            discard(school, held)
        outcome.append("refused")

    thread = threading.Thread(target=late)
    with school.workspace.database.exclusive():  # whoever wants to write waits
        thread.start()
        assert looked.wait(10)
        apply(school, held)
    thread.join(10)

    assert outcome == ["refused"]
    assert school.workspace.runs.get(held.id).status == "succeeded"


# R27


def test_r27_another_tenant_is_refused_until_the_list_is_reconnected(school):
    school.enrol("1", "Ada")
    school.synced()
    before = school.people()
    connections = school.workspace.connections
    with Sandbox(users=0, groups=False, seed=99).running() as other:
        other.directory.add_user(employeeId="1", givenName="Adele")
        connections.edit("School Entra", form_for(other), test=None, actor=ACTOR)

        refused = school.sync()

        assert (refused.status, refused.error["code"]) == ("failed", "tenant_changed")
        assert other.tenant_id in refused.message
        assert school.people() == before

        school.configure()  # no reconnection
        assert school.sync().error["code"] == "tenant_changed"

        school.disconnect()
        school.configure()
        run = school.synced()

    assert school.table("first_name") == [("1", "Adele", "active")]
    assert [one.id for one in school.people()] == [one.id for one in before]
    assert numbers(run) == {"read": 1, "updated": 1}


def test_r27_another_app_of_the_same_tenant_is_welcome(school, sandbox):
    school.enrol("1")
    school.synced()
    app = sandbox.register_app()
    form = replace(form_for(sandbox), client_id=app.client_id, secret=app.client_secret)
    school.workspace.connections.edit("School Entra", form, test=None, actor=ACTOR)

    assert numbers(school.synced()) == {"read": 1, "unchanged": 1}
