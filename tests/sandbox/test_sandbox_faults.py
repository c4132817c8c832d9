from __future__ import annotations

import base64
import contextlib
import json
import threading

import pytest
import requests

from captrid_core.sandbox import ExpiredForm, Fault, FaultKind, Sandbox
from captrid_core.sandbox.faults import category

EVENTUAL = {"ConsistencyLevel": "eventual"}


@pytest.fixture
def faults(sandbox):
    return sandbox.faults


def statuses(caller, url, times):
    return [caller.get(url).status for _ in range(times)]


# When a fault strikes


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1.0/users", "users"),
        ("/v1.0/users/$count", "users"),
        ("/v1.0/users/delta()", "delta"),
        ("/v1.0/groups/delta", "delta"),
        ("/v1.0/groups/x/members/graph.user", "members"),
        ("/v1.0/groups/x/transitivemembers", "members"),
        ("/v1.0/groups/x", "groups"),
        ("/v1.0/$batch", "batch"),
        ("/v1.0/organization", "other"),
        ("/x/oauth2/v2.0/token", "token"),
        ("/x/v2.0/.well-known/openid-configuration", "discovery"),
    ],
)
def test_requests_fall_into_categories(path, expected):
    assert category(path) == expected


def test_a_fault_lets_some_through_strikes_now_and_then_and_stops(caller, faults):
    faults.add("unavailable", match="users", after=2, every=2, times=2)

    assert statuses(caller, "/users", 9) == [200, 200, 200, 503, 200, 503, 200, 200, 200]


def test_a_fault_strikes_its_category_only(caller, faults):
    faults.add("unavailable", match="members")
    group = caller.sandbox.directory.group_id("All Staff")

    assert caller.get("/users").status == 200
    assert caller.get(f"/groups/{group}").status == 200
    assert caller.get(f"/groups/{group}/members").status == 503


def test_a_fault_strikes_what_an_expression_finds(caller, faults):
    faults.add("unavailable", match=r"/users\?.*\$top=7$")

    assert caller.get("/users?$top=6").status == 200
    assert caller.get("/users?$top=7").status == 503


def test_a_fault_strikes_whatever_there_is(caller, faults):
    faults.add(Fault(FaultKind.UNAVAILABLE), match="any")

    assert caller.sign_in().status == 503
    caller.token = "x"
    assert caller.get("/users").status == 503


def test_the_first_of_two_faults_answers(caller, faults):
    faults.add("unavailable", match="users")
    faults.add("throttle", match="users")

    assert caller.get("/users").status == 503


def test_clearing_ends_all_faults(caller, faults):
    faults.add("unavailable")
    faults.add("throttle")
    faults.clear()

    assert caller.get("/users").status == 200
    assert faults.listing() == []


def test_the_listing_tells_how_often_a_fault_struck(caller, faults):
    faults.add(Fault(FaultKind.UNAVAILABLE, match="users"))
    statuses(caller, "/users", 3)

    assert faults.listing()[0]["struck"] == 3


@pytest.mark.parametrize(
    "wrong", [{"kind": "earthquake"}, {"kind": "throttle", "often": True}, {"kind": "throttle", "match": "("}]
)
def test_unknown_kinds_parameters_and_expressions_are_refused(faults, wrong):
    with pytest.raises(ValueError):
        faults.add(**wrong) if "kind" not in wrong else faults.add(wrong.pop("kind"), **wrong)


# Instead of the answer


def test_throttle(caller, faults):
    faults.add("throttle", match="users", times=1, retry_after=2.5)
    answer = caller.get("/users")

    assert (answer.status, answer.headers["retry-after"]) == (429, "2.5")
    assert answer.json()["error"]["code"] == "TooManyRequests"
    assert answer.json()["error"]["innerError"]["code"] == "429"
    assert answer.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"


@pytest.mark.parametrize("kind", ["throttle", "unavailable"])
def test_without_retry_after(caller, faults, kind):
    faults.add(kind, match="users", retry_after=None)

    assert "retry-after" not in caller.get("/users").headers


def test_throttled_sign_in_looks_like_entra(caller, faults):
    faults.add("throttle", match="token", retry_after=3)
    answer = caller.sign_in()

    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert answer.json()["error_codes"] == [90055]


def test_unavailable(caller, faults):
    faults.add("unavailable", match="users", retry_after=4)
    answer = caller.get("/users")

    assert (answer.status, answer.headers["retry-after"]) == (503, "4")


def test_an_error_to_order(caller, faults):
    faults.add("error", match="users", status=403, code="Authorization_RequestDenied", message="No.")
    answer = caller.get("/users")

    assert answer.status == 403
    assert (answer.json()["error"]["code"], answer.json()["error"]["message"]) == (
        "Authorization_RequestDenied",
        "No.",
    )
    assert answer.headers["request-id"]


@pytest.mark.parametrize("status", [None, 407])
def test_a_page_of_a_proxy(caller, faults, status):
    faults.add("html_page", match="discovery", status=status)
    url = f"https://sandbox.test/{caller.sandbox.tenant_id}/v2.0/.well-known/openid-configuration"
    answer = caller.send("GET", url)

    assert (answer.status, answer.headers["content-type"]) == (status or 200, "text/html; charset=utf-8")
    assert answer.body.startswith(b"<!DOCTYPE html>")


def test_tokens_expire_and_new_ones_work(caller, faults):
    faults.add("expire_token", after=1, times=1)
    assert statuses(caller, "/users", 4) == [200, 401, 401, 401]
    caller.token = ""

    assert caller.get("/users").status == 200


def test_one_request_finds_its_token_expired(caller, faults):
    faults.add("expire_token", after=1, times=1, all_tokens=False)

    assert statuses(caller, "/users", 3) == [200, 401, 200]


def test_a_claims_challenge_is_met_by_a_token_with_the_claims(caller, faults):
    faults.add("claims_challenge")
    answer = caller.get("/users")
    header = answer.headers["www-authenticate"]
    claims = base64.b64decode(header.split('claims="')[1].rstrip('"')).decode()

    assert answer.status == 401
    assert 'error="insufficient_claims"' in header
    assert json.loads(claims)["access_token"]["nbf"]["essential"] is True
    caller.token = caller.sign_in().json()["access_token"]
    assert caller.get("/users").status == 401
    caller.token = caller.sign_in(claims=claims).json()["access_token"]
    assert caller.get("/users").status == 200


def test_a_page_token_expires(caller, faults):
    faults.add("expire_page_token", match="users", after=1, times=1)
    second = caller.ok("/users?$top=50")["@odata.nextLink"]
    third = caller.ok(second)["@odata.nextLink"]

    assert caller.refused(third) == (400, "Directory_ExpiredPageToken")
    assert caller.get(third).status == 200


@pytest.mark.parametrize("form", ExpiredForm)
def test_a_delta_link_expires(caller, faults, form):
    faults.add("expire_delta", form=form, times=1)
    link = caller.delta("/users/delta?$select=displayName").link
    answer = caller.get(link)

    assert answer.status in {400, 410}
    assert ("location" in answer.headers) is (form is ExpiredForm.GONE_WITH_LOCATION)
    if "location" in answer.headers:
        assert len(caller.delta(answer.headers["location"]).objects) == 203
    assert caller.get(link).status == 200


@pytest.mark.parametrize(
    ("kind", "number"), [("wrong_secret", 7000215), ("secret_expired", 7000222), ("app_disabled", 7000112)]
)
def test_sign_in_is_refused(caller, faults, kind, number):
    faults.add(kind, times=1)

    assert caller.sign_in().json()["error_codes"] == [number]
    assert caller.sign_in().status == 200


# Done to the answer


def test_truncated_json(caller, faults):
    faults.add("truncated_json", match="users")
    answer = caller.get("/users")

    assert answer.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)


def test_a_missing_value(caller, faults):
    faults.add("missing_value", match="users")

    assert "value" not in caller.ok("/users")


def test_empty_members(caller, faults):
    faults.add("empty_members")
    group = caller.sandbox.directory.group_id("Year 7 Students")
    page = caller.ok(f"/groups/{group}/members?$top=3")

    assert page["value"] == []
    assert "@odata.nextLink" not in page


def test_null_attributes(caller, faults):
    faults.add("null_attributes", match="users")

    for user in caller.ok("/users?$select=id,displayName,businessPhones,accountEnabled")["value"]:
        assert user == {"id": user["id"], "displayName": None, "businessPhones": [], "accountEnabled": None}


def test_repeated_objects_within_and_across_pages(caller, faults):
    faults.add("repeat", match="users")
    first, second, *_ = caller.pages("/users?$top=50")

    assert len(first["value"]) == 51
    assert first["value"][0] == first["value"][-1]
    assert second["value"][:3] == first["value"][47:50]


def test_omitted_objects(caller, faults):
    whole, *_ = caller.pages("/users?$top=50")
    faults.add("omit", match="users", count=2, times=1)
    first, *_ = caller.pages("/users?$top=50")

    assert first["value"] == whole["value"][2:]


def test_a_foreign_next_link(caller, faults):
    faults.add("foreign_next_link", match="users", times=1)

    assert caller.ok("/users")["@odata.nextLink"].startswith("https://elsewhere.example/v1.0/users?")


def test_a_looping_next_link(caller, faults):
    faults.add("looping_next_link", match="users", after=1)
    second = caller.ok("/users?$top=50")["@odata.nextLink"]

    assert caller.ok(second)["@odata.nextLink"] == second


def test_the_last_pages_are_missing(caller, faults):
    faults.add("drop_last_page", match="users", after=1, times=1)

    assert len(caller.all("/users?$top=50")) == 100
    assert len(caller.all("/users?$top=50")) == 200


def test_a_delta_without_its_last_pages_has_no_link_at_all(caller, faults):
    faults.add("drop_last_page", match="delta", times=1)
    page = caller.ok("/users/delta", Prefer="odata.maxpagesize=20")

    assert "@odata.nextLink" not in page
    assert "@odata.deltaLink" not in page


# Done to the connection, over HTTPS


@pytest.fixture(scope="module")
def running():
    with Sandbox(users=60, seed=5).running() as sandbox:
        yield sandbox


@pytest.fixture
def users(running, session):
    """Ask a running sandbox for its users, over HTTPS."""
    signed_in = session(running)
    running.requests.clear()
    yield lambda timeout=10: signed_in.get(f"{running.graph_url}/users", timeout=timeout)
    running.faults.clear()


def test_a_reset_closes_the_connection_before_an_answer(running, users):
    running.faults.add("reset", match="users", times=1)

    with pytest.raises(requests.ConnectionError):
        users()
    assert users().status_code == 200
    assert [record.status for record in running.requests] == [0, 200]


def test_breaking_off_closes_the_connection_in_the_middle(running, users):
    running.faults.add("break_off", match="users", times=1)

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        users()
    assert users().status_code == 200


def test_a_hanging_answer_times_out(running, users):
    running.faults.add("hang", match="users", times=1)

    with pytest.raises(requests.Timeout):
        users(timeout=0.2)
    assert users().status_code == 200


def test_a_delay_takes_its_time_and_answers(running, users):
    running.faults.add("delay", match="users", seconds=0.2)

    answer = users()
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.2


def test_a_slow_answer_keeps_nobody_else_waiting(running, users):
    running.faults.add("delay", match="users", seconds=1, times=1)
    slow = threading.Thread(target=lambda: users(timeout=6))
    slow.start()
    while not running.faults.listing()[0]["struck"]:
        threading.Event().wait(0.01)

    assert users(timeout=0.8).status_code == 200
    slow.join()


def test_a_sandbox_stops_while_an_answer_hangs(session):
    with Sandbox(users=5).running() as sandbox:
        sandbox.faults.add("hang", match="users")
        signed_in, url = session(sandbox), f"{sandbox.graph_url}/users"
        done = threading.Event()

        def ask():
            with contextlib.suppress(requests.RequestException):
                signed_in.get(url, timeout=30)
            done.set()

        thread = threading.Thread(target=ask)
        thread.start()
        while not sandbox.faults.listing()[0]["struck"]:
            threading.Event().wait(0.01)
    thread.join(5)

    assert done.is_set()
