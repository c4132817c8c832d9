"""The sandbox: a local directory to practise on, and telling a running one what to do.

A running sandbox leaves a small file in the home, by which the other commands find it. Its client
secret is no secret (everybody who starts a sandbox with that seed has the same), but it is worked out
again from the seed instead of being written down.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Group, pass_app
from captrid_core.cli.output import pairs, table
from captrid_core.errors import Invalid
from captrid_core.practice import NoSandbox, asking

if TYPE_CHECKING:
    from captrid_core.sandbox import Sandbox, SandboxControl

DEFAULT_USERS: Final = 1200
DEFAULT_PORT: Final = 8443
_STATE: Final = "sandbox.json"


@click.group(cls=Group, name="sandbox", invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="H", help="The address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    metavar="N",
    help="The port; 0 takes a free one.",
)
@click.option(
    "--users",
    type=click.IntRange(1),
    default=DEFAULT_USERS,
    show_default=True,
    metavar="N",
    help="How many users.",
)
@click.option("--seed", type=int, default=1, show_default=True, metavar="N", help="Decides who they are.")
@click.option("--until-stdin-ends", is_flag=True, hidden=True)
@click.pass_context
def sandbox(
    context: click.Context, *, host: str, port: int, users: int, seed: int, until_stdin_ends: bool
) -> None:
    """Serve a made-up Entra ID and Graph over HTTPS.

    It prints what a connection to it needs, and serves until it is stopped. The commands below tell a running one what to do.
    """
    if context.invoked_subcommand is None:
        _serve(
            context.find_object(App) or App(as_json=False),
            host,
            port,
            users,
            seed,
            until_stdin_ends=until_stdin_ends,
        )


def _serve(app: App, host: str, port: int, users: int, seed: int, *, until_stdin_ends: bool) -> None:
    from captrid_core.sandbox import serve_forever

    state = app.settings.home / _STATE
    if until_stdin_ends:
        threading.Thread(target=_stop_at_the_end_of_stdin, daemon=True).start()

    def ready(running: Sandbox) -> None:
        _remember(state, running, users=users, seed=seed)
        details = {
            "authority_url": running.authority_url,
            "graph_url": running.graph_url,
            "ca_file": str(running.ca_file),
            "tenant_id": running.tenant_id,
            "client_id": running.client_id,
            "client_secret": running.client_secret,
        }
        app.output.show(details, lambda: pairs(details.items()))
        app.output.note("The sandbox is serving. An interrupt (Ctrl-C) stops it.")

    try:
        serve_forever(host, port, users, seed, state_dir=app.settings.home / "sandbox", on_ready=ready)
    except OSError as error:
        raise Invalid(
            f"The sandbox cannot be served at {host}, port {port}: {error.strerror or error}.",
            hint="Give another port with --port, or 0 for any free one.",
        ) from error
    finally:
        _forget(state)


@sandbox.command()
@click.option("--hire", type=click.IntRange(0), default=0, metavar="N", help="Take on N new people.")
@click.option("--leave", type=click.IntRange(0), default=0, metavar="N", help="Let N people leave.")
@click.option(
    "--move", type=click.IntRange(0), default=0, metavar="N", help="Move N people to other departments."
)
@click.option("--rename", type=click.IntRange(0), default=0, metavar="N", help="Rename N people.")
@click.option("--disable", type=click.IntRange(0), default=0, metavar="N", help="Block N people's sign-in.")
@click.option(
    "--also", metavar="JSON", help='Further changes, such as {"delete": "…"} or {"update": {"id": …}}.'
)
@pass_app
def change(app: App, /, *, also: str | None, **counts: int) -> None:
    """Change the directory of the running sandbox.

    The ids of those concerned are printed.
    """
    changes: dict[str, Any] = {name: count for name, count in counts.items() if count}
    if also is not None:
        try:
            changes |= dict(json.loads(also))
        except (ValueError, TypeError) as error:
            raise click.UsageError("--also takes a JSON object.") from error
    if not changes:
        raise click.UsageError("Give at least one change.")
    with _controlled(app) as control:
        done = control.change(**changes)
    app.output.show(
        done, lambda: table(("Change", "ID"), [(name, one) for name, ids in done.items() for one in ids])
    )


@sandbox.command()
@click.argument("kind", required=False, metavar="[KIND]")
@click.option("--clear", is_flag=True, help="Switch all faults off.")
@click.option(
    "--match", metavar="WHAT", help="users, members, groups, delta, token … or a regular expression."
)
@click.option("--after", type=click.IntRange(0), metavar="N", help="Let the first N requests through.")
@click.option("--every", type=click.IntRange(1), metavar="N", help="Strike only each N-th request.")
@click.option("--times", type=click.IntRange(1), metavar="N", help="Strike N requests at most.")
@click.option(
    "--retry-after", type=click.FloatRange(0), metavar="SECONDS", help="How long to ask for patience."
)
@click.option("--seconds", type=click.FloatRange(0), metavar="SECONDS", help="How long to delay or hang.")
@click.option("--status", type=click.IntRange(100, 599), metavar="N", help="The status of an error.")
@click.option("--code", metavar="CODE", help="The code of an error.")
@click.option("--message", metavar="TEXT", help="The message of an error.")
@click.option("--form", metavar="FORM", help="How an expired delta link is refused.")
@pass_app
def fault(app: App, /, *, kind: str | None, clear: bool, **parameters: Any) -> None:
    """Let the running sandbox misbehave.

    KIND is throttle, unavailable, error, html_page, expire_token, expire_delta, delay, hang, reset or another one.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    if clear == (kind is not None):
        raise click.UsageError("Give a KIND, or --clear.")
    with _controlled(app) as control:
        if clear:
            control.clear_faults()
            app.output.show({"faults": []}, "All faults are off.")
        else:
            added = control.add_fault(str(kind), **given)
            app.output.show(added, lambda: f"The fault {added['kind']} is on for {added['match']}.")


@sandbox.command()
@pass_app
def state(app: App) -> None:
    """Show what the running sandbox holds, and its faults."""
    with _controlled(app) as control:
        found = control.state()
    app.output.show(
        found, lambda: pairs([(name.capitalize(), one) for name, one in found.items() if name != "faults"])
    )


@contextmanager
def _controlled(app: App) -> Iterator[SandboxControl]:
    """Give the control of the sandbox that runs on the home.

    Raises:
        NoSandbox: None runs, or it does not answer.
        Invalid: It refuses.
    """
    from captrid_core.sandbox import Sandbox, SandboxControl

    try:
        known = json.loads((app.settings.home / _STATE).read_text())
        url, ca_file, seed = str(known["url"]), str(known["ca_file"]), int(known["seed"])
    except (OSError, ValueError, KeyError, TypeError):
        raise NoSandbox(f"No sandbox runs on the home {app.settings.home}.") from None
    secret = Sandbox(1, seed, groups=False).client_secret
    with asking(url), SandboxControl(url, ca_file, secret) as control:
        yield control


def _remember(path: Path, running: Sandbox, *, users: int, seed: int) -> None:
    content = {
        "process": os.getpid(),
        "url": running.origin,
        "ca_file": str(running.ca_file),
        "users": users,
        "seed": seed,
    }
    draft = path.with_suffix(".part")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content))
    draft.replace(path)


def _forget(path: Path) -> None:
    """Remove the file, unless another sandbox has written it since."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if json.loads(path.read_text())["process"] == os.getpid():
            path.unlink()


def _stop_at_the_end_of_stdin() -> None:
    """Stop this process when whoever started it is gone, however it went."""
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
