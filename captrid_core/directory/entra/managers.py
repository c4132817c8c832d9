"""The managers of group members: `$expand` is not allowed beside advanced queries, so they are read apart.

Asking for each member's manager in batches costs a twentieth of a request a member; reading all
users with their managers costs a thousandth of a request a user of the tenant. The cheaper way is
taken, and both give each object the same `manager` member as `GET /users?$expand=manager` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from captrid_core.directory.entra.batch import Item, get_all
from captrid_core.directory.entra.graph import Graph
from captrid_core.directory.entra.paging import RawPage, walk
from captrid_core.directory.entra.patience import Patience
from captrid_core.directory.entra.permissions import READ_USERS
from captrid_core.errors import PermissionMissing, ReadIncomplete, RequestRefused

MANAGER_MEMBERS: Final = "id,displayName,mail"
EXPAND_MANAGER: Final = f"manager($select={MANAGER_MEMBERS})"

_BATCH: Final = 20
_PAGE: Final = 999


class _Manager(msgspec.Struct):
    """What is mapped of a manager."""

    id: str
    displayName: str | None = None
    mail: str | None = None


class _User(msgspec.Struct):
    """The two members of a user that matter here."""

    id: str
    manager: _Manager | None = None


_USER: Final = msgspec.json.Decoder(_User)

AddManagers = Callable[[RawPage], RawPage]


def cheaper_from_everyone(*, members: int, users: int) -> bool:
    """Tell whether reading all `users` of the tenant takes fewer requests than asking for `members`."""
    return users / _PAGE + 1 < members / _BATCH


def adder(graph: Graph, patience: Patience, *, from_everyone: bool) -> AddManagers:
    """Return what puts the `manager` member into each user of a page.

    Args:
        graph: The client.
        patience: What failed attempts may cost.
        from_everyone: Whether to read all users of the tenant for it, once, instead of asking for each.
    """
    if not from_everyone:
        return lambda page: _with_managers(page, lambda ids: _one_by_one(graph, ids, patience))
    everyone: dict[str, _Manager] | None = None

    def look_up(page: RawPage) -> RawPage:
        nonlocal everyone
        if everyone is None:
            everyone = _of_everyone(graph, patience)
        known = everyone
        return _with_managers(page, lambda ids: [known.get(user) for user in ids])

    return look_up


def _with_managers(page: RawPage, find: Callable[[list[str]], Sequence[_Manager | None]]) -> RawPage:
    """Return `page` with what `find` finds; who has no manager has no such member, as with `$expand`."""
    ids = [_user(text).id for text in page.objects]
    objects = [
        text
        if manager is None
        else b'%b,"manager":%b}' % (bytes(text).rstrip()[:-1], msgspec.json.encode(manager))
        for text, manager in zip(page.objects, find(ids), strict=True)
    ]
    return replace(page, objects=objects)


def _user(text: bytes | msgspec.Raw) -> _User:
    try:
        return _USER.decode(text)
    except msgspec.DecodeError:
        raise ReadIncomplete("Microsoft Graph listed a user without an id.") from None


def _of_everyone(graph: Graph, patience: Patience) -> dict[str, _Manager]:
    """Return the manager of every user of the tenant that has one, by the user's id."""
    url = graph.url("/users", {"$select": "id", "$expand": EXPAND_MANAGER, "$top": str(_PAGE)})
    found: dict[str, _Manager] = {}
    for page in walk(graph, url, headers={}, permission=READ_USERS, patience=patience):
        for text in page.objects:
            user = _user(text)
            if user.manager is not None:
                found[user.id] = user.manager
    return found


def _one_by_one(graph: Graph, ids: Sequence[str], patience: Patience) -> list[_Manager | None]:
    """Return the manager of each of the users with these ids."""
    urls = [f"/users/{user}/manager?$select={MANAGER_MEMBERS}" for user in ids]
    items = get_all(graph, urls, permission=READ_USERS, patience=patience)
    return [_manager(item) for item in items]


def _manager(item: Item) -> _Manager | None:
    """Return the manager that an item of a batch holds; 404 says that there is none."""
    if item.status == 200:
        try:
            return msgspec.convert(item.body, _Manager)
        except msgspec.ValidationError:
            raise ReadIncomplete("Microsoft Graph answered with something that is no manager.") from None
    if item.status == 404:
        return None
    if item.status == 403:
        raise PermissionMissing(READ_USERS)
    raise RequestRefused(
        f"Microsoft Graph refused to tell a user’s manager (HTTP {item.status}, {_code(item.body)})."
    )


def _code(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("code")) if isinstance(error, dict) else "no code"
