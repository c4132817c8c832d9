"""The change log: what happened in the directory, in order.

A delta token names a position in the log. What changed since is read from the log, what things
look like now from the directory.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from captrid_core.sandbox.identifiers import Kind, kind_of

_ROUNDS_KEPT: Final = 8


class What(StrEnum):
    """What can happen to an object."""

    CREATED = "created"
    UPDATED = "updated"
    REMOVED = "removed"
    RESTORED = "restored"
    PURGED = "purged"
    LINKED = "linked"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to the object with key `subject`.

    `LINKED` means that a group's membership of `link` began or ended, or that a user's manager is
    not `link` any more; `properties` then holds the name of the relationship.
    """

    subject: int
    what: What
    properties: frozenset[str] = frozenset()
    link: int | None = None


@dataclass(slots=True)
class Touched:
    """All that happened to one object in a stretch of the log."""

    properties: set[str] = field(default_factory=set)
    links: dict[int, None] = field(default_factory=dict)
    came: bool = False
    went: bool = False

    def note(self, change: Change) -> None:
        """Take one more change into account."""
        self.properties |= change.properties
        if change.link is not None:
            self.links[change.link] = None
        self.came |= change.what in {What.CREATED, What.RESTORED}
        self.went |= change.what in {What.REMOVED, What.PURGED}


class ChangeLog:
    """A list of changes that only grows."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._rounds: OrderedDict[tuple[int, int, Kind], dict[int, Touched]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._changes)

    def append(self, change: Change) -> None:
        """Add a change at the end."""
        self._changes.append(change)

    def between(self, since: int, until: int, kind: Kind) -> dict[int, Touched]:
        """Return what happened to which objects of a kind from position `since` to before `until`.

        The object whose last change is the oldest comes first. The answer is shared between
        callers, who page through it: do not alter it.
        """
        stretch = (since, until, kind)
        if stretch in self._rounds:
            self._rounds.move_to_end(stretch)
            return self._rounds[stretch]
        touched: dict[int, Touched] = {}
        for change in self._changes[since:until]:
            if kind_of(change.subject) is kind:
                entry = touched.pop(change.subject, None) or Touched()
                entry.note(change)
                touched[change.subject] = entry
        self._rounds[stretch] = touched
        if len(self._rounds) > _ROUNDS_KEPT:
            self._rounds.popitem(last=False)
        return touched
