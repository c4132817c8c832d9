"""The Graph routes about groups: lists, counts, members direct and nested, and whose member one is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Final

from starlette.responses import PlainTextResponse, Response

from captrid_core.sandbox.ask import Ask, Pages, keyed
from captrid_core.sandbox.directory import Directory
from captrid_core.sandbox.errors import GraphError, missing_parameters, not_found, unsupported
from captrid_core.sandbox.identifiers import Kind, key, kind_of
from captrid_core.sandbox.odata import DEFAULTS
from captrid_core.sandbox.plan import GroupKind
from captrid_core.sandbox.properties import is_directory_extension
from captrid_core.sandbox.represent import TABLES, Shape
from captrid_core.sandbox.users import READ_USERS, Sieve, counting, entity

READ_GROUPS: Final = (
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
READ_MEMBERS: Final = ("GroupMember.Read.All", "GroupMember.ReadWrite.All", *READ_GROUPS)
READ_DEVICES: Final = ("Device.Read.All", "Device.ReadWrite.All", "Directory.Read.All")
CASTS: Final = {
    f"{prefix}graph.{kind.name.lower()}": kind
    for prefix in ("", "microsoft.")
    for kind in (Kind.USER, Kind.GROUP, Kind.DEVICE)
}
_READERS: Final = {Kind.USER: READ_USERS, Kind.GROUP: READ_MEMBERS, Kind.DEVICE: READ_DEVICES}


class Groups:
    """Answers what is asked of groups."""

    def __init__(self, directory: Directory, pages: Pages) -> None:
        self._directory = directory
        self._people = directory.people
        self._pages = pages

    def listing(self, ask: Ask) -> Response:
        """GET /groups."""
        ask.grant.require(*READ_MEMBERS)
        names = ask.query.names(Kind.GROUP, ask.grant.roles)
        keys = self._asked_for(ask)
        order = ask.query.order()
        if order is not None:
            name, downwards = order
            keys.sort(
                key=lambda k: str(self._directory.groups[k].properties.get(name)).casefold(),
                reverse=downwards,
            )
        shape = Shape(Kind.GROUP, names)
        return self._pages.answer(
            ask,
            f"groups({','.join(names)})" if ask.query.select else "groups",
            items=lambda start: (
                ((position, keys[position]) for position in range(start, len(keys)))
                if order
                else keyed(group_key for group_key in keys if group_key >= start)
            ),
            text=lambda group_key: shape.text(self._directory.record(group_key)),
            size=ask.query.page_size(names),
            total=lambda: len(keys),
        )

    def count(self, ask: Ask) -> Response:
        """GET /groups/$count."""
        ask.grant.require(*READ_MEMBERS)
        return PlainTextResponse(str(len(self._asked_for(counting(ask)))))

    def one(self, ask: Ask, group_id: str) -> Response:
        """GET /groups/{id}."""
        ask.grant.require(*READ_MEMBERS)
        shape = Shape(Kind.GROUP, ask.query.names(Kind.GROUP, ask.grant.roles))
        return entity(ask, "groups", shape.text(self._directory.record(self._find(group_id))))

    def members(self, ask: Ask, group_id: str, *, cast: str | None, nested: bool) -> Response:
        """GET /groups/{id}/members and /transitiveMembers, cast to a type or not."""
        ask.grant.require(*READ_MEMBERS)
        keys, kind = self._members(ask, group_id, cast, nested=nested)
        names = self._member_names(ask, kind)
        return self._pages.answer(
            ask,
            "directoryObjects" if kind is None else f"{kind.name.lower()}s",
            items=lambda start: keyed(keys(start)),
            text=self._writer(ask, names, cast=kind is not None),
            size=ask.query.page_size(()),
            total=lambda: sum(1 for _ in keys(0)),
        )

    def count_members(self, ask: Ask, group_id: str, *, cast: str | None, nested: bool) -> Response:
        """GET /groups/{id}/members/$count and its variants."""
        ask.grant.require(*READ_MEMBERS)
        keys, _ = self._members(counting(ask), group_id, cast, nested=nested)
        return PlainTextResponse(str(sum(1 for _ in keys(0))))

    def member_of(self, ask: Ask, user_id: str, *, cast: str | None, nested: bool) -> Response:
        """GET /users/{id}/memberOf and /transitiveMemberOf, cast to a type or not."""
        ask.grant.require(*READ_USERS)
        number = self._people.find(user_id)
        if number is None:
            raise not_found(user_id)
        kind = _kind(cast)
        if kind is not None and not ask.query.advanced:
            raise missing_parameters("The request")
        parents = [
            k for k in self._directory.parents(number, transitive=nested) if kind in {None, kind_of(k)}
        ]
        return self._pages.answer(
            ask,
            "directoryObjects" if kind is None else f"{kind.name.lower()}s",
            items=lambda start: keyed(parent for parent in parents if parent >= start),
            text=self._writer(ask, self._member_names(ask, kind), cast=kind is not None),
            size=ask.query.page_size(()),
            total=lambda: len(parents),
        )

    def by_ids(self, ask: Ask, ids: list[str], kinds: set[Kind]) -> Iterator[str]:
        """Yield the objects with these ids as JSON, those that there are."""
        ask.grant.require(*READ_USERS, *READ_MEMBERS)
        write = self._writer(ask, self._member_names(ask, None), cast=False)
        for object_id in dict.fromkeys(ids):
            found = self._directory.identifiers.key(object_id)
            if found is not None and self._directory.is_live(found) and kind_of(found) in kinds:
                yield write(found)

    def _asked_for(self, ask: Ask) -> list[int]:
        """Return the keys of the groups that pass `$filter` and `$search`."""
        condition, search = ask.query.condition(Kind.GROUP), ask.query.searched()
        chosen = []
        for group_key in self._directory.live_groups():
            record = self._directory.groups[group_key].properties
            if (condition is None or condition.matches(record)) and (
                search is None or search.matches(record)
            ):
                chosen.append(group_key)
        return chosen

    def _find(self, group_id: str) -> int:
        group_key = self._directory.identifiers.key(group_id)
        if (
            group_key is None
            or kind_of(group_key) is not Kind.GROUP
            or not self._directory.is_live(group_key)
        ):
            raise not_found(group_id)
        return group_key

    def _members(
        self, ask: Ask, group_id: str, cast: str | None, *, nested: bool
    ) -> tuple[Callable[[int], Iterator[int]], Kind | None]:
        """Return how to go through a group's members, and the kind to which they were cast."""
        group_key = self._find(group_id)
        kind = self._cast(group_key, cast)
        narrowed = (
            ask.query.filter is not None or ask.query.search is not None or ask.query.orderby is not None
        )
        # "List group members": a cast, $search, $filter and $orderby need the advanced parameters.
        if (kind is not None or narrowed) and not ask.query.advanced:
            raise missing_parameters("The request")
        if narrowed and kind is not Kind.USER:
            raise unsupported(
                "$filter, $search and $orderby on members need a cast to microsoft.graph.user here."
            )
        sieve = Sieve(self._people, ask) if narrowed else None
        through = self._directory.nested_keys if nested else self._directory.member_keys

        def keys(start: int) -> Iterator[int]:
            if kind is None:
                return through(group_key, start)
            end = key(Kind(kind + 1), 0)
            found = takewhile(lambda member: member < end, through(group_key, max(start, key(kind, 0))))
            return found if sieve is None else filter(sieve.passes, found)

        return keys, kind

    def _cast(self, group_key: int, cast: str | None) -> Kind | None:
        kind = _kind(cast)
        if kind is Kind.GROUP and self._directory.groups[group_key].kind is GroupKind.MICROSOFT_365:
            raise unsupported("A Microsoft 365 group cannot have members of type 'microsoft.graph.group'.")
        return kind

    def _member_names(self, ask: Ask, kind: Kind | None) -> tuple[str, ...] | None:
        """Return the selected properties; for members of several kinds those of any kind."""
        if kind is not None:
            return ask.query.names(kind, ask.grant.roles)
        selected = ask.query.select
        for name in selected or ():
            whole = name.split("/")[0]
            if not any(whole in table for table in TABLES.values()) and not is_directory_extension(whole):
                message = (
                    f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type "
                    "'microsoft.graph.directoryObject'."
                )
                raise GraphError(400, "BadRequest", message)
        return selected

    def _writer(self, ask: Ask, names: tuple[str, ...] | None, *, cast: bool) -> Callable[[int], str]:
        """Return how to write members: in full, or as id and nulls where the app may not read the kind.

        "Permissions overview", limited information returned for inaccessible member objects.
        """
        shapes: dict[Kind, Shape] = {}
        for kind, readers in _READERS.items():
            hidden = not ask.grant.allows(*readers)
            shown = tuple(n for n in names if _has(kind, n)) if names is not None else DEFAULTS[kind]
            if hidden and "id" not in shown:
                shown = ("id", *shown)
            shapes[kind] = Shape(kind, shown, typed=hidden or not cast, hidden=hidden)

        def write(member: int) -> str:
            kind = kind_of(member)
            if kind is Kind.USER:
                return self._people.text(member, shapes[kind])
            return shapes[kind].text(self._directory.record(member))

        return write


def _kind(cast: str | None) -> Kind | None:
    """Return the kind that a cast segment names."""
    if cast is None:
        return None
    if cast not in CASTS:
        raise GraphError(400, "BadRequest", f"Invalid cast segment '{cast}'.")
    return CASTS[cast]


def _has(kind: Kind, name: str) -> bool:
    return name.split("/")[0] in TABLES[kind] or (kind is Kind.USER and is_directory_extension(name))
