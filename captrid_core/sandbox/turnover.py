"""People come, go, move and marry: changes of the kinds that a school year brings, decided by the seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from captrid_core.sandbox.directory import Directory


class Turnover:
    """Changes people of a directory at random, the same way each time for the same seed."""

    def __init__(self, directory: Directory, seed: int) -> None:
        self._directory = directory
        self._people = directory.people
        self._rng = random.Random(f"changes {seed}")  # noqa: S311  (made-up people, no secrets)

    def hire(self, count: int) -> list[str]:
        """Take on new people."""
        with self._directory.lock:
            return [self._hire() for _ in range(count)]

    def leave(self, count: int) -> list[str]:
        """Move people's accounts to the recycle bin."""
        with self._directory.lock:
            left = self._some(count)
            for user_id in left:
                self._directory.delete_user(user_id)
            return left

    def move(self, count: int) -> list[str]:
        """Give people another department, and the groups of it."""
        with self._directory.lock:
            moved = self._some(count)
            for user_id in moved:
                self._move(user_id)
            return moved

    def rename(self, count: int) -> list[str]:
        """Give people a double surname."""
        with self._directory.lock:
            renamed = self._some(count)
            for user_id in renamed:
                record = self._directory.user(user_id)
                second = self._rng.choice(("Hill", "Brook", "Wood", "Field"))
                surname = f"{record.get('surname', 'Smith').strip()}-{second}"
                name = f"{record.get('givenName', '').strip()} {surname}".strip()
                self._directory.update_user(user_id, surname=surname, displayName=name)
            return renamed

    def disable(self, count: int) -> list[str]:
        """Block people's sign-in."""
        with self._directory.lock:
            disabled = self._some(count)
            for user_id in disabled:
                self._directory.update_user(user_id, accountEnabled=False)
            return disabled

    def halve(self, group_id: str) -> list[str]:
        """Take half of the users who belong to a group directly out of it."""
        with self._directory.lock:
            users = {user["id"] for user in self._directory.users()}
            members = sorted(self._directory.members(group_id) & users)
            chosen = self._rng.sample(members, len(members) // 2)
            for user_id in chosen:
                self._directory.remove_member(group_id, user_id)
            return chosen

    def bury(self, count: int) -> None:
        """Put people into the recycle bin who left before anybody looked."""
        for _ in range(count):
            number = self._people.end
            record, _ = self._people.college.newcomer(number, self._rng)
            self._people.put(number, record)
            self._people.binned[number] = self._directory.now()

    def _hire(self) -> str:
        number = self._people.end
        record, place = self._people.college.newcomer(number, self._rng)
        record["createdDateTime"] = self._directory.now()
        self._directory.create(number, record)
        if place is not None:
            for group_key, group in self._directory.groups.items():
                if group.is_live and group.plan is not None and place in group.plan.places:
                    self._directory.link(group_key, number)
        return str(record["id"])

    def _move(self, user_id: str) -> None:
        record = self._directory.user(user_id)
        old = record.get("department")
        new = self._rng.choice(self._departments(record) or [f"Department {len(self._directory.log)}"])
        self._directory.update_user(user_id, department=new)
        number = self._people.find(user_id)
        for suffix in ("Faculty", "Team", "Students"):
            left = self._directory.named(f"{old} {suffix}")
            joined = self._directory.named(f"{new} {suffix}")
            if number is not None and left is not None:
                self._directory.unlink(left, number)
            if number is not None and joined is not None:
                self._directory.link(joined, number)

    def _departments(self, record: dict[str, Any]) -> list[str]:
        """Return where someone could move to: students to another year, staff to another team."""
        is_student = record.get("employeeType") == "Student"
        found = {
            str(profile.properties["department"])
            for profile in self._people.college.plan.profiles
            if "department" in profile.properties
            and (profile.properties.get("employeeType") == "Student") is is_student
        }
        return sorted(found - {record.get("department")})

    def _some(self, count: int) -> list[str]:
        """Return the ids of some live, enabled members of the organisation, each once, or all there are."""
        chosen: list[str] = []
        for number in self._shuffled(self._people.end):
            if len(chosen) == count:
                break
            if self._people.is_live(number):
                record = self._people.record(number)
                if record.get("userType") == "Member" and record.get("accountEnabled"):
                    chosen.append(str(record["id"]))
        return chosen

    def _shuffled(self, end: int) -> Iterator[int]:
        """Yield the numbers below `end` in random order without listing them beforehand."""
        moved: dict[int, int] = {}
        for position in range(end):
            other = self._rng.randrange(position, end)
            yield moved.get(other, other)
            moved[other] = moved.get(position, position)
