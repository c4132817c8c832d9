"""Drafts: what somebody has entered in a wizard so far, so that a reload loses nothing.

A draft never holds anything secret: connections are entered in a dialog, not in a wizard.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from captrid_core.clock import Clock, from_column, to_column
from captrid_core.errors import NotFound
from captrid_core.store.database import Database, row, rows

KEPT_FOR = timedelta(days=60)
"""How long a draft is kept that nobody goes on with."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Something begun and not finished; `content` is what the wizard makes of it."""

    id: str
    kind: str
    content: dict[str, Any]
    updated_at: datetime | None


class Drafts:
    """The drafts of one home."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, kind: str, content: Mapping[str, Any]) -> Draft:
        """Keep a new draft; those that nobody went on with for long are cleared away."""
        now = self._clock()
        draft = Draft(id=secrets.token_hex(6), kind=kind, content=dict(content), updated_at=now)
        with self._database.write() as cursor:
            cursor.execute("DELETE FROM draft WHERE updated_at < ?", [to_column(now - KEPT_FOR)])
            cursor.execute(
                "INSERT INTO draft VALUES (?, ?, ?, ?)",
                [draft.id, kind, json.dumps(draft.content), to_column(now)],
            )
        return draft

    def save(self, draft_id: str, content: Mapping[str, Any]) -> None:
        """Keep what has been entered since.

        Raises:
            NotFound: The draft is gone: it was finished or discarded elsewhere.
        """
        with self._database.write() as cursor:
            saved = cursor.execute(
                "UPDATE draft SET content = ?, updated_at = ? WHERE draft_id = ? RETURNING draft_id",
                [json.dumps(dict(content)), to_column(self._clock()), draft_id],
            ).fetchone()
            if saved is None:
                raise _gone(draft_id)

    def get(self, draft_id: str) -> Draft:
        """Return a draft.

        Raises:
            NotFound: There is none with that id.
        """
        with self._database.read() as cursor:
            found = row(cursor, "SELECT * FROM draft WHERE draft_id = ?", [draft_id])
        if found is None:
            raise _gone(draft_id)
        return _loaded(found)

    def all(self, kind: str) -> list[Draft]:
        """Return the drafts of a kind, the newest first."""
        with self._database.read() as cursor:
            found = rows(
                cursor, "SELECT * FROM draft WHERE kind = ? ORDER BY updated_at DESC, draft_id", [kind]
            )
        return [_loaded(one) for one in found]

    def discard(self, draft_id: str) -> None:
        """Forget a draft; harmless if it is gone already."""
        with self._database.write() as cursor:
            cursor.execute("DELETE FROM draft WHERE draft_id = ?", [draft_id])


def _gone(draft_id: str) -> NotFound:
    return NotFound(
        f"The draft {draft_id} is gone: it was finished or discarded.",
        hint="Begin again; what was finished is among the Master Lists.",
    )


def _loaded(found: dict[str, Any]) -> Draft:
    return Draft(
        id=found["draft_id"],
        kind=found["kind"],
        content=json.loads(found["content"]),
        updated_at=from_column(found["updated_at"]),
    )
