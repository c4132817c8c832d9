"""Microsoft's own client for Python, over HTTPS: an independent reader of what the sandbox answers."""

from __future__ import annotations

import asyncio
import json
import ssl
import warnings

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

from captrid_core.sandbox import Sandbox

# The SDK warns of itself while it is imported.
with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from kiota_abstractions.method import Method
    from kiota_abstractions.request_information import RequestInformation
    from kiota_authentication_azure.azure_identity_authentication_provider import (
        AzureIdentityAuthenticationProvider,
    )
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph.generated.directory_objects.get_by_ids.get_by_ids_post_request_body import (
        GetByIdsPostRequestBody,
    )
    from msgraph.generated.groups.delta.delta_request_builder import DeltaRequestBuilder as GroupDelta
    from msgraph.generated.groups.item.members.graph_user.graph_user_request_builder import (
        GraphUserRequestBuilder,
    )
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError
    from msgraph.generated.users.count.count_request_builder import CountRequestBuilder
    from msgraph.generated.users.delta.delta_request_builder import DeltaRequestBuilder as UserDelta
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder
    from msgraph_core import GraphClientFactory

# And while its parts are, which it puts off until they are used.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SCOPE = "https://graph.microsoft.com/.default"


@pytest.fixture(scope="module")
def running():
    with Sandbox(users=450, seed=6).running() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def wait():
    """Run coroutines in one loop, which the SDK's connections belong to."""
    with asyncio.Runner() as runner:
        yield runner.run


def credential(running, secret=None):
    return ClientSecretCredential(
        running.tenant_id,
        running.client_id,
        secret or running.client_secret,
        authority=running.authority_url,
        disable_instance_discovery=True,
        connection_verify=str(running.ca_file),
    )


@pytest.fixture(scope="module")
def client(running, wait):
    host = running.authority_url.removeprefix("https://")
    signed_in = credential(running)
    provider = AzureIdentityAuthenticationProvider(
        signed_in, scopes=[SCOPE], allowed_hosts=[host, "127.0.0.1"]
    )
    transport = httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=str(running.ca_file)))
    http = httpx.AsyncClient(transport=transport, base_url=running.graph_url)
    adapter = GraphRequestAdapter(
        provider, client=GraphClientFactory.create_with_default_middleware(client=http)
    )
    adapter.base_url = running.graph_url
    yield GraphServiceClient(request_adapter=adapter)
    # The SDK wraps the transport in its middleware, which does not close it.
    wait(transport.aclose())
    signed_in.close()


def asking(parameters, *, eventual=False):
    found = RequestConfiguration(query_parameters=parameters)
    if eventual:
        found.headers.add("ConsistencyLevel", "eventual")
    return found


def test_azure_identity_gets_a_token(running):
    with credential(running) as signed_in:
        token = signed_in.get_token(SCOPE)

    assert token.token.count(".") == 2


def test_azure_identity_reports_a_wrong_secret(running):
    with (
        credential(running, "wrong") as signed_in,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        signed_in.get_token(SCOPE)


def test_users_are_listed_page_by_page(running, client, wait):
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        select=["id", "displayName", "employeeId", "employeeHireDate", "businessPhones"], top=200
    )
    pages = [wait(client.users.get(asking(query)))]
    while pages[-1].odata_next_link:
        pages.append(wait(client.users.with_url(pages[-1].odata_next_link).get()))

    users = {user.id: user for page in pages for user in page.value}
    truth = {user["id"]: user for user in running.directory.users()}
    assert [len(page.value) for page in pages] == [200, 200, 50]
    assert users.keys() == truth.keys()
    assert all(user.display_name == truth[user.id]["displayName"] for user in users.values())
    assert all(user.employee_id == truth[user.id].get("employeeId") for user in users.values())
    hired = next(user for user in users.values() if user.employee_hire_date)
    assert hired.employee_hire_date.strftime("%Y-%m-%dT%H:%M:%SZ") == truth[hired.id]["employeeHireDate"]


def test_the_count_as_a_parameter(client, wait):
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(count=True, top=1)

    assert wait(client.users.get(asking(query, eventual=True))).odata_count == 450


def test_the_count_as_a_segment(client, wait):
    query = CountRequestBuilder.CountRequestBuilderGetQueryParameters()

    assert wait(client.users.count.get(asking(query, eventual=True))) == 450


def test_complex_properties_are_read(running, client, wait):
    student = next(user for user in running.directory.users() if user.get("employeeType") == "Student")
    found = wait(client.users.by_user_id(student["id"]).get())
    assert found.display_name == student["displayName"]

    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        select=["id", "onPremisesExtensionAttributes"], filter=f"id eq '{student['id']}'"
    )
    [one] = wait(client.users.get(asking(query))).value
    held = student["onPremisesExtensionAttributes"]["extensionAttribute1"]
    assert one.on_premises_extension_attributes.extension_attribute1 == held


def test_the_manager_is_a_user(running, client, wait):
    managed = next(user for user in running.directory.users() if "manager" in user)
    manager = wait(client.users.by_user_id(managed["id"]).manager.get())

    assert type(manager).__name__ == "User"
    assert manager.id == managed["manager"]


def user_delta(client, wait, link=None, **parameters):
    """Follow a delta query of users to its delta link."""
    query = UserDelta.DeltaRequestBuilderGetQueryParameters(**parameters)
    page = wait(client.users.delta.with_url(link).get() if link else client.users.delta.get(asking(query)))
    found = list(page.value)
    while page.odata_next_link:
        page = wait(client.users.delta.with_url(page.odata_next_link).get())
        found += page.value
    return found, page.odata_delta_link


def test_a_delta_query_of_users_to_its_link_and_one_more_round(running, client, wait):
    directory = running.directory
    first, link = user_delta(client, wait, select=["id", "displayName", "department"])
    living = {user.id for user in first if "@removed" not in user.additional_data}
    assert living == {user["id"] for user in directory.users()}

    [renamed], [left], [new] = directory.rename(1), directory.leave(1), directory.hire(1)
    second, link = user_delta(client, wait, link)
    changed = {user.id: user for user in second}
    assert {renamed, left, new} == changed.keys()
    assert changed[renamed].display_name == directory.user(renamed)["displayName"]
    assert changed[left].additional_data["@removed"] == {"reason": "changed"}
    directory.restore_user(left)
    directory.purge_user(new)

    third, link = user_delta(client, wait, link)
    assert {user.id for user in third} == {left, new}
    assert user_delta(client, wait, link)[0] == []


def test_a_delta_query_from_now_on(running, client, wait):
    query = "?$deltatoken=latest&$select=id,displayName"
    nothing, link = user_delta(client, wait, f"{running.graph_url}/users/delta{query}")
    assert nothing == []

    [renamed] = running.directory.rename(1)
    assert [user.id for user in user_delta(client, wait, link)[0]] == [renamed]


def test_groups_are_listed(running, client, wait):
    groups = wait(client.groups.get()).value

    assert {group.id for group in groups} == set(running.directory.group_ids())
    assert {group.display_name for group in groups} >= {"All Staff", "Parents' & Friends' Association"}


def test_members_are_of_their_types(running, client, wait):
    group = running.directory.group_id("Library iPads")
    members = wait(client.groups.by_group_id(group).members.get()).value

    assert {type(member).__name__ for member in members} == {"User", "Device"}
    assert {member.id for member in members} == running.directory.members(group)


def test_members_are_cast_to_users(running, client, wait):
    group = running.directory.group_id("All Staff")
    query = GraphUserRequestBuilder.GraphUserRequestBuilderGetQueryParameters(
        count=True, select=["id", "displayName"]
    )
    builder = client.groups.by_group_id(group).members.graph_user
    found = wait(builder.get(asking(query, eventual=True)))

    assert {user.id for user in found.value} == running.directory.members(group)
    assert found.odata_count == len(found.value)
    assert wait(builder.count.get(asking(None, eventual=True))) == len(found.value)


def test_transitive_members_are_everybody_below(running, client, wait):
    group = running.directory.group_id("Teaching Staff")
    members = wait(client.groups.by_group_id(group).transitive_members.get()).value

    assert {member.id for member in members} == running.directory.members(group, transitive=True)


def test_a_delta_query_of_groups_and_one_more_round(running, client, wait):
    directory = running.directory
    query = GroupDelta.DeltaRequestBuilderGetQueryParameters(select=["displayName", "members"])
    page = wait(client.groups.delta.get(asking(query)))
    links = {}
    while True:
        for group in page.value:
            for link in group.additional_data.get("members@delta", []):
                links.setdefault(group.id, set()).add(str(link["id"]))
        if not page.odata_next_link:
            break
        page = wait(client.groups.delta.with_url(page.odata_next_link).get())
    binned = {directory.identifiers.guid(key) for key in directory.people.binned}
    truth = {group: directory.members(group) for group in directory.group_ids()}
    assert {group: found - binned for group, found in links.items()} == {g: m for g, m in truth.items() if m}

    group = directory.group_id("All Staff")
    someone = min(directory.members(group))
    directory.remove_member(group, someone)
    again = wait(client.groups.delta.with_url(page.odata_delta_link).get())
    [changed] = again.value
    [link] = changed.additional_data["members@delta"]
    assert (str(link["id"]), link["@removed"]) == (someone, {"reason": "deleted"})


def test_what_does_not_exist_is_an_odata_error(client, wait):
    with pytest.raises(ODataError) as caught:
        wait(client.users.by_user_id("nobody").get())

    assert caught.value.response_status_code == 404
    assert caught.value.error.code == "Request_ResourceNotFound"
    assert caught.value.error.inner_error.date is not None
    assert caught.value.error.inner_error.request_id


def test_a_throttled_request_is_tried_again(running, client, wait):
    running.faults.add("throttle", match="groups", times=1, retry_after=1)
    running.requests.clear()
    try:
        assert wait(client.groups.get()).value
    finally:
        running.faults.clear()

    assert [record.status for record in running.requests] == [429, 200]


def test_objects_are_fetched_by_ids(running, client, wait):
    user, group = next(running.directory.users())["id"], running.directory.group_id("All Staff")
    found = wait(client.directory_objects.get_by_ids.post(GetByIdsPostRequestBody(ids=[user, group])))

    assert [(type(item).__name__, item.id) for item in found.value] == [("User", user), ("Group", group)]


def test_the_organisation_names_the_tenant(running, client, wait):
    [organization] = wait(client.organization.get()).value

    assert (organization.id, organization.display_name) == (running.tenant_id, "Banksia College")


def test_a_batch_is_answered_item_by_item(running, client, wait):
    # The SDK's own builder of batches needs a package that the SDK does not install.
    asked = [
        {"id": str(n), "method": "GET", "url": url}
        for n, url in enumerate(("/users?$top=1", "/users/nobody"))
    ]
    request = RequestInformation(Method.POST, "{+baseurl}/$batch", {"baseurl": running.graph_url})
    request.set_stream_content(json.dumps({"requests": asked}).encode(), "application/json")
    answer = wait(client.request_adapter.send_primitive_async(request, "bytes", {}))

    statuses = {one["id"]: one["status"] for one in json.loads(answer)["responses"]}
    assert statuses == {"0": 200, "1": 404}
