from __future__ import annotations

import pytest

from captrid_core.sandbox import DeltaOptions, GroupKind, Sandbox

SELECT = "/groups/delta?$select=displayName,members"
REMOVED = {"reason": "deleted"}


def members_of(found, group_id):
    """Return what a round says of a group's members, over all its pages."""
    links = {}
    for item in found.of(group_id):
        for link in item.get("members@delta", []):
            links[link["id"]] = "@removed" not in link
    return links


@pytest.fixture
def directory(sandbox):
    return sandbox.directory


@pytest.mark.parametrize("path", ["/groups/delta", "/groups/delta()", "/groups/microsoft.graph.delta"])
def test_members_come_by_default(caller, directory, path):
    found = caller.delta(path)

    for group_id in directory.group_ids():
        assert set(members_of(found, group_id)) == directory.members(group_id)
    everyone = found.of(directory.group_id("All Staff"))[0]
    assert everyone["members@delta"][0]["@odata.type"] == "#microsoft.graph.user"
    assert {"displayName", "securityEnabled", "id"} <= set(everyone)


def test_without_members_selected_memberships_are_neither_shown_nor_tracked(caller, directory):
    first = caller.delta("/groups/delta?$select=displayName")
    group = directory.group_id("All Staff")
    directory.add_member(group, directory.add_user(displayName="Ada"))
    second = caller.delta(first.link)
    directory.update_group(group, displayName="Staff")

    assert not any("members@delta" in item for item in first.objects)
    assert second.objects == []
    assert caller.delta(second.link).objects == [{"id": group, "displayName": "Staff"}]


def test_a_group_without_members_has_no_members_delta(caller, directory):
    [entry] = caller.delta(SELECT).of(directory.group_id("Alumni Association"))

    assert entry == {"id": directory.group_id("Alumni Association"), "displayName": "Alumni Association"}


def test_members_are_of_several_types(caller, directory):
    [entry] = caller.delta(SELECT).of(directory.group_id("Library iPads"))

    types = {link["@odata.type"] for link in entry["members@delta"]}
    assert types == {"#microsoft.graph.user", "#microsoft.graph.device"}


def test_a_large_group_recurs_with_other_members_page_after_page(call):
    sandbox = Sandbox(users=2600)
    caller, directory = call(sandbox), sandbox.directory
    everyone = directory.group_id("Everyone at Banksia")
    found = caller.delta(SELECT)

    entries = found.of(everyone)
    assert len(entries) > 4
    assert {entry["displayName"] for entry in entries} == {"Everyone at Banksia"}
    slices = [{link["id"] for link in entry["members@delta"]} for entry in entries]
    assert sum(map(len, slices)) == len(set().union(*slices)) == 2600
    for page in found.pages:
        assert sum(len(item.get("members@delta", [])) for item in page["value"]) <= 500
        assert len([item for item in page["value"] if item["id"] == everyone]) <= 1


def test_joining_and_leaving_a_group(caller, directory):
    group = directory.group_id("All Staff")
    old, new = min(directory.members(group)), directory.add_user(displayName="Ada")
    first = caller.delta(SELECT)
    directory.add_member(group, new)
    directory.remove_member(group, old)

    [entry] = caller.delta(first.link).objects
    kind = "#microsoft.graph.user"
    assert entry["members@delta"] == [
        {"@odata.type": kind, "id": new},
        {"@odata.type": kind, "id": old, "@removed": REMOVED},
    ]
    assert entry["displayName"] == "All Staff"


def test_leaving_and_joining_again_ends_as_a_member(caller, directory):
    group = directory.group_id("All Staff")
    someone = min(directory.members(group))
    first = caller.delta(SELECT)
    directory.remove_member(group, someone)
    directory.add_member(group, someone)

    assert members_of(caller.delta(first.link), group) == {someone: True}


def test_many_changes_of_one_group_come_in_slices(caller, directory, sandbox):
    sandbox.delta.link_size = 20
    group = directory.add_group("Newcomers")
    link = caller.delta(SELECT).link
    new = [directory.add_user(displayName=f"Person {number}") for number in range(50)]
    for user in new:
        directory.add_member(group, user)

    found = caller.delta(link)
    assert [len(item["members@delta"]) for item in found.of(group)] == [20, 20, 10]
    assert list(members_of(found, group)) == new


def test_the_recycle_bin_keeps_memberships_and_purging_ends_them(caller, directory):
    group = directory.group_id("All Staff")
    someone = min(directory.members(group))
    link = caller.delta(SELECT).link
    directory.delete_user(someone)
    binned = caller.delta(link)
    directory.purge_user(someone)
    purged = caller.delta(binned.link)

    assert binned.objects == []
    assert members_of(purged, group) == {someone: False}


def test_the_recycle_bin_shows_in_a_first_round_too(caller, directory):
    group = directory.group_id("All Staff")
    someone = min(directory.members(group))
    directory.delete_user(someone)

    assert members_of(caller.delta(SELECT), group)[someone] is True


def test_nested_groups_change_on_their_own(caller, directory):
    faculty = directory.group_id("Science Faculty")
    link = caller.delta(SELECT).link
    directory.remove_member(faculty, min(directory.members(faculty)))

    assert [item["id"] for item in caller.delta(link).objects] == [faculty]


def test_new_renamed_and_deleted_groups(caller, directory):
    link = caller.delta(SELECT).link
    new = directory.add_group("Chess Club")
    directory.update_group(directory.group_id("All Staff"), displayName="Staff")
    made = caller.delta(link)
    directory.delete_group(new)
    gone = caller.delta(made.link)

    assert made.of(new) == [{"id": new, "displayName": "Chess Club"}]
    assert made.of(directory.group_id("Staff"))[0]["displayName"] == "Staff"
    assert gone.objects == [{"id": new, "@removed": {"reason": "deleted"}}]


def test_a_deleted_microsoft_365_group_is_reported_as_changed(caller, directory):
    group = directory.add_group("Chess Club", kind=GroupKind.MICROSOFT_365)
    link = caller.delta(SELECT).link
    directory.delete_group(group)

    assert caller.delta(link).objects == [{"id": group, "@removed": {"reason": "changed"}}]


def test_a_deleted_group_leaves_the_groups_above_it(caller, directory):
    faculty, parent = directory.group_id("Science Faculty"), directory.group_id("Teaching Staff")
    link = caller.delta(SELECT).link
    directory.delete_group(faculty)

    assert members_of(caller.delta(link), parent) == {faculty: False}


def test_return_minimal_leaves_out_what_did_not_change(caller, directory):
    group = directory.group_id("All Staff")
    link = caller.delta(SELECT).link
    directory.add_member(group, directory.add_user(displayName="Ada"))

    [entry] = caller.delta(link, Prefer="return=minimal").objects
    assert set(entry) == {"id", "members@delta"}


def test_a_filter_keeps_to_some_groups(caller, directory):
    one, other = directory.group_id("All Staff"), directory.group_id("Year 7 Students")
    first = caller.delta(f"{SELECT}&$filter=id eq '{one}'")
    directory.update_group(other, displayName="Year Seven")
    directory.update_group(one, displayName="Staff")

    assert {item["id"] for item in first.objects} == {one}
    assert [item["id"] for item in caller.delta(first.link).objects] == [one]


def test_latest_starts_from_now(caller, directory):
    start = caller.ok(f"{SELECT}&$deltatoken=latest")
    new = directory.add_group("Chess Club")

    assert start["value"] == []
    assert [item["id"] for item in caller.delta(start["@odata.deltaLink"]).objects] == [new]


def test_small_pages_give_the_same(call):
    sandbox = Sandbox(users=100, delta=DeltaOptions(page_size=3, link_size=7, empty_every=2))
    found = call(sandbox).delta(SELECT)

    for group_id in sandbox.directory.group_ids():
        assert set(members_of(found, group_id)) == sandbox.directory.members(group_id)
    assert any(not page["value"] for page in found.pages)
