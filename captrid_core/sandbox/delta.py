"""The delta queries `users/delta` and `groups/delta`: rounds, pages and the tokens between them.

Sources: "Use delta query to track changes in Microsoft Graph data" and "Get incremental changes"
for users and for groups; the sizes of pages as Microsoft's staff have given them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any, Final

import msgspec
from starlette.responses import Response

from captrid_core.sandbox import filters
from captrid_core.sandbox.answers import json_response
from captrid_core.sandbox.ask import Ask, collection, with_members
from captrid_core.sandbox.directory import Directory
from captrid_core.sandbox.errors import ExpiredForm, GraphError, expired_delta, unsupported
from captrid_core.sandbox.group_routes import READ_MEMBERS
from captrid_core.sandbox.groups import Group
from captrid_core.sandbox.identifiers import Kind, kind_of
from captrid_core.sandbox.log import Touched
from captrid_core.sandbox.odata import DEFAULTS
from captrid_core.sandbox.plan import GroupKind
from captrid_core.sandbox.represent import TYPE_NAMES, Shape
from captrid_core.sandbox.tokens import DeltaToken, Seal
from captrid_core.sandbox.users import READ_USERS

MOST_IDS: Final = 50
_RELATIONSHIPS: Final = {Kind.USER: ("manager",), Kind.GROUP: ("members", "owners")}
_READERS: Final = {Kind.USER: READ_USERS, Kind.GROUP: READ_MEMBERS}


@dataclass(slots=True)
class DeltaOptions:
    """How delta answers are cut up, and when their links expire. May be changed at any time.

    Every `empty_every`-th page of a round is preceded by an empty one (0: never), and a round
    begins with up to `replays` objects that changed before it: Graph does both.
    """

    page_size: int = 200
    link_size: int = 500
    empty_every: int = 3
    replays: int = 0
    life: timedelta = timedelta(days=7)
    expired_form: ExpiredForm = ExpiredForm.GONE_WITH_LOCATION


@dataclass(slots=True)
class _Page:
    """The objects of a page, and where the next page begins if there is one."""

    texts: list[str] = field(default_factory=list)
    links: int = 0
    next: tuple[int, int] | None = None


class Delta:
    """Answers delta queries from the change log."""

    def __init__(
        self, directory: Directory, seal: Seal, run: int, now: Callable[[], float], options: DeltaOptions
    ) -> None:
        self.options = options
        self._directory = directory
        self._seal = seal
        self._run = run
        self._now = now

    def answer(self, ask: Ask, kind: Kind) -> Response:
        """GET /users/delta and /groups/delta, in all their spellings."""
        ask.grant.require(*_READERS[kind])
        self._refuse_unsupported(ask)
        if ask.query.deltatoken is not None and ask.query.deltatoken.lower() == "latest":
            return self._reply(ask, kind, [], self._first(ask, kind))
        token = self._begin(ask, kind)
        if not token.blank and self._is_preceded_by_empty(token):
            return self._reply(ask, kind, [], token, after=msgspec.structs.replace(token, blank=True))
        page = (self._user_page if kind is Kind.USER else self._group_page)(token)
        if page.next is None:
            return self._reply(ask, kind, page.texts, token)
        at, inner = page.next
        after = msgspec.structs.replace(token, at=at, inner=inner, page=token.page + 1, blank=False)
        return self._reply(ask, kind, page.texts, token, after=after)

    # Rounds

    def _begin(self, ask: Ask, kind: Kind) -> DeltaToken:
        """Return where the page that is asked for begins."""
        if ask.query.skiptoken is not None:
            return self._opened(ask, ask.query.skiptoken, kind, final=False)
        if not ask.query.deltatoken:
            return self._first(ask, kind)
        last = self._opened(ask, ask.query.deltatoken, kind, final=True)
        size, minimal = _preferences(ask)
        return DeltaToken(
            run=self._run,
            kind=kind,
            final=False,
            issued=self._now(),
            since=last.until,
            until=len(self._directory.log),
            minimal=minimal,
            size=size or last.size,
            select=last.select,
            ids=last.ids,
        )

    def _first(self, ask: Ask, kind: Kind) -> DeltaToken:
        size, _ = _preferences(ask)
        select = ask.query.select
        if select is not None:
            names = ask.query.names(kind, ask.grant.roles, further=_RELATIONSHIPS[kind])
            select = tuple(dict.fromkeys(("id", *names)))
        return DeltaToken(
            run=self._run,
            kind=kind,
            final=False,
            issued=self._now(),
            since=-1,
            until=len(self._directory.log),
            size=size,
            select=select,
            ids=_filtered_ids(ask, kind),
        )

    def _opened(self, ask: Ask, text: str, kind: Kind, *, final: bool) -> DeltaToken:
        token = self._seal.open(text, DeltaToken)
        if token is None or token.kind != kind or token.final is not final:
            raise GraphError(400, "Request_BadRequest", "Badly formed token.")
        too_old = self._now() - token.issued > self.options.life.total_seconds()
        if token.run != self._run or too_old:
            raise expired_delta(self.options.expired_form, start_over(ask, kind, token.select))
        return token

    def _reply(
        self, ask: Ask, kind: Kind, texts: list[str], token: DeltaToken, *, after: DeltaToken | None = None
    ) -> Response:
        """Return a page with the one link that it has."""
        path = f"/{kind.name.lower()}s/delta"
        head: dict[str, Any] = {"@odata.context": ask.context(f"{kind.name.lower()}s")}
        if after is not None:
            head["@odata.nextLink"] = ask.link(path, f"$skiptoken={self._seal.seal(after)}")
        else:
            final = DeltaToken(
                run=self._run,
                kind=kind,
                final=True,
                issued=self._now(),
                since=token.since,
                until=token.until,
                size=token.size,
                select=token.select,
                ids=token.ids,
            )
            head["@odata.deltaLink"] = ask.link(path, f"$deltatoken={self._seal.seal(final)}")
        return json_response(collection(head, texts))

    def _is_preceded_by_empty(self, token: DeltaToken) -> bool:
        return self.options.empty_every > 0 and token.page % self.options.empty_every == 0

    @staticmethod
    def _refuse_unsupported(ask: Ask) -> None:
        """Refuse what delta queries of directory objects do not support. `$expand` is ignored, as Graph does."""
        query = ask.query
        for name, value in (("$top", query.top), ("$orderby", query.orderby), ("$search", query.search)):
            if value is not None:
                raise unsupported(f"'{name}' is not supported in a delta query of this resource.")
        continued = query.skiptoken is not None or (query.deltatoken or "latest").lower() != "latest"
        if continued and (query.select is not None or query.filter is not None):
            raise unsupported("Query options are encoded in the token and cannot be given with it again.")

    # Users

    def _user_page(self, token: DeltaToken) -> _Page:
        size = min(token.size or self.options.page_size, self.options.page_size)
        found = self._all_users(token) if token.since < 0 else self._touched_users(token)
        chosen = list(islice(found, size + 1))
        following = (chosen[size][0], 0) if len(chosen) > size else None
        return _Page([text for _, text in chosen[:size]], next=following)

    def _all_users(self, token: DeltaToken) -> Iterator[tuple[int, str]]:
        """Yield (position, JSON) of every user, the recycle bin's as removed ones."""
        people = self._directory.people
        shape, with_manager = self._shape(token)
        numbers = range(token.at, people.end) if token.ids is None else self._wanted(token)
        for number in numbers:
            if number in people.purged or number >= people.end:
                continue
            if number in people.binned:
                yield number, self._removed(number, "changed")
                continue
            text = people.text(number, shape)
            manager = people.manager(number) if with_manager else None
            yield number, text if manager is None else self._with_manager(text, {manager: None}, manager)

    def _touched_users(self, token: DeltaToken) -> Iterator[tuple[int, str]]:
        """Yield (position, JSON) of the users that changed in a way that the query tracks."""
        people = self._directory.people
        for position, number, touched in self._round(token):
            if not self._is_tracked(token, touched):
                continue
            if number in people.purged:
                yield position, self._removed(number, "deleted")
            elif number in people.binned:
                yield position, self._removed(number, "changed")
            else:
                yield position, self._user(token, number, touched)

    def _user(self, token: DeltaToken, number: int, touched: Touched) -> str:
        shape, with_manager = self._shape(token)
        if token.minimal and not touched.came:
            kept = tuple(n for n in shape.names if n == "id" or n.split("/")[0] in touched.properties)
            shape = Shape(Kind.USER, kept, sparse=True)
        text = shape.text(self._directory.people.record(number), touched.properties)
        manager = self._directory.people.manager(number)
        # The manager shows when it changed and when the user is new, and not otherwise.
        if with_manager and (touched.came or "manager" in touched.properties):
            former = {link: None for link in touched.links if link != manager}
            links = former | ({manager: None} if manager is not None else {})
            return self._with_manager(text, links, manager) if links else text
        return text

    def _with_manager(self, text: str, links: dict[int, None], manager: int | None) -> str:
        entries = [self._link(link, removed=link != manager) for link in links]
        return with_members(text, **{"manager@delta": entries})

    # Groups

    def _group_page(self, token: DeltaToken) -> _Page:
        """Fill a page with groups, and a group with members, as far as both sizes go."""
        size = min(token.size or self.options.page_size, self.options.page_size)
        link_size = min(token.size or self.options.link_size, self.options.link_size)
        page = _Page()
        inner = token.inner
        for position, group_key, touched in self._groups(token):
            if len(page.texts) >= size:
                page.next = (position, 0)
                return page
            self._add_group(page, token, (position, group_key), touched, inner, link_size)
            if page.next is not None:
                return page
            inner = 0
        return page

    def _add_group(
        self,
        page: _Page,
        token: DeltaToken,
        at: tuple[int, int],
        touched: Touched | None,
        inner: int,
        link_size: int,
    ) -> None:
        """Add a group to a page, with as many of its members as fit."""
        position, group_key = at
        group = self._directory.groups[group_key]
        if not group.is_live:
            page.texts.append(self._removed(group_key, _removal(group)))
            return
        links = self._members(token, group_key, group, touched, inner)
        room = link_size - page.links
        slice_of = list(islice(links, room + 1))
        following = slice_of[room][0] if len(slice_of) > room else None
        if room == 0 and following is not None:
            page.next = (position, inner)
            return
        entries = [entry for _, entry in slice_of[:room]]
        text = self._group(token, group, touched)
        page.texts.append(with_members(text, **{"members@delta": entries}) if entries else text)
        page.links += len(entries)
        if following is not None:
            page.next = (position, following)

    def _groups(self, token: DeltaToken) -> Iterator[tuple[int, int, Touched | None]]:
        """Yield (position, key, what happened) of the groups that a round reports."""
        if token.since >= 0:
            for position, group_key, touched in self._round(token):
                if self._is_tracked(token, touched):
                    yield position, group_key, touched
            return
        wanted = set(self._wanted(token)) if token.ids is not None else None
        for group_key, group in self._directory.groups.items():
            if group_key >= token.at and not group.purged and (wanted is None or group_key in wanted):
                yield group_key, group_key, None

    def _group(self, token: DeltaToken, group: Group, touched: Touched | None) -> str:
        shape, _ = self._shape(token)
        if touched is None:
            return shape.text(group.properties)
        if token.minimal and not touched.came:
            kept = tuple(name for name in shape.names if name == "id" or name in touched.properties)
            shape = Shape(Kind.GROUP, kept, sparse=True)
        return shape.text(group.properties, touched.properties)

    def _members(
        self, token: DeltaToken, group_key: int, group: Group, touched: Touched | None, start: int
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (position, entry) of the memberships of a group that a round reports."""
        if token.select is not None and "members" not in token.select:
            return
        if touched is None:
            for member in group.links(start):
                yield member, self._link(member, removed=False)
            return
        for position, member in enumerate(islice(touched.links, start, None), start):
            yield position, self._link(member, removed=not group.has(member))

    # Both

    def _round(self, token: DeltaToken) -> Iterator[tuple[int, int, Touched]]:
        """Yield (position, key, what happened) of everything that changed in a round, from `at` on."""
        kind = Kind(token.kind)
        touched = self._directory.log.between(token.since, token.until, kind)
        entries = list(touched.items())
        if self.options.replays:
            before = self._directory.log.between(0, token.since, kind)
            entries = list(before.items())[-self.options.replays :] + entries
        wanted = set(self._wanted(token)) if token.ids is not None else None
        for position, (object_key, what) in enumerate(entries[token.at :], token.at):
            if wanted is None or object_key in wanted:
                yield position, object_key, what

    @staticmethod
    def _is_tracked(token: DeltaToken, touched: Touched) -> bool:
        """Tell whether something happened that the query's `$select` tracks; without one, everything is."""
        if touched.came or touched.went or token.select is None:
            return True
        return any(name.split("/")[0] in touched.properties for name in token.select)

    def _shape(self, token: DeltaToken) -> tuple[Shape, bool]:
        """Return how objects look, and whether relationships to managers are reported."""
        kind = Kind(token.kind)
        names = token.select or DEFAULTS[kind]
        shown = tuple(name for name in names if name not in _RELATIONSHIPS[kind])
        return Shape(kind, shown, sparse=True), "manager" in names

    def _wanted(self, token: DeltaToken) -> list[int]:
        """Return the keys of the ids that the query is filtered to, from where its page begins."""
        keys = (self._directory.identifiers.key(one) for one in token.ids or ())
        known = sorted(k for k in keys if k is not None and kind_of(k) is Kind(token.kind))
        return known if token.since >= 0 else [k for k in known if k >= token.at]

    def _removed(self, object_key: int, reason: str) -> str:
        entry = {"id": self._directory.identifiers.guid(object_key), "@removed": {"reason": reason}}
        return msgspec.json.encode(entry).decode()

    def _link(self, object_key: int, *, removed: bool) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "@odata.type": TYPE_NAMES[kind_of(object_key)],
            "id": self._directory.identifiers.guid(object_key),
        }
        return entry | {"@removed": {"reason": "deleted"}} if removed else entry


def start_over(ask: Ask, kind: Kind, select: tuple[str, ...] | None) -> str:
    """Return the link to an initial query, as Graph gives it with 410: its `$deltatoken` is empty."""
    selected = f"$select={','.join(select)}&" if select else ""
    return ask.link(f"/{kind.name.lower()}s/delta", f"{selected}$deltatoken=")


def _removal(group: Group) -> str:
    """Return why a group is gone: only Microsoft 365 groups can be restored."""
    return "deleted" if group.purged or group.kind is not GroupKind.MICROSOFT_365 else "changed"


def _filtered_ids(ask: Ask, kind: Kind) -> tuple[str, ...] | None:
    """Return the ids of a `$filter`, which in a delta query may compare nothing else."""
    if ask.query.filter is None:
        return None
    ids = filters.ids_only(filters.parse(ask.query.filter, kind))
    if ids is None:
        raise unsupported("Only 'id eq' is supported in the $filter of a delta query.")
    if len(ids) > MOST_IDS:
        raise unsupported(f"The $filter of a delta query may name at most {MOST_IDS} objects.")
    return tuple(ids)


def _preferences(ask: Ask) -> tuple[int | None, bool]:
    """Return the page size and whether a minimal answer is wanted, from the Prefer header."""
    prefer = ask.request.headers.get("prefer", "")
    size = re.search(r"odata\.maxpagesize=(\d+)", prefer, re.IGNORECASE)
    minimal = re.search(r"return=minimal", prefer, re.IGNORECASE) is not None
    return (max(1, int(size[1])) if size else None), minimal
