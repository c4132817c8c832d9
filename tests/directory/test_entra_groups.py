"""Groups, their member counts, and managers: what Graph answers in batches."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from entra_wire import GROUP, STAFF, Reply, graph_error, page, reply

from captrid_core.directory.port import Group
from captrid_core.errors import GroupNotFound, PermissionMissing, ReadIncomplete, RequestRefused, Throttled

Responder = Callable[[str], dict[str, Any]]


def answer_batches(wire, respond: Responder) -> list[list[dict[str, Any]]]:
    """Let `respond` answer each item's URL; return the batches that come, as they come."""
    batches: list[list[dict[str, Any]]] = []
    answer = wire._answer

    def batching(request) -> Reply:
        if not request.url.endswith("/$batch"):
            return answer(request)
        wire.asked.append(request)
        items = json.loads(request.body)["requests"]
        batches.append(items)
        responses = [{"id": item["id"], **respond(item["url"])} for item in items]
        return reply({"responses": responses[::-1]})  # they come in any order

    for registered in wire.mock.registered():
        registered.callback = batching
    return batches


def group(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": f"{number:08d}-0000-4000-8000-000000000000", "displayName": name, **more}


def test_groups_come_with_their_member_counts(wire):
    wire.on("/groups", page(*(group(number, f"Group {number:02d}") for number in range(45))))
    batches = answer_batches(wire, lambda url: {"status": 200, "body": int(url.split("/")[2][:8])})

    found = wire.directory().groups()

    assert [one.members for one in found] == list(range(45))
    assert [len(batch) for batch in batches] == [20, 20, 5]
    assert all(item["headers"] == {"ConsistencyLevel": "eventual"} for batch in batches for item in batch)
    (request,) = wire.asked_for("/groups")
    assert "$orderby=displayName" in request.url
    assert "$top=200" in request.url


@pytest.mark.parametrize("body", [12, "12", base64.b64encode(b"12").decode(), " 12 "])
def test_a_count_is_understood_in_each_form_that_batches_have_for_text(wire, body):
    wire.on("/groups", page(group(1, "Staff")))
    answer_batches(wire, lambda url: {"status": 200, "body": body})

    assert wire.directory().groups()[0].members == 12


@pytest.mark.parametrize(
    "item",
    [
        {"status": 403, "body": {"error": {"code": "Authorization_RequestDenied"}}},
        {"status": 200, "body": "many"},
        {"status": 200, "body": "bWFueQ=="},
        {"status": 200},
        {"status": 500},
        {"status": "odd"},
    ],
)
def test_groups_that_cannot_be_counted_are_listed_all_the_same(wire, item):
    wire.on("/groups", page(group(1, "Staff", description="All of them")))
    answer_batches(wire, lambda url: item)

    assert wire.directory().groups() == [Group(group(1, "")["id"], "Staff", None, "All of them")]


def test_throttled_items_alone_are_asked_again_after_the_longest_wait(wire):
    wire.on("/groups", page(*(group(number, f"Group {number}") for number in range(3))))
    seen: set[str] = set()

    def respond(url: str) -> dict[str, Any]:
        place = int(url.split("/")[2][:8])
        if place > 0 and url not in seen:
            seen.add(url)
            return {"status": 429, "headers": {"retry-after": str(place * 4)}, "body": {}}
        return {"status": 200, "body": place}

    batches = answer_batches(wire, respond)

    assert [one.members for one in wire.directory().groups()] == [0, 1, 2]
    assert [len(batch) for batch in batches] == [3, 2]
    assert wire.time.waits == [8]


def test_a_search_quotes_what_people_type(wire):
    wire.on("/groups", page(group(1, "x")))
    answer_batches(wire, lambda url: {"status": 200, "body": 1})

    wire.directory().groups('Arts & "Crafts" \\ O\'Neil+#ü')

    (request,) = wire.asked_for("/groups")
    assert (
        "$search=%22displayName:Arts%20%26%20%5C%22Crafts%5C%22%20%5C%5C%20O'Neil%2B%23%C3%BC%22"
        in request.url
    )
    assert request.headers["Prefer"] == "legacySearch=false"
    assert request.headers["ConsistencyLevel"] == "eventual"


@pytest.mark.parametrize("first", [page(), graph_error(400, "Request_UnsupportedQuery")])
def test_a_search_by_words_that_finds_nothing_is_followed_by_one_by_beginning(wire, first):
    wire.on("/groups", first, page(group(1, "O'Neil – B")))
    answer_batches(wire, lambda url: {"status": 200, "body": 1})

    assert [one.name for one in wire.directory().groups("O'Neil –")] == ["O'Neil – B"]
    assert "startswith(displayName,'O''Neil%20%E2%80%93')" in wire.asked_for("/groups")[1].url


def test_the_best_match_comes_first(wire):
    names = ["Old staff room", "Teaching Staff", "Staff – casual", "staff", "Room"]
    wire.on("/groups", page(*(group(number, name) for number, name in enumerate(names))))
    answer_batches(wire, lambda url: {"status": 200, "body": 1})

    found = [one.name for one in wire.directory().groups("  Staff ")]

    assert found == ["staff", "Staff – casual", "Old staff room", "Teaching Staff", "Room"]


def test_a_group_is_found_by_id_or_by_exact_name(wire):
    wire.on(f"/groups/{GROUP}", reply({"id": GROUP, "displayName": "Staff"}))
    wire.on("/groups", page(group(1, "staff"), group(2, "Staff")))
    answer_batches(wire, lambda url: {"status": 200, "body": 9})
    directory = wire.directory()

    assert directory.find_group(GROUP) == Group(GROUP, "Staff", 9)
    assert directory.find_group("Staff").id == group(2, "")["id"]
    wire.on("/groups", page(group(1, "staff")))
    assert directory.find_group("STAFF").id == group(1, "")["id"]
    assert "displayName%20eq%20'STAFF'" in wire.asked_for("/groups")[-1].url


def test_a_name_that_no_group_or_several_have_is_not_found(wire):
    wire.on(f"/groups/{GROUP}", graph_error(404, "Request_ResourceNotFound"))
    wire.on("/groups", page())
    directory = wire.directory()
    for wanted in ("Nobody", GROUP, "", " "):
        with pytest.raises(GroupNotFound):
            directory.find_group(wanted)

    wire.on("/groups", page(group(1, "Staff"), group(2, "Staff")))
    with pytest.raises(GroupNotFound, match="2 groups") as caught:
        directory.find_group("Staff")
    assert group(1, "")["id"] in caught.value.hint


def test_a_long_name_is_compared_here(wire):
    name = "Y" * 130
    wire.on("/groups", page(group(1, name + "Z"), group(2, name)))
    answer_batches(wire, lambda url: {"status": 200, "body": 9})

    assert wire.directory().find_group(name).id == group(2, "")["id"]
    assert f"startswith(displayName,'{'Y' * 120}')" in wire.asked_for("/groups")[0].url


# Managers of group members

MO = {"id": "m", "displayName": "Mo", "mail": "mo@banksia.example"}
NOBODY = {"status": 404, "body": {"error": {"code": "Request_ResourceNotFound"}}}


def members(wire, count: int, *, tenant: int) -> None:
    wire.on("/microsoft.graph.user", page(*({"id": f"u{number}"} for number in range(count))))
    wire.on("/microsoft.graph.user/$count", (200, {}, str(count)))
    wire.on("/users/$count", (200, {}, str(tenant)))


def managers(wire, **options) -> dict[str, Any]:
    pages = wire.directory(**options).read_all(STAFF, properties=["manager/displayName"])
    found = [json.loads(line) for one in pages for line in one.ndjson.splitlines()]
    return {user["id"]: user.get("manager", "none") for user in found}


def test_managers_of_a_small_group_are_asked_for_in_batches(wire):
    members(wire, 25, tenant=100_000)
    batches = answer_batches(
        wire,
        lambda url: (
            {"status": 200, "body": {"@odata.type": "#microsoft.graph.user", **MO}}
            if "u7/" in url
            else NOBODY
        ),
    )

    found = managers(wire)

    assert found == {f"u{number}": MO if number == 7 else "none" for number in range(25)}
    assert [len(batch) for batch in batches] == [20, 5]
    assert batches[0][7]["url"] == "/users/u7/manager?$select=id,displayName,mail"
    assert "$expand" not in wire.asked_for("/microsoft.graph.user")[0].url


def test_managers_of_most_of_the_tenant_are_read_with_everyone(wire):
    members(wire, 60, tenant=70)
    everyone = [{"id": f"u{number}"} for number in range(70)]
    everyone[7]["manager"] = {"@odata.type": "#microsoft.graph.user", **MO}
    wire.on("/users", page(*everyone))

    assert managers(wire) == {f"u{number}": MO if number == 7 else "none" for number in range(60)}
    assert len(wire.asked_for("/users")) == 1


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({"status": 403, "body": {}}, PermissionMissing),
        ({"status": 400, "body": {"error": {"code": "Request_BadRequest"}}}, RequestRefused),
        ({"status": 400, "body": "text"}, RequestRefused),
        ({"status": 200, "body": {"displayName": "without an id"}}, ReadIncomplete),
        ({"status": 429, "headers": {"Retry-After": "601"}}, Throttled),
        ({"id": "another"}, ReadIncomplete),
    ],
)
def test_managers_that_cannot_be_read_end_the_read(wire, item, error):
    members(wire, 2, tenant=100_000)
    answer_batches(wire, lambda url: item)

    with pytest.raises(error):
        managers(wire)


def test_a_batch_without_responses_ends_the_read(wire):
    members(wire, 2, tenant=100_000)
    wire.on("/$batch", reply({"value": []}))

    with pytest.raises(ReadIncomplete):
        managers(wire)


def test_a_member_without_an_id_ends_the_read(wire):
    members(wire, 0, tenant=100_000)
    wire.on("/microsoft.graph.user", page({"mail": "a"}))

    with pytest.raises(ReadIncomplete, match="without an id"):
        managers(wire)

    members(wire, 60, tenant=70)
    wire.on("/users", page({"id": "u1", "manager": {"mail": "a"}}))
    with pytest.raises(ReadIncomplete, match="without an id"):
        managers(wire)


def test_a_sample_of_a_group_has_managers(wire):
    members(wire, 3, tenant=70)
    answer_batches(wire, lambda url: {"status": 200, "body": MO})

    found = wire.directory().sample(STAFF, properties=["id", "manager/mail"], limit=2)

    assert found == [{"id": f"u{number}", "manager/mail": MO["mail"]} for number in range(2)]
