"""Banksia College: a made-up school of any size, the same for the same seed.

The college is planned for up to 1,200 people. A larger one consists of several campuses with the
same plan and other people. Nobody is stored: a person is made from the plan and their number when
someone asks, which is cheap enough to page through a million of them.
"""

from __future__ import annotations

import random
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from captrid_core.sandbox import plan
from captrid_core.sandbox.identifiers import Identifiers, Kind, key
from captrid_core.sandbox.plan import WORDS, GroupPlan, Profile, Role

CAMPUS_SIZE: Final = 1200
FIRST_NUMBER: Final = 10_001
_EXTENSION_APP: Final = key(Kind.OTHER, 9)


class College:
    """The people of the college, by number, and the plan that they follow.

    `users` people are numbered from 0. `quirks` False leaves out everything odd: no missing or
    doubled employee numbers, no unusual spellings.
    """

    def __init__(self, users: int, seed: int, identifiers: Identifiers, *, quirks: bool = True) -> None:
        self.users = users
        self.campus = min(users, CAMPUS_SIZE)
        self.extension = f"extension_{identifiers.guid(_EXTENSION_APP).replace('-', '')}_lockerNumber"
        self.plan = plan.draw(self.campus, _rng(f"plan {seed}"), extension=self.extension, quirks=quirks)
        self._identifiers = identifiers
        self._salt = _rng(f"names {seed}").getrandbits(64)
        self._folded_given = [_fold(name) for name in WORDS["given"]]
        self._folded_surname = [_fold(name) for name in WORDS["surname"]]
        self._twins = {p.twin: place for place, p in enumerate(self.plan.profiles) if p.twin is not None}
        self._first_locals = self._unique_locals()
        self._first_numbers = {local: number for number, local in enumerate(self._first_locals)}
        # The properties whose values differ between people with the same place.
        self.personal = frozenset(
            name
            for profile in self.plan.profiles
            for name, value in profile.properties.items()
            if any(hole in msgspec.json.encode(value).decode() for hole in plan.HOLES)
        )
        self._whole = [msgspec.json.encode(p.properties).decode() for p in self.plan.profiles]

    def person(self, number: int) -> dict[str, Any]:
        """Return the properties that person `number` has; what was never set is absent."""
        properties: dict[str, Any] = msgspec.json.decode(self.fill(self._whole[number % self.campus], number))
        return properties

    def profile(self, number: int) -> Profile:
        """Return the profile of the place that person `number` has."""
        return self.plan.profiles[number % self.campus]

    def manager(self, number: int) -> int | None:
        """Return the number of the person's manager."""
        place = self.profile(number).manager
        if place is None:
            return None
        manager = number - number % self.campus + place
        return manager if manager < self.users else None

    def fill(self, text: str, number: int) -> str:
        """Return a JSON text made from a profile, with the holes filled for person `number`."""
        first, last = self._names(number)
        text = self._filled(text, number, WORDS["given"][first], WORDS["surname"][last], self._local(number))
        if plan.HOLE_TWIN in text:
            twin = self.profile(number).twin or 0
            text = text.replace(plan.HOLE_TWIN, str(FIRST_NUMBER + number - number % self.campus + twin))
        return text

    def newcomer(self, number: int, rng: random.Random) -> tuple[dict[str, Any], int | None]:
        """Return an ordinary person with a number beyond the college's, and the place they resemble."""
        profiles = self.plan.profiles
        ordinary = [
            place
            for place, profile in enumerate(profiles)
            if profile.role in {Role.STAFF, Role.STUDENT} and not profile.odd and profile.manager is not None
        ] or [place for place, profile in enumerate(profiles) if profile.role is Role.STUDENT]
        place = rng.choice(ordinary) if ordinary else None
        first, last = rng.randrange(len(WORDS["given"])), rng.randrange(len(WORDS["surname"]))
        properties = plan.person(Role.STAFF, rng) | {"employeeId": plan.HOLE_NUMBER}
        if place is not None:
            properties = profiles[place].properties
        local = f"{self._folded_given[first]}.{self._folded_surname[last]}{number}"
        text = msgspec.json.encode(properties).decode()
        given, surname = WORDS["given"][first], WORDS["surname"][last]
        return msgspec.json.decode(self._filled(text, number, given, surname, local)), place

    def candidates(self, name: str, value: str) -> set[int] | None:
        """Return the people who could have `value` as property `name`, or None if anyone could.

        Only properties that carry the person's number are recognised.
        """
        if name not in {"employeeId", "mail", "userPrincipalName", "mailNickname"} or not self.users:
            return None
        local = value.strip().lower().split("@")[0].split("_")[0]
        numbers = {self._first_numbers[local]} if local in self._first_numbers else set()
        if digits := re.search(r"[0-9]+$", local):
            numbers |= {int(digits[0]), int(digits[0]) - FIRST_NUMBER}
        for number in list(numbers):
            place = number % self.campus
            if place in self._twins:
                numbers.add(number - place + self._twins[place])
        return {number for number in numbers if 0 <= number < self.users}

    def members(self, group: GroupPlan, start: int = 0) -> Iterator[int]:
        """Yield the numbers of a group's planned people from `start` on, ascending."""
        if not group.places:
            return
        base = start - start % self.campus
        position = bisect_left(group.places, start - base)
        while base < self.users:
            for place in group.places[position:]:
                if base + place >= self.users:
                    return
                yield base + place
            base, position = base + self.campus, 0

    def is_member(self, group: GroupPlan, number: int) -> bool:
        """Tell whether the plan makes person `number` a member of a group."""
        if number >= self.users:
            return False
        position = bisect_left(group.places, number % self.campus)
        return position < len(group.places) and group.places[position] == number % self.campus

    def _filled(self, text: str, number: int, given: str, surname: str, local: str) -> str:
        return (
            text.replace(plan.HOLE_GUID, self._identifiers.guid(number))
            .replace(plan.HOLE_GIVEN, given)
            .replace(plan.HOLE_SURNAME, surname)
            .replace(plan.HOLE_LOCAL, local)
            .replace(plan.HOLE_NUMBER, str(FIRST_NUMBER + number))
        )

    def _names(self, number: int) -> tuple[int, int]:
        """Return the positions of a person's given name and surname in the word lists."""
        # The finaliser of splitmix64: neighbours get unrelated names.
        mixed = (number * 0x9E3779B97F4A7C15 + self._salt) & 0xFFFFFFFFFFFFFFFF
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        mixed ^= mixed >> 31
        return mixed % len(WORDS["given"]), (mixed >> 20) % len(WORDS["surname"])

    def _local(self, number: int) -> str:
        """Return the local part of a person's mail address."""
        if number < self.campus:
            return self._first_locals[number]
        if self.profile(number).role is Role.STUDENT:
            return f"s{FIRST_NUMBER + number}"
        return f"{self._plain_local(number)}{number}"

    def _plain_local(self, number: int) -> str:
        first, last = self._names(number)
        return self.profile(number).local or f"{self._folded_given[first]}.{self._folded_surname[last]}"

    def _unique_locals(self) -> list[str]:
        """Return the local parts of the first campus, where namesakes are told apart by a number."""
        seen: dict[str, int] = {}
        unique: list[str] = []
        for number in range(self.campus):
            if self.profile(number).role is Role.STUDENT:
                unique.append(f"s{FIRST_NUMBER + number}")
                continue
            local = self._plain_local(number)
            seen[local] = seen.get(local, 0) + 1
            unique.append(local if seen[local] == 1 else f"{local}{seen[local]}")
        return unique


def _fold(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z]", "", plain)


def _rng(purpose: str) -> random.Random:
    return random.Random(purpose)  # noqa: S311  (made-up people, no secrets)
