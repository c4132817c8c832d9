"""Queries that staff keep for each other, and what each of them asked lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from captrid_core.clock import Clock, from_column, to_column
from captrid_core.errors import AlreadyExists, Invalid, NotFound
from captrid_core.store.database import Database, row, rows, scalar
from captrid_core.store.records import take_ids, write_audit


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query with a name."""

    id: int
    name: str
    query: str
    actor: str
    """Who saved it last."""
    saved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that was run."""

    at: datetime | None
    query: str
    outcome: str
    """`done`, or the code of what went wrong."""
    seconds: float


class SavedQueries:
    """The saved queries of one home."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> list[SavedQuery]:
        """Return them by name."""
        with self._database.read() as cursor:
            found = rows(cursor, "SELECT * FROM saved_query ORDER BY lower(name)")
        return [_saved(one) for one in found]

    def get(self, query_id: int) -> SavedQuery:
        """Return one.

        Raises:
            NotFound: There is none with that number.
        """
        with self._database.read() as cursor:
            found = row(cursor, "SELECT * FROM saved_query WHERE query_id = ?", [query_id])
        if found is None:
            raise NotFound(f"There is no saved query {query_id}.", hint="It may have been deleted.")
        return _saved(found)

    def save(self, name: str, query: str, *, actor: str, replace: bool = False) -> SavedQuery:
        """Keep a query under a name.

        Args:
            name: Unique without regard to case.
            query: The statement.
            actor: Who saves it.
            replace: Whether one of that name is to be replaced.

        Raises:
            Invalid: The name or the query is blank.
            AlreadyExists: There is one of that name.
        """
        name = name.strip()
        if not name or not query.strip():
            raise Invalid("A saved query needs a name and a statement.")
        now = self._clock()
        with self._database.write() as cursor:
            known = scalar(cursor, "SELECT query_id FROM saved_query WHERE lower(name) = lower(?)", [name])
            if known is not None and not replace:
                raise AlreadyExists(f"There is a saved query “{name}” already.")
            query_id = known if known is not None else take_ids(cursor, "query")
            cursor.execute("DELETE FROM saved_query WHERE query_id = ?", [query_id])
            cursor.execute(
                "INSERT INTO saved_query VALUES (?, ?, ?, ?, ?)",
                [query_id, name, query, actor, to_column(now)],
            )
            write_audit(
                cursor, "sql.saved", actor=actor, at=now, entity="sql", entity_id=query_id, entity_name=name
            )
        return SavedQuery(query_id, name, query, actor, now)

    def delete(self, query_id: int, *, actor: str) -> None:
        """Delete a saved query.

        Raises:
            NotFound: There is none with that number.
        """
        gone = self.get(query_id)
        with self._database.write() as cursor:
            cursor.execute("DELETE FROM saved_query WHERE query_id = ?", [query_id])
            write_audit(
                cursor,
                "sql.deleted",
                actor=actor,
                at=self._clock(),
                entity="sql",
                entity_id=query_id,
                entity_name=gone.name,
            )

    def asked(self, actor: str, *, limit: int = 50) -> list[Asked]:
        """Return what somebody asked lately, newest first, each query once."""
        with self._database.read() as cursor:
            found = cursor.execute(
                """SELECT asked_at, query, outcome, seconds FROM asked_query WHERE actor = ?
                   QUALIFY row_number() OVER (PARTITION BY query ORDER BY asked_at DESC) = 1
                   ORDER BY asked_at DESC LIMIT ?""",
                [actor, limit],
            ).fetchall()
        return [Asked(from_column(at), *more) for at, *more in found]


def _saved(found: dict[str, object]) -> SavedQuery:
    at = found["saved_at"]
    return SavedQuery(
        id=int(str(found["query_id"])),
        name=str(found["name"]),
        query=str(found["query"]),
        actor=str(found["actor"]),
        saved_at=from_column(at) if isinstance(at, datetime) else None,
    )
