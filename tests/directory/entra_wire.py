"""A directory on paper: answers at the level of HTTP, and time that passes only when it is told to."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import responses
from requests import PreparedRequest

from captrid_core.directory.entra import ClientSecret, EntraDirectory, EntraSettings
from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.errors import Cancelled

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "99999999-2222-4333-8444-555555555555"
SECRET = "s3cr3t~Value/+&=of-the-app"
AUTHORITY = "https://login.test"
GRAPH = "https://graph.test/v1.0"
GROUP = "77777777-2222-4333-8444-555555555555"
STAFF = Scope(ScopeKind.GROUP, group_id=GROUP)
BOTH = ("User.Read.All", "GroupMember.Read.All")

_ANYWHERE = re.compile("https://.*", re.DOTALL)

Reply = tuple[int, dict[str, str], str | bytes]


class FakeTime:
    """A clock that stands still, and a watch whose waiting moves it on."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.waits: list[float] = []
        self.reasons: list[str] = []
        self.cancelled = False
        self.cancel_when: Callable[[], bool] = lambda: False

    def clock(self) -> float:
        return self.seconds

    def check(self) -> None:
        if self.cancelled or self.cancel_when():
            raise Cancelled("Cancelled by the test.")

    def wait(self, seconds: float, reason: str) -> None:
        self.check()
        self.waits.append(seconds)
        self.reasons.append(reason)
        self.seconds += seconds


def jwt(roles: tuple[str, ...] | None = BOTH, *, tenant: str = TENANT, mark: str = "") -> str:
    """Return a token that looks like Entra's; nobody here verifies its signature."""
    claims: dict[str, Any] = {"tid": tenant, "mark": mark}
    if roles is not None:
        claims["roles"] = list(roles)
    parts = ({"typ": "JWT", "alg": "RS256"}, claims)
    body = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    return body + ".c2lnbmF0dXJl"


def reply(content: Any, status: int = 200, **headers: str) -> Reply:
    """Return a JSON answer."""
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(content)


def graph_error(status: int, code: str, message: str = "What Graph says.", **headers: str) -> Reply:
    """Return an answer with Graph's error shape."""
    error = {"code": code, "message": message, "innerError": {"request-id": "r", "client-request-id": "c"}}
    return reply({"error": error}, status, **headers)


def refused(number: int, error: str, status: int, text: str = "Entra says why.") -> Reply:
    """Return an answer with Entra's error shape."""
    description = f"AADSTS{number}: {text} Trace ID: 0a Correlation ID: 0b Timestamp: 2026-11-23 10:00:00Z"
    content = {"error": error, "error_description": description, "error_codes": [number], "trace_id": "0a"}
    return reply(content, status)


def page(*users: dict[str, Any], following: str | None = None, count: int | None = None) -> Reply:
    """Return one page of a list."""
    content: dict[str, Any] = {"@odata.context": f"{GRAPH}/$metadata#users"}
    if count is not None:
        content["@odata.count"] = count
    if following is not None:
        content["@odata.nextLink"] = following
    return reply({**content, "value": list(users)})


class Wire:
    """What the other side answers, and what it was asked.

    Answers of one path are given in turn, the last one again and again.
    """

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock
        self.time = FakeTime()
        self.asked: list[PreparedRequest] = []
        self._planned: dict[str, list[Reply | Exception]] = {}
        mock.add_callback(responses.GET, _ANYWHERE, callback=self._answer)
        mock.add_callback(responses.POST, _ANYWHERE, callback=self._answer)
        endpoints = {
            name: f"{AUTHORITY}/{TENANT}/oauth2/v2.0/{name.partition('_')[0]}"
            for name in ("token_endpoint", "authorization_endpoint")
        }
        self.on("/openid-configuration", reply({"issuer": f"{AUTHORITY}/{TENANT}/v2.0", **endpoints}))
        self.on("/token", self.granted())
        self.on("/users/$count", (200, {}, "1"))
        self.on("/organization", reply({"value": [{"id": TENANT, "displayName": "Banksia College"}]}))

    @staticmethod
    def granted(roles: tuple[str, ...] | None = BOTH, *, mark: str = "", expires_in: int = 3599) -> Reply:
        token = jwt(roles, mark=mark)
        return reply({"token_type": "Bearer", "expires_in": expires_in, "access_token": token})

    def on(self, end: str, *replies: Reply | Exception) -> None:
        """Plan the answers to requests whose path ends so."""
        self._planned[end] = list(replies)

    def asked_for(self, end: str) -> list[PreparedRequest]:
        """Return the requests whose path ended so."""
        return [request for request in self.asked if (request.url or "").partition("?")[0].endswith(end)]

    def directory(self, **options: Any) -> EntraDirectory:
        """Return the adapter, with this wire's time."""
        settings = options.pop("settings", None) or settings_with()
        clock = self.time.clock
        return EntraDirectory(settings, self.time, clock=clock, jitter=lambda: 0.0, **options)

    def _answer(self, request: PreparedRequest) -> Reply:
        self.asked.append(request)
        path, _, query = (request.url or "").partition("?")
        token = parse_qs(query).get("$skiptoken", [None])[0]
        key = f"page:{token}" if token else next((end for end in self._planned if path.endswith(end)), None)
        if key is None or key not in self._planned:
            raise AssertionError(f"Nothing was planned for {request.url}")
        planned = self._planned[key]
        answer = planned.pop(0) if len(planned) > 1 else planned[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def settings_with(**changes: Any) -> EntraSettings:
    """Return sound settings with some of them changed."""
    sound = {
        "tenant_id": TENANT,
        "client_id": CLIENT,
        "credential": ClientSecret(SECRET),
        "authority_url": AUTHORITY,
        "graph_url": GRAPH,
    }
    return EntraSettings(**{**sound, **changes})


def link(place: str, path: str = "/users") -> str:
    """Return a nextLink to `place`."""
    return f"{GRAPH}{path}?$top=999&$skiptoken={place}"


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Return a wire that no request leaves."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Wire(mock)
