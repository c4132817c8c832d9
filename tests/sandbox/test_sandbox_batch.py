from __future__ import annotations

import pytest

EVENTUAL = {"ConsistencyLevel": "eventual"}


def items(*urls):
    return {"requests": [{"id": str(n), "method": "GET", "url": url} for n, url in enumerate(urls)]}


def by_id(answer):
    assert answer.status == 200, answer.body
    return {item["id"]: item for item in answer.json()["responses"]}


def test_items_are_answered_each_with_its_own_status(caller):
    answers = by_id(caller.post("/$batch", items("/users?$top=2", "/users/nobody", "organization")))

    assert {number: item["status"] for number, item in answers.items()} == {"0": 200, "1": 404, "2": 200}
    assert len(answers["0"]["body"]["value"]) == 2
    assert answers["1"]["body"]["error"]["code"] == "Request_ResourceNotFound"
    assert answers["0"]["headers"]["Content-Type"].startswith("application/json")


def test_answers_come_in_any_order(caller):
    asked = items(*["/organization"] * 20)

    orders = {
        tuple(item["id"] for item in caller.post("/$batch", asked).json()["responses"]) for _ in range(3)
    }
    assert len(orders) > 1
    assert all(sorted(order, key=int) == [str(n) for n in range(20)] for order in orders)


def test_next_links_inside_are_absolute_and_can_be_followed(caller):
    answers = by_id(caller.post("/$batch", items("/users?$top=150")))
    link = answers["0"]["body"]["@odata.nextLink"]

    assert link.startswith("https://sandbox.test/v1.0/users?")
    assert len(caller.ok(link)["value"]) == 50


def test_items_have_headers_of_their_own(caller):
    asked = items("/users/$count", "/users/$count")
    asked["requests"][1]["headers"] = EVENTUAL

    answers = by_id(caller.post("/$batch", asked))
    assert answers["0"]["status"] == 400
    assert (answers["1"]["status"], answers["1"]["body"]) == (200, 200)


def test_an_item_with_a_body(caller):
    user = next(caller.sandbox.directory.users())["id"]
    asked = {
        "requests": [
            {
                "id": "a",
                "method": "POST",
                "url": "/directoryObjects/getByIds",
                "headers": {"Content-Type": "application/json"},
                "body": {"ids": [user]},
            }
        ]
    }

    assert by_id(caller.post("/$batch", asked))["a"]["body"]["value"][0]["id"] == user


def test_what_depends_on_a_failure_fails(caller):
    asked = items("/users/nobody", "/users", "/groups")
    asked["requests"][1]["dependsOn"] = ["0"]
    asked["requests"][2]["dependsOn"] = ["1"]

    answers = by_id(caller.post("/$batch", asked))
    assert [answers[n]["status"] for n in "012"] == [404, 424, 424]


def test_an_item_is_throttled_on_its_own(caller):
    caller.sandbox.faults.add("throttle", match="users", after=1, times=1, retry_after=7)

    answers = by_id(caller.post("/$batch", items("/users", "/users", "/groups")))
    assert sorted(item["status"] for item in answers.values()) == [200, 200, 429]
    [throttled] = [item for item in answers.values() if item["status"] == 429]
    assert throttled["headers"]["Retry-After"] == "7"
    assert throttled["body"]["error"]["code"] == "TooManyRequests"


def test_items_are_recorded_beside_the_batch(caller):
    caller.post("/$batch", items("/users", "/groups"))

    assert [(record.path, record.batched) for record in caller.sandbox.requests][1:] == [
        ("/v1.0/users", True),
        ("/v1.0/groups", True),
        ("/v1.0/$batch", False),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"requests": []},
        items(*["/users"] * 21),
        {"requests": [{"id": "1", "method": "GET", "url": "/users"}] * 2},
        {"requests": [{"id": "1", "method": "GET", "url": "/users", "dependsOn": ["9"]}]},
        {"requests": [{"id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/users"}]},
        {"requests": [{"id": "1", "method": "POST", "url": "/users", "body": {}}]},
        {"requests": [{"id": 1, "method": "GET", "url": "/users"}]},
        {},
    ],
)
def test_malformed_batches_fail_as_a_whole(caller, body):
    answer = caller.post("/$batch", body)

    assert (answer.status, answer.json()["error"]["code"]) == (400, "BadRequest")


def test_a_batch_needs_a_token(caller):
    answer = caller.send("POST", "/$batch", b"{}")

    assert answer.status == 401
