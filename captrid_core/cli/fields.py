"""The fields of a Master List."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import DefaultGroup, pass_app
from captrid_core.cli.output import table

if TYPE_CHECKING:
    from captrid_core.lists.model import Field, MasterList


@click.group(
    cls=DefaultGroup,
    default="show",
    name="fields",
    subcommand_metavar="LIST | add LIST KEY[:TYPE] | change LIST KEY[:TYPE]",
)
def fields() -> None:
    """Show a Master List's fields, add one, or change one."""


@fields.command(hidden=True)
@click.argument("name_or_id", metavar="LIST")
@pass_app
def show(app: App, name_or_id: str) -> None:
    """Show the fields of a Master List."""
    found = app.workspace.lists.get(name_or_id)
    app.output.show([describe_field(field) for field in found.fields], lambda: fields_text(found))


@fields.command()
@click.argument("name_or_id", metavar="LIST")
@click.argument("field", metavar="KEY[:TYPE]")
@pass_app
def add(app: App, name_or_id: str, field: str) -> None:
    """Add a field.

    TYPE is text (also without one), number, email, date, or dropdown=Red,Blue,Green.
    """
    from captrid_core.cli.schema import parse_field

    parsed = parse_field(field)
    app.workspace.lists.add_field(name_or_id, parsed, actor=app.actor)
    app.output.show(describe_field(parsed), f"Added the field “{parsed.key}”.")


@fields.command()
@click.argument("name_or_id", metavar="LIST")
@click.argument("field", metavar="KEY[:TYPE]")
@click.option("--label", metavar="TEXT", help="What it is called on screen.")
@click.option("--required/--optional", default=None, help="Whether it may be blank.")
@pass_app
def change(app: App, name_or_id: str, field: str, *, label: str | None, required: bool | None) -> None:
    """Change a field's label, type or options, or whether it is required.

    Its key never changes. Its type changes where every value fits the new one.
    """
    from dataclasses import replace

    from captrid_core.cli.schema import parse_field

    key = field.partition(":")[0].strip()
    changed = app.workspace.lists.get(name_or_id).field(key)
    if ":" in field:
        parsed = parse_field(field)
        changed = replace(changed, type=parsed.type, options=parsed.options)
    changed = replace(
        changed,
        label=label.strip() if label else changed.label,
        required=changed.required if required is None else required,
    )
    app.workspace.upkeep.change_field(name_or_id, changed, actor=app.actor)
    app.output.show(describe_field(changed), f"Changed the field “{changed.key}”.")


def describe_field(field: Field) -> dict[str, Any]:
    """Return a field for machines."""
    return {
        "key": field.key,
        "label": field.label,
        "type": field.type,
        "required": field.required,
        "options": list(field.options),
    }


def fields_text(master_list: MasterList) -> str:
    """Return a list's fields for people, with what feeds each."""
    sources = {key: path for path, key in master_list.sync.mapping.items()} if master_list.sync else {}
    connected = master_list.connected
    return table(
        ("Key", "Label", "Type", "From"),
        [
            (
                field.key,
                field.label,
                f"dropdown: {', '.join(field.options)}" if field.options else field.type,
                (sources.get(field.key) if connected else None)
                or ("UID" if field.key == master_list.uid_field else ""),
            )
            for field in master_list.fields
        ],
    )
