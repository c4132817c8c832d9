"""Runs: their history, and decisions over them."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, Group, pass_app
from captrid_core.cli.main import DONE, FAILED, HELD
from captrid_core.cli.output import count_of, pairs, table
from captrid_core.errors import Cancelled

if TYPE_CHECKING:
    from captrid_core.sync.runs import ChangeRow, Note, Run

_SHOWN: Final = 20
_CANCEL_PATIENCE: Final = 30.0


@click.command(cls=Command, name="runs")
@click.argument("name_or_id", metavar="LIST")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the newest N.")
@pass_app
def runs(app: App, name_or_id: str, *, limit: int | None) -> None:
    """List the runs of a Master List, newest first."""
    found = app.workspace.runs.of_list(app.workspace.lists.get(name_or_id).id, limit=limit)
    app.output.show(
        [described(app, one) for one in found] if app.output.as_json else None,
        lambda: (
            table(
                ("Run", "Kind", "Status", "Started", "Read", "Created", "Updated", "Deactivated", "Skipped"),
                [
                    (
                        str(one.id),
                        one.kind,
                        one.status,
                        one.started_at.strftime("%Y-%m-%d %H:%M") if one.started_at else None,
                        one.counts.read,
                        one.counts.created,
                        one.counts.updated,
                        one.counts.deactivated,
                        one.counts.skipped,
                    )
                    for one in found
                ],
            )
            if found
            else "There is no run yet."
        ),
    )


@click.group(cls=Group, name="run")
def run() -> None:
    """Show, cancel or undo a run, or decide over a held one."""


@run.command()
@click.argument("run_id", metavar="RUN")
@pass_app
def show(app: App, run_id: str) -> None:
    """Show a run with all that it changed or would change."""
    found = app.workspace.runs.get(run_id)
    master_list = app.workspace.lists.get(found.list_id)
    changes = app.workspace.runs.changes(found, master_list.people_table, master_list.uid_field)
    app.output.show(
        {**described(app, found), "changes": [describe_change(one) for one in changes]},
        lambda: f"{run_text(app, found)}{changes_text(changes)}",
    )


@run.command()
@click.argument("run_id", metavar="RUN")
@pass_app
def cancel(app: App, run_id: str) -> int:
    """Cancel a run that is going on; it changes nothing.

    The command waits until the run has stopped.
    """
    asked = app.workspace.runs.ask_to_cancel(run_id)
    deadline = time.monotonic() + _CANCEL_PATIENCE
    while app.workspace.runs.progress(asked.list_id) is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    found = app.workspace.runs.get(run_id)
    shown = described(app, found)
    if found.status == "cancelled":
        app.output.show(shown, f"Cancelled run {found.id}. Nothing was changed.")
        return DONE
    error = {
        "code": "not_cancelled",
        "message": f"Run {found.id} was too far gone to be cancelled; it is {found.status}."
        if found.status != "running"
        else f"Run {found.id} has been asked to stop and has not stopped yet.",
        "hint": f"`captrid run show {found.id}` shows it.",
    }
    app.output.show({**shown, "error": error}, f"{error['message']} {error['hint']}")
    return FAILED


@run.command()
@click.argument("run_id", metavar="RUN")
@pass_app
def apply(app: App, run_id: str) -> int:
    """Apply a held run.

    It is held again only if it would now deactivate or blank more people than it showed.
    """
    return show_run(app, app.workspace.runner.apply_held(run_id, actor=app.actor))


@run.command()
@click.argument("run_id", metavar="RUN")
@pass_app
def discard(app: App, run_id: str) -> None:
    """Discard a held run; nothing of it is applied."""
    found = app.workspace.runner.discard(run_id, actor=app.actor)
    app.output.show(described(app, found), f"Discarded run {found.id}.")


@run.command()
@click.argument("run_id", metavar="RUN")
@pass_app
def undo(app: App, run_id: str) -> int:
    """Undo a run that was applied.

    Each value goes back where it still is what the run made it; what was changed later is kept and
    listed. People whom the run created are deactivated. The next sync is a full one.
    """
    return show_run(app, app.workspace.runner.undo(run_id, actor=app.actor))


def show_run(app: App, run: Run) -> int:
    """Print a run as it ended, and return the exit status that says how."""
    shown = described(app, run)
    if run.status == "cancelled":
        shown["error"] = Cancelled(run.message or "The run was cancelled.").as_dict()
    app.output.show(shown, lambda: run_text(app, run))
    return exit_status(run)


def exit_status(run: Run) -> int:
    """Return the exit status that says how a run ended."""
    return {"succeeded": DONE, "held": HELD}.get(run.status, FAILED)


def described(app: App, run: Run) -> dict[str, Any]:
    """Return a stored run for machines."""
    from captrid_core.sync.runs import describe

    return describe(run, *notes_of(app, run))


def notes_of(app: App, run: Run) -> tuple[list[Note], list[Note]]:
    """Return the errors and the warnings of a stored run."""
    if run.id is None:
        return [], []
    return app.workspace.runs.notes(run.id, "error"), app.workspace.runs.notes(run.id, "warning")


def describe_change(change: ChangeRow) -> dict[str, Any]:
    """Return a line of a change set for machines."""
    person_id = str(change.person_id) if change.person_id is not None else None
    return {**asdict(change), "person_id": person_id}


def run_text(app: App, run: Run, notes: tuple[list[Note], list[Note]] | None = None) -> str:
    """Return a run for people: how it ended, its numbers, and what was wrong with people."""
    errors, warnings = notes if notes is not None else notes_of(app, run)
    name = "Preview" if run.dry_run else f"Run {run.id}"
    seconds = f" in {run.seconds:.1f} s" if run.seconds is not None else ""
    lines = [f"{name} of “{run.list_name}” ({run.kind}): {run.status}{seconds}"]
    if run.message:
        lines.append(run.message)
    if run.error is not None and run.error.get("hint"):
        lines.append(str(run.error["hint"]))
    if run.status == "held" and not run.dry_run:
        lines.append(
            f"Look through it with `captrid run show {run.id}`, then `captrid run apply {run.id}` "
            f"or `captrid run discard {run.id}`."
        )
    if run.status not in ("failed", "cancelled", "interrupted", "running"):
        lines.append(
            pairs(
                [
                    ("Read", run.counts.read),
                    ("Created", run.counts.created),
                    ("Updated", run.counts.updated),
                    ("Reactivated", run.counts.reactivated),
                    ("Deactivated", run.counts.deactivated),
                    ("Unchanged", run.counts.unchanged),
                    ("Skipped", run.counts.skipped),
                ]
            )
        )
    for word, found in (("error", errors), ("warning", warnings)):
        if found:
            lines += ["", count_of(len(found), word, f"{word}s")]
            lines.append(
                table(
                    ("Code", "UID", "Message"), [(one.code, one.uid, one.message) for one in found[:_SHOWN]]
                )
            )
            if len(found) > _SHOWN:
                lines.append(f"… and {len(found) - _SHOWN:,} more; --json prints them all.")
    return "\n".join(lines)


def changes_text(changes: list[ChangeRow]) -> str:
    """Return a change set for people."""
    if not changes:
        return ""
    shown = table(
        ("Action", "UID", "Field", "Old", "New", "Reason"),
        [
            (one.action, one.uid, one.field or "", one.old or "", one.new or "", one.reason or "")
            for one in changes
        ],
    )
    return f"\n\n{shown}"
