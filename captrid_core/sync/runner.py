"""The runner: leads a run from sign-in to its end, and decides over held ones.

A run reads wholly, then decides, then writes (rule R1). Whatever fails before the one transaction
that writes, changes nothing and leaves one row of history with what went wrong.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from captrid_core.clock import Clock
from captrid_core.directory.connections import Connections
from captrid_core.directory.port import Directory
from captrid_core.errors import (
    Cancelled,
    CaptridError,
    DeltaLinkExpired,
    NotConnected,
    ReadIncomplete,
    Refused,
    RequestRefused,
    TenantChanged,
)
from captrid_core.lists.master_lists import MasterLists, mark_synced
from captrid_core.lists.model import MasterList, SyncConfiguration
from captrid_core.lists.photos import Photos
from captrid_core.store.database import Cursor, Database, quote, transaction
from captrid_core.store.records import write_audit
from captrid_core.sync import absence, changes, held, undo
from captrid_core.sync.apply import apply_change_set
from captrid_core.sync.compare import CHANGE_SET, NOTES, Counts, compare_delta, compare_full
from captrid_core.sync.guards import Verdict, judge
from captrid_core.sync.rehearsal import copy_people, imagine
from captrid_core.sync.runs import (
    CANCELLED,
    ChangeRow,
    Note,
    Progress,
    Run,
    RunKind,
    Runs,
    RunStatus,
    RunWatch,
    ended,
    with_verdict,
)
from captrid_core.sync.spool import Spool
from captrid_core.sync.staging import needed_properties, stage

log = logging.getLogger(__name__)

_PHOTOS_AT_ONCE = 100
_INSTEAD = "A full sync was run instead of a delta, because {why}."

Listener = Callable[[Progress], None]


class ConfigurationChanged(Refused):
    """Somebody changed how the list is synced while the run was reading."""

    code = "configuration_changed"
    default_hint = "Run the sync again: it will read by the new configuration."


class NotHeld(Refused):
    """The run does not wait for a decision."""

    code = "not_held"
    default_hint = "Only a held run can be applied or discarded."


class NotUndoable(Refused):
    """The run cannot be undone: it was not applied, or has been undone already."""

    code = "not_undoable"
    default_hint = "Only a full or delta run that was applied, and not undone yet, can be undone."


class Unexpected(CaptridError):
    """A fault of this program; the log has its traceback."""

    code = "internal"
    default_hint = "Nothing was changed. Try again; if it stays, report it with the log."


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do (rule R35); nothing of it was written."""

    run: Run
    errors: list[Note]
    warnings: list[Note]
    changes: list[ChangeRow]


class PreviewJob:
    """A preview that is worked out in the background of this process."""

    def __init__(self, work: Callable[[threading.Event, Listener], Preview]) -> None:
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._outcome: Preview | CaptridError | None = None
        self.progress = Progress(None, "starting")
        threading.Thread(target=self._run, args=(work,), name="preview", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return not self._ended.is_set()

    @property
    def outcome(self) -> Preview | CaptridError | None:
        """What came of it: the preview, or what went wrong; None while it goes on."""
        return self._outcome if self._ended.is_set() else None

    def wait(self, seconds: float) -> bool:
        """Wait for its end, up to some seconds; say whether it came."""
        return self._ended.wait(seconds)

    def cancel(self) -> None:
        """Stop it; its outcome is then that it was cancelled."""
        self._stop.set()

    def _run(self, work: Callable[[threading.Event, Listener], Preview]) -> None:
        try:
            self._outcome = work(self._stop, self._show)
        except CaptridError as error:
            self._outcome = error
        except Exception as error:
            log.exception("A preview failed unexpectedly.")
            self._outcome = Unexpected(f"The preview met a fault of this program ({type(error).__name__}).")
        finally:
            self._ended.set()

    def _show(self, progress: Progress) -> None:
        self.progress = progress


class Runner:
    """Leads runs of one home."""

    def __init__(
        self,
        database: Database,
        connections: Connections,
        lists: MasterLists,
        runs: Runs,
        photos: Photos,
        clock: Clock,
    ) -> None:
        self._photos = photos
        self._database = database
        self._connections = connections
        self._lists = lists
        self._runs = runs
        self._clock = clock

    def sync(
        self,
        name_or_id: str | int,
        *,
        asked: RunKind = RunKind.FULL,
        actor: str,
        stop: threading.Event | None = None,
        listener: Listener | None = None,
    ) -> Run:
        """Run a sync to its end and return it, however it ended.

        Args:
            name_or_id: The list.
            asked: What was asked for.
            actor: Who asked.
            stop: Set it to cancel the run.
            listener: Called with the run's progress now and then.

        Raises:
            NotFound, NotConnected: There is nothing to sync.
            SyncRunning: Another run of the list is going on (rule R3).
        """
        master_list = self._connected(name_or_id)
        kind, message = self._kind(master_list, asked)
        with self._runs.begin(master_list, asked=asked, kind=kind, actor=actor) as run:
            run = replace(run, message=message)
            return self._lead(run, master_list, stop, listener)

    def start(self, name_or_id: str | int, *, asked: RunKind = RunKind.FULL, actor: str) -> Run:
        """Start a sync in the background of this process and return it as it starts.

        Raises:
            NotFound, NotConnected, SyncRunning: As for `sync`; nothing was started.
        """
        master_list = self._connected(name_or_id)
        kind, message = self._kind(master_list, asked)
        begun: list[Run | BaseException] = []
        ready = threading.Event()

        def work() -> None:
            try:
                with self._runs.begin(master_list, asked=asked, kind=kind, actor=actor) as run:
                    begun.append(run)
                    ready.set()
                    self._lead(replace(run, message=message), master_list, None, None)
            except BaseException as error:  # handed to the caller, or already in the history
                if not ready.is_set():
                    begun.append(error)
                else:
                    log.exception("A sync ended unexpectedly.")
            finally:
                ready.set()

        threading.Thread(target=work, name=f"sync-{master_list.id}", daemon=True).start()
        ready.wait()
        if isinstance(begun[0], BaseException):
            raise begun[0]
        return begun[0]

    def preview(
        self,
        name_or_id: str | int,
        *,
        asked: RunKind = RunKind.FULL,
        actor: str,
        stop: threading.Event | None = None,
        listener: Listener | None = None,
    ) -> Preview:
        """Work out what a run would do without writing anything (rule R35).

        Raises:
            NotFound, NotConnected: There is nothing to sync.
            SignInError, DirectoryError, Cancelled: The read failed.
        """
        master_list = self._connected(name_or_id)
        kind, message = self._kind(master_list, asked)
        watch = RunWatch(None, Progress(None, "starting"), stop=stop, listener=listener)
        run = Run(
            id=None,
            list_id=master_list.id,
            list_name=master_list.name,
            asked=asked,
            kind=kind,
            status=RunStatus.RUNNING,
            actor=actor,
            started_at=self._clock(),
            dry_run=True,
            message=message,
        )
        with Spool(self._runs.spool_file(None)) as spool:
            run = self._read(run, master_list, spool, watch)
            with self._staged(run, master_list, spool, watch) as (cursor, current):
                return self._preview(cursor, current, run)

    def rehearse(
        self,
        draft: MasterList,
        before: MasterList | None,
        *,
        actor: str,
        stop: threading.Event | None = None,
        listener: Listener | None = None,
    ) -> Preview:
        """Work out what the first full sync of a draft would do, before anything of it is saved (rule R35).

        Args:
            draft: The list as it would be created, or configured anew.
            before: The list that is there, if there is one.
            actor: Who asks.
            stop: Set it to cancel.
            listener: Called with the progress now and then.

        Raises:
            SignInError, DirectoryError, Cancelled: The read failed.
            TenantChanged: The list was synced from another tenant.
            DuplicateUid: Two people's UIDs would be the same under the draft's way of comparing.
        """
        watch = RunWatch(None, Progress(None, "starting"), stop=stop, listener=listener)
        imagined = imagine(draft, before)
        run = Run(
            id=None,
            list_id=draft.id,
            list_name=draft.name,
            asked=RunKind.FULL,
            kind=RunKind.FULL,
            status=RunStatus.RUNNING,
            actor=actor,
            started_at=self._clock(),
            dry_run=True,
        )
        assert imagined.sync is not None
        with Spool(self._runs.spool_file(None)) as spool:
            watch.enter("signing in")
            directory = self._connections.open(imagined.sync.connection_id, watch)
            try:
                self._check_tenant(directory, imagined)
                run = self._read_all(run, directory, imagined.sync, spool, watch)
                with self._database.session() as cursor:
                    copy_people(cursor, imagined, before)
                    unread = absence.absent(cursor, imagined, spool)
                self._look_up(directory, imagined.sync, unread, spool, watch)
            finally:
                directory.close()
            watch.enter("comparing")
            with self._database.session() as cursor:
                copy_people(cursor, imagined, before)
                stage(cursor, imagined, spool)
                absence.stage_absent(cursor, spool.absences)
                return self._preview(cursor, imagined, run)

    def start_rehearsal(self, draft: MasterList, before: MasterList | None, *, actor: str) -> PreviewJob:
        """Start to work out in the background what the first sync of a draft would do; see `rehearse`."""
        return PreviewJob(
            lambda stop, listener: self.rehearse(draft, before, actor=actor, stop=stop, listener=listener)
        )

    def _preview(self, cursor: Cursor, master_list: MasterList, run: Run) -> Preview:
        counts, verdict = _compare(cursor, master_list, run)
        rows = held.change_rows(cursor, master_list)
        notes = cursor.execute(f"FROM {NOTES} ORDER BY ALL").fetchall()
        status = RunStatus.HELD if verdict.holds else RunStatus.SUCCEEDED
        return Preview(
            run=ended(with_verdict(run, counts, verdict), status, self._clock()),
            errors=[Note(*note) for level, *note in notes if level == "error"],
            warnings=[Note(*note) for level, *note in notes if level == "warning"],
            changes=rows,
        )

    def start_preview(
        self, name_or_id: str | int, *, asked: RunKind = RunKind.FULL, actor: str
    ) -> PreviewJob:
        """Start to work out in the background what a run would do; see `preview`."""
        return PreviewJob(
            lambda stop, listener: self.preview(
                name_or_id, asked=asked, actor=actor, stop=stop, listener=listener
            )
        )

    def apply_held(self, run_id: int | str, *, actor: str) -> Run:
        """Apply a held run (rule R26): what was read then is compared with the list as it stands now.

        The run is Held again only if it would now deactivate or blank somebody whom it did not show.

        Raises:
            NotFound: There is no such run.
            NotHeld: It does not wait for a decision.
            SyncRunning: A run of the list is going on.
            ConfigurationChanged: The list's sync was changed since.
        """
        master_list = self._connected(self._runs.get(run_id).list_id)
        with self._runs.deciding(master_list, run_id, actor=actor), self._database.session() as cursor:
            with self._database.exclusive():
                run = self._held(cursor, run_id)
                current = self._unchanged(cursor, master_list)
                if not held.fits(cursor, current, run):
                    raise ConfigurationChanged(
                        f"How “{current.name}” is synced was changed since run {run_id} was held."
                    )
                held.restore(cursor, current, run)
                counts, verdict = _compare(cursor, current, run)
                with transaction(cursor):
                    if held.goes_further(cursor, current, run):
                        run = with_verdict(run, counts, verdict)
                        held.keep_changes(cursor, current, run)
                    else:
                        run = replace(with_verdict(run, counts, verdict), status=RunStatus.SUCCEEDED)
                        run = replace(run, message=f"Held; applied by {actor}.")
                        self._write(cursor, current, run)
                        held.forget(cursor, run)
                        self._audit(cursor, "run.applied", run, actor)
                    self._runs.keep_notes(cursor, _id(run))
                    self._runs.finish(run, cursor=cursor)
            self._tidy(cursor)
        return run

    def discard(self, run_id: int | str, *, actor: str) -> Run:
        """Discard a held run: nothing of it is applied; its change set stays to be looked at.

        Raises:
            NotFound: There is no such run.
            NotHeld: It does not wait for a decision.
        """
        self._runs.get(run_id)
        with self._database.write() as cursor:
            run = self._held(cursor, run_id)
            run = replace(
                run, status=RunStatus.DISCARDED, message=f"{run.message or ''} Discarded by {actor}.".strip()
            )
            held.forget_staged(cursor, run)
            self._runs.finish(run, cursor=cursor)
            self._audit(cursor, "run.discarded", run, actor)
        return run

    def undo(self, run_id: int | str, *, actor: str) -> Run:
        """Take an applied run back (rule R36) in a run of its own, and return that run.

        What was changed after the run stays, and is listed as the new run's warnings.

        Raises:
            NotFound: There is no such run.
            NotUndoable: It was not applied, is an undo itself, or has been undone already.
            SyncRunning: A run of the list is going on.
        """
        wanted = _undoable(self._runs.get(run_id))
        master_list = self._lists.get(wanted.list_id)
        with self._runs.begin(master_list, asked=RunKind.UNDO, kind=RunKind.UNDO, actor=actor) as run:
            run = replace(run, undoes_run_id=wanted.id)
            return self._to_the_end(run, lambda: self._take_back(run, wanted))

    def _take_back(self, run: Run, wanted: Run) -> Run:
        with self._database.session() as cursor:
            with self._database.exclusive():
                _undoable(self._runs.load(cursor, _id(wanted)))
                current = self._lists.load(cursor, wanted.list_id)
                counts = undo.compare_undo(cursor, current, _id(wanted))
                run = ended(replace(run, counts=counts), RunStatus.SUCCEEDED, self._clock())
                run = replace(run, message=f"Run {wanted.id} was undone.")
                with transaction(cursor):
                    undo.write(
                        cursor,
                        current,
                        run_id=_id(run),
                        undone_run_id=_id(wanted),
                        actor=run.actor,
                        at=self._clock(),
                    )
                    self._runs.keep_notes(cursor, _id(run))
                    self._runs.finish(run, cursor=cursor)
                    self._audit(cursor, "run.undone", wanted, run.actor, undo=run.id)
            self._tidy(cursor)
        return run

    def _audit(self, cursor: Cursor, action: str, run: Run, actor: str, **details: Any) -> None:
        write_audit(
            cursor,
            action,
            actor=actor,
            at=self._clock(),
            entity="run",
            entity_id=run.id,
            entity_name=run.list_name,
            **details,
        )

    def _held(self, cursor: Cursor, run_id: int | str) -> Run:
        run = self._runs.load(cursor, run_id)
        if run.status is not RunStatus.HELD:
            raise NotHeld(f"Run {run_id} is not held; it is {run.status}.")
        return run

    def _connected(self, name_or_id: str | int) -> MasterList:
        master_list = self._lists.get(name_or_id)
        if not master_list.connected:
            raise NotConnected(f"“{master_list.name}” is not connected to a directory.")
        return master_list

    def _kind(self, master_list: MasterList, asked: RunKind) -> tuple[RunKind, str | None]:
        """Return what will be run, and why it is not what was asked for (rule R28)."""
        assert master_list.sync is not None
        if asked is RunKind.DELTA and (why := master_list.sync.without_delta) is not None:
            return RunKind.FULL, _INSTEAD.format(why=why)
        return asked, None

    def _lead(
        self, run: Run, master_list: MasterList, stop: threading.Event | None, listener: Listener | None
    ) -> Run:
        progress = Progress(
            run.id, "starting", since=run.started_at.isoformat() if run.started_at else None, actor=run.actor
        )
        watch = RunWatch(self._runs.folder, progress, stop=stop, listener=listener)

        def work() -> Run:
            with Spool(self._runs.spool_file(run.id)) as spool:
                return self._decide_and_write(
                    self._read(run, master_list, spool, watch), master_list, spool, watch
                )

        ended_run = self._to_the_end(run, work, watch)
        if ended_run.status is RunStatus.SUCCEEDED and master_list.sync and master_list.sync.photos:
            self._take_photos(master_list, watch)
        return ended_run

    def _take_photos(self, master_list: MasterList, watch: RunWatch) -> None:
        """Ask for the photos of people who have none (N4); whatever fails here comes with the next run."""
        assert master_list.sync is not None
        wanting = self._photos.wanting(master_list)
        if not wanting:
            return
        watch.enter("photos")
        try:
            directory = self._connections.open(master_list.sync.connection_id, watch)
            try:
                for some in _some(wanting):
                    watch.check()
                    found = directory.photos(some)
                    self._photos.keep(
                        master_list,
                        [wanting[one] for one in some],
                        {wanting[one]: content for one, content in found.items()},
                        actor=master_list.name,
                    )
            finally:
                directory.close()
        except CaptridError as error:
            log.warning("Photos of “%s” were not taken: %s", master_list.name, error.message)

    def _to_the_end(self, run: Run, work: Callable[[], Run], watch: RunWatch | None = None) -> Run:
        """Return what `work` returns, or the run as it ended otherwise: that too goes to the history."""
        try:
            return work()
        except Cancelled as stopped:
            return self._runs.finish(ended(run, RunStatus.CANCELLED, self._clock(), message=stopped.message))
        except CaptridError as error:
            if watch is not None and watch.stopping:  # what nobody answered any more was not to be waited for
                run = ended(run, RunStatus.CANCELLED, self._clock(), message=CANCELLED)
            else:
                run = ended(run, RunStatus.FAILED, self._clock(), error=error)
            return self._runs.finish(run)
        except BaseException as error:
            log.exception("Run %s failed unexpectedly.", run.id)
            fault = Unexpected(f"The sync met a fault of this program ({type(error).__name__}).")
            run = self._runs.finish(ended(run, RunStatus.FAILED, self._clock(), error=fault))
            if not isinstance(error, Exception):
                raise
            return run

    def _read(self, run: Run, master_list: MasterList, spool: Spool, watch: RunWatch) -> Run:
        """Read into the spool what the run needs, and return the run with what it learned of the directory.

        A delta whose link is not known any more becomes a full sync (rule R30).
        """
        assert master_list.sync is not None
        watch.enter("signing in")
        directory = self._connections.open(master_list.sync.connection_id, watch)
        try:
            run = replace(run, tenant_id=self._check_tenant(directory, master_list))
            if run.kind is RunKind.DELTA:
                try:
                    return self._read_changes(run, directory, master_list, spool, watch)
                except DeltaLinkExpired as expired:
                    log.info("A full sync is run instead of a delta: %s", expired.message)
                    run = replace(
                        run, kind=RunKind.FULL, message=_INSTEAD.format(why=_in_sentence(expired.message))
                    )
                    spool.clear()
            run = self._read_all(run, directory, master_list.sync, spool, watch)
            self._explain_absence(directory, master_list, spool, watch)
            return run
        finally:
            directory.close()

    def _read_all(
        self, run: Run, directory: Directory, sync: SyncConfiguration, spool: Spool, watch: RunWatch
    ) -> Run:
        """Read the whole scope; its delta link is taken before, so that nothing is missed (rule R29)."""
        watch.enter("reading")
        properties = needed_properties(sync)
        taken_at = self._clock()
        try:
            link = directory.mark(sync.scope, properties=properties)
        except RequestRefused as refused:  # this directory has no deltas; all its syncs are full ones
            log.warning("No delta link was given: %s", refused.message)
            link = None
        for page in directory.read_all(sync.scope, properties=properties):
            watch.check()
            spool.add(page)
            watch.have_read(spool.count, about=page.about)
        spool.finish()
        watch.check()
        return replace(run, delta_link=link, delta_link_at=taken_at if link else None)

    def _explain_absence(
        self, directory: Directory, master_list: MasterList, spool: Spool, watch: RunWatch
    ) -> None:
        """Look everybody up whom the read has left out: nobody has left just because of that (rule R18)."""
        assert master_list.sync is not None
        with self._database.session() as cursor:
            absent = absence.absent(cursor, master_list, spool)
        self._look_up(directory, master_list.sync, absent, spool, watch)

    def _look_up(
        self,
        directory: Directory,
        sync: SyncConfiguration,
        absent: tuple[list[str], list[tuple[str, absence.Absence]]],
        spool: Spool,
        watch: RunWatch,
    ) -> None:
        unread, filtered = absent
        spool.absences += filtered
        if not unread:
            return
        watch.enter("looking up")
        for found, missed in absence.explained(directory, sync, unread[: absence.LOOKED_UP_AT_MOST]):
            watch.check()
            spool.absences += found
            spool.add_later(missed)

    def _read_changes(
        self, run: Run, directory: Directory, master_list: MasterList, spool: Spool, watch: RunWatch
    ) -> Run:
        """Read what changed since the list's delta link, then ask for what that does not tell."""
        sync = master_list.sync
        assert sync is not None
        assert sync.delta_link is not None
        watch.enter("reading")
        properties = needed_properties(sync)
        link, taken_at = None, self._clock()
        for page in directory.read_changes(sync.delta_link, sync.scope, properties=properties):
            watch.check()
            spool.add(page)
            watch.have_read(spool.count)
            link = page.mark or link
        spool.finish()
        if link is None:
            raise ReadIncomplete("The directory told changes without saying from where they go on.")
        watch.enter("looking up")
        with self._database.session() as cursor:
            spool.add_later(changes.recognised(cursor, master_list, spool))
            asked = changes.asked(cursor, master_list, spool)
        if asked:
            spool.add_later(changes.answers(directory.members(sync.scope, asked)))
        with self._database.session() as cursor:
            ids, managers, orphans = changes.to_look_up(cursor, master_list, spool)
        reports = sorted({*orphans, *(directory.reports(managers) if managers else ())} - {*ids})
        if reports:
            with self._database.session() as cursor:
                known = changes.known(cursor, master_list, reports)
            spool.add_later(changes.as_known(known))
            ids += known
        if ids:
            for found in directory.look_up(ids, properties=properties):
                spool.add_later(changes.whole(found))
        watch.check()
        return replace(run, delta_link=link, delta_link_at=taken_at)

    def _check_tenant(self, directory: Directory, master_list: MasterList) -> str:
        assert master_list.sync is not None
        tenant_id = directory.tenant_id()
        synced = master_list.sync.synced_tenant_id
        if synced is not None and synced != tenant_id:
            raise TenantChanged(
                f"“{master_list.name}” was synced from the tenant {synced}, "
                f"but its connection now signs in to the tenant {tenant_id}."
            )
        return tenant_id

    @contextmanager
    def _staged(
        self, run: Run, master_list: MasterList, spool: Spool, watch: RunWatch
    ) -> Iterator[tuple[Cursor, MasterList]]:
        """Stage what was read, then keep other writers out while the block compares (and writes)."""
        watch.enter("comparing")
        with self._database.session() as cursor:
            if run.kind is RunKind.FULL:
                stage(cursor, master_list, spool)
                absence.stage_absent(cursor, spool.absences)
            with self._database.exclusive():
                watch.check()
                current = self._unchanged(cursor, master_list)
                if run.kind is RunKind.DELTA:
                    if current.sync is not None and current.sync.delta_link != _link(master_list):
                        raise ConfigurationChanged(f"Another run of “{current.name}” was applied meanwhile.")
                    changes.stage_changes(cursor, current, spool)
                yield cursor, current

    def _decide_and_write(self, run: Run, master_list: MasterList, spool: Spool, watch: RunWatch) -> Run:
        with self._staged(run, master_list, spool, watch) as (cursor, current):
            counts, verdict = _compare(cursor, current, run)
            run = with_verdict(run, counts, verdict)
            watch.check()
            watch.enter("applying")
            with transaction(cursor):
                if verdict.holds:
                    run = ended(run, RunStatus.HELD, self._clock())
                    held.keep(cursor, current, run)
                else:
                    run = ended(run, RunStatus.SUCCEEDED, self._clock())
                    self._write(cursor, current, run)
                self._runs.keep_notes(cursor, _id(run))
                self._runs.finish(run, cursor=cursor)
            self._tidy(cursor)
        return run

    def _write(self, cursor: Cursor, master_list: MasterList, run: Run) -> None:
        apply_change_set(cursor, master_list, run_id=_id(run), actor=run.actor, at=self._clock())
        changes.remember(cursor, master_list, delta=run.kind is RunKind.DELTA)
        mark_synced(
            cursor,
            master_list,
            run_id=_id(run),
            tenant_id=run.tenant_id,
            delta_link=run.delta_link,
            delta_link_at=run.delta_link_at,
        )
        held.overtake(cursor, master_list, run)

    def _unchanged(self, cursor: Cursor, master_list: MasterList) -> MasterList:
        """Return the list as it is now, if it is still synced as it was when the read began."""
        current = self._lists.load(cursor, master_list.id)
        before, now = master_list.sync, current.sync
        if before is None or now is None or not now.connected:
            raise NotConnected(f"“{current.name}” was disconnected meanwhile.")
        if now.full_needed != before.full_needed or held.configuration(now) != held.configuration(before):
            raise ConfigurationChanged(
                f"How “{current.name}” is synced was changed while the run was going on."
            )
        return current

    def _tidy(self, cursor: Cursor) -> None:
        """Clean up after a run that is written: whatever fails here does not change how it ended."""
        with self._database.forgiving():
            self._drop_tables(cursor)
            cursor.execute("CHECKPOINT")

    def _drop_tables(self, cursor: Cursor) -> None:
        for table in (
            CHANGE_SET,
            NOTES,
            "staged",
            "joined",
            "odd",
            "targets",
            "doubles",
            "doubled",
            "rewritten",
            "created",
            "given",
            absence.GONE,
            *changes.TABLES,
            *undo.TABLES,
        ):
            cursor.execute(f"DROP TABLE IF EXISTS temp.{quote(table)}")


def _undoable(run: Run) -> Run:
    if run.status is RunStatus.UNDONE:
        raise NotUndoable(f"Run {run.id} has been undone already, by run {run.undone_by_run_id}.")
    if run.status is not RunStatus.SUCCEEDED or run.kind is RunKind.UNDO:
        what = "is an undo itself" if run.kind is RunKind.UNDO else f"was not applied; it is {run.status}"
        raise NotUndoable(f"Run {run.id} {what}.")
    return run


def _compare(cursor: Cursor, master_list: MasterList, run: Run) -> tuple[Counts, Verdict]:
    """Work out the change set of what is staged, and what the guards say of it."""
    delta = run.kind is RunKind.DELTA
    counts = (compare_delta if delta else compare_full)(cursor, master_list)
    return counts, judge(cursor, master_list, counts, delta=delta)


def _link(master_list: MasterList) -> str | None:
    return master_list.sync.delta_link if master_list.sync is not None else None


def _in_sentence(message: str) -> str:
    """Return a message as a part of a sentence; names keep their capital."""
    text = message.rstrip(".")
    return text if text.startswith("Microsoft") else text[:1].lower() + text[1:]


def _id(run: Run) -> int:
    assert run.id is not None
    return run.id


def _some(ids: Iterable[str]) -> Iterator[list[str]]:
    left = iter(ids)
    while found := list(islice(left, _PHOTOS_AT_ONCE)):
        yield found
