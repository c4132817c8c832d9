"""Trying again: what is worth another attempt, how long to wait for it, and when to stop.

The rules are those of Graph's pages "Throttling guidance" and "Best practices": wait as long as
Retry-After asks, back off exponentially without it, and take a new connection after a 503.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, TypeVar

from captrid_core.clock import system_clock
from captrid_core.directory.entra.failures import Hitch
from captrid_core.directory.entra.transport import Answer
from captrid_core.directory.port import Watch
from captrid_core.errors import CaptridError, DirectoryUnavailable, DirectoryUnreachable, Throttled

logger = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST_BACKOFF: Final = 1.0
_LONGEST_BACKOFF: Final = 60.0
_OWN_FAILURES: Final = frozenset({408, 409, 500, 502, 503, 504, 509})


class PlainWatch:
    """A `Watch` without a run behind it, for callers that only ask something: it never stops anything."""

    def check(self) -> None:
        """Go on."""

    def wait(self, seconds: float, reason: str) -> None:
        """Sleep; the reason goes to the log."""
        logger.info("Waiting %.1f s: %s", seconds, reason)
        time.sleep(seconds)


def hitch_of(answer: Answer, service: str) -> Hitch | None:
    """Return the hitch that `answer` is, or None if it is final, for good or ill.

    Args:
        answer: What came back.
        service: Who answered, for the message.
    """
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Hitch(
            Throttled(f"{service} kept asking for slower requests."), retry_after=retry_after(answer)
        )
    if answer.status in _OWN_FAILURES:
        error = DirectoryUnavailable(f"{service} kept answering with its own failure, HTTP {answer.status}.")
        return Hitch(error, retry_after=retry_after(answer))
    return None


def retry_after(answer: Answer) -> float | None:
    """Return the seconds that `answer` asks to wait, None where it does not say or makes no sense.

    A date is compared with the answer's own Date, so that this machine's clock does not matter,
    and rounded up, because both are cut to the second.
    """
    text = answer.headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        until = _http_date(text)
        if until is None:
            return None
        seconds = (until - (_http_date(answer.headers.get("Date", "")) or system_clock())).total_seconds() + 1
    return seconds if 0 < seconds < float("inf") else None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


class Patience:
    """The time that one piece of work may lose to failed attempts, and the waiting itself.

    Args:
        seconds: The budget. Waiting and the attempts that failed use it up; successful ones do not.
        watch: Sleeps, shows why, and stops the work when asked to.
        clock: A monotonic clock.
        jitter: Returns a number from 0 to 1, so that several clients do not come back at once.
    """

    def __init__(
        self, seconds: float, watch: Watch, *, clock: Callable[[], float], jitter: Callable[[], float]
    ) -> None:
        self._budget = seconds
        self._left = seconds
        self._watch = watch
        self._clock = clock
        self._jitter = jitter

    def persist(self, attempt: Callable[[], T], *, before_retry: Callable[[Hitch], None] | None = None) -> T:
        """Return what `attempt` returns, trying again for as long as it raises a `Hitch`.

        Args:
            attempt: Does the work; a `Hitch` from it asks for another try.
            before_retry: Called before each further try, such as to take a new connection.

        Raises:
            DirectoryError: The budget or the number of tries is used up.
            Cancelled: The watch asked to stop.
        """
        failures = 0
        while True:
            started = self._clock()
            try:
                return attempt()
            except Hitch as caught:
                hitch = caught
            failures += 1
            self._left -= self._clock() - started
            pause = self._pause(hitch, failures)
            if (hitch.tries is not None and failures >= hitch.tries) or pause > self._left:
                raise self._given_up(hitch, failures, pause)
            self._left -= pause
            logger.info("%s Attempt %d follows in %.1f s.", hitch.error.message, failures + 1, pause)
            self._watch.wait(pause, _reason(hitch))
            if before_retry is not None:
                before_retry(hitch)

    def _pause(self, hitch: Hitch, failures: int) -> float:
        if hitch.retry_after is not None:
            return hitch.retry_after
        backoff = min(_FIRST_BACKOFF * 2.0 ** min(failures - 1, 10), _LONGEST_BACKOFF)
        return backoff * (0.5 + 0.5 * self._jitter())

    def _given_up(self, hitch: Hitch, failures: int, pause: float) -> CaptridError:
        """Return the hitch's error with the numbers that explain why it is final."""
        error = hitch.error
        waited = self._budget - self._left
        told = f" It asked to wait another {pause:.0f} s." if hitch.retry_after is not None else ""
        tries = "1 try" if failures == 1 else f"{failures} tries"
        return type(error)(
            f"{error.message} Given up after {tries} and {waited:.0f} s.{told}", hint=error.hint
        )


def _reason(hitch: Hitch) -> str:
    """Return why there is a pause, for the one who watches the run."""
    if isinstance(hitch.error, Throttled):
        return "The directory asks for slower requests."
    if isinstance(hitch.error, DirectoryUnavailable):
        return "The directory's service has a failure of its own; trying again."
    if isinstance(hitch.error, DirectoryUnreachable):
        return "The connection to the directory broke off; trying again."
    return "The directory's answer came garbled; trying again."
