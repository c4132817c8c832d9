"""The groups of the directory and who belongs to them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import Any

from captrid_core.sandbox.college import College
from captrid_core.sandbox.plan import DOMAIN, GroupKind, GroupPlan


@dataclass(slots=True)
class Group:
    """A group: its properties, and its members as the college planned them and as they were changed.

    Members are keys of users, groups and devices; users in the recycle bin keep their membership
    ("Get incremental changes for groups" in the Microsoft Graph documentation).
    """

    properties: dict[str, Any]
    kind: GroupKind
    college: College
    plan: GroupPlan | None = None
    added: list[int] = field(default_factory=list)
    removed: set[int] = field(default_factory=set)
    deleted: str | None = None
    purged: bool = False

    @property
    def is_live(self) -> bool:
        """Tell whether lists show the group."""
        return self.deleted is None and not self.purged

    def links(self, start: int = 0) -> Iterator[int]:
        """Yield the keys of the direct members from `start` on, ascending, the recycle bin's included."""
        added = iter(self.added[bisect_left(self.added, start) :])
        if self.plan is None:
            return added
        planned = self.college.members(self.plan, start)
        if self.removed:
            planned = (number for number in planned if number not in self.removed)
        return merge(planned, added)

    def has(self, member: int) -> bool:
        """Tell whether an object is a direct member."""
        if self.plan is not None and member not in self.removed and self.college.is_member(self.plan, member):
            return True
        position = bisect_left(self.added, member)
        return position < len(self.added) and self.added[position] == member

    def add(self, member: int) -> None:
        """Make an object a member; it is none yet."""
        if member in self.removed:
            self.removed.discard(member)
        else:
            insort(self.added, member)

    def remove(self, member: int) -> None:
        """End a membership."""
        position = bisect_left(self.added, member)
        if position < len(self.added) and self.added[position] == member:
            del self.added[position]
        else:
            self.removed.add(member)


def properties(
    guid: str, name: str, *, kind: GroupKind, created: str, description: str | None = None
) -> dict[str, Any]:
    """Return the properties of a new group; what is not set is absent."""
    nickname = "".join(letter for letter in name if letter.isascii() and letter.isalnum()) or guid[:8]
    mailed = kind is GroupKind.MICROSOFT_365
    record: dict[str, Any] = {
        "id": guid,
        "createdDateTime": created,
        "displayName": name,
        "groupTypes": {GroupKind.MICROSOFT_365: ["Unified"], GroupKind.DYNAMIC: ["DynamicMembership"]}.get(
            kind, []
        ),
        "mailEnabled": mailed,
        "mailNickname": nickname,
        "securityEnabled": not mailed,
        "renewedDateTime": created,
    }
    if description is not None:
        record["description"] = description
    if mailed:
        record |= {
            "mail": f"{nickname}@{DOMAIN}",
            "proxyAddresses": [f"SMTP:{nickname}@{DOMAIN}"],
            "visibility": "Public",
        }
    if kind is GroupKind.DYNAMIC:
        record |= {"membershipRule": "(user.objectId -ne null)", "membershipRuleProcessingState": "On"}
    return record
