from __future__ import annotations

import json
from pathlib import Path

import pytest

from captrid_core.sandbox import Sandbox
from captrid_core.sandbox.properties import USER_DEFAULTS

EVENTUAL = {"ConsistencyLevel": "eventual"}
UNSUPPORTED = (400, "Request_UnsupportedQuery")


def ids(objects):
    return [item["id"] for item in objects]


def test_the_default_answer_has_the_eleven_default_properties_with_nulls(caller):
    [user, *_] = caller.ok("/users")["value"]

    assert set(user) == set(USER_DEFAULTS)
    guest = next(user for user in caller.all("/users") if "#EXT#" in user["userPrincipalName"])
    assert guest["mobilePhone"] is None
    assert guest["businessPhones"] == []


def test_the_default_page_has_100_users_and_the_next_link_keeps_the_parameters(caller):
    page = caller.ok("/users?$select=id,displayName")

    assert len(page["value"]) == 100
    assert "$select=id,displayName&$skiptoken=" in page["@odata.nextLink"]


def test_following_the_next_links_gives_everybody_once(caller):
    found = ids(caller.all("/users?$top=30"))

    assert len(found) == len(set(found)) == 200
    assert set(found) == {user["id"] for user in caller.sandbox.directory.users()}


def test_the_last_page_has_no_next_link_even_when_it_is_full(caller):
    assert [len(page["value"]) for page in caller.pages("/users?$top=50")] == [50] * 4


def test_people_who_come_and_go_meanwhile_disturb_nobody_elses_page(caller):
    first = caller.ok("/users?$top=90")
    caller.sandbox.directory.leave(5)
    new = caller.sandbox.directory.hire(2)
    rest = caller.all(first["@odata.nextLink"])

    assert {user["id"] for user in caller.sandbox.directory.users()} <= {*ids(first["value"]), *ids(rest)}
    assert set(new) <= set(ids(rest))


def test_a_page_size_that_is_no_number_is_a_bad_request(caller):
    assert caller.refused("/users?$top=many") == (400, "BadRequest")


@pytest.mark.parametrize(
    "expand", ["memberOf", "manager($levels=max;$select=id)", "manager($expand=manager)"]
)
def test_expansions_that_the_sandbox_does_not_know_are_refused(caller, expand):
    assert caller.refused(f"/users?$expand={expand}") == UNSUPPORTED


@pytest.mark.parametrize("top", [0, 1000, 100000])
def test_a_page_size_out_of_range_is_an_error(caller, top):
    answer = caller.get(f"/users?$top={top}")

    assert answer.status == 400
    assert answer.json()["error"]["message"] == (
        f"Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive."
    )


def test_skip_is_refused_and_so_is_an_unknown_option(caller):
    assert caller.refused("/users?$skip=10") == UNSUPPORTED
    assert caller.refused("/users?$apply=groupby") == UNSUPPORTED


def test_select_shows_exactly_what_was_asked_for(caller):
    users = caller.ok("/users?$select=id,employeeId,accountEnabled,userType&$top=999")["value"]

    assert all(set(user) == {"id", "employeeId", "accountEnabled", "userType"} for user in users)
    assert any(user["employeeId"] is None for user in users)


def test_select_of_a_complex_property_shows_all_its_members(caller):
    users = caller.ok("/users?$select=id,onPremisesExtensionAttributes,employeeOrgData,userType&$top=999")[
        "value"
    ]

    assert all(len(user["onPremisesExtensionAttributes"]) == 15 for user in users)
    guest = next(user for user in users if user["userType"] == "Guest")
    assert set(guest["onPremisesExtensionAttributes"].values()) == {None}
    assert guest["employeeOrgData"] is None
    assert any(
        user["employeeOrgData"] and set(user["employeeOrgData"]) == {"division", "costCenter"}
        for user in users
    )


def test_select_of_one_member_of_a_complex_property(caller):
    [user, *_] = caller.ok("/users?$select=id,onPremisesExtensionAttributes/extensionAttribute1")["value"]

    assert list(user["onPremisesExtensionAttributes"]) == ["extensionAttribute1"]


def test_a_directory_extension_shows_for_those_who_have_it_only(caller):
    name = caller.sandbox.directory.people.college.extension
    users = caller.all(f"/users?$select=id,userType,{name}")

    assert any(user.get(name) for user in users)
    assert all(name not in user for user in users if user["userType"] == "Guest")


def test_an_unknown_property_is_an_error_and_a_sharepoint_one_is_not_implemented(caller):
    assert caller.refused("/users?$select=id,shoeSize") == (400, "BadRequest")
    assert caller.get("/users?$select=aboutMe").status == 501


def test_leave_date_and_sign_ins_need_further_permissions(call):
    sandbox = Sandbox(users=5)
    caller, trusted = (
        call(sandbox),
        call(sandbox, sandbox.register_app(roles=["User.Read.All", "AuditLog.Read.All"])),
    )

    assert caller.refused("/users?$select=id,signInActivity") == (403, "Authorization_RequestDenied")
    assert caller.refused("/users?$select=employeeLeaveDateTime") == (403, "Authorization_RequestDenied")
    assert trusted.get("/users?$select=id,signInActivity").status == 200


def test_tips_come_without_select_only(caller):
    assert "@microsoft.graph.tips" in caller.ok("/users")
    assert "@microsoft.graph.tips" not in caller.ok("/users?$select=id")


def test_one_user_by_id_and_by_principal_name_in_any_case(caller):
    user = next(user for user in caller.sandbox.directory.users() if "#EXT#" in user["userPrincipalName"])
    by_name = user["userPrincipalName"].replace("#", "%23")

    assert caller.ok(f"/users/{user['id']}")["displayName"] == user["displayName"]
    assert caller.ok(f"/users/{user['id'].upper()}")["id"] == user["id"]
    assert caller.ok(f"/users/{by_name.upper()}")["id"] == user["id"]


def test_who_does_not_exist_or_lies_in_the_recycle_bin_is_not_found(caller):
    [left] = caller.sandbox.directory.leave(1)

    for user_id in (left, "nobody@banksia.example", "00000000-0000-4000-8000-000000000000"):
        assert caller.refused(f"/users/{user_id}") == (404, "Request_ResourceNotFound")


def test_the_recycle_bin_lists_who_left_with_the_time(caller):
    [left] = caller.sandbox.directory.leave(1)

    assert left in ids(caller.all("/directory/deletedItems/microsoft.graph.user"))
    one = caller.ok(f"/directory/deletedItems/{left}")
    assert one["@odata.type"] == "#microsoft.graph.user"
    assert one["deletedDateTime"] == "2026-11-23T09:30:00Z"
    caller.sandbox.directory.restore_user(left)
    assert caller.refused(f"/directory/deletedItems/{left}") == (404, "Request_ResourceNotFound")


def test_a_manager_is_found_and_the_principal_has_none(caller):
    users = list(caller.sandbox.directory.users())
    managed = next(user for user in users if "manager" in user)
    principal = next(user for user in users if user.get("jobTitle") == "Principal")

    assert caller.ok(f"/users/{managed['id']}/manager")["id"] == managed["manager"]
    assert caller.refused(f"/users/{principal['id']}/manager") == (404, "Request_ResourceNotFound")


def test_expand_shows_the_manager_with_the_properties_asked_for(caller):
    users = caller.all("/users?$select=id,displayName&$expand=manager($select=id,displayName,mail)")
    truth = {user["id"]: user.get("manager") for user in caller.sandbox.directory.users()}

    assert {user["id"]: user.get("manager", {}).get("id") for user in users} == truth
    managed = next(user for user in users if "manager" in user)
    assert set(managed["manager"]) == {"@odata.type", "id", "displayName", "mail"}


def test_expand_does_not_go_with_advanced_queries(caller):
    assert caller.refused("/users?$expand=manager&$count=true", **EVENTUAL) == UNSUPPORTED


def test_a_manager_in_the_recycle_bin_does_not_show(caller):
    managed = next(user for user in caller.sandbox.directory.users() if "manager" in user)
    caller.sandbox.directory.delete_user(managed["manager"])

    assert caller.refused(f"/users/{managed['id']}/manager") == (404, "Request_ResourceNotFound")
    assert "manager" not in caller.ok(f"/users/{managed['id']}?$expand=manager")


def test_count_needs_the_header(caller):
    assert caller.refused("/users/$count") == (400, "Request_BadRequest")
    answer = caller.get("/users/$count", **EVENTUAL)
    assert (answer.body, answer.headers["content-type"]) == (b"200", "text/plain; charset=utf-8")


def test_count_without_the_header_is_silently_ignored(caller):
    assert "@odata.count" not in caller.ok("/users?$count=true")


def test_the_count_comes_on_the_first_page_only(caller):
    first, second, *_ = caller.pages("/users?$count=true&$top=80", **EVENTUAL)

    assert first["@odata.count"] == 200
    assert "@odata.count" not in second


FILTERS = {
    "accountEnabled eq false": lambda user: not user["accountEnabled"],
    "userType eq 'Guest'": lambda user: user["userType"] == "Guest",
    "startswith(displayName,'M')": lambda user: user["displayName"].startswith("M"),
    "department eq 'year 7' and accountEnabled eq true": lambda user: (
        user.get("department") == "Year 7" and user["accountEnabled"]
    ),
    "department eq 'Year 7' or department eq 'Year 8'": lambda user: (
        user.get("department") in {"Year 7", "Year 8"}
    ),
    "department in ('Year 7', 'Year 9')": lambda user: user.get("department") in {"Year 7", "Year 9"},
    "(userType eq 'Member') and (startswith(surname,'w') or startswith(givenName,'w'))": lambda user: (
        user["userType"] == "Member"
        and (user.get("surname", "")[:1] == "W" or user.get("givenName", "")[:1] == "W")
    ),
    "employeeHireDate ge 2015-01-01T00:00:00Z": lambda user: user.get("employeeHireDate", "") >= "2015",
}
ADVANCED_FILTERS = {
    "userType ne 'Guest'": lambda user: user["userType"] != "Guest",
    "not(startswith(displayName,'M'))": lambda user: not user["displayName"].startswith("M"),
    "endsWith(mail,'@parents.example')": lambda user: user["mail"].endswith("@parents.example"),
    "employeeId eq null": lambda user: "employeeId" not in user,
    "onPremisesExtensionAttributes/extensionAttribute1 eq 'Red'": lambda user: (
        user.get("onPremisesExtensionAttributes", {}).get("extensionAttribute1") == "Red"
    ),
    "officeLocation eq '7A'": lambda user: user.get("officeLocation") == "7A",
}


@pytest.mark.parametrize("text", FILTERS)
def test_filters_that_work_by_default(caller, text):
    wanted = {user["id"] for user in caller.sandbox.directory.users() if FILTERS[text](user)}

    assert wanted
    assert set(ids(caller.all(f"/users?$filter={text}&$top=7"))) == wanted
    assert caller.get(f"/users/$count?$filter={text}", **EVENTUAL).body == str(len(wanted)).encode()


@pytest.mark.parametrize("text", ADVANCED_FILTERS)
def test_filters_that_need_the_header_and_the_count(caller, text):
    wanted = {user["id"] for user in caller.sandbox.directory.users() if ADVANCED_FILTERS[text](user)}

    assert wanted
    assert set(ids(caller.all(f"/users?$filter={text}&$count=true", **EVENTUAL))) == wanted
    assert caller.refused(f"/users?$filter={text}") == UNSUPPORTED
    assert caller.refused(f"/users?$filter={text}", **EVENTUAL) == UNSUPPORTED


def test_filters_see_what_was_changed(caller):
    user = next(caller.sandbox.directory.users())
    caller.sandbox.directory.update_user(user["id"], department="Naval Studies", employeeId="9001")
    new = caller.sandbox.directory.add_user(displayName="Ann O'Neil", employeeId="9001")

    assert ids(caller.all("/users?$filter=department eq 'Naval Studies'")) == [user["id"]]
    assert set(ids(caller.all("/users?$filter=employeeId eq '9001'"))) == {user["id"], new}
    assert ids(caller.all("/users?$filter=displayName eq 'Ann O''Neil'")) == [new]


def test_doubled_numbers_and_addresses_are_found_by_filter(caller):
    users = list(caller.sandbox.directory.users())
    for name in ("employeeId", "mail", "id"):
        for user in users:
            if name in user:
                wanted = {one["id"] for one in users if one.get(name, "").lower() == user[name].lower()}
                assert (
                    set(ids(caller.ok(f"/users?$filter={name} eq '{user[name].strip()}'")["value"])) == wanted
                )


@pytest.mark.parametrize(
    "text",
    [
        "shoeSize eq '42'",
        "displayName eq",
        "displayName eq 'open",
        "accountEnabled eq 'true'",
        "displayName is 'x'",
        "(displayName eq 'x'",
        "displayName eq 'x' 'y'",
        "'x' eq displayName",
        "displayName eq mail",
        "startswith('x',displayName)",
    ],
)
def test_malformed_filters_are_bad_requests(caller, text):
    assert caller.refused(f"/users?$filter={text}") == (400, "BadRequest")


def test_long_values_and_long_lists_are_unsupported(caller):
    values = ",".join(f"'{number}'" for number in range(16))

    assert caller.refused(f"/users?$filter=employeeId in ({values})") == UNSUPPORTED
    assert caller.refused(f"/users?$filter=displayName eq '{'x' * 121}'") == UNSUPPORTED
    assert caller.refused("/users?$filter=contains(displayName,'x')") == UNSUPPORTED


def test_search_finds_words_and_needs_the_header(caller):
    caller.sandbox.directory.add_user(displayName="Wilhelmina van der Berg", mail="vdb@banksia.example")
    url = '/users?$search="displayName:wilhel berg" OR "mail:vdb"'

    assert [user["mail"] for user in caller.all(url, **EVENTUAL)] == ["vdb@banksia.example"]
    assert caller.refused(url) == UNSUPPORTED
    assert caller.refused("/users?$search=wilhelmina", **EVENTUAL) == UNSUPPORTED


@pytest.mark.parametrize("order", ["displayName", "displayName desc"])
def test_users_come_sorted_when_asked(caller, order):
    names = [user["displayName"].casefold() for user in caller.all(f"/users?$orderby={order}&$top=30")]

    assert len(names) == 200
    assert names == sorted(names, reverse=order.endswith("desc"))


def test_sorting_filtered_users_is_advanced_and_by_anything_else_unsupported(caller):
    url = "/users?$orderby=displayName&$filter=userType eq 'Guest'"

    assert caller.refused(url) == UNSUPPORTED
    assert len(caller.all(f"{url}&$count=true", **EVENTUAL)) == 4
    assert caller.refused("/users?$orderby=department") == UNSUPPORTED


def test_page_tokens_expire(caller, clock):
    link = caller.ok("/users?$top=10")["@odata.nextLink"]
    clock.pass_by(minutes=59)
    assert caller.get(link).status == 200
    clock.pass_by(minutes=2)
    caller.token = ""

    assert caller.refused(link) == (400, "Directory_ExpiredPageToken")


def test_a_page_token_that_was_altered_or_is_for_another_list_is_refused(caller):
    link = caller.ok("/users?$top=10")["@odata.nextLink"]

    assert caller.refused(link[:-2] + "zz") == (400, "Request_BadRequest")
    assert caller.refused(link.replace("/users", "/groups")) == (400, "Request_BadRequest")


def test_paths_are_the_same_in_any_case_and_unknown_ones_are_errors(caller):
    assert caller.get("/Users").status == 200
    assert caller.refused("/people") == (400, "BadRequest")


def test_headers_are_those_of_graph(caller):
    answer = caller.get("/users?$select=id", client_request_id="abc")

    assert answer.headers["client-request-id"] == "abc"
    assert len(answer.headers["request-id"]) == 36
    assert answer.headers["content-type"].startswith("application/json;odata.metadata=minimal")
    assert answer.headers["x-ms-resource-unit"] == "1"
    assert caller.get("/users").headers["x-ms-resource-unit"] == "2"
    assert caller.get("/users?$top=19").headers["x-ms-resource-unit"] == "1"
    assert caller.get("/users?$expand=manager").headers["x-ms-resource-unit"] == "3"


def test_error_bodies_have_an_inner_error_with_date_and_ids(caller):
    answer = caller.get("/users/nobody", client_request_id="abc")

    assert answer.json()["error"] == {
        "code": "Request_ResourceNotFound",
        "message": "Resource 'nobody' does not exist or one of its queried reference-property objects are not present.",
        "innerError": {
            "date": "2026-11-23T09:30:00",
            "request-id": answer.headers["request-id"],
            "client-request-id": "abc",
        },
    }


def test_organization_names_the_tenant(caller):
    [organization] = caller.ok("/organization")["value"]

    assert organization["id"] == caller.sandbox.tenant_id
    assert organization["displayName"] == "Banksia College"
    assert organization["verifiedDomains"][0]["name"] == "banksia.example"


def test_objects_are_fetched_by_ids(caller):
    directory = caller.sandbox.directory
    user, group = next(directory.users())["id"], directory.group_id("All Staff")
    [left] = directory.leave(1)

    found = caller.post("/directoryObjects/getByIds", {"ids": [user, group, left, "x"]}).json()["value"]
    assert [(item["id"], item["@odata.type"]) for item in found] == [
        (user, "#microsoft.graph.user"),
        (group, "#microsoft.graph.group"),
    ]
    only_groups = caller.post("/directoryObjects/getByIds", {"ids": [user, group], "types": ["group"]}).json()
    assert ids(only_groups["value"]) == [group]


@pytest.mark.parametrize("body", [{"ids": []}, {"ids": "x"}, {}, [1]])
def test_fetching_by_ids_needs_ids(caller, body):
    assert caller.post("/directoryObjects/getByIds", body).status == 400


def test_every_member_of_a_user_has_the_type_that_the_schema_gives_it(caller):
    schema = json.loads((Path(__file__).parent / "user_schema.json").read_text())
    types = {"String": str, "Boolean": bool, "Strings": list, "DateTimeOffset": str, "Object": dict}
    extension = caller.sandbox.directory.people.college.extension

    selected = ",".join([*schema, extension])
    for user in caller.all(f"/users?$select={selected}"):
        assert set(user) - {extension} == set(schema)
        for name, value in user.items():
            declared = schema.get(name, {"type": "String", "nullable": True})
            assert value is not None or declared["nullable"], name
            assert value is None or isinstance(value, types[declared["type"]]), name
            if declared["type"] == "DateTimeOffset" and value is not None:
                assert value.endswith("Z")
            if declared["type"] == "Strings":
                assert all(isinstance(item, str) for item in value)
    assert set(USER_DEFAULTS) <= set(schema)
