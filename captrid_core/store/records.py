"""Small things that every service writes the same way: ids, audit rows, settings."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from captrid_core.clock import to_column
from captrid_core.store.database import Cursor, scalar


def take_ids(cursor: Cursor, kind: str, count: int = 1) -> int:
    """Take `count` ids in a row of a kind (connection, list, run, person); return the first."""
    first = int(scalar(cursor, "SELECT next FROM counter WHERE kind = ?", [kind]))
    cursor.execute("UPDATE counter SET next = ? WHERE kind = ?", [first + count, kind])
    return first


def write_audit(
    cursor: Cursor,
    action: str,
    *,
    actor: str,
    at: datetime,
    entity: str,
    entity_id: object,
    entity_name: str,
    **details: Any,
) -> None:
    """Add one row to the audit log; `action` is dotted, such as `list.created`."""
    cursor.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            to_column(at),
            action,
            actor,
            entity,
            str(entity_id),
            entity_name,
            json.dumps(details, default=str) if details else None,
        ],
    )


def read_setting(cursor: Cursor, key: str, default: Any) -> Any:
    """Return an organisation setting, or `default` where it was never set."""
    found = scalar(cursor, "SELECT value FROM setting WHERE key = ?", [key])
    return default if found is None else json.loads(found)


def write_setting(cursor: Cursor, key: str, value: Any) -> None:
    """Store an organisation setting."""
    cursor.execute("DELETE FROM setting WHERE key = ?", [key])
    cursor.execute("INSERT INTO setting VALUES (?, ?)", [key, json.dumps(value)])


def time_zone(cursor: Cursor) -> str:
    """Return the organisation's time zone, as the IANA database names it."""
    return str(read_setting(cursor, "time_zone", "UTC"))
