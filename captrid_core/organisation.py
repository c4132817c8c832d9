"""The organisation's own settings: its name, its plan, its time zone, and what new lists begin with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any
from zoneinfo import available_timezones

from captrid_core.clock import Clock
from captrid_core.directory.connections import PLANS
from captrid_core.errors import Invalid
from captrid_core.lists.master_lists import check_guards
from captrid_core.lists.model import Guards, OnUidChange
from captrid_core.store.database import Cursor, Database
from captrid_core.store.records import read_setting, write_audit, write_setting


@dataclass(frozen=True, slots=True)
class NewLists:
    """What a new list's sync begins with."""

    exclude_guests: bool = False
    exclude_disabled: bool = False
    on_uid_change: OnUidChange = OnUidChange.NEW_PERSON
    guards: Guards = field(default_factory=Guards)


@dataclass(frozen=True, slots=True)
class Settings:
    """The organisation's settings."""

    name: str = ""
    plan: str = "business"
    time_zone: str = "UTC"
    grace_hours: int = 24
    """How long a scheduled list may go without a good sync beyond its due time before it is stale."""
    new_lists: NewLists = field(default_factory=NewLists)


class Organisation:
    """The settings of one home."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self) -> Settings:
        """Return the settings; what was never set is as at the beginning."""
        with self._database.read() as cursor:
            return _read(cursor)

    def change(self, *, actor: str, **values: Any) -> Settings:
        """Change settings, by the names of `Settings`, and return them all.

        Raises:
            Invalid: A value makes no sense.
        """
        with self._database.write() as cursor:
            before = _read(cursor)
            after = replace(before, **values)
            _check(after)
            changed = [
                one.name for one in fields(Settings) if getattr(before, one.name) != getattr(after, one.name)
            ]
            for name in changed:
                write_setting(cursor, name, _plain(getattr(after, name)))
                action = "organisation.plan_changed" if name == "plan" else "organisation.changed"
                write_audit(
                    cursor,
                    action,
                    actor=actor,
                    at=self._clock(),
                    entity="organisation",
                    entity_id="",
                    entity_name=after.name,
                    setting=name,
                    before=_plain(getattr(before, name)),
                    after=_plain(getattr(after, name)),
                )
        return after


def _read(cursor: Cursor) -> Settings:
    start = Settings()
    found = {
        one.name: read_setting(cursor, one.name, _plain(getattr(start, one.name))) for one in fields(Settings)
    }
    new_lists = found.pop("new_lists")
    return Settings(
        **found,
        new_lists=NewLists(
            **{
                **new_lists,
                "on_uid_change": OnUidChange(new_lists["on_uid_change"]),
                "guards": Guards(**new_lists["guards"]),
            }
        ),
    )


def _plain(value: Any) -> Any:
    return asdict(value) if isinstance(value, NewLists) else value


def _check(settings: Settings) -> None:
    if settings.plan not in PLANS:
        raise Invalid(f"“{settings.plan}” is no plan.", hint=f"The plans are {', '.join(PLANS)}.")
    if settings.time_zone not in available_timezones():
        raise Invalid(
            f"“{settings.time_zone}” is no time zone.", hint="Give one such as Australia/Sydney, or UTC."
        )
    if not 1 <= settings.grace_hours <= 24 * 31:
        raise Invalid("The grace of a schedule must be from 1 hour to 31 days.")
    check_guards(settings.new_lists.guards)
