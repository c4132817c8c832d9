"""Runs: their history, kept for good, and what is known of one while it goes on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from captrid_core.clock import Clock, from_column, iso, to_column
from captrid_core.errors import Cancelled, CaptridError, NotFound, SyncRunning
from captrid_core.lists.model import MasterList
from captrid_core.store.database import Cursor, Database, quote, row, rows
from captrid_core.store.locks import FileLock
from captrid_core.store.records import take_ids
from captrid_core.sync.compare import NOTES, Counts
from captrid_core.sync.guards import Verdict

CANCELLED = "The sync was cancelled. Nothing was changed."

_PROGRESS_EVERY = 0.25
_LOOK_EVERY = 0.1
# whoever only looks whether a run is alive holds its lock for an instant
_PROBE_SECONDS = 0.2


class RunKind(StrEnum):
    """What a run does."""

    FULL = "full"
    DELTA = "delta"
    UNDO = "undo"


class RunStatus(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    HELD = "held"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    DISCARDED = "discarded"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Note:
    """An error or warning of a run about one directory object."""

    code: str
    object_id: str | None
    uid: str | None
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a Master List's sync."""

    id: int | None
    """None for a preview, which is kept nowhere."""
    list_id: int
    list_name: str
    asked: RunKind
    kind: RunKind
    status: RunStatus
    actor: str
    started_at: datetime | None
    finished_at: datetime | None = None
    dry_run: bool = False
    counts: Counts = field(default_factory=Counts)
    blanked: int = 0
    message: str | None = None
    error: dict[str, Any] | None = None
    holds: tuple[str, ...] = ()
    tenant_id: str | None = None
    delta_link: str | None = field(default=None, repr=False, compare=False)
    """Where the next delta goes on once this run is applied; kept while it is held."""
    delta_link_at: datetime | None = None
    undoes_run_id: int | None = None
    undone_by_run_id: int | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.started_at is None or self.finished_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds(), 3)


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of a run that is going on."""

    run_id: int | None
    phase: str
    read: int = 0
    about: int | None = None
    waiting: str | None = None
    since: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One line of a change set: what happens to a person, or to one of their fields."""

    action: str
    person_id: int | None
    uid: str | None
    field: str | None
    old: str | None
    new: str | None
    reason: str | None = None
    """Why the directory has a deactivated person no more: one of `Absence`."""


class RunWatch:
    """The eyes of one run: shows its progress to every process, and listens for a wish to stop.

    Args:
        folder: Where progress and wishes lie; None keeps progress in this process.
        progress: What is known at the start.
        stop: Set by this process to cancel.
        listener: Called with each progress that is shown.
        on_wait: Sleeps; tests replace it.
    """

    def __init__(
        self,
        folder: Path | None,
        progress: Progress,
        *,
        stop: threading.Event | None = None,
        listener: Callable[[Progress], None] | None = None,
    ) -> None:
        self._folder = folder
        self._stop = stop or threading.Event()
        self._listener = listener
        self._lock = threading.Lock()
        self._shown_at = 0.0
        self._looked_at = 0.0
        self.progress = progress

    def check(self) -> None:
        """Raise `Cancelled` if somebody asked to stop, in this process or another."""
        now = time.monotonic()
        if now - self._looked_at > _LOOK_EVERY:
            self._looked_at = now
            self._look()
        if self._stop.is_set():
            raise Cancelled(CANCELLED)

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop."""
        self._look()
        return self._stop.is_set()

    def _look(self) -> None:
        if self._folder is not None and _cancel_file(self._folder, self.progress.run_id).exists():
            self._stop.set()

    def wait(self, seconds: float, reason: str) -> None:
        """Sleep, showing why, and wake up at once when asked to stop."""
        until = time.monotonic() + seconds
        self._show(replace(self.progress, waiting=reason), at_once=True)
        while (left := until - time.monotonic()) > 0:
            self.check()
            self._stop.wait(min(left, _LOOK_EVERY))
        self.check()
        self._show(replace(self.progress, waiting=None), at_once=True)

    def enter(self, phase: str) -> None:
        """Show that a phase begins."""
        self._show(replace(self.progress, phase=phase), at_once=True)

    def have_read(self, count: int, *, about: int | None = None) -> None:
        """Show how many people have been read, of about how many."""
        self._show(replace(self.progress, read=count, about=about or self.progress.about))

    def _show(self, progress: Progress, *, at_once: bool = False) -> None:
        with self._lock:
            self.progress = progress
            now = time.monotonic()
            if not at_once and now - self._shown_at < _PROGRESS_EVERY:
                return
            self._shown_at = now
            if self._folder is not None:
                path = _progress_file(self._folder, progress.run_id)
                draft = path.with_suffix(".part")
                with suppress(OSError):  # progress is a courtesy: a full disk must not end the run here
                    draft.write_text(json.dumps(asdict(progress)))
                    draft.replace(path)
        if self._listener is not None:
            self._listener(progress)


class Runs:
    """The runs of one home: history in the database, signs of life in a folder."""

    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        self._database = database
        self.folder = folder
        self._clock = clock
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def deciding(self, master_list: MasterList, run_id: int | str, *, actor: str) -> Iterator[None]:
        """Hold the list's lock while a held run is applied or a run undone.

        Raises:
            SyncRunning: A run of the list is going on (rule R3).
        """
        with self._locked(master_list, actor) as lock:
            lock.note({"run_id": int(run_id), "since": iso(self._clock()), "actor": actor})
            yield

    @contextmanager
    def _locked(self, master_list: MasterList, actor: str) -> Iterator[FileLock]:
        lock = self._lock(master_list.id)
        patience = time.monotonic() + _PROBE_SECONDS
        while not lock.try_acquire(note={"since": iso(self._clock()), "actor": actor}):
            if time.monotonic() > patience:
                raise self._running(master_list, lock.holder())
            time.sleep(_PROBE_SECONDS / 10)
        with lock:
            yield lock

    @contextmanager
    def begin(self, master_list: MasterList, *, asked: RunKind, kind: RunKind, actor: str) -> Iterator[Run]:
        """Start a run: take the list's lock, write the history row; give the lock back in the end.

        Raises:
            SyncRunning: Another run of the list is going on (rule R3).
        """
        with self._locked(master_list, actor) as lock:
            self._mark_interrupted(master_list.id)
            run = Run(
                id=None,
                list_id=master_list.id,
                list_name=master_list.name,
                asked=asked,
                kind=kind,
                status=RunStatus.RUNNING,
                actor=actor,
                started_at=self._clock(),
            )
            with self._database.write() as cursor:
                run = replace(run, id=take_ids(cursor, "run"))
                _insert(cursor, run)
            _write_note(lock, run)
            try:
                yield run
            finally:
                for left_over in (_cancel_file(self.folder, run.id), _progress_file(self.folder, run.id)):
                    left_over.unlink(missing_ok=True)

    def finish(self, run: Run, *, cursor: Cursor | None = None) -> Run:
        """Write how a run ended, in a cursor's transaction if one is given; return what the history says.

        Without a cursor only a run that is going on is ended: what has been applied stays so,
        whatever went wrong after it.
        """
        if cursor is not None:
            _update(cursor, run)
            return run
        with self._database.write() as own:
            stored = self.load(own, str(run.id))
            if stored.status is not RunStatus.RUNNING:
                return stored
            _update(own, run)
        return run

    def keep_notes(self, cursor: Cursor, run_id: int) -> None:
        """Keep the errors and warnings of the compared run."""
        cursor.execute("DELETE FROM run_note WHERE run_id = ?", [run_id])
        cursor.execute(f"INSERT INTO run_note SELECT ?, * FROM {NOTES}", [run_id])

    def get(self, run_id: int | str) -> Run:
        """Return one run.

        Raises:
            NotFound: There is none with that id.
        """
        self.recover()
        with self._database.read() as cursor:
            return self.load(cursor, run_id)

    def load(self, cursor: Cursor, run_id: int | str) -> Run:
        """Return one run as `cursor` sees it.

        Raises:
            NotFound: There is none with that id.
        """
        found = None
        if str(run_id).isascii() and str(run_id).isdigit():
            found = row(cursor, "SELECT * FROM run WHERE run_id = ?", [int(run_id)])
        if found is None:
            raise NotFound(f"There is no run {run_id}.", hint="`captrid runs LIST` shows a list's runs.")
        return _loaded(found)

    def of_list(self, list_id: int, *, limit: int | None = None) -> list[Run]:
        """Return a list's runs, newest first."""
        self.recover()
        with self._database.read() as cursor:
            found = rows(
                cursor,
                "SELECT * FROM run WHERE list_id = ? ORDER BY run_id DESC"
                + (f" LIMIT {limit:d}" if limit else ""),
                [list_id],
            )
        return [_loaded(one) for one in found]

    def last(self, list_id: int) -> Run | None:
        """Return a list's newest run, or None."""
        return next(iter(self.of_list(list_id, limit=1)), None)

    def last_applied(self, list_id: int) -> Run | None:
        """Return the newest run that was applied, or None: the list is as the directory was then."""
        with self._database.read() as cursor:
            found = row(
                cursor,
                """SELECT * FROM run WHERE list_id = ? AND status = 'succeeded' AND kind <> 'undo'
                   ORDER BY run_id DESC LIMIT 1""",
                [list_id],
            )
        return _loaded(found) if found else None

    def notes(self, run_id: int, level: str, *, limit: int | None = None) -> list[Note]:
        """Return a run's errors (`level` error) or warnings (warning)."""
        page = f"LIMIT {limit:d}" if limit else ""
        with self._database.read() as cursor:
            found = cursor.execute(
                f"""SELECT code, object_id, uid, field, message FROM run_note
                    WHERE run_id = ? AND level = ? ORDER BY code, uid, object_id {page}""",
                [run_id, level],
            ).fetchall()
        return [Note(*one) for one in found]

    def changes(
        self,
        run: Run,
        people_table: str,
        uid_field: str,
        *,
        action: str | None = None,
        search: str = "",
        searched: Sequence[str] = (),
        limit: int | None = None,
        offset: int = 0,
    ) -> list[ChangeRow]:
        """Return a run's change set, of an applied run from the history, of a held one as it waits.

        Args:
            run: The run.
            people_table: Where the list's people are.
            uid_field: The key of their UID field.
            action: Only lines of this action.
            search: Words that must all appear in a line or in the person's `searched` fields.
            searched: Keys of text fields.
            limit: At most so many; None: all.
            offset: Leave out so many first.
        """
        lines, parameters = self._changes(run, people_table, uid_field, action, search, searched)
        page = f" LIMIT {limit:d} OFFSET {offset:d}" if limit else ""
        sql = f"""SELECT action, person_id, uid, field, old_value, new_value, reason FROM ({lines})
                  ORDER BY action, uid, person_id, field{page}"""
        with self._database.read() as cursor:
            return [ChangeRow(*one) for one in cursor.execute(sql, parameters).fetchall()]

    def count_changes(
        self,
        run: Run,
        people_table: str,
        uid_field: str,
        *,
        search: str = "",
        searched: Sequence[str] = (),
    ) -> dict[str, int]:
        """Return how many lines of each action a run's change set has; the arguments are those of `changes`."""
        lines, parameters = self._changes(run, people_table, uid_field, None, search, searched)
        with self._database.read() as cursor:
            found = cursor.execute(f"SELECT action, count(*) FROM ({lines}) GROUP BY action", parameters)
            return dict(found.fetchall())

    def _changes(
        self,
        run: Run,
        people_table: str,
        uid_field: str,
        action: str | None,
        search: str,
        searched: Sequence[str],
    ) -> tuple[str, list[Any]]:
        """Return SQL for the lines of a change set, with its parameters."""
        held = run.status in (RunStatus.HELD, RunStatus.DISCARDED)
        source = "held_change" if held else "change"
        uid = "c.uid" if held else f"p.{quote(uid_field)}"
        tests = ["c.run_id = ?"]
        parameters: list[Any] = [run.id]
        if action is not None:
            tests.append("c.action = ?")
            parameters.append(action)
        looked_at = [uid, "c.old_value", "c.new_value", *(f"p.{quote(key)}" for key in searched)]
        for word in search.split():
            tests.append(f"({' OR '.join(f'contains(lower({one}), lower(?))' for one in looked_at)})")
            parameters += [word] * len(looked_at)
        lines = f"""SELECT c.action, c.person_id, {uid} AS uid, c.field, c.old_value, c.new_value, c.reason
                    FROM {source} c LEFT JOIN {people_table} p ON p._person_id = c.person_id
                    WHERE {" AND ".join(tests)}"""
        return lines, parameters

    def progress(self, list_id: int) -> Progress | None:
        """Return what is known of the list's run that is going on, in whatever process; None if none is."""
        lock = self._lock(list_id)
        if lock.try_acquire():
            lock.release()
            return None
        run_id = lock.holder().get("run_id")
        try:
            known = json.loads(_progress_file(self.folder, run_id).read_text())
            return Progress(**known)
        except (FileNotFoundError, ValueError):
            return Progress(run_id=run_id, phase="starting")

    def ask_to_cancel(self, run_id: int | str) -> Run:
        """Ask a running run to stop, in whatever process it runs; it changes nothing then (rule R4).

        Raises:
            NotFound: There is no such run, or it is not running any more.
        """
        run = self.get(run_id)
        if run.status is not RunStatus.RUNNING:
            raise NotFound(f"Run {run_id} is not running; it is {run.status}.")
        _cancel_file(self.folder, run.id).touch()
        return run

    def recover(self) -> None:
        """Mark the runs whose process died as Interrupted, and clear away what they left (rule R3)."""
        with self._database.read() as cursor:
            lists = cursor.execute("SELECT DISTINCT list_id FROM run WHERE status = 'running'").fetchall()
        for (list_id,) in lists:
            lock = self._lock(list_id)
            if lock.try_acquire():
                with lock:
                    self._mark_interrupted(list_id)

    def _mark_interrupted(self, list_id: int) -> None:
        """End a list's runs of dead processes and clear away their files; the list's lock must be held."""
        files = self._with_files()
        with self._database.write() as cursor:
            cursor.execute(
                """UPDATE run SET status = 'interrupted', finished_at = ?,
                       message = 'The process that ran it ended before the run did. Nothing was changed.'
                   WHERE list_id = ? AND status = 'running'""",
                [to_column(self._clock()), list_id],
            )
            # a process may die after its run was written, too
            dead = cursor.execute(
                "SELECT run_id FROM run WHERE list_id = ? AND list_contains(?, run_id)",
                [list_id, list(files)],
            ).fetchall()
        for (run_id,) in dead:
            for left_over in files[run_id]:
                left_over.unlink(missing_ok=True)

    def _with_files(self) -> dict[int, list[Path]]:
        """Return the files of the runs that have some: those that go on, and those whose process died."""
        found: dict[int, list[Path]] = {}
        for path in self.folder.glob("run-*"):
            number = path.name.removeprefix("run-").partition(".")[0]
            if number.isascii() and number.isdigit():
                found.setdefault(int(number), []).append(path)
        return found

    def spool_file(self, run_id: int | None) -> Path:
        """Return where a run keeps what it reads."""
        return (
            self.folder
            / f"run-{run_id if run_id is not None else f'preview-{id(self)}-{time.monotonic_ns()}'}.ndjson"
        )

    def _lock(self, list_id: int) -> FileLock:
        return FileLock(self.folder / f"list-{list_id}.lock")

    def _running(self, master_list: MasterList, holder: dict[str, Any]) -> SyncRunning:
        return SyncRunning(
            list_name=master_list.name,
            run_id=str(holder.get("run_id", "?")),
            since=str(holder.get("since", "just now")),
            actor=str(holder.get("actor", "somebody")),
        )


def ended(
    run: Run, status: RunStatus, at: datetime, *, error: CaptridError | None = None, **more: Any
) -> Run:
    """Return the run as it ended."""
    if error is not None:
        more = {"message": error.message, "error": error.as_dict(), **more}
    return replace(run, status=status, finished_at=at, **more)


def with_verdict(run: Run, counts: Counts, verdict: Verdict) -> Run:
    """Return the run with its numbers and what the guards said."""
    before = None if run.holds else run.message  # what was said of a former verdict is no more true
    message = " ".join(filter(None, (before, *(hold.message for hold in verdict.holds))))
    return replace(
        run,
        counts=counts,
        blanked=verdict.blanked,
        holds=tuple(hold.code for hold in verdict.holds),
        message=message or None,
    )


def describe(run: Run, errors: list[Note], warnings: list[Note]) -> dict[str, Any]:
    """Return a run for machines, in the command line's fixed form."""
    described: dict[str, Any] = {
        "run_id": str(run.id) if run.id is not None else None,
        "list": run.list_name,
        "asked": run.asked,
        "kind": run.kind,
        "status": run.status,
        "dry_run": run.dry_run,
        **asdict(run.counts),
        "errors": [asdict(note) for note in errors],
        "warnings": [asdict(note) for note in warnings],
        "message": run.message,
        "holds": list(run.holds),
        "actor": run.actor,
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "seconds": run.seconds,
    }
    if run.undoes_run_id is not None:
        described["undoes"] = str(run.undoes_run_id)
    if run.undone_by_run_id is not None:
        described["undone_by"] = str(run.undone_by_run_id)
    if run.error is not None:
        described["error"] = run.error
    return described


_COUNTS = ("read", "created", "updated", "reactivated", "deactivated", "unchanged", "skipped")


def _values(run: Run) -> dict[str, Any]:
    return {
        "list_id": run.list_id,
        "list_name": run.list_name,
        "asked": run.asked,
        "kind": run.kind,
        "status": run.status,
        "actor": run.actor,
        "started_at": to_column(run.started_at) if run.started_at else None,
        "finished_at": to_column(run.finished_at) if run.finished_at else None,
        **{f'"{name}"': getattr(run.counts, name) for name in _COUNTS},
        "blanked": run.blanked,
        "message": run.message,
        "error": json.dumps(run.error) if run.error else None,
        "holds": list(run.holds),
        "tenant_id": run.tenant_id,
        "delta_link": run.delta_link if run.status is RunStatus.HELD else None,
        "delta_link_at": to_column(run.delta_link_at) if run.delta_link_at else None,
        "undoes_run_id": run.undoes_run_id,
        "undone_by_run_id": run.undone_by_run_id,
    }


def _insert(cursor: Cursor, run: Run) -> None:
    values = {"run_id": run.id, **_values(run)}
    cursor.execute(
        f"INSERT INTO run ({', '.join(values)}) VALUES ({', '.join('?' for _ in values)})",
        list(values.values()),
    )


def _update(cursor: Cursor, run: Run) -> None:
    values = _values(run)
    cursor.execute(
        f"UPDATE run SET {', '.join(f'{name} = ?' for name in values)} WHERE run_id = ?",
        [*values.values(), run.id],
    )


def _loaded(found: dict[str, Any]) -> Run:
    return Run(
        id=found["run_id"],
        list_id=found["list_id"],
        list_name=found["list_name"],
        asked=RunKind(found["asked"]),
        kind=RunKind(found["kind"]),
        status=RunStatus(found["status"]),
        actor=found["actor"],
        started_at=from_column(found["started_at"]),
        finished_at=from_column(found["finished_at"]),
        counts=Counts(**{name: found[name] or 0 for name in _COUNTS}),
        blanked=found["blanked"] or 0,
        message=found["message"],
        error=json.loads(found["error"]) if found["error"] else None,
        holds=tuple(found["holds"] or ()),
        tenant_id=found["tenant_id"],
        delta_link=found["delta_link"],
        delta_link_at=from_column(found["delta_link_at"]),
        undoes_run_id=found["undoes_run_id"],
        undone_by_run_id=found["undone_by_run_id"],
    )


def _write_note(lock: FileLock, run: Run) -> None:
    lock.note({"run_id": run.id, "since": iso(run.started_at), "actor": run.actor})


def _progress_file(folder: Path, run_id: int | None) -> Path:
    return folder / f"run-{run_id}.json"


def _cancel_file(folder: Path, run_id: int | None) -> Path:
    return folder / f"run-{run_id}.cancel"
