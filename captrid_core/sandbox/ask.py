"""One request to the Graph routes: who asks, for what, and how its answer is put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from captrid_core.sandbox import odata
from captrid_core.sandbox.answers import json_response
from captrid_core.sandbox.entra import Grant
from captrid_core.sandbox.errors import GraphError, expired_page
from captrid_core.sandbox.tokens import PageToken, Seal

VERSION: Final = "/v1.0"
_TIPS: Final = (
    "Use $select to choose only the properties your app needs, as this can lead to performance improvements. "
    "For example: GET {path}?$select=id,displayName"
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request whose token was accepted."""

    request: Request
    query: odata.Query
    grant: Grant
    origin: str

    @property
    def path(self) -> str:
        """Return the path below the version, in lower case: /users/delta."""
        return str(self.request.url.path).removeprefix(VERSION)

    def link(self, path: str, query: str) -> str:
        """Return an absolute URL below the version."""
        return f"{self.origin}{VERSION}{path}" + (f"?{query}" if query else "")

    def context(self, what: str) -> str:
        """Return an `@odata.context`."""
        return f"{self.origin}{VERSION}/$metadata#{what}"

    def typed_path(self) -> str:
        """Return the path below the version as the client spelled it."""
        raw: bytes = self.request.scope.get("raw_path") or self.request.scope["path"].encode()
        return raw.decode("ascii", "replace").removeprefix(VERSION)

    def tips(self) -> str | None:
        """Return the advice that Graph adds to answers without `$select`."""
        return None if self.query.select else _TIPS.format(path=self.path.lstrip("/"))


@dataclass(frozen=True, slots=True)
class Pages:
    """Cuts lists into pages. Page tokens of other runs and old ones are refused."""

    seal: Seal
    run: int
    now: Callable[[], float]
    life: float

    def answer(
        self,
        ask: Ask,
        context: str,
        *,
        items: Callable[[int], Iterator[tuple[int, int]]],
        text: Callable[[int], str],
        size: int,
        total: Callable[[], int],
    ) -> Response:
        """Return one page.

        `items` yields (position, key) from a position on; `text` is the JSON of the object with a
        key; `total` counts all objects, for requests that ask for it.
        """
        start = self._start(ask)
        chosen = list(islice(items(start), size + 1))
        head: dict[str, Any] = {"@odata.context": ask.context(context)}
        if start == 0 and ask.query.advanced:
            head["@odata.count"] = total()
        if len(chosen) > size:
            head["@odata.nextLink"] = self._next(ask, chosen.pop()[0])
        if tips := ask.tips():
            head["@microsoft.graph.tips"] = tips
        return json_response(collection(head, [text(key) for _, key in chosen]))

    def _start(self, ask: Ask) -> int:
        if ask.query.skiptoken is None:
            return 0
        token = self.seal.open(ask.query.skiptoken, PageToken)
        if token is None or token.path != ask.path:
            raise GraphError(400, "Request_BadRequest", "The specified page token value is invalid.")
        if token.run != self.run or self.now() - token.issued > self.life:
            raise expired_page()
        return token.at

    def _next(self, ask: Ask, at: int) -> str:
        token = self.seal.seal(PageToken(self.run, ask.path, at, self.now()))
        kept = odata.without_tokens(ask.request.url.query)
        return ask.link(ask.typed_path(), f"{kept}&$skiptoken={token}" if kept else f"$skiptoken={token}")


def collection(head: dict[str, Any], texts: Sequence[str]) -> bytes:
    """Return the body of a collection whose objects are JSON texts already."""
    opening = msgspec.json.encode(head).decode()[:-1]
    return f'{opening},"value":[{",".join(texts)}]}}'.encode()


def with_members(text: str, **members: Any) -> str:
    """Return the JSON text of an object with more members."""
    more = msgspec.json.encode(members).decode()[1:]
    return f"{text[:-1]},{more}" if len(text) > 2 else "{" + more


def keyed(keys: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield each key with itself as its position."""
    return ((key, key) for key in keys)
