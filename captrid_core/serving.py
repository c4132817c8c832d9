"""Serving the dashboard: one process, one workspace, and the options that make it safe.

The launcher `app.py` and the pages lie beside this package in a checkout and inside it in a wheel.
They are started from here, because what Streamlit reads from a `config.toml` depends on the
folder that a command was started in; whatever guards the dashboard is therefore given by us.
"""

from __future__ import annotations

import asyncio
import logging
import re
import runpy
import secrets
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import Any

from captrid_core.errors import Invalid, SetupError
from captrid_core.practice import Practice
from captrid_core.settings import Settings, load_settings
from captrid_core.sync.schedule import Scheduler
from captrid_core.workspace import Workspace

log = logging.getLogger(__name__)

DEFAULT_PORT = 8501
LINGER = 2.0
"""Seconds that the server keeps the database's file open after use, unless somebody waits for it."""

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_SECRETS = re.compile(
    r"""(?xi)
    (?P<name> secret | password | passwd | token | assertion | authorization | api[_-]?key | credential )
    (?P<between> ["']? \s* [:=]+ \s* (?:bearer\s+)? ["']? )
    (?P<value> [^\s"',;&)}\]]+ )"""
)
_LONG_WORDS = re.compile(r"[A-Za-z0-9+/_~.=-]{32,}")


class CannotServe(SetupError):
    """The dashboard's server did not start."""

    code = "cannot_serve"
    default_hint = "The log says why. Another program may use the port: give another one with --port."


class _Process:
    """What this process serves from: its workspace, opened at the first use."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.settings: Settings | None = None
        self.workspace: Workspace | None = None
        self.on_ready: Callable[[str], None] | None = None


_process = _Process()


def workspace() -> Workspace:
    """Return the workspace of this process; without `serve` it is that of the default home."""
    with _process.lock:
        if _process.workspace is None:
            _process.workspace = Workspace(_process.settings or load_settings(), linger=LINGER)
        return _process.workspace


@contextmanager
def using(given: Workspace) -> Iterator[Workspace]:
    """Let `workspace` return the given one while the block lasts: for tests and for other launchers."""
    with _process.lock:
        before, _process.workspace = _process.workspace, given
    try:
        yield given
    finally:
        with _process.lock:
            _process.workspace = before


def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    on_ready: Callable[[str], None] | None = None,
    practice: Practice | None = None,
) -> None:
    """Serve the dashboard of a home until this process gets an interrupt or termination signal.

    Args:
        settings: Which home, and how to open it.
        host: The address to listen at: one of this machine's own alone, because nobody signs in yet.
        port: The port; 0 lets the system choose one.
        on_ready: Called once with the dashboard's address when it answers.
        practice: The demo's own directory.

    Raises:
        Invalid: The host is not this machine's own, or the port is taken.
        SetupError: The home or the server cannot be started.
    """
    address = _loopback(host)
    port = _free_port(address, port)
    root = dashboard_root()
    _process.settings, _process.on_ready = settings, on_ready
    with using(Workspace(settings, linger=LINGER, practice=practice)) as served:

        def look() -> None:
            served.notifications.look()
            served.published.refresh_if_touched(actor=settings.actor)

        scheduler = Scheduler(served.schedules, served.clock, after=look)
        try:
            served.runs.recover()  # opens the home: what is wrong with it is said before anything else
            scheduler.start()
            # Streamlit takes the folder of the started script for its own
            sys.argv = [str(root / "app.py")]
            app = runpy.run_path(str(root / "app.py"), run_name="captrid_dashboard")["app"]
            with _quiet_signals():
                app.run(config=options(address, port))
        except SystemExit as stopped:
            if stopped.code:
                raise CannotServe(f"The dashboard could not be served at {host}, port {port}.") from stopped
        finally:
            scheduler.stop()
            served.close()


def options(address: str, port: int) -> dict[str, Any]:
    """Return the server's options: everything on which the dashboard's safety rests."""
    return {
        "server.address": address,
        "server.port": port,
        "server.headless": True,
        "server.allowedHosts": list(_LOOPBACK_NAMES),
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.maxUploadSize": 10,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": "false",
        "client.toolbarMode": "viewer",
        "client.showSidebarNavigation": False,
        "logger.hideWelcomeMessage": True,
        "logger.enableRich": False,
        "runner.magicEnabled": False,
    }


def dashboard_root() -> Path:
    """Return the folder that holds `app.py` and `pages`.

    Raises:
        CannotServe: This installation lacks them.
    """
    package = Path(__file__).parent
    for folder in (package / "_dashboard", package.parent):
        if (folder / "app.py").is_file() and (folder / "pages" / "router.py").is_file():
            return folder
    raise CannotServe(
        "This installation has no dashboard: its pages are missing.",
        hint="Install the package captrid-directory-sync again.",
    )


async def tell_when_ready(address: str, port: int) -> None:
    """Wait until the server accepts connections, then call what `serve` was given for that moment."""
    while True:
        try:
            _, writer = await asyncio.open_connection(address, port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        break
    if _process.on_ready is not None:
        _process.on_ready(url(address, port))


def url(address: str, port: int) -> str:
    """Return the address that people type."""
    return f"http://{f'[{address}]' if ':' in address else address}:{port}"


def report(error: BaseException) -> str:
    """Log an unforeseen error of a page, without what may be secret, and return the reference to it."""
    reference = secrets.token_hex(4).upper()
    frames = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
    log.error(
        "A page failed, reference %s: %s: %s\n%s",
        reference,
        type(error).__name__,
        redacted(str(error)),
        frames,
    )
    return reference


def redacted(text: str) -> str:
    """Return a text without what looks like a secret: values named so, and long words."""
    named = _SECRETS.sub(lambda found: f"{found['name']}{found['between']}…", text)
    return _LONG_WORDS.sub("…", named)


def _loopback(host: str) -> str:
    """Return the address to bind for a host of this machine's own.

    Raises:
        Invalid: Others could reach it.
    """
    name = host.strip().strip("[]")
    if name.lower() == "localhost":
        return "127.0.0.1"
    with suppress(ValueError):
        if ip_address(name).is_loopback:
            return name
    raise Invalid(
        f"The dashboard cannot be served at {host}: nobody signs in yet, so whoever reached it could do everything.",
        hint="Serve it at 127.0.0.1, and reach it from elsewhere through an SSH tunnel: "
        f"ssh -L {DEFAULT_PORT}:127.0.0.1:{DEFAULT_PORT} HOST",
    )


def _free_port(address: str, port: int) -> int:
    """Return a port that is free at this moment: the one asked for, or any where that is 0.

    Raises:
        Invalid: It is taken, or no port.
    """
    if not 0 <= port <= 65535:
        raise Invalid(f"{port} is no port.", hint="A port is a number from 0 to 65535.")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise Invalid(
                f"Port {port} of {address} cannot be used: {error.strerror}.",
                hint="Another program uses it, perhaps another dashboard. Give another port with --port, or 0 for any.",
            ) from error
        return int(probe.getsockname()[1])


@contextmanager
def _quiet_signals() -> Iterator[None]:
    """Let a signal that has stopped the server end there: it is raised once more afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stopped(_signal: int, _frame: FrameType | None) -> None:
        log.info("The dashboard was stopped.")

    before = {number: signal.signal(number, stopped) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
