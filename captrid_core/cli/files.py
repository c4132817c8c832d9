"""Files in and out of a Master List."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, pass_app
from captrid_core.cli.output import count_of, pairs, table

if TYPE_CHECKING:
    from captrid_core.lists.imports import ImportSummary

_SHOWN: Final = 20


@click.command(cls=Command, name="import")
@click.argument("name_or_id", metavar="LIST")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.csv")
@click.option("--dry-run", is_flag=True, help="Show what the import would do, and write nothing.")
@pass_app
def import_(app: App, name_or_id: str, file: Path, *, dry_run: bool) -> None:
    """Take people over from a CSV file, by their UIDs.

    The first row names fields, by key or label. New people are created; of the others, the fields that
    the file names are set to what it says, a blank cell meaning blank, except those that the
    directory manages. What is not taken over is listed row by row.
    """
    workspace = app.workspace
    master_list = workspace.lists.get(name_or_id)
    summary = workspace.files.import_csv(master_list, file, actor=app.actor, dry_run=dry_run)
    app.output.show(asdict(summary), lambda: _import_text(summary, dry_run=dry_run))


@click.command(cls=Command, name="export")
@click.argument("name_or_id", metavar="LIST")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE(.csv|.xlsx|.parquet|.json)")
@click.option(
    "--status",
    type=click.Choice(["active", "inactive", "all"]),
    default="active",
    show_default=True,
    help="Which.",
)
@pass_app
def export(app: App, name_or_id: str, file: Path, *, status: str) -> None:
    """Write people to CSV, Excel, Parquet or JSON.

    The ending of the file's name chooses the format. In CSV and Excel, texts that a spreadsheet
    would read as a formula get an apostrophe in front; an import takes it away again.
    """
    from captrid_core.lists.model import StatusFilter

    workspace = app.workspace
    master_list = workspace.lists.get(name_or_id)
    count = workspace.files.export(master_list, file, status=StatusFilter(status))
    path = file.absolute()
    app.output.show(
        {"file": str(path), "people": count, "status": status},
        f"Wrote {count_of(count, 'person', 'people')} to {path}.",
    )


def _import_text(summary: ImportSummary, *, dry_run: bool) -> str:
    lines = [
        "Nothing was written; the import would do this:" if dry_run else "Imported.",
        pairs(
            [
                ("Rows", summary.rows),
                ("Created", summary.created),
                ("Updated", summary.updated),
                ("Unchanged", summary.unchanged),
                ("Skipped", summary.skipped),
            ]
        ),
    ]
    if summary.errors:
        lines += [
            "",
            count_of(len(summary.errors), "error", "errors"),
            table(
                ("Row", "Code", "Message"),
                [(one.row, one.code, one.message) for one in summary.errors[:_SHOWN]],
            ),
        ]
        if len(summary.errors) > _SHOWN:
            lines.append(f"… and {len(summary.errors) - _SHOWN:,} more; --json prints them all.")
    return "\n".join(lines)
