"""Syncing a Master List from the command line, and cancelling that by a signal (rule R4)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, pass_app
from captrid_core.cli.progress import ProgressLine
from captrid_core.errors import Cancelled

if TYPE_CHECKING:
    from captrid_core.sync.runs import RunKind

_NOTHING_READ_YET = ("starting", "signing in")


@click.command(cls=Command, name="sync")
@click.argument("name_or_id", metavar="LIST", required=False)
@click.option(
    "--due", is_flag=True, help="Sync every list whose scheduled time has come, one after the other."
)
@click.option("--full", is_flag=True, help="Read everything and reconcile.")
@click.option(
    "--delta", is_flag=True, help="Read only what changed since the last sync, where that is possible."
)
@click.option("--dry-run", is_flag=True, help="Show what the sync would do, and write nothing.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@pass_app
def sync(
    app: App,
    name_or_id: str | None,
    *,
    due: bool,
    full: bool,
    delta: bool,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Sync a Master List with its directory: a delta where one is possible, else a full sync.

    With --due: those that are scheduled and due, see `captrid schedule`; for cron.

    Exit status: 0 done, 1 failed or cancelled, 3 held: it waits for a decision, see `captrid run`.
    """
    from captrid_core.cli import runs

    if due:
        if name_or_id is not None or full or delta or dry_run:
            raise click.UsageError("--due goes by itself: the schedules say what is synced, and how.")
        return _sync_due(app)
    if name_or_id is None:
        raise click.UsageError("Give the list to sync, or --due.")
    if full and delta:
        raise click.UsageError("Give --full or --delta, not both.")
    asked = _asked(app, name_or_id, full=full, delta=delta)
    progress = ProgressLine(app.output)
    with _cancelling(progress) as stop:
        listener = None if quiet else progress
        try:
            if dry_run:
                preview = app.workspace.runner.preview(
                    name_or_id, asked=asked, actor=app.actor, stop=stop, listener=listener or progress.follow
                )
            else:
                run = app.workspace.runner.sync(
                    name_or_id, asked=asked, actor=app.actor, stop=stop, listener=listener or progress.follow
                )
        finally:
            progress.done()
    if not dry_run:
        app.workspace.notifications.look()
        return runs.show_run(app, run)
    from captrid_core.sync.runs import describe

    described = describe(preview.run, preview.errors, preview.warnings)
    app.output.show(
        {**described, "changes": [runs.describe_change(one) for one in preview.changes]},
        lambda: (
            runs.run_text(app, preview.run, (preview.errors, preview.warnings))
            + runs.changes_text(preview.changes)
        ),
    )
    return runs.exit_status(preview.run)


def _sync_due(app: App) -> int:
    from captrid_core.cli.schedule import show_due

    progress = ProgressLine(app.output)
    with _cancelling(progress) as stop:
        outcomes = list(app.workspace.schedules.run_due(stop=stop))
    app.workspace.notifications.look()
    return show_due(app, outcomes)


def _asked(app: App, name_or_id: str, *, full: bool, delta: bool) -> RunKind:
    """Return what to ask for: without a word, a delta where one is possible."""
    from captrid_core.sync.runs import RunKind

    if not full and not delta:
        sync = app.workspace.lists.get(name_or_id).sync
        delta = sync is not None and sync.without_delta is None
    return RunKind.DELTA if delta else RunKind.FULL


@contextmanager
def _cancelling(progress: ProgressLine) -> Iterator[threading.Event]:
    """Give an event that an interrupt or a request to terminate sets.

    A read looks at it all the time. Before that the main thread may sit in a request that nobody
    answers; nothing is written yet, so the work is broken off there.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def cancel(_signal: int, _frame: FrameType | None) -> None:
        first = not stop.is_set()
        stop.set()
        if first and progress.phase in _NOTHING_READ_YET:
            raise Cancelled("The sync was cancelled. Nothing was changed.")

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if number != signal.SIGHUP or handler is not signal.SIG_IGN:
            signal.signal(number, cancel)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
