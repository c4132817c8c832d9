"""The outermost layer: every request passes it, is recorded, and may be spoilt on its way.

Requests are answered whole and sent then, so that a fault can do anything to the answer. What a
batch asks for passes the same layer, one item after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from captrid_core.sandbox import damage
from captrid_core.sandbox.answers import Answer, call
from captrid_core.sandbox.ask import VERSION
from captrid_core.sandbox.entra import Entra
from captrid_core.sandbox.errors import GraphError
from captrid_core.sandbox.faults import Asked, Fault, FaultKind, Faults, category
from captrid_core.sandbox.graph import origin_of
from captrid_core.sandbox.identifiers import Identifiers, Kind, key
from captrid_core.sandbox.sign_in_errors import SignInError

CONTROL: Final = "/sandbox/"
_SMALLEST_COMPRESSED: Final = 1000
_FIRST_REQUEST_ID: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request that was made, and the status it was answered with (0: the connection was closed)."""

    time: float
    method: str
    path: str
    query: str
    status: int
    batched: bool = False


class RequestLog:
    """The requests since the last `clear`, the control routes' left out; iterate, index or count them."""

    def __init__(self) -> None:
        self._records: list[Recorded] = []
        self._lock = Lock()

    def add(self, record: Recorded) -> None:
        """Add a request."""
        with self._lock:
            self._records.append(record)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._records.clear()

    def __iter__(self) -> Iterator[Recorded]:
        with self._lock:
            return iter(list(self._records))

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, position: int) -> Recorded:
        return self._records[position]

    def paths(self) -> list[str]:
        """Return the paths, in order."""
        return [record.path for record in self]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer and what becomes of it on the wire: sent whole, cut short, or never sent."""

    answer: Answer
    manner: FaultKind | None = None


class Exchange:
    """An ASGI application around the routes."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        faults: Faults,
        entra: Entra,
        identifiers: Identifiers,
        clock: Callable[[], datetime],
    ) -> None:
        self.requests = RequestLog()
        self._app = app
        self._faults = faults
        self._entra = entra
        self._identifiers = identifiers
        self._clock = clock
        self._count = 0
        self._stopping: asyncio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request over a connection."""
        body = await _read(receive)
        delivery = await self.deliver(scope, body, receive=receive)
        await self._send(delivery, scope, receive, send)

    def stop(self) -> None:
        """End what hangs; called in the server's loop."""
        if self._stopping is not None:
            self._stopping.set()
            self._stopping = None

    async def deliver(
        self, scope: Scope, body: bytes, *, receive: Receive | None = None, batched: bool = False
    ) -> Delivery:
        """Return the answer to a request and how to send it; `receive` tells when the client gives up."""
        started = time.monotonic()
        scope, path = dict(scope), scope["path"]
        # Graph does not care for the case of its paths.
        scope["path"] = path.lower()
        request = Request(scope)
        self._count += 1
        request_id = self._identifiers.guid(key(Kind.OTHER, _FIRST_REQUEST_ID + self._count))
        if scope["path"].startswith(CONTROL):
            return Delivery(await self._answered(scope, body, request_id))
        asked = self._asked(request)
        manner, answer = None, None
        for fault in self._faults.before(asked):
            if fault.kind in {FaultKind.DELAY, FaultKind.HANG}:
                await self._wait(fault.seconds, receive)
            elif fault.kind in {FaultKind.RESET, FaultKind.BREAK_OFF}:
                # An item of a batch has no connection of its own.
                manner = manner or (None if batched else fault.kind)
            elif answer is None:
                answer = self._answered_by(fault, asked, request, request_id)
        answer = answer or await self._answered(scope, body, request_id)
        answer = self._spoil(answer, asked, str(request.url))
        record = Recorded(
            started,
            request.method,
            path,
            request.url.query,
            0 if manner is FaultKind.RESET else answer.status,
            batched,
        )
        self.requests.add(record)
        return Delivery(answer, manner)

    async def _answered(self, scope: Scope, body: bytes, request_id: str) -> Answer:
        """Return what the routes answer, with the headers that Graph adds."""
        try:
            answer = await call(self._app, scope, body)
        except (GraphError, SignInError) as error:
            answer = self._error(error, Headers(scope=scope), request_id)
        if scope["path"].startswith(VERSION):
            answer.headers |= self._graph_headers(Headers(scope=scope), request_id, scope)
        return answer

    def _answered_by(self, fault: Fault, asked: Asked, request: Request, request_id: str) -> Answer | None:
        """Return what a fault answers in place of the routes."""
        if fault.kind is FaultKind.EXPIRE_TOKEN and fault.all_tokens:
            self._entra.expire_tokens()
        start_over = f"{origin_of(request)}{request.url.path}?$deltatoken="
        found = damage.instead(fault, asked, start_over=start_over, now=self._clock().timestamp())
        if isinstance(found, GraphError | SignInError):
            answer = self._error(found, request.headers, request_id)
            answer.headers |= self._graph_headers(request.headers, request_id, request.scope)
            return answer
        return found if isinstance(found, Answer) else None

    def _spoil(self, answer: Answer, asked: Asked, url: str) -> Answer:
        has_next_link = damage.NEXT.encode() in answer.body
        for fault, memory in self._faults.after(asked, has_next_link=has_next_link):
            answer = damage.spoilt(fault, answer, url, memory)
        return answer

    def _asked(self, request: Request) -> Asked:
        path, query = request.scope["path"], request.url.query.lower().replace("%24", "$")
        unchallenged = False
        if path.startswith(VERSION):
            with contextlib.suppress(GraphError):
                unchallenged = not self._entra.check(request.headers.get("authorization", "")).challenged
        return Asked(
            category=category(path),
            target=f"{path}?{request.url.query}" if query else path,
            skiptoken="skiptoken=" in query,
            deltatoken="deltatoken=" in query and "deltatoken=latest" not in query,
            unchallenged=unchallenged,
        )

    def _error(self, error: GraphError | SignInError, headers: Headers, request_id: str) -> Answer:
        correlation = headers.get("client-request-id", request_id)
        if isinstance(error, GraphError):
            body = error.body(at=self._clock(), request_id=request_id, client_request_id=correlation)
            return Answer.of_json(error.status, body, error.headers)
        body = error.body(at=self._clock(), trace_id=request_id, correlation_id=correlation)
        return Answer.of_json(
            error.status, body, {"content-type": "application/json; charset=utf-8"} | error.headers
        )

    def _graph_headers(self, headers: Headers, request_id: str, scope: Scope) -> dict[str, str]:
        return {
            "cache-control": "no-cache",
            "client-request-id": headers.get("client-request-id", request_id),
            "odata-version": "4.0",
            "request-id": request_id,
            "strict-transport-security": "max-age=31536000",
            "x-ms-ags-diagnostic": '{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"1"}}',
            "x-ms-resource-unit": str(
                _resource_units(scope["path"], scope.get("query_string", b"").decode())
            ),
        }

    async def _wait(self, seconds: float, receive: Receive | None) -> None:
        """Wait, but no longer than the client does, nor the server runs."""
        if self._stopping is None:
            self._stopping = asyncio.Event()
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._stopping.wait())]
        if receive is not None:
            waiting.append(asyncio.ensure_future(_disconnected(receive)))
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _send(self, delivery: Delivery, scope: Scope, receive: Receive, send: Send) -> None:
        answer, transport = delivery.answer, scope.get("extensions", {}).get("sandbox.transport")
        if delivery.manner is FaultKind.RESET and transport is not None:
            transport.abort()
            await _disconnected(receive)
            return
        body, headers = answer.body, dict(answer.headers)
        if len(body) >= _SMALLEST_COMPRESSED and "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers |= {"content-encoding": "gzip", "vary": "Accept-Encoding"}
        headers["content-length"] = str(len(body))
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
        if delivery.manner is FaultKind.BREAK_OFF and transport is not None:
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            transport.close()
            await _disconnected(receive)
            return
        await send({"type": "http.response.body", "body": body, "more_body": False})


async def _read(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(pieces)
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


async def _disconnected(receive: Receive) -> None:
    while True:
        message: dict[str, Any] = dict(await receive())
        if message["type"] == "http.disconnect":
            return


def _resource_units(path: str, query: str) -> int:
    """Return what a request costs ("Identity and access service limits", resource units)."""
    segments = path.removeprefix(VERSION).strip("/").split("/")
    units = 1
    if segments == ["users"]:
        units = 2
    elif segments[2:3] == ["members"]:
        units = 3
    elif segments[2:3] == ["transitivemembers"] or segments[-1] == "getbyids":
        units = 5
    lowered = query.lower().replace("%24", "$")
    small = re.search(r"\$top=1?\d(&|$)", lowered) is not None
    return max(1, units - ("$select=" in lowered) + ("$expand=" in lowered) - small)
