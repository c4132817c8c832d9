"""Times as people read them: how long ago, and exactly in the reader's own time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from captrid_core.serving import workspace
from pages.parts.text import counted

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def now() -> datetime:
    """Return the present moment by the core's clock."""
    return workspace().clock()


def ago(moment: datetime | None) -> str:
    """Return how long ago a moment was."""
    if moment is None:
        return "never"
    seconds = (now() - moment).total_seconds()
    if seconds < 10:
        return "just now"
    if seconds < _MINUTE:
        return f"{int(seconds)} seconds ago"
    if seconds < _HOUR:
        return f"{counted(int(seconds // _MINUTE), 'minute')} ago"
    if seconds < _DAY:
        return f"{counted(int(seconds // _HOUR), 'hour')} ago"
    if seconds < 14 * _DAY:
        return f"{counted(int(seconds // _DAY), 'day')} ago"
    return f"on {local(moment):%-d %B %Y}"


def exact(moment: datetime | None) -> str:
    """Return a moment to the second, in the reader's time zone."""
    return f"{local(moment):%a %-d %b %Y, %H:%M:%S %Z}" if moment is not None else "never"


def short(moment: datetime | None) -> str:
    """Return a moment to the minute, in the reader's time zone."""
    return f"{local(moment):%-d %b %Y, %H:%M}" if moment is not None else ""


def local(moment: datetime) -> datetime:
    """Return a moment in the reader's time zone."""
    return moment.astimezone(zone())


def zone() -> tzinfo:
    """Return the reader's time zone, as the browser tells it."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, AttributeError):
        return UTC


def lasted(seconds: float | None) -> str:
    """Return how long something took."""
    if seconds is None:
        return ""
    if seconds < 1:
        return "under 1 s"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest} s"
    return f"{minutes // _MINUTE} h {minutes % _MINUTE} min"


def days_until(day: date) -> int:
    """Return how many days are left until a day, in the reader's time zone."""
    return (day - local(now()).date()).days
