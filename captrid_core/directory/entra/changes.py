"""Rounds of Graph's delta queries: what changed since a link was given.

Changes of users come from `users/delta`, whoever they are; memberships of one group, or of a group
and all groups below it, from `groups/delta`. Sources: "Use delta query to track changes in Microsoft
Graph data" and "Get incremental changes" for users and for groups. What matters here:

- An object comes with all selected properties that were ever set, whichever of them changed; what is
  left out did not change. A manager comes only when it changed, as `manager@delta`.
- `members@delta` tells of direct members only, in slices over several pages, and says nothing when a
  member is deleted or restored: that is told by `users/delta`.
- Which groups lie below a group is not told at all, so their list is kept with the link.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from captrid_core.directory.entra.graph import EVENTUAL, Gone, Graph, Missing, PageTokenExpired
from captrid_core.directory.entra.paging import walk
from captrid_core.directory.entra.patience import Patience
from captrid_core.directory.entra.permissions import READ_GROUPS, READ_USERS
from captrid_core.directory.port import ChangePage, Scope, ScopeKind
from captrid_core.directory.properties import select_and_expand
from captrid_core.errors import DeltaLinkExpired, GroupNotFound, ReadIncomplete, RequestRefused

logger = logging.getLogger(__name__)

_MOST_RESTARTS: Final = 3
_USER: Final = "#microsoft.graph.user"
_MANAGER: Final = "manager"


class Mark(msgspec.Struct):
    """The place in the directory's changes that a list has come to.

    `tree` are the groups whose members the scope holds, as they were found last; `watched` are those
    and the ones that have left the tree since: their last changes are still to come.
    """

    users: str
    groups: str | None = None
    tree: list[str] = []
    watched: list[str] = []


class _Body(msgspec.Struct):
    value: list[dict[str, Any]]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")
    delta_link: str | None = msgspec.field(default=None, name="@odata.deltaLink")


_DECODER: Final = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class Changes:
    """Asks one Graph for changes, with patience for failed attempts."""

    _graph: Graph
    _patience: Patience

    def mark(self, scope: Scope, properties: Sequence[str]) -> str:
        """Return the place of this moment ("sync from now", `$deltatoken=latest`)."""
        users = self._latest("/users/delta", {"$select": _tracked(properties)}, READ_USERS)
        if scope.kind is ScopeKind.ALL_USERS:
            return _written(Mark(users))
        # groups below others come and go, so that a filter on them would have to be taken anew each time
        of_one = {} if scope.nested else {"$filter": f"id eq '{scope.group_id}'"}
        groups = self._latest("/groups/delta", {"$select": "members", **of_one}, READ_GROUPS)
        tree = self._tree(scope)
        return _written(Mark(users, groups, tree, tree))

    def since(self, text: str, scope: Scope, properties: Sequence[str]) -> Iterator[ChangePage]:
        """Yield the changes since a mark, memberships first; the last page has the next mark.

        Raises:
            DeltaLinkExpired: The place is not known any more, or the changes cannot tell all.
        """
        try:
            mark = msgspec.json.decode(text, type=Mark)
        except msgspec.MsgspecError:
            raise DeltaLinkExpired("What was kept of the delta link cannot be read.") from None
        groups, tree, watched = mark.groups, mark.tree, mark.watched
        if scope.kind is ScopeKind.GROUP:
            if groups is None:
                raise DeltaLinkExpired("The delta link is one for all users.")
            tree = self._tree(scope)
            came, went = set(tree) - set(mark.tree), set(mark.tree) - set(tree)
            groups = yield from self._memberships(groups, scope, {*mark.watched, *came, *went}, set(tree))
            for group in sorted(came):
                yield from self._all_of(group, "in")
            for group in sorted(went):
                yield from self._all_of(group, "ask")
            watched = [*tree, *sorted(went)]
        users = yield from self._users(mark.users, properties)
        yield ChangePage(b"", 0, mark=_written(Mark(users, groups, tree, watched)))

    def _users(self, link: str, properties: Sequence[str]) -> Generator[ChangePage, None, str]:
        last = link
        for body in self._round(link, READ_USERS):
            yield _page(_user_line(entry, properties) for entry in body.value)
            last = body.delta_link or last
        return last

    def _memberships(
        self, link: str, scope: Scope, watched: set[str], tree: set[str]
    ) -> Generator[ChangePage, None, str]:
        last = link
        for body in self._round(link, READ_GROUPS):
            lines = []
            for group in body.value:
                group_id = group.get("id")
                if "@removed" in group:
                    if group_id == scope.group_id:
                        raise GroupNotFound(f"The directory has the group {scope.group_id} no more.")
                elif group_id in watched:
                    lines += [
                        _member_line(member, sure=group_id in tree, nested=scope.nested)
                        for member in group.get("members@delta") or ()
                        if member.get("@odata.type", _USER) == _USER
                    ]
            yield _page(lines)
            last = body.delta_link or last
        return last

    def _all_of(self, group: str, membership: str) -> Iterator[ChangePage]:
        """Yield all users of a group that came into the tree, or left it, as changed in membership.

        Raises:
            DeltaLinkExpired: The group is no more, and with it the knowledge who belonged to it.
        """
        url = self._graph.url(
            f"/groups/{group}/transitiveMembers/microsoft.graph.user",
            {"$count": "true", "$select": "id", "$top": "999"},
        )
        try:
            for page in walk(
                self._graph, url, headers=EVENTUAL, permission=READ_GROUPS, patience=self._patience
            ):
                ids = [msgspec.json.decode(text)["id"] for text in page.objects]
                yield _page({"id": one, "_member": membership} for one in ids)
        except Missing:
            raise DeltaLinkExpired(f"The nested group {group} was deleted with its members' list.") from None

    def _tree(self, scope: Scope) -> list[str]:
        """Return the ids of the group and, for a nested scope, of all groups below it."""
        assert scope.group_id is not None
        if not scope.nested:
            return [scope.group_id]
        url = self._graph.url(
            f"/groups/{scope.group_id}/transitiveMembers/microsoft.graph.group",
            {"$count": "true", "$select": "id", "$top": "999"},
        )
        found = {scope.group_id}
        try:
            for page in walk(
                self._graph, url, headers=EVENTUAL, permission=READ_GROUPS, patience=self._patience
            ):
                found.update(msgspec.json.decode(text)["id"] for text in page.objects)
        except Missing:
            raise GroupNotFound(f"The directory has no group {scope.group_id}.") from None
        except RequestRefused as refused:  # Microsoft 365 groups hold no groups, and Graph says so with 400
            logger.info("The group %s holds no groups: %s", scope.group_id, refused.message)
        return sorted(found)

    def _latest(self, path: str, query: dict[str, str], permission: str) -> str:
        url = self._graph.url(path, {**query, "$deltatoken": "latest"})
        *_, last = self._pages(url, permission)
        assert last.delta_link is not None
        return last.delta_link

    def _round(self, link: str, permission: str) -> Iterator[_Body]:
        """Yield the pages of the round that begins at a link; begun anew where its place is given up.

        Raises:
            DeltaLinkExpired: The link is refused.
        """
        if not self._graph.is_own(link):
            raise DeltaLinkExpired("The delta link was given by another address than the connection's.")
        for attempt in range(_MOST_RESTARTS + 1):
            pages = self._pages(link, permission)
            try:
                first = next(pages)
            except (RequestRefused, PageTokenExpired) as refused:
                raise DeltaLinkExpired(refused.message) from None
            try:
                yield first
                yield from pages
                return
            except Gone as gone:
                raise DeltaLinkExpired(gone.message) from None
            except PageTokenExpired:
                if attempt == _MOST_RESTARTS:
                    raise
                logger.info("Microsoft Graph gave up the place in the changes; the round begins anew.")

    def _pages(self, url: str, permission: str) -> Iterator[_Body]:
        """Yield pages up to the one with a delta link; an empty one in between is normal."""
        seen = set()
        following: str | None = url
        while following is not None:
            if following in seen:
                raise ReadIncomplete(
                    "Microsoft Graph's changes lead in a circle: a page names an earlier one."
                )
            seen.add(following)
            body = self._graph.ask(
                "GET", following, permission=permission, patience=self._patience, read=_read_body
            )
            yield body
            if body.delta_link is None and body.next_link is None:
                raise ReadIncomplete("Microsoft Graph's changes broke off without a link to go on from.")
            following = body.next_link


def _read_body(text: bytes) -> _Body:
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError:
        raise ReadIncomplete("Microsoft Graph answered with something that is no page of changes.") from None


def _tracked(properties: Sequence[str]) -> str:
    """Return `$select`: what is named there is returned and, just as well, tracked."""
    select, with_manager = select_and_expand(properties)
    # a manager's own name and address are mapped values of those who report to them
    more = (_MANAGER, "displayName", "mail") if with_manager else ()
    return ",".join(dict.fromkeys((*select, *more)))


def _user_line(entry: dict[str, Any], properties: Sequence[str]) -> dict[str, Any]:
    if not isinstance(entry.get("id"), str):
        raise ReadIncomplete("Microsoft Graph told a change of a user without an id.")
    if "@removed" in entry:
        return {"id": entry["id"], "_deleted": True, "_for_good": _for_good(entry["@removed"])}
    told = {path for path in properties if _is_told(entry, path)}
    line: dict[str, Any] = {"id": entry["id"], "_deleted": False}
    line["_untold"] = [path for path in properties if path not in told]
    return line | {root: entry[root] for root in {path.partition("/")[0] for path in told}}


def _for_good(removed: Any) -> bool:
    """Tell whether a removed object cannot be restored ("deleted"), or lies in the recycle bin ("changed")."""
    return isinstance(removed, dict) and removed.get("reason") == "deleted"


def _is_told(entry: dict[str, Any], path: str) -> bool:
    root, _, child = path.partition("/")
    if root not in entry or root == _MANAGER:
        return False
    return not child or entry[root] is None or child in entry[root]


def _member_line(member: dict[str, Any], *, sure: bool, nested: bool) -> dict[str, str]:
    """Return what a membership's change says of the scope: in a tree, another path may remain."""
    if "@removed" in member:
        return {"id": str(member["id"]), "_member": "ask" if nested else "out"}
    return {"id": str(member["id"]), "_member": "in" if sure else "ask"}


def _page(lines: Iterable[dict[str, Any]]) -> ChangePage:
    encoded = [msgspec.json.encode(line) for line in lines]
    return ChangePage(b"\n".join([*encoded, b""]) if encoded else b"", len(encoded))


def _written(mark: Mark) -> str:
    return msgspec.json.encode(mark).decode()
