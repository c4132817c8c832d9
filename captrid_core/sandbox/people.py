"""The users of the directory: the college's people, and over them whatever was changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

from captrid_core.sandbox.college import College
from captrid_core.sandbox.identifiers import Identifiers
from captrid_core.sandbox.represent import Shape

_SHAPES_KEPT: Final = 16


class People:
    """Users by number. Only those that differ from the college's plan take up memory.

    A user is live, in the recycle bin (`binned`, with the time) or gone for good (`purged`).
    """

    def __init__(self, college: College, identifiers: Identifiers) -> None:
        self.college = college
        self.identifiers = identifiers
        self.end = college.users
        self.binned: dict[int, str] = {}
        self.purged: set[int] = set()
        self._changed: dict[int, dict[str, Any]] = {}
        self._managers: dict[int, int | None] = {}
        self._templates: OrderedDict[Shape, dict[int, str]] = OrderedDict()

    def __len__(self) -> int:
        return self.end - len(self.binned) - len(self.purged)

    def is_live(self, number: int) -> bool:
        """Tell whether this is a user that lists and counts show."""
        return number < self.end and number not in self.binned and number not in self.purged

    def live(self, start: int = 0) -> Iterator[int]:
        """Yield the numbers of live users from `start` on."""
        for number in range(start, self.end):
            if number not in self.binned and number not in self.purged:
                yield number

    def record(self, number: int) -> dict[str, Any]:
        """Return a user's properties; what was never set is absent, what was cleared is None."""
        changed = self._changed.get(number)
        return dict(changed) if changed is not None else self.college.person(number)

    def is_changed(self, number: int) -> bool:
        """Tell whether a user differs from the college's plan."""
        return number in self._changed

    def put(self, number: int, record: dict[str, Any]) -> None:
        """Store a user's properties."""
        self._changed[number] = record
        self.end = max(self.end, number + 1)

    def text(self, number: int, shape: Shape) -> str:
        """Return a user as JSON."""
        record = self._changed.get(number)
        if record is not None:
            return shape.text(record)
        templates = self._templates.get(shape)
        if templates is None:
            templates = self._templates[shape] = {}
            if len(self._templates) > _SHAPES_KEPT:
                self._templates.popitem(last=False)
        place = number % self.college.campus
        template = templates.get(place)
        if template is None:
            template = templates[place] = shape.text(self.college.plan.profiles[place].properties)
        return self.college.fill(template, number)

    def manager(self, number: int) -> int | None:
        """Return the number of a user's manager, who may lie in the recycle bin."""
        if number in self._managers:
            return self._managers[number]
        return self.college.manager(number) if number < self.college.users else None

    def set_manager(self, number: int, manager: int | None) -> None:
        """Store who a user's manager is."""
        self._managers[number] = manager

    def reports(self, number: int) -> list[int]:
        """Return the users whose manager this is, the recycle bin's included."""
        found = [user for user, manager in self._managers.items() if manager == number]
        if number < self.college.users:
            base = number - number % self.college.campus
            for place, profile in enumerate(self.college.plan.profiles):
                user = base + place
                planned = profile.manager == number - base and user < self.college.users
                if planned and user not in self._managers:
                    found.append(user)
        return found

    def find(self, id_or_name: str) -> int | None:
        """Return the number of the live user with this id or user principal name."""
        number = self.identifiers.key(id_or_name)
        if number is not None:
            return number if self.is_live(number) else None
        for candidate in self.candidates("userPrincipalName", id_or_name) or ():
            found = str(self.record(candidate).get("userPrincipalName")).casefold()
            if found == id_or_name.casefold() and self.is_live(candidate):
                return candidate
        return None

    def candidates(self, name: str, value: str) -> set[int] | None:
        """Return users that include all with this value of a property, or None if anyone may have it."""
        if name == "id":
            found = self.identifiers.key(value)
            return {found} if found is not None else set()
        planned = self.college.candidates(name, value)
        if planned is None and self.college.users:
            return None
        return (planned or set()) | set(self._changed)
