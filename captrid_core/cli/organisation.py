"""The organisation's settings and its notifications from the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, Group, pass_app
from captrid_core.cli.output import pairs


@click.command(cls=Command, name="settings")
@click.option("--name", metavar="TEXT", help="What the organisation is called.")
@click.option(
    "--time-zone", metavar="ZONE", help="In which cron expressions count, such as Australia/Sydney."
)
@click.option(
    "--grace-hours",
    type=int,
    metavar="N",
    help="How long after a missed due time a scheduled list is stale. Default: 24.",
)
@pass_app
def settings(app: App, /, **given: Any) -> None:
    """Show the organisation's settings, or change some."""
    changes = {name: value for name, value in given.items() if value is not None}
    organisation = app.workspace.organisation
    found = organisation.change(actor=app.actor, **changes) if changes else organisation.get()
    app.output.show(
        asdict(found),
        lambda: pairs(
            [
                ("Organisation", found.name or None),
                ("Plan", found.plan),
                ("Time zone", found.time_zone),
                ("Grace", f"{found.grace_hours} hours"),
            ]
        ),
    )


@click.group(cls=Group, name="notifications")
def notifications() -> None:
    """Webhook and e-mail notifications; the dashboard sets them up."""


@notifications.command()
@click.argument("channel", type=click.Choice(["webhook", "email"]))
@pass_app
def test(app: App, channel: str) -> None:
    """Send a test by webhook or e-mail."""
    app.workspace.notifications.test(channel)
    app.output.show({"sent": True}, "The test was accepted.")


@notifications.command(name="send")
@pass_app
def send(app: App) -> None:
    """Send what is new, and what could not be sent before; for cron.

    The dashboard's server and `captrid sync` do so by themselves.
    """
    app.workspace.notifications.look()
    latest = app.workspace.notifications.latest()
    waiting = sum(1 for one in latest if one.sent_at is None)
    app.output.show({"waiting": waiting}, f"{waiting} wait to be sent." if waiting else "Nothing waits.")
