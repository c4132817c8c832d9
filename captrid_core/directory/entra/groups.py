"""Finding groups by name, and counting their members."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from captrid_core.directory.entra.batch import Item, get_all
from captrid_core.directory.entra.graph import EVENTUAL, Graph, Missing
from captrid_core.directory.entra.patience import Patience
from captrid_core.directory.entra.permissions import READ_GROUPS
from captrid_core.directory.entra.settings import is_guid
from captrid_core.directory.port import Group
from captrid_core.errors import DirectoryError, GroupNotFound, RequestRefused, SignInError

logger = logging.getLogger(__name__)

_SELECT: Final = "id,displayName,description"
_LONGEST_LITERAL: Final = 120
"""A literal in `$filter` may not be longer ("Advanced query capabilities")."""


class Groups:
    """The groups of a directory.

    Args:
        graph: The client.
        patience: What failed attempts may cost.
    """

    def __init__(self, graph: Graph, patience: Patience) -> None:
        self._graph = graph
        self._patience = patience

    def search(self, text: str, *, limit: int) -> list[Group]:
        """Return the groups whose name fits `text`, best match first; all of them, by name, for no text."""
        wanted = " ".join(text.split())
        found = self._first(limit) if not wanted else self._matching(wanted, limit)
        counts = self._counts([group["id"] for group in found])
        return [_group(group, members) for group, members in zip(found, counts, strict=True)]

    def find(self, id_or_name: str) -> Group:
        """Return the one group with that id or exact name.

        Raises:
            GroupNotFound: None has it, or several do.
        """
        wanted = id_or_name.strip()
        found = self._by_id(wanted) if is_guid(wanted) else None
        group = found if found is not None else self._by_name(wanted)
        return _group(group, self._counts([group["id"]])[0])

    def _first(self, limit: int) -> list[dict[str, Any]]:
        """Return the first groups by name."""
        return self._list({"$orderby": "displayName", "$count": "true"}, limit, EVENTUAL)

    def _matching(self, text: str, limit: int) -> list[dict[str, Any]]:
        """Return groups with words that begin like those of `text`, else with a name that begins so.

        `$search` splits names into words and knows no signs, so that "Year 7 – B" may escape it.
        """
        # An ampersand is taken for a separator unless the old way of searching is switched off.
        headers = {**EVENTUAL, "Prefer": "legacySearch=false"} if "&" in text else EVENTUAL
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        try:
            found = self._list({"$search": f'"displayName:{quoted}"', "$count": "true"}, limit, headers)
        except RequestRefused as refused:
            logger.info("Searching for groups by words was refused: %s", refused.message)
            found = []
        if not found:
            begins = f"startswith(displayName,{_literal(text)})"
            found = self._list({"$filter": begins, "$count": "true"}, limit, EVENTUAL)
        return sorted(found, key=lambda group: _closeness(group, text.casefold()))

    def _by_id(self, group_id: str) -> dict[str, Any] | None:
        try:
            return self._graph.get_json(
                f"/groups/{group_id}",
                {"$select": _SELECT},
                permission=READ_GROUPS,
                patience=self._patience,
            )
        except Missing:
            return None

    def _by_name(self, name: str) -> dict[str, Any]:
        """Return the group with exactly that name; Graph compares without regard to case."""
        if not name:
            raise GroupNotFound("No group was named.")
        comparison = f"displayName eq {_literal(name)}"
        if len(name) > _LONGEST_LITERAL:
            comparison = f"startswith(displayName,{_literal(name)})"
        alike = self._list({"$filter": comparison}, 999, {})
        exact = [group for group in alike if group.get("displayName") == name]
        exact = exact or [
            group for group in alike if str(group.get("displayName")).casefold() == name.casefold()
        ]
        if not exact:
            raise GroupNotFound(f"No group has the id or the name “{name}”.")
        if len(exact) > 1:
            ids = ", ".join(sorted(group["id"] for group in exact))
            raise GroupNotFound(
                f"{len(exact)} groups are named “{name}”.", hint=f"Choose one by its object id: {ids}."
            )
        return exact[0]

    def _list(self, query: Mapping[str, str], limit: int, headers: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the first page of groups: searches are for choosing from, not for reading all."""
        content = self._graph.get_json(
            "/groups",
            {**query, "$select": _SELECT, "$top": str(max(1, min(limit, 999)))},
            headers=headers,
            permission=READ_GROUPS,
            patience=self._patience,
        )
        value = content.get("value")
        found = value if isinstance(value, list) else []
        return [group for group in found if isinstance(group, dict) and group.get("id")][:limit]

    def _counts(self, ids: Sequence[str]) -> list[int | None]:
        """Return how many users each group has directly; None for all where counting fails."""
        urls = [f"/groups/{group}/members/microsoft.graph.user/$count" for group in ids]
        try:
            items = get_all(
                self._graph,
                urls,
                permission=READ_GROUPS,
                patience=self._patience,
                headers=EVENTUAL,
                objects=False,
            )
        except (DirectoryError, SignInError) as failed:
            logger.warning("The members of %d groups could not be counted: %s", len(ids), failed.message)
            return [None] * len(ids)
        return [_number(item) for item in items]


def _literal(text: str) -> str:
    """Return `text` as a literal of `$filter`, its quotes doubled."""
    return "'" + text[:_LONGEST_LITERAL].replace("'", "''") + "'"


def _closeness(group: Mapping[str, Any], wanted: str) -> tuple[int, str]:
    """Return how near a group's name is to what is wanted, for sorting."""
    name = str(group.get("displayName") or "").casefold()
    rank = 0 if name == wanted else 1 if name.startswith(wanted) else 2 if wanted in name else 3
    return rank, name


def _group(content: Mapping[str, Any], members: int | None) -> Group:
    description = content.get("description")
    return Group(
        id=str(content["id"]),
        name=str(content.get("displayName") or content["id"]),
        members=members,
        description=str(description) if description else None,
    )


def _number(item: Item) -> int | None:
    """Return an item's count: a number, its digits, or those in base 64, as batches hold plain text."""
    if item.status != 200:
        return None
    text = str(item.body).strip()
    if not text.isdecimal():
        try:
            text = base64.b64decode(text, validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            return None
    return int(text) if text.isdecimal() else None
