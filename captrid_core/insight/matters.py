"""What needs somebody's attention: held and failed syncs, stale lists, failing connections, secrets that run out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from captrid_core.clock import Clock
from captrid_core.directory.connections import Connection, Connections
from captrid_core.lists.master_lists import MasterLists
from captrid_core.lists.model import MasterList
from captrid_core.organisation import Organisation
from captrid_core.sync.runs import Run, Runs, RunStatus
from captrid_core.sync.schedule import Schedule, Schedules

SECRET_WARNINGS: Final = (30, 14, 7, 1)
"""How many days before a secret's noted end a warning is due."""


class Concern(StrEnum):
    """What is the matter."""

    FAILED = "failed"
    HELD = "held"
    STALE = "stale"
    NEVER_SYNCED = "never_synced"
    SKIPPED = "skipped"
    CONNECTION_FAILED = "connection_failed"
    SECRET_EXPIRED = "secret_expired"  # noqa: S105
    SECRET_EXPIRING = "secret_expiring"  # noqa: S105


URGENT: Final = (Concern.FAILED, Concern.CONNECTION_FAILED, Concern.SECRET_EXPIRED, Concern.STALE)
"""What keeps lists from being true; the rest waits for somebody, or will."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to look at."""

    concern: Concern
    key: str
    """Tells this matter from others, over time: a secret has one for each warning."""
    name: str
    """What the list or the connection is called."""
    list_id: int | None = None
    run_id: int | None = None
    connection_id: int | None = None
    message: str = ""
    hint: str = ""
    people: int = 0
    days: int = 0
    since: datetime | None = None
    """Of a stale list: its last good sync."""


class Matters:
    """What needs attention in one home."""

    def __init__(
        self,
        lists: MasterLists,
        runs: Runs,
        connections: Connections,
        schedules: Schedules,
        organisation: Organisation,
        clock: Clock,
    ) -> None:
        self._lists = lists
        self._runs = runs
        self._connections = connections
        self._schedules = schedules
        self._organisation = organisation
        self._clock = clock

    def all(self) -> list[Matter]:
        """Return everything that needs attention, the most urgent first."""
        schedules, settings = self._schedules.all(), self._organisation.get()
        grace = timedelta(hours=settings.grace_hours)
        found: list[Matter] = []
        for one in self._lists.all():
            if one.connected:
                found += self._of_list(one, schedules.get(one.id), grace)
        today = self._clock().astimezone(ZoneInfo(settings.time_zone)).date()
        for connection in self._connections.all():
            left = None
            if connection.secret_expires_on is not None:
                left = (connection.secret_expires_on - today).days
            found += _of_connection(connection, left)
        return sorted(found, key=lambda matter: matter.concern not in URGENT)

    def stale_since(self, master_list: MasterList) -> datetime | None:
        """Return when a list that is stale should have been synced again; None: it is not stale (X6)."""
        schedule = self._schedules.get(master_list.id)
        applied = self._runs.last_applied(master_list.id)
        return self._overdue(schedule, applied, timedelta(hours=self._organisation.get().grace_hours))

    def _overdue(self, schedule: Schedule | None, applied: Run | None, grace: timedelta) -> datetime | None:
        if schedule is None or applied is None or applied.started_at is None:
            return None
        due = schedule.rhythm.after(applied.started_at)
        return due if due + grace < self._clock() else None

    def _of_list(
        self, master_list: MasterList, schedule: Schedule | None, grace: timedelta
    ) -> Iterator[Matter]:
        about = {"name": master_list.name, "list_id": master_list.id}
        last = self._runs.last(master_list.id)
        if last is None:
            yield Matter(Concern.NEVER_SYNCED, f"never:{master_list.id}", **about)  # type: ignore[arg-type]
            return
        applied = self._runs.last_applied(master_list.id)
        if self._overdue(schedule, applied, grace) is not None:
            yield Matter(
                Concern.STALE,
                f"stale:{master_list.id}",
                since=applied.started_at if applied else None,
                **about,  # type: ignore[arg-type]
            )
        if last.status is RunStatus.HELD:
            yield Matter(
                Concern.HELD,
                f"held:{master_list.id}:{last.id}",
                run_id=last.id,
                message=last.message or "",
                **about,  # type: ignore[arg-type]
            )
        elif last.status in (RunStatus.FAILED, RunStatus.INTERRUPTED):
            yield Matter(
                Concern.FAILED,
                f"failed:{master_list.id}",
                run_id=last.id,
                message=last.message or "",
                hint=str((last.error or {}).get("hint") or ""),
                **about,  # type: ignore[arg-type]
            )
        elif last.status is RunStatus.SUCCEEDED and last.counts.skipped:
            yield Matter(
                Concern.SKIPPED,
                f"skipped:{master_list.id}:{last.id}",
                run_id=last.id,
                people=last.counts.skipped,
                **about,  # type: ignore[arg-type]
            )


def _of_connection(connection: Connection, days_left: int | None) -> Iterator[Matter]:
    if connection.badge == "Failed" and connection.test_result is not None:
        error = connection.test_result["error"]
        yield Matter(
            Concern.CONNECTION_FAILED,
            f"connection:{connection.id}",
            connection.name,
            connection_id=connection.id,
            message=str(error.get("message") or ""),
            hint=str(error.get("hint") or ""),
        )
    if days_left is None or days_left > SECRET_WARNINGS[0]:
        return
    stage = min((one for one in SECRET_WARNINGS if days_left <= one), default=0)
    expired = days_left < 0
    yield Matter(
        Concern.SECRET_EXPIRED if expired else Concern.SECRET_EXPIRING,
        f"secret:{connection.id}:{connection.secret_expires_on}:{-1 if expired else stage}",
        connection.name,
        connection_id=connection.id,
        days=days_left,
    )
