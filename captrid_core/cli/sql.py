"""SQL over what is published, and publishing."""

from __future__ import annotations

import csv
import io

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, pass_app
from captrid_core.cli.output import count_of, table


@click.command(cls=Command, name="sql")
@click.argument("query", metavar="QUERY")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=10_000,
    show_default=True,
    metavar="N",
    help="At most N rows.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 600),
    default=30.0,
    show_default=True,
    metavar="S",
    help="End it after S seconds.",
)
@pass_app
def sql(app: App, *, query: str, as_csv: bool, limit: int, seconds: float) -> None:
    """Ask the published people, runs and changes with SQL.

    QUERY is one SELECT statement, in DuckDB's SQL. It is answered from the published file, which is
    brought up to date first.
    """
    found = app.workspace.sql.run(query, actor=app.actor, limit=limit, seconds=seconds)
    if as_csv and not app.output.as_json:
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(found.columns)
        writer.writerows(found.rows)
        click.echo(written.getvalue(), nl=False)
    else:
        app.output.show(
            {
                "columns": list(found.columns),
                "types": list(found.types),
                "rows": [list(row) for row in found.rows],
                "truncated": found.truncated,
            },
            lambda: table(found.columns, found.rows),
        )
    if found.truncated:
        app.output.note(
            f"Only the first {count_of(len(found.rows), 'row', 'rows')} are shown; --limit shows more."
        )


@click.command(cls=Command, name="publish")
@pass_app
def publish(app: App) -> None:
    """Publish people, runs and changes for analysts' tools.

    The file is a DuckDB database. It is replaced as a whole, so that readers never meet half of something.
    """
    from captrid_core.clock import iso

    made = app.workspace.published.refresh(actor=app.actor)
    app.output.show(
        {"file": str(made.path), "at": iso(made.at), "by": made.by},
        f"Published: {made.path}, correct as of {iso(made.at)}.",
    )
