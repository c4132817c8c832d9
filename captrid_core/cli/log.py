"""The log file of a home: what went wrong inside, for whoever mends it, without secrets."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Final

from captrid_core.cli.redaction import Redactor

_LARGEST: Final = 1_000_000
_FORM: Final = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


class HomeLog(logging.Handler):
    """Appends to the home's log file, which is made when there is something to write.

    When the file has grown large it becomes the one earlier file that is kept.
    """

    def __init__(self, home: Path, redactor: Redactor) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(logging.Formatter(_FORM))
        self._redactor = redactor
        self.path = home / "log" / "captrid.log"

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a log that cannot be written must not end the work."""
        try:
            text = self._redactor.clean_log(self.format(record)) + "\n"
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            if self.path.exists() and self.path.stat().st_size > _LARGEST:
                self.path.replace(self.path.with_suffix(".log.1"))
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, text.encode("utf-8", "backslashreplace"))
            finally:
                os.close(descriptor)
        except OSError:
            return


class DebugLog(logging.StreamHandler):  # type: ignore[type-arg]
    """Prints everything to standard error, for `--debug`."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(logging.Formatter(_FORM))
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Return the record without secrets."""
        return self._redactor.clean_log(super().format(record))
