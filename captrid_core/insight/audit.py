"""The audit log: who did what by hand, as far as it is no change of a person's field (those are history)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from captrid_core.store.database import Database


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


class AuditLog:
    """The audit log of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, *, action: str = "", actor: str = "", limit: int | None = None) -> list[AuditEntry]:
        """Return entries, newest first.

        Args:
            action: Only actions that begin with this, such as `person.`.
            actor: Only of this actor.
            limit: At most so many; None: all.
        """
        with self._database.read() as cursor:
            found = cursor.execute(
                f"""SELECT happened_at, action, actor, entity, entity_id, entity_name, details FROM audit
                    WHERE starts_with(action, $action) AND ($actor = '' OR actor = $actor)
                    ORDER BY happened_at DESC, rowid DESC {f"LIMIT {limit:d}" if limit is not None else ""}""",
                {"action": action, "actor": actor},
            ).fetchall()
        return [AuditEntry(at.replace(tzinfo=UTC), *more) for at, *more in found]
