"""Looking up a few users by their ids, many in one request: what they are, and where they belong."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from captrid_core.directory.entra.batch import Item, get_all
from captrid_core.directory.entra.graph import Graph
from captrid_core.directory.entra.managers import EXPAND_MANAGER
from captrid_core.directory.entra.patience import Patience
from captrid_core.directory.entra.permissions import READ_GROUPS, READ_USERS
from captrid_core.directory.port import Page, Scope
from captrid_core.directory.properties import select_and_expand
from captrid_core.errors import PermissionMissing, ReadIncomplete, RequestRefused

_AT_ONCE: Final = 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lookups:
    """Looks users up in one Graph, with patience for failed attempts."""

    _graph: Graph
    _patience: Patience

    def users(self, ids: Sequence[str], properties: Sequence[str]) -> Iterator[Page]:
        """Yield the users with these ids, as many as there are, with their managers where asked for."""
        select, expand = select_and_expand(properties)
        query = f"$select={','.join(select)}" + (f"&$expand={EXPAND_MANAGER}" if expand else "")
        for some in _chunks(ids):
            items = self._ask([f"/users/{one}?{query}" for one in some], READ_USERS)
            found = [msgspec.json.encode(item.body) for item in items if item is not None]
            yield Page(b"\n".join([*found, b""]) if found else b"", len(found))

    def memberships(self, scope: Scope, ids: Sequence[str]) -> dict[str, bool]:
        """Return for each of these users that is there whether it belongs to the scope's group."""
        way = "transitiveMemberOf" if scope.nested else "memberOf"
        answers: dict[str, bool] = {}
        for some in _chunks(ids):
            items = self._ask([f"/users/{one}/{way}?$select=id&$top=999" for one in some], READ_GROUPS)
            for one, item in zip(some, items, strict=True):
                if item is not None:
                    answers[one] = any(group == scope.group_id for group in self._listed(item, READ_GROUPS))
        return answers

    def deleted(self, ids: Sequence[str]) -> set[str]:
        """Return those of these ids whose users lie in the recycle bin; none where the app may not look into it."""
        found: set[str] = set()
        for some in _chunks(ids):
            try:
                items = self._ask([f"/directory/deletedItems/{one}?$select=id" for one in some], READ_USERS)
            except PermissionMissing as missing:
                logger.info("The recycle bin is not shown: %s", missing.message)
                break
            found.update(one for one, item in zip(some, items, strict=True) if item is not None)
        return found

    def photos(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the photos of those of these users who have one; in a batch they come in base64."""
        found: dict[str, bytes] = {}
        for some in _chunks(ids):
            urls = [f"/users/{one}/photos/240x240/$value" for one in some]
            items = get_all(self._graph, urls, permission=READ_USERS, patience=self._patience, objects=False)
            for one, item in zip(some, items, strict=True):
                if (good := _good(item, READ_USERS)) is not None and isinstance(good.body, str):
                    try:
                        found[one] = base64.b64decode(good.body, validate=True)
                    except binascii.Error:
                        logger.info("A photo was not in base64.")
        return found

    def reports(self, ids: Sequence[str]) -> set[str]:
        """Return the ids of all who report to one of these users."""
        found: set[str] = set()
        for some in _chunks(ids):
            items = self._ask([f"/users/{one}/directReports?$select=id&$top=999" for one in some], READ_USERS)
            for item in items:
                if item is not None:
                    found.update(self._listed(item, READ_USERS))
        return found

    def _ask(self, urls: Sequence[str], permission: str) -> list[Item | None]:
        """Return the good answers; None stands for what is not there."""
        items = get_all(self._graph, urls, permission=permission, patience=self._patience)
        return [_good(item, permission) for item in items]

    def _listed(self, item: Item, permission: str) -> Iterator[str]:
        """Yield the ids of a list that came as an item of a batch, and of its further pages."""
        body = item.body
        while True:
            if not isinstance(body, dict) or not isinstance(body.get("value"), list):
                raise ReadIncomplete("Microsoft Graph answered with something that is no list.")
            yield from (str(one["id"]) for one in body["value"])
            following = body.get("@odata.nextLink")
            if following is None:
                return
            body = self._graph.ask(
                "GET", following, permission=permission, patience=self._patience, read=msgspec.json.decode
            )


def _good(item: Item, permission: str) -> Item | None:
    if item.status == HTTPStatus.OK:
        return item
    if item.status == HTTPStatus.NOT_FOUND:
        return None
    if item.status == HTTPStatus.FORBIDDEN:
        raise PermissionMissing(permission)
    error: Any = item.body.get("error") if isinstance(item.body, dict) else None
    code = error.get("code") if isinstance(error, dict) else "no code"
    raise RequestRefused(f"Microsoft Graph refused to look users up (HTTP {item.status}, {code}).")


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[first : first + _AT_ONCE] for first in range(0, len(ids), _AT_ONCE))
