"""What the core knows of a directory: the port behind which Microsoft Entra ID (or another) stands.

The sync engine imports this module and never an adapter's own ones. An adapter raises the
`SignInError` and `DirectoryError` families of `captrid_core.errors` and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class ScopeKind(StrEnum):
    """Which directory objects belong to a list, before its filters."""

    ALL_USERS = "all_users"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Scope:
    """All users, or the members of one group, direct or nested.

    The filters on guests and disabled accounts are not part of it: staging applies them, because
    a change feed cannot (rule R19).
    """

    kind: ScopeKind = ScopeKind.ALL_USERS
    group_id: str | None = None
    nested: bool = False


class Kind(StrEnum):
    """A kind of account that a list can leave out."""

    GUEST = "guest"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the directory; `members` counts its direct user members, None where it was not asked."""

    id: str
    name: str
    members: int | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether a user is in a group: as a member of it, or through groups inside it."""

    direct: bool = False
    through: tuple[str, ...] = ()
    """The names of the user's own groups that lie inside the group, where it is not direct."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What Test Connection found (S2): who answered, how much there is, what the app may do."""

    tenant_id: str
    tenant_name: str
    users: int
    groups: int
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Some directory objects as they came: one JSON object a line, `count` of them.

    Where `restarts` is true, the directory gave up the place in the list and the read began anew:
    all pages before this one have to be forgotten. `about` is how many there are on all pages,
    as far as the directory says.
    """

    ndjson: bytes
    count: int
    restarts: bool = False
    about: int | None = None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some changes as they came: one JSON object a line, `count` of them, each about the object `id`.

    A line about the object itself has

        _deleted   true: the directory has it no more; then nothing else is told but the id and
        _for_good  whether it cannot be restored
        _untold    the wanted property paths that the directory left out: they did not change (R16);
                   what is told of a manager always has to be looked up
        <member>   a wanted property, as `read_all` gives it

    and a line about its membership of the scope's group has `_member`: in | out | ask (only
    `Directory.members` can tell). The same object may have several lines; a later one is newer.
    The last page has the `mark` from which the next changes are to be asked.
    """

    ndjson: bytes
    count: int
    mark: str | None = None


class Watch(Protocol):
    """The eyes of a run on an adapter at work: progress, waiting, and the wish to stop.

    Methods may be called from the adapter's own threads.
    """

    def check(self) -> None:
        """Raise `Cancelled` if the work should stop."""

    def wait(self, seconds: float, reason: str) -> None:
        """Sleep for `seconds`, showing `reason` meanwhile; raise `Cancelled` at once when asked to stop."""


class Directory(Protocol):
    """A directory, signed in to with one connection. Not thread-safe; `close` it after use."""

    def probe(self) -> Facts:
        """Sign in, count, and read what was granted."""

    def tenant_id(self) -> str:
        """Return the id of the tenant that the sign-in leads to, from the token itself (rule R27)."""

    def groups(self, search: str | None = None, *, limit: int = 200) -> list[Group]:
        """Return groups whose name contains or begins with `search`, best match first, with member counts."""

    def find_group(self, id_or_name: str) -> Group:
        """Return the one group with that object id or exact display name.

        Raises:
            GroupNotFound: None has it, or several do.
        """

    def count(self, scope: Scope, *, kind: Kind | None = None) -> int:
        """Return about how many users the scope holds; of one kind alone, if one is given.

        Raises:
            RequestRefused: The directory does not count users of that kind.
        """

    def sample(self, scope: Scope, *, properties: Sequence[str], limit: int) -> list[dict[str, Any]]:
        """Return the first few users of the scope, each {property path: value}."""

    def read_all(self, scope: Scope, *, properties: Sequence[str]) -> Iterator[Page]:
        """Read the whole scope, page by page; every object has `id`.

        The same object may come twice. The iterator ends only where the directory said that there
        is no more; otherwise it raises.

        Raises:
            DirectoryError, SignInError: The read failed; what came before is not the whole.
            Cancelled: The watch asked to stop.
        """

    def mark(self, scope: Scope, *, properties: Sequence[str]) -> str:
        """Return the place from which `read_changes` tells what changes from now on (rule R29), as opaque text.

        Raises:
            RequestRefused: This directory does not tell changes.
        """

    def read_changes(self, mark: str, scope: Scope, *, properties: Sequence[str]) -> Iterator[ChangePage]:
        """Read what changed since `mark`, of the whole directory and of the scope's group.

        Scope and properties are those that the mark was taken for.

        Raises:
            DeltaLinkExpired: The directory does not know the place any more, or cannot tell all (rule R30).
            DirectoryError, SignInError, Cancelled: As for `read_all`.
        """

    def look_up(self, ids: Sequence[str], *, properties: Sequence[str]) -> Iterator[Page]:
        """Read the users with these ids as they are now; who is not there is left out."""

    def members(self, scope: Scope, ids: Sequence[str]) -> dict[str, bool]:
        """Return for each of these users that is there whether the scope holds it."""

    def deleted(self, ids: Sequence[str]) -> set[str]:
        """Return those of the ids whose users were deleted and can be restored, as far as the app may see that."""

    def find(
        self, text: str, *, properties: Sequence[str], exact: Sequence[str], limit: int = 10
    ) -> list[dict[str, Any]]:
        """Return users by their object id or an `exact` property, else by name, each {property path: value} with `id`."""

    def membership(self, group_id: str, user_id: str) -> Membership:
        """Return whether a user is in a group, and by which way."""

    def photos(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the photos of those of these users who have one, as JPEG of about 240 pixels."""

    def reports(self, ids: Sequence[str]) -> set[str]:
        """Return the ids of all whose manager is one of these users."""

    def close(self) -> None:
        """Close connections to the directory."""
