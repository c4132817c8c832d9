"""The eyes of a page on a directory that it asks: nobody waits for ever before a screen."""

from __future__ import annotations

import time

from captrid_core.errors import Throttled

_PATIENCE = 20.0


class PageWatch:
    """Waits where the directory asks for it, up to as long as somebody will look at a spinner."""

    def __init__(self, patience: float = _PATIENCE) -> None:
        self._left = patience

    def check(self) -> None:
        """Go on: a page's question is over when the page is."""

    def wait(self, seconds: float, reason: str) -> None:
        """Sleep, or give up where it would take too long.

        Raises:
            Throttled: The directory asks for more patience than a page has.
        """
        if seconds > self._left:
            raise Throttled(
                f"The directory asks to wait for {seconds:.0f} seconds ({reason}).",
                hint="Try again in a minute or two. A sync waits by itself; this page does not.",
            )
        self._left -= seconds
        time.sleep(seconds)
