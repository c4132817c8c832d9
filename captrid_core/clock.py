"""Time, in one place, so that tests can set it.

Times are timezone-aware UTC in Python, and TIMESTAMP columns without a zone that mean UTC in the
database (reading a TIMESTAMPTZ would need a further package).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def to_column(moment: datetime) -> datetime:
    """Return `moment` as the database keeps it: UTC without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def from_column(moment: datetime | None) -> datetime | None:
    """Return a time read from the database with its zone, UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None else None


def iso(moment: datetime | None) -> str | None:
    """Return `moment` as ISO 8601 in UTC with a Z, to the second; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
