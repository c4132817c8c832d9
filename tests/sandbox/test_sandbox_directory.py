from __future__ import annotations

import threading

import pytest

from captrid_core.sandbox import Sandbox


@pytest.fixture
def directory(empty):
    return empty.directory


def test_a_new_user_gets_what_entra_requires(directory):
    user = directory.user(directory.add_user(givenName="Ada", surname="Byron"))

    assert user["displayName"] == "Ada Byron"
    assert user["accountEnabled"] is True
    assert user["userType"] == "Member"
    assert user["userPrincipalName"].endswith("@banksia.example")
    assert user["createdDateTime"] == "2026-11-23T09:30:00Z"


def test_a_user_may_be_given_an_id_that_nobody_has(directory):
    chosen = "11111111-2222-4333-8444-555555555555"

    assert directory.add_user(id=chosen, displayName="Ada") == chosen
    assert directory.user(chosen)["displayName"] == "Ada"
    with pytest.raises(ValueError, match="taken"):
        directory.add_user(id=chosen, displayName="Bo")


def test_principal_names_are_unique_whatever_their_case(directory):
    directory.add_user(userPrincipalName="ada@banksia.example")

    with pytest.raises(ValueError, match="userPrincipalName"):
        directory.add_user(userPrincipalName="ADA@banksia.example")


@pytest.mark.parametrize("name", ["shoeSize", "deletedDateTime"])
def test_unknown_and_read_only_properties_are_refused(directory, name):
    user = directory.add_user(displayName="Ada")

    with pytest.raises(ValueError, match=name):
        directory.update_user(user, **{name: "x"})


def test_changes_to_objects_are_by_member(directory):
    user = directory.add_user(onPremisesExtensionAttributes={"extensionAttribute1": "Red"})
    directory.update_user(user, onPremisesExtensionAttributes={"extensionAttribute2": "Wattle"})

    assert directory.user(user)["onPremisesExtensionAttributes"] == {
        "extensionAttribute1": "Red",
        "extensionAttribute2": "Wattle",
    }


def test_what_changes_nothing_is_no_change(directory):
    user, group = (
        directory.add_user(displayName="Ada", mail="ada@banksia.example"),
        directory.add_group("Club"),
    )
    directory.add_member(group, user)
    changes = len(directory.log)

    directory.update_user(user, mail="ada@banksia.example", jobTitle=None)
    directory.add_member(group, user)
    directory.set_manager(user, None)
    directory.remove_member(group, directory.add_user(displayName="Bo"))
    assert len(directory.log) == changes + 1  # Bo


def test_unknown_ids_raise_key_errors(directory):
    user = directory.add_user(displayName="Ada")
    group = directory.add_group("Club")
    directory.delete_user(user)

    for attempt in (
        lambda: directory.update_user(user, mail="x"),
        lambda: directory.delete_user(user),
        lambda: directory.restore_user("x"),
        lambda: directory.purge_user("x"),
        lambda: directory.add_member(group, user),
        lambda: directory.members(user),
        lambda: directory.delete_group("x"),
        lambda: directory.group_id("Clubs"),
        lambda: directory.user(user),
    ):
        with pytest.raises(KeyError):
            attempt()


def test_purging_a_manager_leaves_the_reports_without_one(directory):
    boss, report = directory.add_user(displayName="Bo"), directory.add_user(displayName="Ada")
    directory.set_manager(report, boss)
    assert directory.user(report)["manager"] == boss

    directory.purge_user(boss)
    assert "manager" not in directory.user(report)


def test_purging_a_planned_head_leaves_the_team_without_one():
    directory = Sandbox(users=200).directory
    report = next(user for user in directory.users() if "manager" in user)

    directory.purge_user(report["manager"])
    assert all(user.get("manager") != report["manager"] for user in directory.users())


def test_new_people_join_the_groups_of_those_they_resemble():
    directory = Sandbox(users=200).directory

    for user_id in directory.hire(5):
        user = directory.user(user_id)
        team = "All Staff" if user["employeeType"] != "Student" else f"{user['department']} Students"
        assert user_id in directory.members(directory.group_id(team))
        assert user_id in directory.members(directory.group_id("Everyone at Banksia"))


def test_leaving_is_for_the_recycle_bin_and_for_each_person_once():
    directory = Sandbox(users=60).directory
    left = directory.leave(10)

    assert len(set(left)) == 10
    assert {user["id"] for user in directory.users()}.isdisjoint(left)
    directory.restore_user(left[0])
    assert left[0] in {user["id"] for user in directory.users()}


def test_moving_changes_department_and_groups():
    directory = Sandbox(users=200).directory
    before = {user["id"]: user for user in directory.users()}

    for user_id in directory.move(10):
        old, new = before[user_id].get("department"), directory.user(user_id)["department"]
        assert old != new
        for suffix in ("Students", "Faculty", "Team"):
            for name, belongs in ((f"{old} {suffix}", False), (f"{new} {suffix}", True)):
                try:
                    group = directory.group_id(name)
                except KeyError:
                    continue
                assert (user_id in directory.members(group)) is belongs


def test_renaming_changes_surname_and_display_name():
    directory = Sandbox(users=60).directory
    before = {user["id"]: user for user in directory.users()}
    [user_id] = directory.rename(1)

    assert directory.user(user_id)["surname"] != before[user_id].get("surname")
    assert directory.user(user_id)["displayName"].endswith(directory.user(user_id)["surname"])


def test_nobody_is_left_to_leave_an_empty_directory(directory):
    assert directory.leave(3) == []
    assert len(directory.hire(2)) == 2


def test_many_threads_change_the_directory_at_once():
    directory = Sandbox(users=60, groups=False).directory
    threads = [threading.Thread(target=directory.hire, args=(20,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({user["id"] for user in directory.users()}) == 220
    assert len(directory.log) == 160
