"""Microsoft Entra ID behind the port: how each of its questions is put to Microsoft Graph."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import msgspec

from captrid_core.clock import system_clock
from captrid_core.directory.entra.changes import Changes
from captrid_core.directory.entra.finding import Finder
from captrid_core.directory.entra.graph import EVENTUAL, Graph, Missing
from captrid_core.directory.entra.groups import Groups
from captrid_core.directory.entra.lookups import Lookups
from captrid_core.directory.entra.managers import EXPAND_MANAGER, AddManagers, adder, cheaper_from_everyone
from captrid_core.directory.entra.paging import RawPage, complete, promptly, read_ahead, walk
from captrid_core.directory.entra.patience import Patience, PlainWatch
from captrid_core.directory.entra.permissions import READ_GROUPS, READ_USERS
from captrid_core.directory.entra.settings import EntraSettings, is_guid
from captrid_core.directory.entra.signin import SignIn
from captrid_core.directory.entra.transport import Transport
from captrid_core.directory.port import (
    ChangePage,
    Facts,
    Group,
    Kind,
    Membership,
    Page,
    Scope,
    ScopeKind,
    Watch,
)
from captrid_core.directory.properties import select_and_expand, value_at
from captrid_core.errors import GroupNotFound, PermissionMissing, RequestRefused

_PAGE: Final = 999
"""The most that a page of users or members may hold; 1000 is refused."""
_FILTERS: Final = {Kind.GUEST: "userType eq 'Guest'", Kind.DISABLED: "accountEnabled eq false"}
_BLANK: Final = re.compile(rb'"userPrincipalName"\s*:\s*null')


class EntraDirectory:
    """Microsoft Entra ID, signed in to with one connection. It implements the port `Directory`.

    Nothing is sent before the first question. Not thread-safe; close it after use.

    Args:
        settings: The connection.
        watch: Shows waiting and stops the work; without one, nothing stops it.
        reading_patience: Seconds that a run's sign-in, or its read, may lose to throttling and failures.
        asking_patience: Seconds that any other question may lose to them: somebody waits for the answer.
        connect_timeout: Seconds for a connection to come about.
        read_timeout: Seconds without a byte after which an answer is given up.
        clock: A monotonic clock.
        now: The time of day.
        jitter: Returns a number from 0 to 1, for back-off.
    """

    def __init__(
        self,
        settings: EntraSettings,
        watch: Watch | None = None,
        *,
        reading_patience: float = 600.0,
        asking_patience: float = 30.0,
        connect_timeout: float = 15.0,
        read_timeout: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = system_clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._watch = watch or PlainWatch()
        self._reading_patience = reading_patience
        self._asking_patience = asking_patience
        self._clock = clock
        self._jitter = jitter
        self._transport = Transport(
            ca_file=settings.ca_file, connect_timeout=connect_timeout, read_timeout=read_timeout
        )
        sign_in = SignIn(settings, self._transport, clock=clock, now=now)
        self._graph = Graph(settings.graph_url, sign_in, self._transport)

    def probe(self) -> Facts:
        """Sign in, count users and groups, and read the tenant's name and what was granted.

        Raises:
            SignInError: The sign-in failed, or a needed permission is missing.
            DirectoryError: The directory did not answer as it should.
            Cancelled: The watch asked to stop.
        """
        patience = self._patience(self._asking_patience)
        grant = self._graph.grant(patience)
        grant.require(READ_USERS)
        grant.require(READ_GROUPS)
        organization = self._organization(patience)
        return Facts(
            tenant_id=grant.tenant_id or str(organization.get("id") or ""),
            tenant_name=str(organization.get("displayName") or ""),
            users=self._graph.get_count("/users/$count", permission=READ_USERS, patience=patience),
            groups=self._graph.get_count("/groups/$count", permission=READ_GROUPS, patience=patience),
            permissions=grant.permissions or (),
        )

    def tenant_id(self) -> str:
        """Return the id of the tenant that the sign-in leads to, from the token where it says so."""

        def ask() -> str:
            patience = self._patience(self._reading_patience)
            return self._graph.grant(patience).tenant_id or str(self._organization(patience).get("id") or "")

        return promptly(ask, self._watch)

    def groups(self, search: str | None = None, *, limit: int = 200) -> list[Group]:
        """Return groups whose name fits `search`, best match first, with their member counts.

        Without a search the first `limit` groups by name are returned.
        """
        return self._groups().search(search or "", limit=limit)

    def find_group(self, id_or_name: str) -> Group:
        """Return the one group with that object id or exact display name.

        Raises:
            GroupNotFound: None has it, or several do.
        """
        return self._groups().find(id_or_name)

    def count(self, scope: Scope, *, kind: Kind | None = None) -> int:
        """Return about how many users the scope holds: Graph counts from an index that lags a little.

        Guests and disabled accounts are counted by a filter on the count
        (https://learn.microsoft.com/graph/aad-advanced-queries).
        """
        patience = self._patience(self._asking_patience)
        self._require(scope, patience)
        return self._count(scope, patience, kind)

    def sample(self, scope: Scope, *, properties: Sequence[str], limit: int) -> list[dict[str, Any]]:
        """Return the first few users of the scope, each {property path: value}.

        Raises:
            Invalid: A property cannot be mapped.
        """
        found: list[dict[str, Any]] = []
        pages = self._pages(scope, properties, self._patience(self._asking_patience), top=limit, few=True)
        for page in pages:
            self._watch.check()
            if page.restarts:
                found.clear()
            for text in page.objects:
                user = msgspec.json.decode(text)
                found.append({path: value_at(user, path) for path in properties})
            if len(found) >= limit:
                break
        return found[:limit]

    def read_all(self, scope: Scope, *, properties: Sequence[str]) -> Iterator[Page]:
        """Read the whole scope, page by page, the next page fetched while the last is used.

        The sign-in and its permissions are checked before this returns, the rest is read as the
        iterator goes.

        Raises:
            DirectoryError, SignInError: The read failed; what came before is not the whole.
            Invalid: A property cannot be mapped.
            Cancelled: The watch asked to stop.
        """
        patience = self._patience(self._reading_patience)
        pages = self._pages(scope, properties, patience, top=_PAGE)
        return read_ahead(self._whole(scope, pages, patience), self._watch)

    def mark(self, scope: Scope, *, properties: Sequence[str]) -> str:
        """Return the place in the directory's changes at this moment.

        Raises:
            RequestRefused: This directory has no delta queries, as Entra External ID and B2C have none.
            DirectoryError, SignInError, Cancelled: As for `read_all`.
        """
        patience = self._patience(self._reading_patience)
        self._require(scope, patience)
        return promptly(lambda: Changes(self._graph, patience).mark(scope, properties), self._watch)

    def read_changes(self, mark: str, scope: Scope, *, properties: Sequence[str]) -> Iterator[ChangePage]:
        """Read what changed since `mark`, the next page fetched while the last is used.

        Raises:
            DeltaLinkExpired: Graph does not know the place any more, or cannot tell all (rule R30).
            DirectoryError, SignInError, Cancelled: As for `read_all`.
        """
        patience = self._patience(self._reading_patience)
        self._require(scope, patience)
        return read_ahead(Changes(self._graph, patience).since(mark, scope, properties), self._watch)

    def look_up(self, ids: Sequence[str], *, properties: Sequence[str]) -> Iterator[Page]:
        """Read the users with these ids as they are now; who is not there is left out.

        Raises:
            DirectoryError, SignInError, Cancelled: As for `read_all`.
        """
        return read_ahead(self._lookups().users(ids, properties), self._watch)

    def members(self, scope: Scope, ids: Sequence[str]) -> dict[str, bool]:
        """Return for each of these users that is there whether it belongs to the scope's group.

        Raises:
            DirectoryError, SignInError, Cancelled: As for `read_all`.
        """
        return promptly(lambda: self._lookups().memberships(scope, ids), self._watch)

    def deleted(self, ids: Sequence[str]) -> set[str]:
        """Return those of these ids whose users lie in the recycle bin, as far as the app may see it.

        Raises:
            DirectoryError, SignInError, Cancelled: As for `read_all`.
        """
        return promptly(lambda: self._lookups().deleted(ids), self._watch)

    def find(
        self, text: str, *, properties: Sequence[str], exact: Sequence[str], limit: int = 10
    ) -> list[dict[str, Any]]:
        """Return users by their object id or an `exact` property, else by name, each {property path: value} with `id`."""
        finder = Finder(self._graph, self._patience(self._asking_patience))
        return finder.users(text.strip(), properties, exact=exact, limit=limit)

    def membership(self, group_id: str, user_id: str) -> Membership:
        """Return whether a user is in a group, and by which way."""
        return Finder(self._graph, self._patience(self._asking_patience)).membership(group_id, user_id)

    def photos(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the photos of those of these users who have one.

        Graph gives them in fixed sizes (https://learn.microsoft.com/graph/api/profilephoto-get).
        """
        # nobody waits long for a photo: what does not come now comes with the next run
        return Lookups(self._graph, self._patience(self._asking_patience)).photos(ids)

    def reports(self, ids: Sequence[str]) -> set[str]:
        """Return the ids of all whose manager is one of these users.

        Raises:
            DirectoryError, SignInError, Cancelled: As for `read_all`.
        """
        return promptly(lambda: self._lookups().reports(ids), self._watch)

    def close(self) -> None:
        """Close connections to the directory."""
        self._transport.close()

    def _lookups(self) -> Lookups:
        return Lookups(self._graph, self._patience(self._reading_patience))

    def _whole(self, scope: Scope, pages: Iterator[RawPage], patience: Patience) -> Iterator[Page]:
        """Yield all pages of a scope; those of a group say themselves how many users there are."""
        about = self._expected(scope, patience) if scope.kind is ScopeKind.ALL_USERS else None
        for page in complete(pages, about):
            yield Page(page.ndjson(), len(page.objects), restarts=page.restarts, about=page.total)

    def _pages(
        self,
        scope: Scope,
        properties: Sequence[str],
        patience: Patience,
        *,
        top: int,
        few: bool = False,
    ) -> Iterator[RawPage]:
        """Return the pages of a scope; what can be refused at once is refused before the first."""
        select, expand = select_and_expand(properties)
        self._require(scope, patience)
        query = {"$select": ",".join(select), "$top": str(max(1, min(top, _PAGE)))}
        if scope.kind is ScopeKind.ALL_USERS:
            if expand:
                query["$expand"] = EXPAND_MANAGER
            return walk(
                self._graph,
                self._graph.url("/users", query),
                headers={},
                permission=READ_USERS,
                patience=patience,
            )
        # The cast to users is an advanced query ("List group members"), which knows no $expand.
        query = {
            "$count": "true",
            **query,
            "$select": ",".join(dict.fromkeys((*select, "userPrincipalName"))),
        }
        add_managers: AddManagers | None = None
        if expand:
            from_everyone = not few and cheaper_from_everyone(
                members=self._count(scope, patience), users=self._count(Scope(), patience)
            )
            add_managers = adder(self._graph, patience, from_everyone=from_everyone)
        url = self._graph.url(_members(scope), query)
        return self._member_pages(scope, url, add_managers, patience)

    def _member_pages(
        self, scope: Scope, url: str, add_managers: AddManagers | None, patience: Patience
    ) -> Iterator[RawPage]:
        """Yield the pages of a group's users, with their managers where asked for."""
        with _naming(scope):
            for page in walk(self._graph, url, headers=EVENTUAL, permission=READ_GROUPS, patience=patience):
                _refuse_blanks(page)
                yield add_managers(page) if add_managers is not None else page

    def _require(self, scope: Scope, patience: Patience) -> None:
        """Refuse to read with a token that lacks what the scope needs: the answer would be blanks."""
        grant = self._graph.grant(patience)
        grant.require(READ_USERS)
        if scope.kind is ScopeKind.GROUP:
            grant.require(READ_GROUPS)

    def _count(self, scope: Scope, patience: Patience, kind: Kind | None = None) -> int:
        query = {"$filter": _FILTERS[kind]} if kind is not None else None
        if scope.kind is ScopeKind.ALL_USERS:
            return self._graph.get_count("/users/$count", query, permission=READ_USERS, patience=patience)
        with _naming(scope):
            return self._graph.get_count(
                f"{_members(scope)}/$count", query, permission=READ_GROUPS, patience=patience
            )

    def _expected(self, scope: Scope, patience: Patience) -> int | None:
        """Return how many users a scope should have, None where Graph does not count."""
        try:
            return self._count(scope, patience)
        except RequestRefused:
            return None

    def _organization(self, patience: Patience) -> dict[str, Any]:
        content = self._graph.get_json(
            "/organization", {"$select": "id,displayName"}, permission=READ_USERS, patience=patience
        )
        value = content.get("value")
        return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}

    def _groups(self) -> Groups:
        patience = self._patience(self._asking_patience)
        self._graph.grant(patience).require(READ_GROUPS)
        return Groups(self._graph, patience)

    def _patience(self, seconds: float) -> Patience:
        return Patience(seconds, self._watch, clock=self._clock, jitter=self._jitter)


def _members(scope: Scope) -> str:
    """Return the path of the users in a group, direct or nested."""
    group = scope.group_id or ""
    if not is_guid(group):
        raise GroupNotFound(f"“{group}” is no group’s object id.")
    return f"/groups/{group}/{'transitiveMembers' if scope.nested else 'members'}/microsoft.graph.user"


@contextmanager
def _naming(scope: Scope) -> Iterator[None]:
    """Say that it is the group that is missing, where Graph finds nothing at its address."""
    try:
        yield
    except Missing:
        raise GroupNotFound(f"The directory has no group {scope.group_id}.") from None


def _refuse_blanks(page: RawPage) -> None:
    """Refuse members without a user principal name: every user has one that the app may see.

    Graph answers the members of a group to an app without User.Read.All with 200, their ids, and
    null for everything else; a token that cannot be read lets that come this far.
    """
    for text in page.objects:
        if _BLANK.search(text):
            raise PermissionMissing(READ_USERS)
