"""Many small questions in one request: Graph's `$batch` ("Combine multiple HTTP requests").

The outer status says nothing about the items: they come in any order, each with its own status
and, when it was throttled, its own Retry-After.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from requests.structures import CaseInsensitiveDict

from captrid_core.directory.entra.failures import Hitch
from captrid_core.directory.entra.graph import Graph
from captrid_core.directory.entra.patience import Patience, hitch_of
from captrid_core.directory.entra.transport import Answer
from captrid_core.errors import ReadIncomplete

_MOST: Final = 20
"""How many items one batch may hold."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item's answer: its status and its body, JSON or text."""

    status: int
    body: Any


def get_all(
    graph: Graph,
    urls: Sequence[str],
    *,
    permission: str,
    patience: Patience,
    headers: Mapping[str, str] | None = None,
    objects: bool = True,
) -> list[Item]:
    """Return the answer to a GET of each of `urls`, in their order; throttled items are asked again.

    Args:
        graph: The client.
        urls: Addresses below the Graph root, each beginning with a slash.
        permission: What the requests need, for messages.
        patience: What failed attempts may cost.
        headers: Headers of every item.
        objects: Whether each good answer has to be a JSON object; else it may be text.

    Raises:
        DirectoryError, SignInError: The batch failed, or an item kept failing.
        Cancelled: The watch asked to stop.
    """
    answers: dict[int, Item] = {}
    for first in range(0, len(urls), _MOST):
        chunk = dict(enumerate(urls[first : first + _MOST], first))
        answers |= _one_batch(graph, chunk, headers or {}, permission, patience, objects=objects)
    return [answers[place] for place in range(len(urls))]


def _one_batch(
    graph: Graph,
    urls: Mapping[int, str],
    headers: Mapping[str, str],
    permission: str,
    patience: Patience,
    *,
    objects: bool,
) -> dict[int, Item]:
    answers: dict[int, Item] = {}

    def attempt() -> dict[int, Item]:
        pending = {str(place): url for place, url in urls.items() if place not in answers}
        content = {
            "requests": [
                {"id": place, "method": "GET", "url": url, **({"headers": dict(headers)} if headers else {})}
                for place, url in pending.items()
            ]
        }
        reply = graph.post_json("/$batch", content, permission=permission, patience=patience)
        hitches: list[Hitch] = []
        unauthorized: Answer | None = None
        for response in _responses(reply):
            place = str(response.get("id"))
            if place not in pending:
                continue
            answer = Answer(_status(response), CaseInsensitiveDict(_headers(response)), b"")
            hitch = hitch_of(answer, "Microsoft Graph")
            if answer.status == HTTPStatus.UNAUTHORIZED:
                unauthorized = answer
                continue
            if objects and answer.status == HTTPStatus.OK and not isinstance(response.get("body"), dict):
                hitch = Hitch(ReadIncomplete("An answer in a batch of Microsoft Graph was garbled."), tries=5)
            if hitch is None:
                answers[int(place)] = Item(answer.status, response.get("body"))
            else:
                hitches.append(hitch)
        if unauthorized is not None:
            raise graph.renew_token(unauthorized, patience)
        if hitches:
            # All of them are asked again together, after the longest wait that one of them asked for.
            raise max(hitches, key=lambda hitch: hitch.retry_after or 0.0)
        if len(answers) < len(urls):
            raise Hitch(ReadIncomplete("Microsoft Graph left out answers of a batch."), tries=5)
        return answers

    return patience.persist(attempt)


def _responses(reply: Mapping[str, Any]) -> list[dict[str, Any]]:
    responses = reply.get("responses")
    if not isinstance(responses, list):
        raise ReadIncomplete("Microsoft Graph’s answer to a batch holds no responses.")
    return [response for response in responses if isinstance(response, dict)]


def _status(response: Mapping[str, Any]) -> int:
    status = response.get("status")
    return int(status) if isinstance(status, int | str) and str(status).isdecimal() else 500


def _headers(response: Mapping[str, Any]) -> dict[str, str]:
    headers = response.get("headers")
    return {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
