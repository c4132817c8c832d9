"""Reading pages from Graph: to the very end or not at all, whatever the wire does."""

from __future__ import annotations

import gzip
import json
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
from entra_wire import BOTH, GRAPH, GROUP, STAFF, TENANT, graph_error, link, page, reply, settings_with
from urllib3.exceptions import IncompleteRead, ProtocolError

from captrid_core.directory.port import Kind, Page, Scope, ScopeKind
from captrid_core.errors import (
    Cancelled,
    CaptridError,
    DirectoryUnavailable,
    DirectoryUnreachable,
    GroupNotFound,
    Invalid,
    NotADirectory,
    PermissionMissing,
    ReadIncomplete,
    RequestRefused,
    Throttled,
    TlsFailed,
)

ADA = {"id": "a", "mail": "ada@banksia.example"}
BO = {"id": "b", "mail": None}
ALL = Scope()


def read(wire, scope: Scope = ALL, properties=("mail",), **options) -> list[Page]:
    return list(wire.directory(**options).read_all(scope, properties=properties))


def users(pages: list[Page]) -> list[dict]:
    """Return the objects of a read as its consumer understands it."""
    found: list[dict] = []
    for one in pages:
        if one.restarts:
            found.clear()
        lines = one.ndjson.splitlines()
        assert len(lines) == one.count
        found.extend(json.loads(line) for line in lines)
    return found


def test_all_pages_are_read_also_past_an_empty_one(wire):
    wire.on("/users", page(ADA, following=link("2")))
    wire.on("page:2", page(following=link("3")))
    wire.on("page:3", page(BO))

    pages = read(wire)

    assert [one.count for one in pages] == [1, 0, 1]
    assert users(pages) == [ADA, BO]


def test_users_are_asked_for_with_what_is_mapped_and_the_largest_page(wire):
    wire.on("/users", page(ADA))

    read(wire, properties=["mail", "employeeOrgData/division", "employeeOrgData/costCenter", "manager/mail"])

    (request,) = wire.asked_for("/users")
    assert request.url == (
        f"{GRAPH}/users?$select=id,mail,employeeOrgData&$top=999&$expand=manager($select=id,displayName,mail)"
    )
    assert "ConsistencyLevel" not in request.headers  # the index lags behind the directory
    assert request.headers["Accept-Encoding"] == "gzip"


def test_every_request_has_an_id_of_its_own(wire):
    wire.on("/users", page(ADA, following=link("2")))
    wire.on("page:2", reply({}, 503), page(BO))

    read(wire)

    ids = [request.headers["client-request-id"] for request in wire.asked_for("/users")]
    assert len(set(ids)) == 3


def test_members_are_asked_for_as_an_advanced_query_on_every_page(wire):
    path = f"/groups/{GROUP}/members/microsoft.graph.user"
    wire.on(path, page(ADA, following=link("2", path), count=2))
    wire.on("page:2", page(BO))

    assert users(read(wire, STAFF)) == [ADA, BO]

    first, second = wire.asked_for(path)
    assert first.url == f"{GRAPH}{path}?$count=true&$select=id,mail,userPrincipalName&$top=999"
    assert first.headers["ConsistencyLevel"] == second.headers["ConsistencyLevel"] == "eventual"


def test_nested_members_are_asked_for_where_they_are_wanted(wire):
    wire.on(f"/groups/{GROUP}/transitiveMembers/microsoft.graph.user", page(ADA, count=1))

    assert users(read(wire, Scope(ScopeKind.GROUP, group_id=GROUP, nested=True))) == [ADA]


def test_members_with_nothing_but_an_id_are_refused(wire):
    wire.on("/token", reply({"expires_in": 3599, "access_token": "opaque", "token_type": "Bearer"}))
    blank = {"@odata.type": "#microsoft.graph.user", "id": "a", "mail": None, "userPrincipalName": None}
    wire.on("/microsoft.graph.user", page(blank))

    with pytest.raises(PermissionMissing) as caught:
        read(wire, STAFF)
    assert caught.value.details == {"permission": "User.Read.All"}


def test_a_group_that_is_gone_is_not_found(wire):
    wire.on("/microsoft.graph.user", graph_error(404, "Request_ResourceNotFound"))
    wire.on("/$count", graph_error(404, "Request_ResourceNotFound"))

    for scope in (STAFF, Scope(ScopeKind.GROUP, group_id="Staff"), Scope(ScopeKind.GROUP)):
        with pytest.raises(GroupNotFound):
            read(wire, scope)
        with pytest.raises(GroupNotFound):
            wire.directory().count(scope)
        with pytest.raises(GroupNotFound):
            wire.directory().sample(scope, properties=["mail"], limit=5)


def test_pretty_printed_pages_and_unusual_characters_make_one_line_for_each_object(wire):
    odd = {"id": "ö", "mail": 'a\n\u2028"b"\\', "nested": {"one": [1, 2.5, None, True]}}
    text = json.dumps({"value": [odd, ADA]}, indent=2, ensure_ascii=False)
    wire.on("/users", (200, {"Content-Type": "application/json"}, text))

    assert users(read(wire)) == [odd, ADA]


def test_a_property_that_cannot_be_mapped_is_refused_before_anything_is_sent(wire):
    with pytest.raises(Invalid, match="aboutMe"):
        wire.directory().read_all(ALL, properties=["mail", "aboutMe"])
    assert wire.asked == []


# Trying again


def test_throttling_waits_as_long_as_told_and_says_so(wire):
    wire.on("/users", reply({}, 429, Retry_After="12"), reply({}, 429, Retry_After="3"), page(ADA))

    assert users(read(wire)) == [ADA]
    assert wire.time.waits == [12, 3]
    assert wire.time.reasons == ["The directory asks for slower requests."] * 2


def test_a_date_to_retry_after_is_never_undercut(wire):
    now = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)  # this machine's clock does not matter
    dates = {
        "Date": format_datetime(now, usegmt=True),
        "Retry-After": format_datetime(now + timedelta(seconds=20), usegmt=True),
    }
    wire.on("/users", (429, dates, ""), page(ADA))

    assert users(read(wire)) == [ADA]
    assert wire.time.waits == [21]


@pytest.mark.parametrize("header", [{}, {"Retry_After": "soon"}, {"Retry_After": "-5"}, {"Retry_After": "0"}])
def test_without_a_usable_wish_the_waits_grow(wire, header):
    wire.on("/users", *[reply({}, 429, **header)] * 4, page(ADA))

    read(wire)

    assert wire.time.waits == [0.5, 1, 2, 4]


def test_throttling_that_outlasts_the_budget_is_given_up_without_waiting_in_vain(wire):
    wire.on("/users", reply({}, 429, Retry_After="400"))

    with pytest.raises(Throttled, match="wait another 400 s"):
        read(wire)
    assert wire.time.waits == [400]


def test_the_budget_is_for_the_whole_read(wire):
    wire.on("/users", reply({}, 429, Retry_After="8"), page(ADA, following=link("2")))
    wire.on("page:2", reply({}, 429, Retry_After="8"), page(BO))

    with pytest.raises(Throttled):
        read(wire, reading_patience=15)


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 509])
def test_failures_of_the_service_are_tried_again(wire, status):
    wire.on("/users", (status, {"Content-Type": "text/html"}, "<html>Bad gateway</html>"), page(ADA))

    assert users(read(wire)) == [ADA]
    assert len(wire.time.waits) == 1


def test_failures_that_stay_end_the_read(wire):
    wire.on("/users", page(ADA, following=link("2")))
    wire.on("page:2", reply({}, 503))

    with pytest.raises(DirectoryUnavailable, match="HTTP 503"):
        read(wire)
    assert 500 < sum(wire.time.waits) <= 600


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (
            requests.exceptions.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError())),
            DirectoryUnreachable,
        ),
        (requests.exceptions.ReadTimeout("slow"), DirectoryUnreachable),
        (requests.exceptions.ChunkedEncodingError(IncompleteRead(10, 20)), ReadIncomplete),
    ],
)
def test_connections_that_break_are_tried_again(wire, raised, error):
    wire.on("/users", raised, page(ADA, following=link("2")))
    wire.on("page:2", page(BO))
    assert users(read(wire)) == [ADA, BO]

    wire.on("page:2", raised)
    with pytest.raises(error):
        read(wire)


def test_a_certificate_that_is_not_trusted_is_not_tried_again(wire):
    wire.on("/users", requests.exceptions.SSLError("certificate verify failed"))

    with pytest.raises(TlsFailed):
        read(wire)
    assert wire.time.waits == []


@pytest.mark.parametrize(
    "body", [b'{"value": [{"id": "a"', b'{"value": [{"id": "\xff"}]}', b"", b'{"value": [}']
)
def test_a_broken_body_is_tried_again_and_then_ends_the_read(wire, body):
    broken = (200, {"Content-Type": "application/json"}, body)
    wire.on("/users", broken, page(ADA))
    assert users(read(wire)) == [ADA]

    wire.on("/users", broken)
    with pytest.raises(ReadIncomplete, match="5 tries"):
        read(wire)


def test_a_gzipped_page_is_unpacked_and_a_garbled_one_tried_again(wire):
    packed = gzip.compress(json.dumps({"value": [ADA]}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    wire.on("/users", (200, headers, b"\x1f\x8b" + b"x" * 20), (200, headers, packed))

    assert users(read(wire)) == [ADA]


# What is no answer


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"Content-Type": "text/html; charset=utf-8"}, "<html>Sign in to the guest network</html>"),
        (200, {"Content-Type": "text/plain"}, "  <html>Sign in</html>"),
        (403, {"Content-Type": "text/html"}, "<html>Blocked by policy</html>"),
        (404, {"Content-Type": "text/html"}, "<html>Not found</html>"),
        (407, {}, "Proxy authentication required"),
        (302, {"Location": "https://portal.example/"}, ""),
        (301, {}, ""),
        (301, {"Location": "https://[odd"}, ""),
    ],
)
def test_a_page_in_the_place_of_graph_is_no_directory(wire, answer):
    for end, ask in (
        ("/users", lambda directory: list(directory.read_all(ALL, properties=["mail"]))),
        ("/organization", lambda directory: directory.probe()),
    ):
        wire.on(end, answer)
        with pytest.raises(NotADirectory, match=r"graph\.test"):
            ask(wire.directory())
    assert wire.time.waits == []


def test_a_page_in_the_place_of_a_number_is_no_directory(wire):
    wire.on("/users/$count", (200, {"Content-Type": "text/html"}, "<html>12</html>"))

    with pytest.raises(NotADirectory):
        wire.directory().count(ALL)


@pytest.mark.parametrize("content", [{}, {"value": None}, {"value": {"id": "a"}}, [], "text", {"error": {}}])
def test_json_that_is_no_page_does_not_pass_for_an_empty_directory(wire, content):
    wire.on("/users", reply(content))

    with pytest.raises(ReadIncomplete):
        read(wire)


@pytest.mark.parametrize(
    "foreign",
    [
        "https://evil.example/v1.0/users?$skiptoken=2",
        "http://graph.test/v1.0/users?$skiptoken=2",
        "https://graph.test:8443/v1.0/users?$skiptoken=2",
        "https://graph.test@evil.example/v1.0/users",
        "https://me@graph.test/v1.0/users",
        "https://graph.test.evil.example/v1.0/users",
        "/v1.0/users?$skiptoken=2",
        "https://graph.test:port/v1.0/users",
        "https://[graph.test/v1.0/users",
        "",
    ],
)
def test_the_token_goes_to_no_other_host(wire, foreign):
    wire.on("/users", page(ADA, following=foreign))
    wire.on("page:2", page(BO))

    with pytest.raises(ReadIncomplete):
        read(wire)
    assert len(wire.asked_for("/users")) == 1


def test_a_link_with_the_usual_port_is_no_foreign_one(wire):
    wire.on("/users", page(ADA, following="https://GRAPH.test:443/v1.0/users?$skiptoken=2"))
    wire.on("page:2", page(BO))

    assert users(read(wire)) == [ADA, BO]


def test_a_list_that_leads_in_a_circle_ends(wire):
    wire.on("/users", page(ADA, following=link("2")))
    wire.on("page:2", page(BO, following=link("3")))
    wire.on("page:3", page(BO, following=link("2")))

    with pytest.raises(ReadIncomplete, match="circle"):
        read(wire)


@pytest.mark.parametrize("code", ["Directory_ExpiredPageToken", "DirectoryPageTokenNotFoundException"])
def test_a_place_that_was_given_up_starts_the_read_anew(wire, code):
    wire.on("/users", page(ADA, following=link("2")), page(BO, following=link("3")))
    wire.on("page:2", graph_error(400, code))
    wire.on("page:3", page(ADA))

    pages = read(wire)

    assert [one.restarts for one in pages] == [False, True, False]
    assert users(pages) == [BO, ADA]


def test_the_code_of_an_error_counts_at_any_depth_and_in_any_case(wire):
    inner = {
        "code": "BadRequest",
        "innererror": {"code": "x", "InnerError": {"code": "directory_expiredpagetoken"}},
    }
    wire.on("/users", page(ADA, following=link("2")), page(BO))
    wire.on("page:2", reply({"error": inner}, 400))

    assert users(read(wire)) == [BO]


def test_a_place_that_is_given_up_again_and_again_ends_the_read(wire):
    wire.on("/users", page(ADA, following=link("2")))
    wire.on("page:2", graph_error(400, "Directory_ExpiredPageToken"))

    with pytest.raises(ReadIncomplete, match="again and again"):
        read(wire)
    assert len(wire.asked_for("/users")) == 8


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (graph_error(403, "Authorization_RequestDenied"), PermissionMissing),
        (graph_error(403, "Authentication_RequestFromNonPremiumTenant"), RequestRefused),
        (graph_error(400, "Request_UnsupportedQuery", "Unsupported property."), RequestRefused),
        (graph_error(410, "Gone"), RequestRefused),
        (graph_error(501, "NotImplemented"), RequestRefused),
        (graph_error(404, "Request_ResourceNotFound"), RequestRefused),
    ],
)
def test_a_refusal_of_graph_names_its_code(wire, answer, error):
    wire.on("/users", answer)

    with pytest.raises(error) as caught:
        read(wire)
    if error is PermissionMissing:
        assert caught.value.details == {"permission": "User.Read.All"}
    else:
        assert json.loads(answer[2])["error"]["code"] in caught.value.message


def test_a_refused_member_list_names_its_permission(wire):
    wire.on("/microsoft.graph.user", graph_error(403, "Authorization_RequestDenied"))

    with pytest.raises(PermissionMissing) as caught:
        read(wire, STAFF)
    assert caught.value.details == {"permission": "GroupMember.Read.All"}


# Stopping, and being ahead


def test_a_wait_can_be_cancelled(wire):
    wire.on("/users", page(ADA, following=link("2")))
    wire.on("page:2", reply({}, 429, Retry_After="100"))
    wire.time.wait = _cancelled_while_waiting

    with pytest.raises(Cancelled):
        read(wire)


def _cancelled_while_waiting(seconds: float, reason: str) -> None:
    raise Cancelled("Stopped.")


def test_a_read_is_cancelled_while_a_request_hangs(wire):
    asked, let_go = threading.Event(), threading.Event()
    wire.on("/users", page(ADA, following=link("2")))
    wire.on("page:2", page(BO))
    answer = wire._answer

    def hanging(request):
        if "skiptoken" in request.url:
            asked.set()
            let_go.wait(10)
        return answer(request)

    for registered in wire.mock.registered():
        registered.callback = hanging
    wire.time.cancel_when = asked.is_set

    with pytest.raises(Cancelled):
        read(wire)
    let_go.set()


def test_the_next_page_is_fetched_while_the_last_is_used(wire):
    fetched = threading.Event()
    wire.on("/users", page(ADA, following=link("2")))
    wire.on("page:2", page(BO))
    answer = wire._answer

    def watching(request):
        got = answer(request)
        if "skiptoken" in request.url:
            fetched.set()
        return got

    for registered in wire.mock.registered():
        registered.callback = watching
    pages = wire.directory().read_all(ALL, properties=["mail"])

    next(pages)
    assert fetched.wait(10)  # although nobody has asked for it yet
    assert next(pages).count == 1


def test_no_more_than_two_pages_are_fetched_ahead(wire):
    wire.on("/users", page(ADA, following=link("1")))
    for place in range(1, 20):
        wire.on(f"page:{place}", page(ADA, following=link(str(place + 1))))
    wire.on("page:20", page(ADA))

    pages = wire.directory().read_all(ALL, properties=["mail"])
    next(pages)
    pages.close()

    assert len(wire.asked_for("/users")) <= 4


# Other questions


def test_a_sample_is_keyed_by_property_path(wire):
    extension = "extension_0123456789abcdef0123456789abcdef_house"
    full = {
        "id": "a",
        "mail": "ada@banksia.example",
        "otherMails": ["x@y.example"],
        "onPremisesExtensionAttributes": {"extensionAttribute1": "7B", "extensionAttribute2": None},
        "manager": {
            "@odata.type": "#microsoft.graph.user",
            "id": "m",
            "displayName": "Mo",
            "mail": "mo@b.example",
        },
        extension: "Waratah",
    }
    wire.on("/users", page(full, following=link("2")))
    wire.on("page:2", page({"id": "b"}, {"id": "c"}))
    paths = [
        "mail",
        "otherMails",
        "onPremisesExtensionAttributes/extensionAttribute1",
        "manager/mail",
        extension,
    ]

    found = wire.directory().sample(ALL, properties=paths, limit=2)

    assert found == [
        dict(
            zip(paths, ["ada@banksia.example", ["x@y.example"], "7B", "mo@b.example", "Waratah"], strict=True)
        ),
        dict.fromkeys(paths),
    ]
    assert "$top=2" in wire.asked_for("/users")[0].url


def test_counts_are_asked_for_as_advanced_queries(wire):
    wire.on("/users/$count", (200, {"Content-Type": "text/plain"}, "\ufeff1204".encode()))
    wire.on("/members/microsoft.graph.user/$count", (200, {}, "17"))
    directory = wire.directory()

    assert directory.count(ALL) == 1204
    assert directory.count(STAFF) == 17
    assert all(one.headers["ConsistencyLevel"] == "eventual" for one in wire.asked_for("/$count"))
    assert directory.count(ALL, kind=Kind.GUEST) == 1204
    assert "$filter=userType%20eq%20'Guest'" in wire.asked_for("/users/$count")[-1].url


def test_a_probe_gives_up_soon_because_somebody_waits(wire):
    wire.on("/organization", reply({}, 429, Retry_After="120"))

    with pytest.raises(Throttled):
        wire.directory().probe()
    assert wire.time.waits == []


def test_the_tenant_is_the_one_of_the_token(wire):
    assert wire.directory(settings=settings_with(tenant_id="other.example")).tenant_id() == TENANT
    assert BOTH


@pytest.mark.parametrize("trouble", [reply({}, 418), reply({"error": "text"}, 400), (400, {}, "no json")])
def test_answers_of_no_known_kind_still_become_our_errors(wire, trouble):
    wire.on("/users", trouble)

    with pytest.raises(CaptridError):
        read(wire)


# Is it all?


def many(count: int) -> list[dict]:
    return [{"id": f"u{number}"} for number in range(count)]


def test_a_list_that_ends_long_before_its_time_is_incomplete(wire):
    wire.on("/users", page(*many(980)))
    wire.on("/users/$count", (200, {}, "1200"))
    with pytest.raises(ReadIncomplete, match="980 of 1200"):
        read(wire)

    wire.on("/microsoft.graph.user", page(*many(89), count=100))
    with pytest.raises(ReadIncomplete, match="89 of 100"):
        read(wire, STAFF)


@pytest.mark.parametrize(("listed", "counted"), [(1190, 1201), (990, 1000), (100, 90), (5, 15), (0, 500)])
def test_a_count_that_lags_a_little_ends_no_read(wire, listed, counted):
    wire.on("/users", page(*many(listed)))
    wire.on("/users/$count", (200, {}, str(counted)))
    wire.on("/microsoft.graph.user", page(*many(listed), count=counted))

    assert len(users(read(wire))) == len(users(read(wire, STAFF))) == listed


def test_a_directory_that_does_not_count_is_read_all_the_same(wire):
    wire.on("/users", page(ADA))
    wire.on("/users/$count", graph_error(400, "Request_BadRequest", "$count is not currently supported."))

    assert users(read(wire)) == [ADA]
