"""The directory: users, groups, memberships and managers, and every change to them.

Tests and the control routes change the directory by ids through `Directory`; the Graph routes read
it by keys while they hold its `lock`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from heapq import merge
from threading import RLock
from typing import Any

from captrid_core.sandbox import groups as group_records
from captrid_core.sandbox.college import College
from captrid_core.sandbox.groups import Group
from captrid_core.sandbox.identifiers import Identifiers, Kind, key, kind_of
from captrid_core.sandbox.log import Change, ChangeLog, What
from captrid_core.sandbox.people import People
from captrid_core.sandbox.plan import DEVICES, DOMAIN, GroupKind
from captrid_core.sandbox.properties import MEMBERS_OF_OBJECTS, USER, is_directory_extension
from captrid_core.sandbox.turnover import Turnover

Clock = Callable[[], datetime]

# How many people left shortly before the sandbox started and lie in the recycle bin.
_FORMER_PEOPLE = 3
_FOUNDED = "2012-01-16T01:00:00Z"


def moment(time: datetime) -> str:
    """Return a time as Graph writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


class Directory:
    """The state of the tenant. Every method may be called from any thread.

    Unknown ids raise `KeyError`; what Entra would refuse raises `ValueError`.
    """

    def __init__(
        self, college: College, identifiers: Identifiers, clock: Clock, *, seed: int, groups: bool
    ) -> None:
        self.lock = RLock()
        self.log = ChangeLog()
        self.identifiers = identifiers
        self.people = People(college, identifiers)
        self.groups: dict[int, Group] = {}
        self._clock = clock
        self._next_group = 0
        if groups:
            self._found_groups()
        self._turnover = Turnover(self, seed)
        if college.users >= 10 * _FORMER_PEOPLE:
            self._turnover.bury(_FORMER_PEOPLE)

    # Users

    def add_user(self, *, id: str | None = None, **properties: Any) -> str:
        """Create a user and return its id. What Entra requires and is not given is made up.

        Raises:
            ValueError: A property is unknown, or the id or the user principal name is taken.
        """
        _check_names(properties)
        with self.lock:
            number = self.people.end
            name = properties.get("userPrincipalName") or f"user{number}@{DOMAIN}"
            if self.people.find(name) is not None:
                raise ValueError(f"Another user has the userPrincipalName {name}.")
            if id is not None:
                self.identifiers.choose(number, id)
            made_up = " ".join(filter(None, (properties.get("givenName"), properties.get("surname"))))
            record = {
                "id": self.identifiers.guid(number),
                "accountEnabled": True,
                "createdDateTime": self.now(),
                "displayName": made_up or f"User {number}",
                "mailNickname": name.split("@")[0],
                "userPrincipalName": name,
                "userType": "Member",
            }
            record |= {name: value for name, value in properties.items() if value is not None}
            self.create(number, record)
            return str(record["id"])

    def update_user(self, user_id: str, **properties: Any) -> None:
        """Change properties of a user; None clears one. A value that it has already is no change.

        Objects like `onPremisesExtensionAttributes` are changed by member, as PATCH does it.

        Raises:
            ValueError: A property is unknown or read-only.
        """
        _check_names(properties)
        with self.lock:
            number = self._user(user_id)
            record = self.people.record(number)
            changed = set()
            for name, value in properties.items():
                if name in MEMBERS_OF_OBJECTS and isinstance(value, dict):
                    value = (record.get(name) or {}) | value
                if record.get(name) != value:
                    record[name] = value
                    changed.add(name)
            if changed:
                self.people.put(number, record)
                self.log.append(Change(number, What.UPDATED, frozenset(changed)))

    def delete_user(self, user_id: str) -> None:
        """Move a user to the recycle bin; memberships and managers stay, out of sight."""
        with self.lock:
            number = self._user(user_id)
            self.people.binned[number] = self.now()
            self.log.append(Change(number, What.REMOVED))

    def restore_user(self, user_id: str) -> None:
        """Bring a user back from the recycle bin."""
        with self.lock:
            number = self._binned_user(user_id)
            del self.people.binned[number]
            self.log.append(Change(number, What.RESTORED))

    def purge_user(self, user_id: str) -> None:
        """Delete a user for good, from the recycle bin or at once, with memberships and reports."""
        with self.lock:
            number = self._key(user_id, Kind.USER)
            if number >= self.people.end or number in self.people.purged:
                raise KeyError(user_id)
            for group_key in self.groups:
                self.unlink(group_key, number)
            for report in self.people.reports(number):
                self._manage(report, None)
            self.people.binned.pop(number, None)
            self.people.purged.add(number)
            self.log.append(Change(number, What.PURGED))

    def set_manager(self, user_id: str, manager_id: str | None) -> None:
        """Make someone the manager of a user, or nobody."""
        with self.lock:
            self._manage(self._user(user_id), self._user(manager_id) if manager_id is not None else None)

    def user(self, user_id: str) -> dict[str, Any]:
        """Return a live user, by id or user principal name: what is set, `manager` as an id."""
        with self.lock:
            number = self.people.find(user_id)
            if number is None:
                raise KeyError(user_id)
            return self._truth(number)

    def names(self, user_ids: Iterable[str]) -> list[str]:
        """Return the display names of users, live or in the recycle bin."""
        with self.lock:
            return [
                str(self.people.record(self._key(user_id, Kind.USER))["displayName"]) for user_id in user_ids
            ]

    def users(self) -> Iterator[dict[str, Any]]:
        """Yield the live users as they are at this moment: what is set, `manager` as an id."""
        with self.lock:
            numbers = list(self.people.live())
        # Not locked meanwhile: whoever iterates may ask the running sandbox between two users.
        for number in numbers:
            yield self._truth(number)

    # Groups

    def add_group(
        self,
        name: str,
        *,
        kind: GroupKind = GroupKind.SECURITY,
        id: str | None = None,
        **properties: Any,
    ) -> str:
        """Create a group without members and return its id."""
        with self.lock:
            group_key = key(Kind.GROUP, self._next_group)
            if id is not None:
                self.identifiers.choose(group_key, id)
            self._next_group += 1
            guid = self.identifiers.guid(group_key)
            record = group_records.properties(guid, name, kind=kind, created=self.now()) | properties
            self.groups[group_key] = Group(record, kind, self.people.college)
            self.log.append(Change(group_key, What.CREATED, frozenset(record)))
            return guid

    def update_group(self, group_id: str, **properties: Any) -> None:
        """Change properties of a group, its `displayName` for instance; None clears one."""
        with self.lock:
            group_key = self._group(group_id)
            record = self.groups[group_key].properties
            changed = frozenset(name for name, value in properties.items() if record.get(name) != value)
            record.update(properties)
            if changed:
                self.log.append(Change(group_key, What.UPDATED, changed))

    def delete_group(self, group_id: str) -> None:
        """Delete a group: a Microsoft 365 group goes to the recycle bin, any other for good."""
        with self.lock:
            group_key = self._group(group_id)
            group = self.groups[group_key]
            group.deleted = self.now()
            if group.kind is GroupKind.MICROSOFT_365:
                self.log.append(Change(group_key, What.REMOVED))
                return
            group.purged = True
            for parent in self.groups:
                self.unlink(parent, group_key)
            self.log.append(Change(group_key, What.PURGED))

    def add_member(self, group_id: str, member_id: str) -> None:
        """Make a user or a group a direct member of a group; one that it has already is no change."""
        with self.lock:
            group_key, member = self._group(group_id), self._member(member_id)
            self.link(group_key, member)

    def remove_member(self, group_id: str, member_id: str) -> None:
        """End a direct membership; one that there is not is no change."""
        with self.lock:
            group_key, member = self._group(group_id), self._member(member_id)
            self.unlink(group_key, member)

    def group_id(self, name: str) -> str:
        """Return the id of the live group with this display name."""
        with self.lock:
            group_key = self.named(name)
            if group_key is None:
                raise KeyError(name)
            return self.identifiers.guid(group_key)

    def members(self, group_id: str, *, transitive: bool = False) -> set[str]:
        """Return the ids of a group's members, as its list of members shows them."""
        with self.lock:
            group_key = self._group(group_id)
            found = self.nested_keys(group_key) if transitive else self.member_keys(group_key)
            return {self.identifiers.guid(member) for member in found}

    def group_ids(self) -> list[str]:
        """Return the ids of the live groups."""
        with self.lock:
            return [self.identifiers.guid(group_key) for group_key in self.live_groups()]

    # Many changes at once

    def hire(self, count: int) -> list[str]:
        """Take on some new people, with the groups of those whom they resemble, and return their ids."""
        return self._turnover.hire(count)

    def leave(self, count: int) -> list[str]:
        """Let some people leave, their accounts go to the recycle bin, and return their ids."""
        return self._turnover.leave(count)

    def move(self, count: int) -> list[str]:
        """Move some people to another department or year, with its groups, and return their ids."""
        return self._turnover.move(count)

    def rename(self, count: int) -> list[str]:
        """Give some people another surname and return their ids."""
        return self._turnover.rename(count)

    def disable(self, count: int) -> list[str]:
        """Block some people's sign-in and return their ids."""
        return self._turnover.disable(count)

    def halve_group(self, group_id: str) -> list[str]:
        """Take half of its direct users out of a group and return their ids."""
        return self._turnover.halve(group_id)

    # Reading by key, for the Graph routes

    def is_live(self, object_key: int) -> bool:
        """Tell whether lists show the object."""
        kind = kind_of(object_key)
        if kind is Kind.USER:
            return self.people.is_live(object_key)
        if kind is Kind.GROUP:
            return object_key in self.groups and self.groups[object_key].is_live
        return kind is Kind.DEVICE and object_key < key(Kind.DEVICE, DEVICES)

    def live_groups(self, start: int = 0) -> Iterator[int]:
        """Yield the keys of live groups from `start` on, ascending."""
        return (group_key for group_key, group in self.groups.items() if group_key >= start and group.is_live)

    def member_keys(self, group_key: int, start: int = 0) -> Iterator[int]:
        """Yield the keys of a group's live direct members from `start` on, ascending."""
        return (member for member in self.groups[group_key].links(start) if self.is_live(member))

    def nested_keys(self, group_key: int, start: int = 0) -> Iterator[int]:
        """Yield the keys of a group's live members at any depth from `start` on, ascending, each once."""
        previous = -1
        for member in merge(*(self.member_keys(inner, start) for inner in self._reachable(group_key))):
            # A group in a cycle is not listed as a member of itself.
            if member not in {previous, group_key}:
                previous = member
                yield member

    def parents(self, member: int, *, transitive: bool = False) -> list[int]:
        """Return the keys of the live groups that an object belongs to."""
        found: dict[int, None] = {}
        waiting = [member]
        while waiting:
            child = waiting.pop()
            for group_key in self.live_groups():
                if group_key not in found and self.groups[group_key].has(child):
                    found[group_key] = None
                    if transitive:
                        waiting.append(group_key)
        return sorted(found)

    def record(self, object_key: int) -> dict[str, Any]:
        """Return the properties of an object, live or in the recycle bin."""
        kind = kind_of(object_key)
        if kind is Kind.USER:
            record = self.people.record(object_key)
            if object_key in self.people.binned:
                record["deletedDateTime"] = self.people.binned[object_key]
            return record
        if kind is Kind.GROUP:
            group = self.groups[object_key]
            return (
                group.properties if group.is_live else group.properties | {"deletedDateTime": group.deleted}
            )
        return _device(object_key, self.identifiers)

    # The inside

    def now(self) -> str:
        """Return the time as Graph writes it."""
        return moment(self._clock())

    def _key(self, object_id: str, kind: Kind) -> int:
        found = self.identifiers.key(object_id)
        if found is None or kind_of(found) is not kind:
            raise KeyError(object_id)
        return found

    def _user(self, user_id: str) -> int:
        number = self._key(user_id, Kind.USER)
        if not self.people.is_live(number):
            raise KeyError(user_id)
        return number

    def _binned_user(self, user_id: str) -> int:
        number = self._key(user_id, Kind.USER)
        if number not in self.people.binned:
            raise KeyError(user_id)
        return number

    def _group(self, group_id: str) -> int:
        group_key = self._key(group_id, Kind.GROUP)
        if not self.is_live(group_key):
            raise KeyError(group_id)
        return group_key

    def _member(self, member_id: str) -> int:
        member = self.identifiers.key(member_id)
        if member is None or not self.is_live(member):
            raise KeyError(member_id)
        return member

    def named(self, name: str) -> int | None:
        """Return the key of the live group with this display name."""
        for group_key in self.live_groups():
            if self.groups[group_key].properties["displayName"] == name:
                return group_key
        return None

    def _truth(self, number: int) -> dict[str, Any]:
        record = {name: value for name, value in self.people.record(number).items() if value is not None}
        manager = self.people.manager(number)
        if manager is not None:
            record["manager"] = self.identifiers.guid(manager)
        return record

    def create(self, number: int, record: dict[str, Any]) -> None:
        """Store a new user."""
        self.people.put(number, record)
        self.log.append(Change(number, What.CREATED, frozenset(record)))

    def _manage(self, number: int, manager: int | None) -> None:
        old = self.people.manager(number)
        if old != manager:
            self.people.set_manager(number, manager)
            self.log.append(Change(number, What.LINKED, frozenset({"manager"}), link=old))

    def link(self, group_key: int, member: int) -> None:
        """Make an object a direct member of a group unless it is one."""
        group = self.groups[group_key]
        if not group.has(member):
            group.add(member)
            self.log.append(Change(group_key, What.LINKED, frozenset({"members"}), link=member))

    def unlink(self, group_key: int, member: int) -> None:
        """End a direct membership if there is one."""
        group = self.groups[group_key]
        if group.has(member) and not group.purged:
            group.remove(member)
            self.log.append(Change(group_key, What.LINKED, frozenset({"members"}), link=member))

    def _reachable(self, group_key: int) -> list[int]:
        """Return the group and every live group below it, each once although groups may form a cycle."""
        found = [group_key]
        for outer in found:
            for member in self.groups[outer].links(key(Kind.GROUP, 0)):
                if kind_of(member) is Kind.GROUP and self.is_live(member) and member not in found:
                    found.append(member)
        return found

    def _found_groups(self) -> None:
        """Create the groups that the college planned."""
        college = self.people.college
        names = {plan.name: key(Kind.GROUP, place) for place, plan in enumerate(college.plan.groups)}
        for plan in college.plan.groups:
            guid = self.identifiers.guid(names[plan.name])
            record = group_records.properties(
                guid, plan.name, kind=plan.kind, created=_FOUNDED, description=plan.description
            )
            group = Group(record, plan.kind, college, plan)
            group.added = [names[inner] for inner in plan.groups]
            group.added += [key(Kind.DEVICE, number) for number in range(plan.devices)]
            self.groups[names[plan.name]] = group
        self._next_group = len(names)


def _check_names(properties: dict[str, Any]) -> None:
    """Raise ValueError for a property that users do not have, or that nobody can set."""
    for name in properties:
        if name in {"id", "deletedDateTime"} or not (name in USER or is_directory_extension(name)):
            raise ValueError(f"{name} is not a property of a user that can be set.")


def _device(device_key: int, identifiers: Identifiers) -> dict[str, Any]:
    guid = identifiers.guid(device_key)
    number = device_key - key(Kind.DEVICE, 0) + 1
    return {
        "id": guid,
        "accountEnabled": True,
        "deviceId": guid[::-1].replace("-", "")[:32],
        "displayName": f"Library iPad {number:02d}",
        "operatingSystem": "iPadOS",
        "operatingSystemVersion": "26.1",
    }
