from __future__ import annotations

import pytest

from captrid_core.sandbox import GroupKind, Sandbox

EVENTUAL = {"ConsistencyLevel": "eventual"}
UNSUPPORTED = (400, "Request_UnsupportedQuery")
CASTS = ("microsoft.graph.user", "graph.user")


def ids(objects):
    return {item["id"] for item in objects}


@pytest.fixture
def group(caller):
    """Return the path of a group by its name."""
    return lambda name: f"/groups/{caller.sandbox.directory.group_id(name)}"


def test_groups_are_listed_with_their_default_properties(caller):
    groups = caller.all("/groups?$top=20")

    assert len(groups) == 58
    assert {"id", "displayName", "description", "mailEnabled", "securityEnabled", "groupTypes"} <= set(
        groups[0]
    )
    assert groups[0]["description"]
    news = next(group for group in groups if group["displayName"] == "Banksia News")
    assert (news["groupTypes"], news["securityEnabled"]) == (["Unified"], False)


def test_groups_are_counted_filtered_searched_and_sorted(caller):
    found = caller.all("/groups?$filter=startswith(displayName,'year')&$select=id,displayName")
    searched = caller.all('/groups?$search="displayName:7a"&$select=displayName', **EVENTUAL)
    names = [group["displayName"] for group in caller.all("/groups?$orderby=displayName&$top=10")]

    assert caller.get("/groups/$count", **EVENTUAL).body == b"58"
    assert caller.refused("/groups/$count") == (400, "Request_BadRequest")
    assert {group["displayName"] for group in found} == {f"Year {year} Students" for year in range(7, 13)}
    assert [group["displayName"] for group in searched] == ["Homeroom 7A"]
    assert names == sorted(names, key=str.casefold)
    assert caller.get("/groups/$count?$filter=startswith(displayName,'year')", **EVENTUAL).body == b"6"


def test_groups_are_found_by_type_and_by_a_name_with_quotes(caller):
    unified = caller.all("/groups?$filter=groupTypes/any(c:c eq 'Unified')")
    name = "Parents'' %26 Friends'' Association"

    assert [group["displayName"] for group in unified] == ["Banksia News"]
    assert len(caller.all(f"/groups?$filter=displayName eq '{name}'")) == 1


def test_searching_groups_needs_the_header(caller):
    assert caller.refused('/groups?$search="displayName:year"') == UNSUPPORTED


def test_one_group_and_none(caller, group):
    assert caller.ok(group("All Staff"))["displayName"] == "All Staff"
    assert caller.refused("/groups/00000000-0000-4000-8000-000000000000") == (404, "Request_ResourceNotFound")
    user = next(caller.sandbox.directory.users())["id"]
    assert caller.refused(f"/groups/{user}/members") == (404, "Request_ResourceNotFound")


def test_direct_members_are_of_several_types(caller, group):
    members = caller.all(f"{group('Library iPads')}/members?$select=id,displayName&$top=4")

    types = [member["@odata.type"].rsplit(".", 1)[1] for member in members]
    assert (types.count("user"), types.count("device")) == (3, 12)
    assert ids(members) == caller.sandbox.directory.members(
        caller.sandbox.directory.group_id("Library iPads")
    )


@pytest.mark.parametrize("name", ["Teaching Staff", "All Students", "Camp Committee", "Year 7 Students"])
def test_transitive_members_are_everybody_below_once(caller, group, name):
    truth = caller.sandbox.directory.members(caller.sandbox.directory.group_id(name), transitive=True)
    members = [member["id"] for member in caller.all(f"{group(name)}/transitiveMembers?$top=13")]

    assert len(members) == len(set(members))
    assert set(members) == truth


def test_a_group_in_a_cycle_is_not_its_own_member(caller, group):
    members = caller.all(f"{group('Camp Committee')}/transitiveMembers")

    assert [m["displayName"] for m in members if m["@odata.type"].endswith("group")] == [
        "Excursion Committee"
    ]


@pytest.mark.parametrize("cast", CASTS)
@pytest.mark.parametrize("path", ["members", "transitiveMembers"])
def test_a_cast_gives_users_only_with_their_properties(caller, group, cast, path):
    url = f"{group('Teaching Staff')}/{path}/{cast}?$count=true&$select=id,employeeId&$top=3"
    users = caller.all(url, **EVENTUAL)

    truth = caller.sandbox.directory.members(
        caller.sandbox.directory.group_id("Teaching Staff"), transitive=path != "members"
    )
    assert ids(users) == truth & {user["id"] for user in caller.sandbox.directory.users()}
    assert all(set(user) == {"id", "employeeId"} for user in users)
    assert caller.ok(url, **EVENTUAL)["@odata.count"] == len(users)
    assert (
        caller.get(f"{group('Teaching Staff')}/{path}/{cast}/$count", **EVENTUAL).body
        == str(len(users)).encode()
    )


def test_a_cast_to_groups_gives_groups_only(caller, group):
    url = f"{group('Teaching Staff')}/members/microsoft.graph.group?$count=true"

    assert len(caller.all(url, **EVENTUAL)) == 8


@pytest.mark.parametrize("parameters", ["", "?$count=true"])
def test_a_cast_needs_header_and_count(caller, group, parameters):
    url = f"{group('All Staff')}/members/microsoft.graph.user"

    assert caller.refused(url + parameters) == UNSUPPORTED
    assert caller.refused(url, **EVENTUAL) == UNSUPPORTED


def test_the_header_has_to_be_sent_again_with_each_page(caller, group):
    url = f"{group('All Staff')}/members/microsoft.graph.user?$count=true&$top=2"
    link = caller.ok(url, **EVENTUAL)["@odata.nextLink"]

    assert caller.refused(link) == UNSUPPORTED


def test_a_cast_that_the_group_cannot_hold_is_unsupported(caller, group):
    url = f"{group('Banksia News')}/members/microsoft.graph.group?$count=true"

    assert caller.refused(url, **EVENTUAL) == UNSUPPORTED
    assert caller.refused(
        f"{group('Banksia News')}/members/microsoft.graph.pigeon?$count=true", **EVENTUAL
    ) == (
        400,
        "BadRequest",
    )


def test_members_are_counted_with_the_header_only(caller, group):
    count = len(caller.sandbox.directory.members(caller.sandbox.directory.group_id("Teaching Staff")))

    assert caller.get(f"{group('Teaching Staff')}/members/$count", **EVENTUAL).body == str(count).encode()
    assert caller.refused(f"{group('Teaching Staff')}/members/$count") == (400, "Request_BadRequest")


def test_cast_members_can_be_filtered(caller, group):
    path = f"{group('Everyone at Banksia')}/members/microsoft.graph.user"
    query = "$filter=userType eq 'Guest'&$select=id,userType"

    assert len(caller.all(f"{path}?$count=true&{query}", **EVENTUAL)) == 4
    assert caller.get(f"{path}/$count?{query}", **EVENTUAL).body == b"4"


def test_members_of_several_kinds_cannot_be_filtered_here(caller, group):
    url = f"{group('All Staff')}/members?$count=true&$filter=displayName eq 'x'"

    assert caller.refused(url, **EVENTUAL) == UNSUPPORTED


def test_select_of_members_is_checked(caller, group):
    assert caller.refused(f"{group('All Staff')}/members?$select=shoeSize") == (400, "BadRequest")


def test_a_hidden_member_shows_its_id_whatever_is_selected(call):
    sandbox = Sandbox(users=50)
    caller = call(sandbox, sandbox.register_app(roles=["GroupMember.Read.All"]))
    group_id = sandbox.directory.group_id("All Staff")

    assert ids(caller.all(f"/groups/{group_id}/members?$select=mail")) == sandbox.directory.members(group_id)


def test_a_group_may_be_given_an_id(empty, call):
    chosen = "11111111-2222-4333-8444-555555555555"

    assert empty.directory.add_group("Pioneers", id=chosen) == chosen
    assert call(empty).ok(f"/groups/{chosen}")["displayName"] == "Pioneers"


def test_an_empty_group_has_no_members(caller, group):
    assert caller.ok(f"{group('Alumni Association')}/members")["value"] == []


def test_who_lies_in_the_recycle_bin_is_not_listed_and_comes_back_with_the_membership(caller, group):
    directory = caller.sandbox.directory
    members = directory.members(directory.group_id("All Staff"))
    someone = min(members)

    directory.delete_user(someone)
    assert ids(caller.all(f"{group('All Staff')}/members")) == members - {someone}
    directory.restore_user(someone)
    assert ids(caller.all(f"{group('All Staff')}/members")) == members
    directory.purge_user(someone)
    assert ids(caller.all(f"{group('All Staff')}/members")) == members - {someone}


def test_members_are_added_and_removed(caller, group):
    directory = caller.sandbox.directory
    group_id = directory.group_id("All Staff")
    before = directory.members(group_id)
    new = directory.add_user(displayName="New Person")
    old = min(before)

    directory.add_member(group_id, new)
    directory.remove_member(group_id, old)
    assert ids(caller.all(f"{group('All Staff')}/members?$top=3")) == before - {old} | {new}
    assert caller.get(f"{group('All Staff')}/members/$count", **EVENTUAL).body == str(len(before)).encode()
    directory.add_member(group_id, old)
    assert directory.members(group_id) == before | {new}


def test_groups_of_a_user_direct_and_nested(caller):
    directory = caller.sandbox.directory
    teacher = next(user for user in directory.users() if user.get("department") == "Science")
    direct = {group["displayName"] for group in caller.all(f"/users/{teacher['id']}/memberOf?$top=2")}
    nested = {group["displayName"] for group in caller.all(f"/users/{teacher['id']}/transitiveMemberOf")}

    assert {"All Staff", "Science Faculty", "Everyone at Banksia"} <= direct
    assert nested - direct >= {"Teaching Staff"}
    cast = caller.all(
        f"/users/{teacher['id']}/transitiveMemberOf/microsoft.graph.group?$count=true", **EVENTUAL
    )
    assert {group["displayName"] for group in cast} == nested
    assert caller.refused(f"/users/{teacher['id']}/memberOf/microsoft.graph.group") == UNSUPPORTED
    assert caller.refused("/users/nobody/memberOf") == (404, "Request_ResourceNotFound")


def test_group_permission_alone_shows_ids_and_nulls_of_members(call):
    sandbox = Sandbox(users=50)
    caller = call(sandbox, sandbox.register_app(roles=["GroupMember.Read.All"]))
    group_id = sandbox.directory.group_id("All Staff")

    for path in ("members", "transitiveMembers", "members/microsoft.graph.user"):
        members = caller.all(f"/groups/{group_id}/{path}?$count=true&$select=id,displayName,mail", **EVENTUAL)
        assert ids(members) == sandbox.directory.members(group_id)
        for member in members:
            assert member == {
                "@odata.type": "#microsoft.graph.user",
                "id": member["id"],
                "displayName": None,
                "mail": None,
            }
    assert caller.refused("/users") == (403, "Authorization_RequestDenied")
    assert caller.refused("/users/delta") == (403, "Authorization_RequestDenied")


def test_devices_show_nulls_without_a_permission_for_them(caller, group):
    members = caller.all(f"{group('Library iPads')}/members")

    devices = [member for member in members if member["@odata.type"] == "#microsoft.graph.device"]
    assert {device["displayName"] for device in devices} == {None}
    assert len(ids(devices)) == 12


def test_user_permission_alone_reads_no_groups(call):
    sandbox = Sandbox(users=50)
    caller = call(sandbox, sandbox.register_app(roles=["User.Read.All"]))
    group_id = sandbox.directory.group_id("All Staff")

    for path in ("/groups", f"/groups/{group_id}", f"/groups/{group_id}/members", "/groups/delta"):
        assert caller.refused(path) == (403, "Authorization_RequestDenied")
    assert caller.get("/users").status == 200


def test_groups_are_made_renamed_and_deleted(caller):
    directory = caller.sandbox.directory
    new = directory.add_group("Chess Club", kind=GroupKind.MICROSOFT_365, description="Thursdays")
    assert caller.ok(f"/groups/{new}")["groupTypes"] == ["Unified"]

    directory.update_group(new, displayName="Chess & Go Club")
    assert directory.group_id("Chess & Go Club") == new
    directory.delete_group(new)
    assert caller.refused(f"/groups/{new}") == (404, "Request_ResourceNotFound")
    with pytest.raises(KeyError):
        directory.group_id("Chess & Go Club")


def test_a_deleted_group_is_nobodys_member(caller, group):
    directory = caller.sandbox.directory
    directory.delete_group(directory.group_id("Science Faculty"))

    members = caller.all(f"{group('Teaching Staff')}/members?$select=id,displayName")
    assert "Science Faculty" not in {member["displayName"] for member in members}


def test_a_group_of_a_tenant_without_people(empty, call):
    directory = empty.directory
    group_id = directory.add_group("Pioneers")
    someone = directory.add_user(displayName="Ada", employeeId="1")
    directory.add_member(group_id, someone)

    assert ids(call(empty).all(f"/groups/{group_id}/members")) == {someone}
