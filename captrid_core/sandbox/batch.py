"""POST /$batch: up to 20 requests in one, answered in any order.

Source: "Combine multiple HTTP requests using JSON batching" in the Microsoft Graph documentation.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from captrid_core.sandbox.answers import Answer, json_response
from captrid_core.sandbox.ask import VERSION
from captrid_core.sandbox.errors import GraphError

MOST_ITEMS: Final = 20

Inside = Callable[[Scope, bytes], Awaitable[Answer]]


class _Item(msgspec.Struct, rename="camel"):
    id: str
    method: str
    url: str
    headers: dict[str, str] = {}
    body: Any = None
    depends_on: Sequence[str] = ()


class _Batch(msgspec.Struct):
    requests: list[_Item]


async def answer(request: Request, inside: Inside, rng: random.Random) -> Response:
    """Answer a batch; `inside` answers one item as if it had come on its own.

    Raises:
        GraphError: The batch as a whole is malformed.
    """
    try:
        items = msgspec.json.decode(await request.body(), type=_Batch).requests
    except msgspec.MsgspecError as error:
        raise GraphError(400, "BadRequest", f"Invalid batch payload format: {error}") from None
    _check(items)
    statuses: dict[str, int] = {}
    answers = []
    for item in items:
        if any(statuses.get(one, 424) >= 400 for one in item.depends_on):
            found = _failed_dependency()
        else:
            found = await inside(_scope(request, item), _body(item))
        statuses[item.id] = found.status
        answers.append(_written(item, found))
    rng.shuffle(answers)
    return json_response({"responses": answers})


def _check(items: list[_Item]) -> None:
    """Raise the error of a batch that Graph refuses as a whole."""
    if not items or len(items) > MOST_ITEMS:
        message = f"Number of batch request steps must be between 1 and {MOST_ITEMS}."
        raise GraphError(400, "BadRequest", message)
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise GraphError(400, "BadRequest", f"Request id '{item.id}' is not unique in the batch.")
        if not seen.issuperset(item.depends_on):
            raise GraphError(
                400, "BadRequest", f"Request '{item.id}' depends on one that does not precede it."
            )
        if "://" in item.url or not item.url:
            raise GraphError(
                400, "BadRequest", f"Url of request '{item.id}' must be relative to the version."
            )
        if item.body is not None and "content-type" not in {name.lower() for name in item.headers}:
            raise GraphError(400, "BadRequest", f"Request '{item.id}' has a body and no Content-Type.")
        seen.add(item.id)


def _scope(request: Request, item: _Item) -> Scope:
    """Return an ASGI scope for an item: its own headers, the token and the host of the batch."""
    path, _, query = item.url.partition("?")
    raw = f"{VERSION}/{path.lstrip('/')}"
    own = {name.lower(): value for name, value in item.headers.items()}
    shared = {name: request.headers[name] for name in ("authorization", "host") if name in request.headers}
    headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in (shared | own).items()]
    return {
        **request.scope,
        "method": item.method.upper(),
        "path": unquote(raw),
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": headers,
    }


def _body(item: _Item) -> bytes:
    return msgspec.json.encode(item.body) if item.body is not None else b""


def _failed_dependency() -> Answer:
    error = {"code": "FailedDependency", "message": "A request that this one depends on has failed."}
    return Answer.of_json(424, {"error": error})


def _written(item: _Item, found: Answer) -> dict[str, Any]:
    """Return an answer as an entry of the batch's answer."""
    kept = ("content-type", "retry-after", "location", "request-id", "x-ms-resource-unit")
    names = {"content-type": "Content-Type", "retry-after": "Retry-After", "location": "Location"}
    headers = {names.get(name, name): found.headers[name] for name in kept if name in found.headers}
    body = found.json()
    if body is None and found.headers.get("content-type", "").startswith("image/"):
        body = base64.b64encode(found.body).decode()
    return {
        "id": item.id,
        "status": found.status,
        "headers": headers,
        "body": found.body.decode() if body is None else body,
    }
