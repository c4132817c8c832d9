"""The progress of a run on standard error: one line that changes on a terminal, few plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from captrid_core.cli.output import Output, printable

if TYPE_CHECKING:
    from captrid_core.sync.runs import Progress

_PLAIN_EVERY: Final = 10.0


class ProgressLine:
    """Shows progress; a callable for whoever reports it. End it with `done`.

    Args:
        output: Where to.
        phases: Whether to show what is being done, and not only what is waited for.
    """

    def __init__(self, output: Output, *, phases: bool = True) -> None:
        self._output = output
        self._phases = phases
        self._changes = sys.stderr.isatty()
        self._lock = threading.Lock()
        self._drawn = False
        self._shown: tuple[str, str | None] | None = None
        self._shown_at = 0.0
        self.phase = "starting"

    def __call__(self, progress: Progress) -> None:
        """Show the progress, if there is news in it."""
        self.phase = progress.phase
        if not self._phases and progress.waiting is None and not self._drawn:
            return
        with self._lock:
            if self._changes:
                self._redraw(_sentence(progress))
            else:
                self._add_line(progress)

    def follow(self, progress: Progress) -> None:
        """Take the progress in without showing it."""
        self.phase = progress.phase

    def done(self) -> None:
        """Leave a clean line behind."""
        with self._lock:
            if self._drawn:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
                self._drawn = False

    def _redraw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r{printable(text)[:width]}\x1b[K")
        sys.stderr.flush()
        self._drawn = True

    def _add_line(self, progress: Progress) -> None:
        now = time.monotonic()
        news = (progress.phase, progress.waiting)
        if news != self._shown or now - self._shown_at > _PLAIN_EVERY:
            self._shown, self._shown_at = news, now
            self._output.note(_sentence(progress))


def _sentence(progress: Progress) -> str:
    text = progress.phase.capitalize()
    if progress.phase == "reading" and progress.read:
        about = f" of about {progress.about:,}" if progress.about is not None else ""
        text += f" {progress.read:,}{about} people"
    return f"{text}: {progress.waiting}" if progress.waiting else f"{text} …"
