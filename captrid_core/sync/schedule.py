"""Scheduled syncs (N1): when a list is due, and running what is due.

A due time is claimed in the database before its run starts, so that several processes that look at
the same time (the server, cron, both) never run it twice. Times that were missed lead to one run.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from captrid_core.clock import Clock, from_column, to_column
from captrid_core.errors import CaptridError, Invalid, NotConnected, SyncRunning
from captrid_core.lists.master_lists import MasterLists
from captrid_core.lists.model import MasterList
from captrid_core.store.database import Cursor, Database, row, rows
from captrid_core.store.records import time_zone, write_audit
from captrid_core.sync.runner import Runner
from captrid_core.sync.runs import Run, RunKind, Runs, RunStatus

log = logging.getLogger(__name__)

ACTOR: Final = "schedule"
"""Who starts a scheduled run, for the history."""
INTERVALS: Final = {"6h": 6, "12h": 12, "24h": 24}
"""The intervals that can be chosen, in hours."""
_FIRST_RETRY: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When syncs are due: every so many hours, or by a cron expression in a time zone."""

    text: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse what is neither an interval nor a cron expression of five parts.

        Raises:
            Invalid: It is neither.
        """
        if self.text in INTERVALS:
            return
        try:
            if len(self.text.split()) != 5:
                raise CronSimError("it has not five parts")  # noqa: TRY301
            next(CronSim(self.text, datetime(2026, 1, 1)))  # noqa: DTZ001 - a day like any other
        except (CronSimError, StopIteration) as error:
            raise Invalid(
                f"“{self.text}” is no schedule: {str(error) or 'it is never due'}.",
                hint="Give off, 6h, 12h, 24h, or a cron expression of five parts: `30 6 * * 1-5` is 6:30 on weekdays.",
            ) from error

    def after(self, moment: datetime) -> datetime:
        """Return the first due time after a moment."""
        if hours := INTERVALS.get(self.text):
            return moment + timedelta(hours=hours)
        return next(CronSim(self.text, moment.astimezone(ZoneInfo(self.zone))))

    def following(self, moment: datetime, count: int) -> Iterator[datetime]:
        """Yield the next due times after a moment."""
        for _ in range(count):
            moment = self.after(moment)
            yield moment


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a list is synced by itself."""

    list_id: int
    rhythm: Rhythm
    kind: RunKind
    next_due: datetime
    failures: int = 0
    """How many scheduled runs have failed in a row."""


class Skipped(StrEnum):
    """Why a list that was due has not been synced."""

    HELD = "held"
    RUNNING = "running"
    DISCONNECTED = "disconnected"
    TAKEN = "taken"
    """Another process has taken this due time."""


@dataclass(frozen=True, slots=True)
class DueOutcome:
    """What became of a list that was due: a run, or why there was none."""

    master_list: MasterList
    run: Run | None = None
    skipped: Skipped | None = None


class Schedules:
    """The schedules of one home."""

    def __init__(
        self, database: Database, lists: MasterLists, runs: Runs, runner: Runner, clock: Clock
    ) -> None:
        self._database = database
        self._lists = lists
        self._runs = runs
        self._runner = runner
        self._clock = clock

    def get(self, list_id: int) -> Schedule | None:
        """Return a list's schedule; None: it is synced by hand alone."""
        return self.all().get(list_id)

    def all(self) -> dict[int, Schedule]:
        """Return every schedule, by the list's id."""
        with self._database.read() as cursor:
            zone = time_zone(cursor)
            return {
                one["list_id"]: _schedule(one, zone) for one in rows(cursor, "SELECT * FROM schedule", [])
            }

    def set(
        self, name_or_id: str | int, text: str, *, kind: RunKind = RunKind.DELTA, actor: str
    ) -> Schedule | None:
        """Give a list a schedule, or take it away with `off`.

        Args:
            name_or_id: The list.
            text: `off`, one of `INTERVALS`, or a cron expression.
            kind: What is run; a delta becomes a full sync where none is possible.
            actor: Who decides it.

        Raises:
            NotFound: There is no such list.
            NotConnected: It is not connected to a directory.
            Invalid: The text is no schedule.
        """
        text = " ".join(text.lower().split())
        with self._database.write() as cursor:
            master_list = self._lists.load(cursor, name_or_id)
            if text != "off" and not master_list.connected:
                raise NotConnected(f"“{master_list.name}” is not connected to a directory.")
            before = row(cursor, "SELECT * FROM schedule WHERE list_id = ?", [master_list.id])
            made = None
            cursor.execute("DELETE FROM schedule WHERE list_id = ?", [master_list.id])
            if text != "off":
                rhythm = Rhythm(text, time_zone(cursor))
                made = Schedule(master_list.id, rhythm, kind, rhythm.after(self._clock()))
                cursor.execute(
                    "INSERT INTO schedule VALUES (?, ?, ?, ?, 0)",
                    [made.list_id, text, kind, to_column(made.next_due)],
                )
            write_audit(
                cursor,
                "schedule.changed",
                actor=actor,
                at=self._clock(),
                entity="list",
                entity_id=master_list.id,
                entity_name=master_list.name,
                before=before["rhythm"] if before else "off",
                after=text,
                kind=kind,
            )
        return made

    def next_due(self) -> datetime | None:
        """Return when something is due next; None: nothing is scheduled."""
        return min((one.next_due for one in self.all().values()), default=None)

    def run_due(self, *, stop: threading.Event | None = None) -> Iterator[DueOutcome]:
        """Sync the lists that are due, one after the other; yield what became of each."""
        now = self._clock()
        for schedule in sorted(self.all().values(), key=lambda one: one.next_due):
            if schedule.next_due > now or (stop is not None and stop.is_set()):
                continue
            yield self._run(schedule, stop)

    def _run(self, schedule: Schedule, stop: threading.Event | None) -> DueOutcome:
        master_list = self._lists.get(schedule.list_id)
        if not master_list.connected:
            return DueOutcome(master_list, skipped=Skipped.DISCONNECTED)
        last = self._runs.last(master_list.id)
        if last is not None and last.status is RunStatus.HELD:
            # another read would only be held again; the due time stays open until somebody decides
            return DueOutcome(master_list, skipped=Skipped.HELD)
        if self._runs.progress(master_list.id) is not None:
            return DueOutcome(master_list, skipped=Skipped.RUNNING)
        if not self._claim(schedule):
            return DueOutcome(master_list, skipped=Skipped.TAKEN)
        try:
            run = self._runner.sync(master_list.id, asked=schedule.kind, actor=ACTOR, stop=stop)
        except SyncRunning:
            return DueOutcome(master_list, skipped=Skipped.RUNNING)
        except NotConnected:
            return DueOutcome(master_list, skipped=Skipped.DISCONNECTED)
        self._note(schedule, run)
        return DueOutcome(master_list, run=run)

    def _claim(self, schedule: Schedule) -> bool:
        """Take a due time; False: another process has taken it."""
        with self._database.write() as cursor:
            present = row(cursor, "SELECT * FROM schedule WHERE list_id = ?", [schedule.list_id])
            if present is None or from_column(present["next_due"]) != schedule.next_due:
                return False
            self._set_due(cursor, schedule, schedule.rhythm.after(self._clock()), schedule.failures)
            return True

    def _note(self, schedule: Schedule, run: Run) -> None:
        """Note how a scheduled run ended: a failed one is tried again before the next due time, ever more rarely."""
        now = self._clock()
        regular = schedule.rhythm.after(now)
        failures = schedule.failures + 1 if run.status is RunStatus.FAILED else 0
        due = min(regular, now + _FIRST_RETRY * 2 ** min(failures - 1, 10)) if failures else regular
        with self._database.write() as cursor:
            self._set_due(cursor, schedule, due, failures)

    def _set_due(self, cursor: Cursor, schedule: Schedule, due: datetime, failures: int) -> None:
        cursor.execute(  # not where somebody has changed the schedule meanwhile
            "UPDATE schedule SET next_due = ?, failures = ? WHERE list_id = ? AND rhythm = ?",
            [to_column(due), failures, schedule.list_id, schedule.rhythm.text],
        )


_After = Callable[[], None]


class Scheduler:
    """Runs what is due while a process is up, in a thread of its own.

    Args:
        schedules: What is scheduled.
        clock: The present moment.
        after: Called after each look, whether something was due or not.
    """

    _LOOK_EVERY = 30.0  # seconds: another process may have changed a schedule

    def __init__(self, schedules: Schedules, clock: Clock, *, after: _After | None = None) -> None:
        self._schedules = schedules
        self._clock = clock
        self._after = after
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Cancel what runs, and wait for the thread to end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                for outcome in self._schedules.run_due(stop=self._stop):
                    if outcome.run is not None:
                        log.info("Scheduled sync of “%s”: %s.", outcome.master_list.name, outcome.run.status)
                if self._after is not None:
                    self._after()
                due = self._schedules.next_due()
            except CaptridError as error:  # the home is busy or full: the next look may find it better
                log.warning("The schedule could not be followed: %s", error.message)
                due = None
            left = self._LOOK_EVERY
            if due is not None:
                left = min(max((due - self._clock()).total_seconds(), 1.0), left)
            self._stop.wait(left)


def _schedule(found: dict[str, object], zone: str) -> Schedule:
    return Schedule(
        list_id=int(str(found["list_id"])),
        rhythm=Rhythm(str(found["rhythm"]), zone),
        kind=RunKind(str(found["kind"])),
        next_due=from_column(found["next_due"]),  # type: ignore[arg-type]
        failures=int(str(found["failures"])),
    )
