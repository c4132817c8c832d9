"""The audit log: who did what by hand. What a run changed is in its change set."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from captrid_core.clock import iso
from captrid_core.lists.formulas import neutralised
from captrid_core.store.database import Cursor, Database, scalar

_COLUMNS = ("action", "actor", "entity", "entity_id", "entity_name", "details")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log."""

    at: datetime
    action: str
    """Dotted, such as `list.created`."""
    actor: str
    entity: str
    entity_id: str
    entity_name: str
    details: str | None
    """JSON."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries: all that fit everything that is given."""

    action: str = ""
    """How the action begins, such as `person.`."""
    actor: str = ""
    search: str = ""
    """Words that must all appear, without regard to case."""


class AuditLog:
    """The audit log of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self, wanted: AuditFilter | None = None, *, limit: int | None = None, offset: int = 0
    ) -> list[AuditEntry]:
        """Return entries, newest first: at most `limit`, without the first `offset`."""
        page = f"LIMIT {limit:d} OFFSET {offset:d}" if limit is not None else ""
        with self._database.read() as cursor:
            found = _select(cursor, f"happened_at, {', '.join(_COLUMNS)}", wanted, page).fetchall()
        return [AuditEntry(at.replace(tzinfo=UTC), *more) for at, *more in found]

    def count(self, wanted: AuditFilter | None = None) -> int:
        """Return how many entries fit."""
        where, parameters = _where(wanted)
        with self._database.read() as cursor:
            return int(scalar(cursor, f"SELECT count(*) FROM audit WHERE {where}", parameters))

    def actors(self) -> list[str]:
        """Return everybody who has done something, by name."""
        with self._database.read() as cursor:
            return [
                one for (one,) in cursor.execute("SELECT DISTINCT actor FROM audit ORDER BY 1").fetchall()
            ]

    def csv(self, wanted: AuditFilter | None = None) -> bytes:
        """Return entries as a CSV file in UTF-8 with a mark, as Excel expects it; nothing in it is a formula (rule R40)."""
        cells = ", ".join(neutralised(f"coalesce({column}, '')") for column in _COLUMNS)
        written = io.StringIO(newline="")
        writer = csv.writer(written)
        writer.writerow(["at", *_COLUMNS])
        with self._database.read() as cursor:
            for at, *more in _select(cursor, f"happened_at, {cells}", wanted, "").fetchall():
                writer.writerow([iso(at.replace(tzinfo=UTC)), *more])
        return written.getvalue().encode("utf-8-sig")


def _select(cursor: Cursor, columns: str, wanted: AuditFilter | None, page: str) -> Cursor:
    where, parameters = _where(wanted)
    return cursor.execute(
        f"SELECT {columns} FROM audit WHERE {where} ORDER BY happened_at DESC, rowid DESC {page}", parameters
    )


def _where(wanted: AuditFilter | None) -> tuple[str, list[Any]]:
    wanted = wanted or AuditFilter()
    tests, parameters = (
        ["starts_with(action, ?)", "(? = '' OR actor = ?)"],
        [
            wanted.action,
            wanted.actor,
            wanted.actor,
        ],
    )
    for word in wanted.search.split():
        tests.append(
            "contains(lower(concat_ws(' ', action, actor, entity_name, entity_id, details)), lower(?))"
        )
        parameters.append(word)
    return " AND ".join(tests), parameters
