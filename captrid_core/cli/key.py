"""The key that opens the stored secrets."""

from __future__ import annotations

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Group, pass_app
from captrid_core.cli.output import count_of


@click.group(cls=Group, name="key")
def key() -> None:
    """The key that secrets are stored with."""


@key.command()
@click.option(
    "--forget", is_flag=True, help="Drop every secret and start with a new key: for a key that is lost."
)
@click.option("--yes", is_flag=True, help="With --forget: drop them for good, without asking.")
@pass_app
def rotate(app: App, *, forget: bool, yes: bool) -> None:
    """Store every secret anew, with a new key.

    With CAPTRID_KEY, put the new key in front of the old one first, separated by a comma.
    """
    vault = app.workspace.vault
    if yes and not forget:
        raise click.UsageError("--yes goes with --forget.")
    if forget:
        if not yes:
            raise click.UsageError("--forget drops every stored secret for good; confirm it with --yes.")
        count = vault.forget_all()
        app.output.show(
            {"secrets": 0, "forgotten": count},
            f"Dropped {count_of(count, 'secret', 'secrets')}. Enter them again with `captrid connections edit`.",
        )
        return
    count = vault.rotate()
    app.output.show(
        {"secrets": count, "forgotten": 0},
        f"Stored {count_of(count, 'secret', 'secrets')} with the new key.",
    )
