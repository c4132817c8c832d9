"""A client that calls the sandbox's application without a network, and a clock that stands still."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import msgspec

from captrid_core.sandbox import App, Sandbox
from captrid_core.sandbox.answers import Answer

ORIGIN = "https://sandbox.test"
GRAPH = f"{ORIGIN}/v1.0"
SCOPE = "https://graph.microsoft.com/.default"
EVENTUAL = {"ConsistencyLevel": "eventual"}


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, **amount: float) -> None:
        self.time += timedelta(**amount)


@dataclass
class Round:
    """What one delta round answered."""

    pages: list[dict[str, Any]]
    link: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [item for page in self.pages for item in page["value"]]

    def of(self, object_id: str) -> list[dict[str, Any]]:
        return [item for item in self.objects if item["id"] == object_id]


class Caller:
    """A client that calls the sandbox's application without a network."""

    def __init__(self, sandbox: Sandbox, app: App | None = None) -> None:
        self.sandbox = sandbox
        self.app = app or sandbox.app
        self.token = ""

    def send(self, method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        parts = urlsplit(url if "://" in url else f"{GRAPH}{url}")
        given = {"host": parts.netloc, **{name.lower(): value for name, value in (headers or {}).items()}}
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "scheme": parts.scheme,
            "server": ("sandbox.test", 443),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }
        return asyncio.run(self.sandbox.exchange.deliver(scope, body)).answer

    def sign_in(self, tenant: str | None = None, **form: str | None) -> Answer:
        fields = {
            "grant_type": "client_credentials",
            "client_id": self.app.client_id,
            "client_secret": self.app.client_secret,
            "scope": SCOPE,
        } | form
        body = urlencode({name: value for name, value in fields.items() if value is not None}).encode()
        url = f"{ORIGIN}/{tenant or self.sandbox.tenant_id}/oauth2/v2.0/token"
        return self.send("POST", url, body, {"content-type": "application/x-www-form-urlencoded"})

    def get(self, url: str, **headers: str) -> Answer:
        if not self.token:
            self.token = self.sign_in().json()["access_token"]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("GET", url, headers={"Authorization": f"Bearer {self.token}"} | named)

    def post(self, url: str, value: Any, **headers: str) -> Answer:
        if not self.token:
            self.token = self.sign_in().json()["access_token"]
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | headers
        return self.send("POST", url, msgspec.json.encode(value), given)

    def ok(self, url: str, **headers: str) -> dict[str, Any]:
        answer = self.get(url, **headers)
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json()
        return found

    def pages(self, url: str, **headers: str) -> list[dict[str, Any]]:
        found = [self.ok(url, **headers)]
        while link := found[-1].get("@odata.nextLink"):
            found.append(self.ok(link, **headers))
        return found

    def all(self, url: str, **headers: str) -> list[dict[str, Any]]:
        return [item for page in self.pages(url, **headers) for item in page["value"]]

    def delta(self, url: str, **headers: str) -> Round:
        pages = self.pages(url, **headers)
        return Round(pages, pages[-1]["@odata.deltaLink"])

    def refused(self, url: str, **headers: str) -> tuple[int, str]:
        answer = self.get(url, **headers)
        return answer.status, answer.json()["error"]["code"]
