"""Whole HTTP answers, so that they can be recorded, batched, spoilt and cut short."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Scope

# As Graph answers; clients must read it as application/json.
JSON_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
)


@dataclass(slots=True)
class Answer:
    """A status, headers with lower-case names, and a body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of_json(cls, status: int, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """Return an answer with a JSON body."""
        lowered = {name.lower(): text for name, text in (headers or {}).items()}
        return cls(status, {"content-type": JSON_TYPE} | lowered, msgspec.json.encode(value))

    def json(self) -> Any:
        """Return the body's value, or None if it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.MsgspecError:
            return None

    def with_json(self, value: Any) -> Answer:
        """Return the same answer with another body."""
        return Answer(self.status, dict(self.headers), msgspec.json.encode(value))


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a JSON body, as Graph labels it."""
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return Response(body, status, dict(headers or {}), media_type=JSON_TYPE)


async def call(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    """Return what an ASGI application answers to one request."""
    answer = Answer(500, {}, b"")
    pieces: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]
            }
        elif message["type"] == "http.response.body":
            pieces.append(message.get("body", b""))

    await app(scope, receive, send)
    answer.body = b"".join(pieces)
    return answer
