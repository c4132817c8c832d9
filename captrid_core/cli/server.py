"""Serving the dashboard, alone or with the sample that `captrid demo` sets up."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, pass_app

_PORT: Final = 8501


@click.command(cls=Command, name="serve")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="H", help="The address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    metavar="N",
    help="The port; 0 takes a free one.",
)
@pass_app
def serve(app: App, *, host: str, port: int) -> None:
    """Serve the dashboard until it is stopped."""
    from captrid_core.serving import serve as serve_dashboard

    with _alone(app, "captrid serve"):
        serve_dashboard(app.settings, host=host, port=port, on_ready=lambda url: _say(app, {"url": url}, url))


@click.command(cls=Command, name="demo")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    metavar="N",
    help="The dashboard's port; 0 takes a free one.",
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@pass_app
def demo(app: App, *, port: int, no_browser: bool) -> None:
    """Set up a sandbox and a sample, and serve the dashboard.

    The sample is a connection to the sandbox and a Master List with its first full sync.
    Started again on the same home, it goes on with what is there.
    """
    from captrid_core.demo import prepared
    from captrid_core.serving import serve as serve_dashboard

    with _alone(app, "captrid demo"), prepared(app.settings, tell=app.output.note) as sample:

        def ready(url: str) -> None:
            details = {
                "url": url,
                "sandbox": sample.sandbox_url,
                "connection": sample.connection,
                "list": sample.master_list,
            }
            _say(app, details, url)
            if not (no_browser or app.output.as_json):
                threading.Thread(target=_open_browser, args=(url,), daemon=True).start()

        serve_dashboard(app.settings, port=port, on_ready=ready, practice=sample.practice)


def _say(app: App, details: dict[str, str], url: str) -> None:
    app.output.show(details, f"The dashboard is at {url}")
    app.output.note("An interrupt (Ctrl-C) stops it.")


def _open_browser(url: str) -> None:
    import webbrowser

    webbrowser.open(url)


@contextmanager
def _alone(app: App, command: str) -> Iterator[None]:
    """Serve a home only once, so that whoever restores it knows.

    Raises:
        Busy: A dashboard serves it.
    """
    from captrid_core.errors import Busy
    from captrid_core.store.backup import server_lock

    lock = server_lock(app.settings.home)
    if not lock.try_acquire(note={"process": os.getpid(), "command": command}):
        holder = lock.holder()
        raise Busy(
            f"The home {app.settings.home} is served already by {holder.get('command', 'another program')} "
            f"(process {holder.get('process', '?')}).",
            hint="Use that dashboard, or stop it first.",
        )
    with lock:
        yield
