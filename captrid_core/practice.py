"""The practice directory: what the demo lets its made-up directory do, so that people can watch syncs cope.

Only `captrid demo` has one, for the sandbox that it started itself. What stands here never gets to
a directory of a connection: it talks to the sandbox's own control routes alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from captrid_core.errors import Invalid, Refused

_NAMED_AT_MOST: Final = 5


class NoSandbox(Refused):
    """No sandbox runs, or it does not answer."""

    code = "no_sandbox"
    default_hint = "Start one with `captrid sandbox` or `captrid demo` on the same home."


class Move(StrEnum):
    """Something that happens in an organisation."""

    JOIN = "join"
    LEAVE = "leave"
    RENAME = "rename"
    DEPARTMENT = "department"
    DISABLE = "disable"
    DELETE = "delete"
    TURNOVER = "turnover"
    """One person in twenty comes, goes, moves or is renamed."""
    EXODUS = "exodus"
    """A fifth of the people leave at once."""


class Trouble(StrEnum):
    """Something that goes wrong between this program and the directory; by the sandbox's kinds of faults."""

    THROTTLED = "throttle"
    SERVER_ERRORS = "unavailable"
    SECRET_EXPIRED = "secret_expired"  # noqa: S105  (a fault's name)
    PERMISSION_WITHDRAWN = "error"
    EMPTY = "empty_members"
    LEFT_OUT = "omit"
    LAST_PAGE_LOST = "drop_last_page"
    GARBLED = "truncated_json"
    WEB_PAGE = "html_page"
    DELTA_FORGOTTEN = "expire_delta"


# lists of people, whatever a Master List is fed by; not what is asked of one person
_PEOPLE: Final = r"/users(\?|$)|/(members|transitivemembers)\b"


def _fault(**parameters: Any) -> dict[str, Any]:
    """Return the parameters of a fault."""
    return parameters


_FAULTS: Final = {
    Trouble.THROTTLED: _fault(match="graph", times=4, retry_after=2),
    Trouble.SERVER_ERRORS: _fault(match="graph", every=2, retry_after=0),
    Trouble.SECRET_EXPIRED: _fault(),
    Trouble.PERMISSION_WITHDRAWN: _fault(
        match="graph",
        status=403,
        code="Authorization_RequestDenied",
        message="Insufficient privileges to complete the operation.",
    ),
    Trouble.EMPTY: _fault(match=_PEOPLE),
    Trouble.LEFT_OUT: _fault(match=_PEOPLE, count=3),
    Trouble.LAST_PAGE_LOST: _fault(match=_PEOPLE),
    Trouble.GARBLED: _fault(match="graph", times=2),
    Trouble.WEB_PAGE: _fault(match="graph"),
    Trouble.DELTA_FORGOTTEN: _fault(),
}


class Control(Protocol):
    """The control routes of a sandbox."""

    def change(self, **changes: Any) -> dict[str, list[str]]:
        """Change the directory and return the ids of those concerned, by change."""

    def names(self, ids: list[str]) -> list[str]:
        """Return the display names of users, the recycle bin's included."""

    def add_fault(self, kind: str, **parameters: Any) -> dict[str, Any]:
        """Switch a fault on."""

    def clear_faults(self) -> None:
        """Switch all faults off."""

    def state(self) -> dict[str, Any]:
        """Return how much there is, and which faults are on."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What happened: to how many accounts, and the names of the first few."""

    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Afoot:
    """A trouble that is on: by the sandbox's kind of fault, how often it struck, and whether it has worn off."""

    kind: str
    struck: int
    over: bool


@dataclass(frozen=True, slots=True)
class Presence:
    """How the practice directory stands."""

    users: int
    groups: int
    troubles: tuple[Afoot, ...]


@contextmanager
def asking(url: str) -> Iterator[None]:
    """Turn what comes of asking the sandbox at `url` into errors that say what to do.

    Raises:
        NoSandbox: It does not answer.
        Invalid: It refuses.
    """
    try:
        yield
    except json.JSONDecodeError as error:
        raise NoSandbox(f"What answers at {url} is no sandbox.") from error
    except OSError as error:  # the errors of requests are among them
        raise NoSandbox(f"The sandbox at {url} does not answer.") from error
    except ValueError as error:
        raise Invalid(f"The sandbox refused: {error}") from error


class Practice:
    """The directory of a demo, as people may play with it.

    Args:
        url: Where its sandbox signs in.
        open_control: Opens the sandbox's control routes.
    """

    def __init__(self, url: str, open_control: Callable[[], AbstractContextManager[Control]]) -> None:
        self.url = url
        self._open = open_control

    def is_behind(self, authority_url: str | None) -> bool:
        """Say whether a connection with that sign-in address leads to this directory."""
        return authority_url == self.url

    def look(self) -> Presence:
        """Return how the directory stands.

        Raises:
            NoSandbox: The sandbox does not answer.
        """
        with self._control() as control:
            state = control.state()
        return Presence(state["users"], state["groups"], tuple(_afoot(one) for one in state["faults"]))

    def let(self, move: Move) -> Moved:
        """Let something happen in the organisation.

        Raises:
            NoSandbox, Invalid: The sandbox does not answer, or refuses.
        """
        with self._control() as control:
            match move:
                case Move.DELETE:
                    ids = control.change(leave=1)["leave"]
                    names = control.names(ids)
                    control.change(purge=ids)
                    return Moved(len(ids), tuple(names))
                case Move.TURNOVER:
                    some = max(1, control.state()["users"] // 100)
                    done = control.change(hire=some, leave=some, move=2 * some, rename=some)
                case Move.EXODUS:
                    done = control.change(leave=max(1, control.state()["users"] // 5))
                case _:
                    done = control.change(**{_COUNTED[move]: 1})
            ids = [one for several in done.values() for one in several]
            return Moved(len(ids), tuple(control.names(ids[:_NAMED_AT_MOST])))

    def halve(self, group_id: str) -> Moved:
        """Take half of its members out of a group.

        Raises:
            NoSandbox, Invalid: The sandbox does not answer, or has no such group.
        """
        with self._control() as control:
            ids = control.change(halve_group=group_id).get("halve_group", [])
            return Moved(len(ids), tuple(control.names(ids[:_NAMED_AT_MOST])))

    def trouble(self, trouble: Trouble) -> None:
        """Let one thing go wrong from now on, and nothing else.

        Raises:
            NoSandbox, Invalid: The sandbox does not answer, or refuses.
        """
        with self._control() as control:
            control.clear_faults()
            control.add_fault(trouble.value, **_FAULTS[trouble])

    def back_to_normal(self) -> None:
        """Let nothing go wrong any more; what changed in the directory stays.

        Raises:
            NoSandbox: The sandbox does not answer.
        """
        with self._control() as control:
            control.clear_faults()

    @contextmanager
    def _control(self) -> Iterator[Control]:
        with asking(self.url), self._open() as control:
            yield control


_COUNTED: Final = {
    Move.JOIN: "hire",
    Move.LEAVE: "leave",
    Move.RENAME: "rename",
    Move.DEPARTMENT: "move",
    Move.DISABLE: "disable",
}


def _afoot(fault: dict[str, Any]) -> Afoot:
    times = fault["times"]
    return Afoot(fault["kind"], fault["struck"], over=times is not None and fault["struck"] >= times)
