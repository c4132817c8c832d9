"""Upkeep of a home: its plan, backups, and checks."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, pass_app
from captrid_core.cli.main import DONE, FAILED
from captrid_core.cli.output import count_of, table

if TYPE_CHECKING:
    from captrid_core.store.backup import Contents
    from captrid_core.store.checks import Check


@click.command(cls=Command, name="plan")
@click.argument(
    "name",
    type=click.Choice(["starter", "pro", "business", "enterprise"], case_sensitive=False),
    required=False,
)
@pass_app
def plan(app: App, *, name: str | None) -> None:
    """Show the organisation's plan, or change it.

    It limits the number of connections.
    """
    workspace = app.workspace
    if name is not None:
        workspace.organisation.change(actor=app.actor, plan=name)
    current, allowed = workspace.connections.plan()
    used = len(workspace.connections.all())
    limit = "any number of" if allowed is None else f"{allowed}"
    app.output.show(
        {"plan": current, "connections": used, "allowed": allowed},
        f"{current.capitalize()}: {used} of {limit} connections.",
    )


@click.command(cls=Command, name="audit")
@click.option("--action", default="", metavar="ACTION", help="Only actions that begin so, such as `person.`.")
@click.option("--by", default="", metavar="ACTOR", help="Only what this actor did.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the newest N.")
@pass_app
def audit(app: App, *, action: str, by: str, limit: int | None) -> None:
    """Show the audit log, newest first: who did what by hand."""
    from captrid_core.clock import iso
    from captrid_core.insight.audit import AuditFilter

    found = app.workspace.audit.find(AuditFilter(action=action, actor=by), limit=limit)
    app.output.show(
        [
            {
                **asdict(one),
                "at": iso(one.at),
                "details": json.loads(one.details) if one.details is not None else None,
            }
            for one in found
        ]
        if app.output.as_json
        else None,
        lambda: (
            table(
                ("When", "Who", "Action", "What", "Details"),
                [(iso(one.at), one.actor, one.action, one.entity_name, one.details or "") for one in found],
            )
            if found
            else "Nothing yet."
        ),
    )


@click.command(cls=Command, name="backup")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--with-key", is_flag=True, help="Put the key in, too: whoever has the file can then use every secret."
)
@pass_app
def backup(app: App, file: Path, *, with_key: bool) -> None:
    """Back the home up, beside whatever runs on it.

    FILE is a .tar.gz, or a .zip if its name ends so; it is read back at once. The key stays out.
    """
    from captrid_core.store.backup import back_up

    workspace = app.workspace
    contents = back_up(app.settings.home, workspace.database, file, with_key=with_key, at=workspace.clock())
    path = file.absolute()
    app.output.show(
        {"file": str(path), "bytes": path.stat().st_size, **asdict(contents)},
        f"Backed up {_held(contents)} to {path}.",
    )


@click.command(cls=Command, name="restore")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--replace", is_flag=True, help="Replace what the home holds.")
@pass_app
def restore(app: App, file: Path, *, replace: bool) -> None:
    """Put a backup back.

    It is refused while somebody uses the home.
    """
    from captrid_core.store.backup import restore as restore_backup

    contents = restore_backup(app.settings.home, file, replace=replace)
    problems = [one.message for one in _secret_checks(app) if not one.ok]
    for problem in problems:
        app.output.note(f"Warning: {problem}")
    app.output.show(
        {"home": str(app.settings.home), **asdict(contents), "warnings": problems},
        f"Restored {_held(contents)}, as of {contents.made_at}.",
    )


@click.command(cls=Command, name="check")
@pass_app
def check(app: App) -> int:
    """Check the home.

    Looked at are permissions, database, people, runs, secrets, and what a crash may have left.
    """
    from captrid_core.errors import CaptridError
    from captrid_core.store.checks import check_home

    workspace = app.workspace
    with suppress(CaptridError):  # what is wrong with the home is what the checks are to say
        workspace.runs.recover()
    found = check_home(app.settings.home, workspace.database, workspace.vault)
    app.output.show(
        [asdict(one) for one in found],
        lambda: table(
            ("", "Check", "Finding"), [("ok" if one.ok else "BAD", one.check, one.message) for one in found]
        ),
    )
    return DONE if all(one.ok for one in found) else FAILED


def _secret_checks(app: App) -> list[Check]:
    from captrid_core.store.checks import check_home

    workspace = app.workspace
    return [
        one
        for one in check_home(app.settings.home, workspace.database, workspace.vault)
        if one.check in ("secrets", "database")
    ]


def _held(contents: Contents) -> str:
    return ", ".join(
        (
            count_of(contents.connections, "connection", "connections"),
            count_of(contents.lists, "Master List", "Master Lists"),
            count_of(contents.people, "person", "people"),
            count_of(contents.runs, "run", "runs"),
        )
    )
