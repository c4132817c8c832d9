"""Likely duplicates from the command line."""

from __future__ import annotations

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, pass_app


@click.command(cls=Command, name="duplicates")
@click.argument("name_or_id", metavar="LIST")
@click.option(
    "--field",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Compare by this field; several are compared together. Default: the names, else the first text.",
)
@click.option("--across", is_flag=True, help="Look in all Master Lists that have these fields.")
@click.option(
    "--limit", type=click.IntRange(1), default=50, metavar="N", help="At most N groups. Default: 50."
)
@pass_app
def duplicates(app: App, name_or_id: str, *, keys: tuple[str, ...], across: bool, limit: int) -> None:
    """Show people who may be one person, because their values are alike.

    Upper and lower case, accents and spaces make no difference.
    """
    from captrid_core.errors import Invalid

    workspace = app.workspace
    choices = workspace.duplicates.comparable(workspace.lists.get(name_or_id))
    if not keys and not choices:
        raise Invalid("This list has no text field beside its UID to compare people by.")
    found = workspace.duplicates.find(name_or_id, keys or choices[0], across=across, limit=limit)
    app.output.show(
        {
            "total": found.total,
            "groups": [
                {
                    "value": one.value,
                    "people": [
                        {"list": where.name, "person_id": str(person.id), "uid": person.uid}
                        for where, person in one.people
                    ],
                }
                for one in found.groups
            ],
        },
        lambda: (
            "\n".join(
                f"“{one.value}”: " + ", ".join(f"{person.uid} ({where.name})" for where, person in one.people)
                for one in found.groups
            )
            or "Nobody is alike."
        ),
    )
