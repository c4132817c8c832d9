"""The program `captrid`: which commands there are, how it ends, and how it says what went wrong.

Exit status: 0 done, 1 failed or refused, 2 wrong usage, 3 held.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, NoReturn

import click

from captrid_core import __version__
from captrid_core.cli.app import App, as_text, keep_files_private
from captrid_core.cli.commands import LazyGroup
from captrid_core.errors import Cancelled, CaptridError

DONE: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2
HELD: Final = 3

_CLI: Final = "captrid_core.cli"
_SOURCES: Final = {
    "demo": f"{_CLI}.server:demo",
    "serve": f"{_CLI}.server:serve",
    "sandbox": f"{_CLI}.sandbox:sandbox",
    "connections": f"{_CLI}.connections:connections",
    "groups": f"{_CLI}.connections:groups",
    "sample": f"{_CLI}.connections:sample",
    "lists": f"{_CLI}.lists:lists",
    "fields": f"{_CLI}.fields:fields",
    "sync": f"{_CLI}.sync:sync",
    "schedule": f"{_CLI}.schedule:schedule",
    "runs": f"{_CLI}.runs:runs",
    "run": f"{_CLI}.runs:run",
    "people": f"{_CLI}.people:people",
    "person": f"{_CLI}.people:person",
    "why": f"{_CLI}.why:why",
    "duplicates": f"{_CLI}.duplicates:duplicates",
    "import": f"{_CLI}.files:import_",
    "export": f"{_CLI}.files:export",
    "sql": f"{_CLI}.sql:sql",
    "publish": f"{_CLI}.sql:publish",
    "plan": f"{_CLI}.upkeep:plan",
    "settings": f"{_CLI}.organisation:settings",
    "notifications": f"{_CLI}.organisation:notifications",
    "key": f"{_CLI}.key:key",
    "audit": f"{_CLI}.upkeep:audit",
    "backup": f"{_CLI}.upkeep:backup",
    "restore": f"{_CLI}.upkeep:restore",
    "check": f"{_CLI}.upkeep:check",
}

_NEED_PANDAS: Final = {"serve", "demo"}
"""The commands whose process serves the dashboard."""

captrid = LazyGroup(
    name="captrid",
    sources=_SOURCES,
    help="Keep an organisation's Master Lists of people true to its Microsoft Entra ID directory.",
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 110},
)
click.version_option(__version__, message="%(version)s")(captrid)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and end the process."""
    given = sys.argv[1:] if arguments is None else arguments
    keep_files_private()
    if not _NEED_PANDAS & set(given):
        _keep_pandas_out()
    sys.exit(run(given))


def _keep_pandas_out() -> None:
    """Keep DuckDB from importing pandas in this process.

    Its Python client imports pandas with the first bound parameter, if it is installed, only to see
    whether the value is one of pandas' own. That costs a short command 0.6 s and 100 MB.
    """
    sys.modules.setdefault("pandas", None)  # type: ignore[arg-type]  # documented: None makes an import fail


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    given = list(arguments)
    options = given[: given.index("--")] if "--" in given else given
    app = App(as_json="--json" in options)
    if not all(as_text(argument) for argument in given):
        return _wrong_usage(app, click.UsageError("An argument is no text in this system's encoding."))
    try:
        with _termination_interrupts():
            return _run(app, given)
    finally:
        app.close()


def _run(app: App, arguments: list[str]) -> int:
    try:
        status = captrid.main(arguments, prog_name="captrid", standalone_mode=False, obj=app)
        return int(status or DONE)
    except click.UsageError as error:
        return _wrong_usage(app, error)
    except click.ClickException as error:
        return _fail(app, {"code": "failed", "message": error.format_message(), "hint": ""})
    except (click.Abort, KeyboardInterrupt):
        return _fail(app, Cancelled("The command was interrupted.").as_dict())
    except CaptridError as error:
        return _fail(app, error.as_dict())
    except BrokenPipeError:
        sys.stdout = None  # whoever read it went away; nothing more is to be flushed to them
        return FAILED
    except Exception as error:  # noqa: BLE001  the last resort: a person gets a sentence, the log the traceback
        return _fail(app, _fault(app, error))


def _fault(app: App, error: Exception) -> dict[str, Any]:
    """Return what is said of a fault of this program."""
    if isinstance(error, OSError) and error.strerror:
        message = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    else:
        message = f"The command met a fault of this program ({type(error).__name__})."
    log = app.log_fault()
    hint = f"Report it with the traceback in {log}." if log else "Report it with what --debug prints."
    return {"code": "internal", "message": message, "hint": hint}


def _fail(app: App, error: dict[str, Any]) -> int:
    cleaned = {key: app.redactor.clean(one) if isinstance(one, str) else one for key, one in error.items()}
    if app.output.as_json:
        app.output.print_json({"error": cleaned})
    else:
        app.output.note(f"Error: {cleaned['message']}")
        if cleaned.get("hint"):
            app.output.note(cleaned["hint"])
    return FAILED


def _wrong_usage(app: App, error: click.UsageError) -> int:
    message = error.format_message()
    path = error.ctx.command_path if error.ctx is not None else "captrid"
    if app.output.as_json:
        hint = f"`{path} --help` says what it takes."
        app.output.print_json(
            {"error": {"code": "usage", "message": app.redactor.clean(message), "hint": hint}}
        )
    elif isinstance(error, click.exceptions.NoArgsIsHelpError):
        app.output.note(message)
    else:
        if error.ctx is not None:
            app.output.note(error.ctx.get_usage())
        app.output.note(f"Error: {message}\n`{path} --help` says more.")
    return WRONG_USAGE


@contextmanager
def _termination_interrupts() -> Iterator[None]:
    """Let a request to terminate end a command as an interrupt from the keyboard does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    if before[signal.SIGHUP] is signal.SIG_IGN:  # as nohup wants it
        del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
