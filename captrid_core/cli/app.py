"""What the commands of one call share: the options before them, the home, and where output goes."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from captrid_core.cli.output import Output
from captrid_core.cli.redaction import Redactor
from captrid_core.settings import Settings, load_settings

if TYPE_CHECKING:
    from captrid_core.directory.connections import Connection
    from captrid_core.directory.port import Directory, Watch
    from captrid_core.workspace import Workspace

_PROGRAM: Final = logging.getLogger("captrid_core")


class App:
    """One call of the command line. Nothing is opened before it is asked for; close it in the end.

    Args:
        as_json: Whether standard output is one JSON value.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.output = Output(as_json=as_json)
        self.redactor = Redactor()
        self.home: Path | None = None
        self.debug = False
        self._settings: Settings | None = None
        self._workspace: Workspace | None = None
        self._handlers: list[logging.Handler] = []

    @property
    def settings(self) -> Settings:
        """The settings of the home.

        Raises:
            HomeUnusable: The home cannot be made or written to.
        """
        if self._settings is None:
            self._settings = load_settings(self.home)
            for key in (self._settings.key or "").split(","):
                self.redactor.add(key)
            self._start_logging(self._settings.home)
        return self._settings

    @property
    def workspace(self) -> Workspace:
        """The services of the home."""
        if self._workspace is None:
            from captrid_core.workspace import Workspace

            self._workspace = Workspace(self.settings, opener=self._open_directory)
        return self._workspace

    @property
    def actor(self) -> str:
        """Who acts, for the history."""
        return self.settings.actor

    def watch(self) -> Watch:
        """Return eyes on an adapter that tell people what it waits for; interrupts stop it."""
        from captrid_core.cli.progress import ProgressLine
        from captrid_core.sync.runs import Progress, RunWatch

        return RunWatch(None, Progress(None, "starting"), listener=ProgressLine(self.output, phases=False))

    def log_fault(self) -> str | None:
        """Log the exception that is being handled, and return the log file's path if there is one."""
        logging.getLogger("captrid_core.cli").exception("The command failed unexpectedly.")
        home_log = next((str(one.path) for one in self._handlers if hasattr(one, "path")), None)
        return home_log if home_log and Path(home_log).exists() else None

    def close(self) -> None:
        """Close whatever was opened."""
        if self._workspace is not None:
            self._workspace.close()
        for handler in self._handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()
        self._handlers.clear()
        _PROGRAM.setLevel(logging.NOTSET)

    def _start_logging(self, home: Path) -> None:
        from captrid_core.cli.log import DebugLog, HomeLog

        self._handlers.append(HomeLog(home, self.redactor))
        if self.debug:
            self._handlers.append(DebugLog(self.redactor))
            _PROGRAM.setLevel(logging.DEBUG)
        for handler in self._handlers:
            logging.getLogger().addHandler(handler)

    def _open_directory(self, connection: Connection, secret: str, watch: Watch) -> Directory:
        from captrid_core.directory.connections import open_entra

        self.redactor.add(secret)
        return open_entra(connection, secret, watch)


def as_text(argument: str) -> bool:
    """Tell whether an argument is text: a name that is none in this system's encoding cannot be stored."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def keep_files_private() -> None:
    """Let no file that this process makes be read by others, and no output fail for its encoding."""
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
