"""Finding single users by what people know of them, and the way on which they belong to a group."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from captrid_core.directory.entra.graph import EVENTUAL, Graph, Missing
from captrid_core.directory.entra.managers import EXPAND_MANAGER
from captrid_core.directory.entra.patience import Patience
from captrid_core.directory.entra.permissions import READ_GROUPS, READ_USERS
from captrid_core.directory.entra.settings import is_guid
from captrid_core.directory.port import Membership
from captrid_core.directory.properties import select_and_expand, value_at
from captrid_core.errors import RequestRefused

_LONGEST_LITERAL: Final = 120
"""Graph compares with `eq` up to so many characters."""
_GROUP: Final = "microsoft.graph.group"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds users in one Graph."""

    _graph: Graph
    _patience: Patience

    def users(
        self, text: str, paths: Sequence[str], *, exact: Sequence[str], limit: int
    ) -> list[dict[str, Any]]:
        """Return users whose object id or one of the `exact` properties is the text, else by their names.

        Each is {property path: value}, with `id`.
        """
        if is_guid(text):
            found = self._by_id(text, paths)
            if found:
                return found
        found = []
        if len(text) <= _LONGEST_LITERAL:
            literal = f"'{text.replace(chr(39), chr(39) * 2)}'"
            for path in dict.fromkeys(exact):
                if path != "id":
                    found += self._list({"$filter": f"{path} eq {literal}"}, paths, limit)
        if not found:
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            found = self._list({"$search": f'"displayName:{quoted}"'}, paths, limit)
        return list({one["id"]: one for one in found}.values())[:limit]

    def membership(self, group_id: str, user_id: str) -> Membership:
        """Return whether a user is in a group, and by which way.

        Raises:
            Missing: There is no such user.
        """
        direct = self._groups(f"/users/{user_id}/memberOf/{_GROUP}")
        if group_id in direct:
            return Membership(direct=True)
        if group_id not in self._groups(f"/users/{user_id}/transitiveMemberOf/{_GROUP}"):
            return Membership()
        inside = self._groups(f"/groups/{group_id}/transitiveMembers/{_GROUP}")
        return Membership(through=tuple(name for one, name in direct.items() if one in inside))

    def _by_id(self, object_id: str, paths: Sequence[str]) -> list[dict[str, Any]]:
        try:
            found = self._graph.get_json(
                f"/users/{object_id}", _members(paths), permission=READ_USERS, patience=self._patience
            )
        except Missing:
            return []
        return [_values(found, paths)]

    def _list(self, query: Mapping[str, str], paths: Sequence[str], limit: int) -> list[dict[str, Any]]:
        """Return the first page; nobody, where Graph cannot compare by that property."""
        try:
            content = self._graph.get_json(
                "/users",
                {**query, **_members(paths), "$count": "true", "$top": str(limit)},
                headers=EVENTUAL,
                permission=READ_USERS,
                patience=self._patience,
            )
        except RequestRefused as refused:
            logger.info("Users could not be searched for: %s", refused.message)
            return []
        return [_values(one, paths) for one in content.get("value") or []]

    def _groups(self, path: str) -> dict[str, str]:
        """Return the groups at `path` by id, with their names."""
        content = self._graph.get_json(
            path,
            {"$select": "id,displayName", "$count": "true", "$top": "999"},
            headers=EVENTUAL,
            permission=READ_GROUPS,
            patience=self._patience,
        )
        return {
            str(one["id"]): str(one.get("displayName") or one["id"]) for one in content.get("value") or []
        }


def _members(paths: Sequence[str]) -> dict[str, str]:
    select, expand = select_and_expand(paths)
    return {"$select": ",".join(select), **({"$expand": EXPAND_MANAGER} if expand else {})}


def _values(user: dict[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    return {"id": user["id"], **{path: value_at(user, path) for path in paths}}
