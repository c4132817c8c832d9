"""People of a Master List: looking at them, and what staff may do to them by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, Group, pass_app
from captrid_core.cli.output import pairs, table

if TYPE_CHECKING:
    from captrid_core.lists.model import MasterList, Person


class Moment(click.DateTime):
    """A moment by this machine's clock; a date without a time is the end of that day."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment with its zone."""
        moment: datetime = super().convert(value, param, ctx)
        if "T" not in str(value):
            moment = datetime.combine(moment, time.max)
        return moment.astimezone()


@click.command(cls=Command, name="people")
@click.argument("name_or_id", metavar="LIST")
@click.option(
    "--status",
    type=click.Choice(["active", "inactive", "all"]),
    default="active",
    show_default=True,
    help="Which.",
)
@click.option(
    "--search", default="", metavar="TEXT", help="Only people in whose fields all these words occur."
)
@click.option(
    "--as-of",
    type=Moment(),
    metavar="DATE",
    help="As the list was at the end of that day, or at that moment, by this machine's clock.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@pass_app
def people(
    app: App, name_or_id: str, *, status: str, search: str, as_of: datetime | None, limit: int | None
) -> None:
    """List the people of a Master List, by their UIDs."""
    from captrid_core.lists.model import StatusFilter
    from captrid_core.lists.people import describe

    master_list = app.workspace.lists.get(name_or_id)
    found = app.workspace.people.find(
        master_list, status=StatusFilter(status), search=search, as_of=as_of, limit=limit
    )
    keys = [field.key for field in master_list.fields]
    app.output.show(
        [describe(one) for one in found.people] if app.output.as_json else None,
        lambda: (
            table(
                (*keys, "Status", "Origin"),
                [(*(_shown(one, key) for key in keys), _status(one), one.origin) for one in found.people],
            )
            if found.people
            else "Nobody."
        ),
    )


@click.group(cls=Group, name="person")
def person() -> None:
    """Add or change one person by hand."""


@person.command()
@click.argument("name_or_id", metavar="LIST")
@click.argument("values", nargs=-1, required=True, metavar="KEY=VALUE...")
@pass_app
def add(app: App, name_or_id: str, values: tuple[str, ...]) -> None:
    """Add a person by hand."""
    from captrid_core.cli.schema import parse_values

    given = parse_values(values)
    master_list = app.workspace.lists.get(name_or_id)
    _show(app, app.workspace.people.add(master_list, given, actor=app.actor), "Added.")


@person.command(name="set")
@click.argument("name_or_id", metavar="LIST")
@click.argument("uid", metavar="UID")
@click.argument("values", nargs=-1, required=True, metavar="KEY=VALUE...")
@pass_app
def set_(app: App, name_or_id: str, uid: str, values: tuple[str, ...]) -> None:
    """Set fields of a person, all or none.

    KEY= makes a field blank. Fields that the directory manages are locked.
    """
    from captrid_core.cli.schema import parse_values

    given = parse_values(values)
    master_list = app.workspace.lists.get(name_or_id)
    _show(app, app.workspace.people.set_values(master_list, uid, given, actor=app.actor), "Saved.")


@person.command()
@click.argument("name_or_id", metavar="LIST")
@click.argument("uid", metavar="UID")
@pass_app
def deactivate(app: App, name_or_id: str, uid: str) -> None:
    """Deactivate a person by hand; syncs leave that so."""
    _change(
        app, name_or_id, lambda one: app.workspace.people.set_status(one, uid, active=False, actor=app.actor)
    )


@person.command()
@click.argument("name_or_id", metavar="LIST")
@click.argument("uid", metavar="UID")
@pass_app
def reactivate(app: App, name_or_id: str, uid: str) -> None:
    """Reactivate a person by hand; syncs leave that so."""
    _change(
        app, name_or_id, lambda one: app.workspace.people.set_status(one, uid, active=True, actor=app.actor)
    )


@person.command()
@click.argument("name_or_id", metavar="LIST")
@click.argument("uid", metavar="UID")
@pass_app
def release(app: App, name_or_id: str, uid: str) -> None:
    """Give a person's status back to the directory.

    It changes at once, by what the last sync knew.
    """
    _change(app, name_or_id, lambda one: app.workspace.people.release(one, uid, actor=app.actor))


@person.command()
@click.argument("name_or_id", metavar="LIST")
@click.argument("uid", metavar="UID")
@pass_app
def history(app: App, name_or_id: str, uid: str) -> None:
    """Show everything that happened to a person: when, by whom or by which run, from what to what."""
    from captrid_core.clock import iso

    master_list = app.workspace.lists.get(name_or_id)
    people = app.workspace.people
    found = people.history(master_list, people.get(master_list, uid).id)
    app.output.show(
        [
            {**asdict(one), "at": iso(one.at), "run_id": str(one.run_id) if one.run_id is not None else None}
            for one in found
        ]
        if app.output.as_json
        else None,
        lambda: table(
            ("When", "Who", "Run", "What", "Field", "Old", "New", "Reason"),
            [
                (
                    iso(one.at),
                    one.actor,
                    one.run_id if one.run_id is not None else "",
                    one.action,
                    one.field or "",
                    one.old or "",
                    one.new or "",
                    one.reason or "",
                )
                for one in found
            ],
        ),
    )


@person.command()
@click.argument("name_or_id", metavar="LIST")
@click.argument("uid", metavar="UID")
@click.argument("other_uid", metavar="OTHER_UID")
@pass_app
def join(app: App, name_or_id: str, uid: str, other_uid: str) -> None:
    """Join two records of the same person.

    The older record stays, with its local fields and its history; it takes the account, the UID and
    the directory's values of the one that the directory feeds. The order of the two does not matter.
    """
    master_list = app.workspace.lists.get(name_or_id)
    _show(app, app.workspace.people.join(master_list, uid, other_uid, actor=app.actor), "Joined.")


def _change(app: App, name_or_id: str, change: Callable[[MasterList], Person]) -> None:
    _show(app, change(app.workspace.lists.get(name_or_id)), "Done.")


def _show(app: App, person: Person, first: str) -> None:
    from captrid_core.lists.people import describe

    described = describe(person)
    rows: list[tuple[str, object]] = [("Status", _status(person)), ("Origin", person.origin)]
    rows += [(key, value) for key, value in described["fields"].items()]
    app.output.show(described, lambda: f"{first}\n{pairs(rows)}")


def _shown(person: Person, key: str) -> object:
    value = person.values[key]
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _status(person: Person) -> str:
    status = "active" if person.active else "inactive"
    return f"{status} (by hand)" if person.exception else status
