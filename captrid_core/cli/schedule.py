"""Scheduled syncs from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, pass_app
from captrid_core.cli.main import DONE, FAILED, HELD
from captrid_core.cli.output import pairs

if TYPE_CHECKING:
    from captrid_core.lists.model import MasterList
    from captrid_core.sync.schedule import DueOutcome, Schedule

_NEXT = 3


@click.command(cls=Command, name="schedule")
@click.argument("name_or_id", metavar="LIST")
@click.argument("rhythm", metavar="[off|6h|12h|24h|CRON]", required=False)
@click.option("--full", is_flag=True, help="Run full syncs, in place of deltas.")
@pass_app
def schedule(app: App, name_or_id: str, *, rhythm: str | None, full: bool) -> None:
    """Show when a Master List is synced by itself, or set it.

    CRON has five parts, in the organisation's time zone: `30 6 * * 1-5` is 6:30 on weekdays. Due
    syncs are run by the dashboard's server while it is up, and by `captrid sync --due`.
    """
    from captrid_core.sync.runs import RunKind

    workspace = app.workspace
    master_list = workspace.lists.get(name_or_id)
    if rhythm is not None:
        workspace.schedules.set(
            master_list.id, rhythm, kind=RunKind.FULL if full else RunKind.DELTA, actor=app.actor
        )
    elif full:
        raise click.UsageError("--full goes with a schedule.")
    found = workspace.schedules.get(master_list.id)
    described = describe(master_list, found)
    app.output.show(
        described,
        lambda: pairs(
            [
                ("Master List", described["list"]),
                ("Schedule", described["schedule"]),
                ("Kind", described["kind"]),
                ("Next", ", ".join(described["next"]) or None),
            ]
        ),
    )


def describe(master_list: MasterList, found: Schedule | None) -> dict[str, Any]:
    """Return a list's schedule for machines."""
    from captrid_core.clock import iso

    next_due: list[str | None] = []
    if found is not None:
        next_due = [
            iso(found.next_due),
            *(iso(one) for one in found.rhythm.following(found.next_due, _NEXT - 1)),
        ]
    return {
        "list": master_list.name,
        "schedule": found.rhythm.text if found else "off",
        "time_zone": found.rhythm.zone if found else None,
        "kind": found.kind if found else None,
        "next": next_due,
        "failures": found.failures if found else 0,
    }


def show_due(app: App, outcomes: list[DueOutcome]) -> int:
    """Print what became of the lists that were due, and return the exit status that says how."""
    from captrid_core.cli import runs

    app.output.show(
        [
            runs.described(app, one.run)
            if one.run is not None
            else {"list": one.master_list.name, "status": "skipped", "message": one.skipped}
            for one in outcomes
        ],
        lambda: (
            "\n".join(
                runs.run_text(app, one.run)
                if one.run is not None
                else f"“{one.master_list.name}” was due and skipped: {one.skipped}."
                for one in outcomes
            )
            or "Nothing is due."
        ),
    )
    statuses = {runs.exit_status(one.run) for one in outcomes if one.run is not None}
    return FAILED if FAILED in statuses else HELD if HELD in statuses else DONE
