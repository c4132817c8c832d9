"""The published snapshot: the file that analysts read, whole at every moment.

A new file is written beside the old one and put in its place by a rename, so that a reader sees the
state after a whole run or edit, and whoever has the old one open goes on reading it. Only what is on
the list in `snapshot.py` gets in: never a secret, a draft, or a held run.

A run is never slowed down: publishing is done afterwards, by the server in the background and by whoever
asks with SQL, as soon as something has changed since.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from captrid_core.clock import Clock, from_column, to_column
from captrid_core.errors import CaptridError, HomeUnusable
from captrid_core.insight import snapshot
from captrid_core.lists.master_lists import MasterLists
from captrid_core.lists.model import MasterList
from captrid_core.store.database import Cursor, Database, literal
from captrid_core.store.whole_files import replacing

log = logging.getLogger(__name__)

FILE: Final = "captrid.duckdb"

# Everything that changes what is published leaves a row in one of these, or changes one.
_STATE: Final = """
    SELECT md5(concat_ws('/',
        (SELECT count(*) FROM change),
        (SELECT count(*) FROM audit WHERE NOT starts_with(action, 'sql.')),
        (SELECT max(happened_at) FROM audit WHERE NOT starts_with(action, 'sql.')),
        (SELECT bit_xor(hash(run)) FROM run WHERE status <> 'running'), (SELECT count(*) FROM run_note),
        (SELECT bit_xor(hash(master_list)) FROM master_list),
        (SELECT bit_xor(hash(field)) FROM field),
        (SELECT bit_xor(hash(connection)) FROM connection)))
"""


@dataclass(frozen=True, slots=True)
class Published:
    """One publication."""

    path: Path
    at: datetime
    """As of when it is correct."""
    by: str
    state: str
    """Tells one state of the home from another."""


class Publisher:
    """Publishes one home's snapshot."""

    def __init__(self, home: Path, database: Database, lists: MasterLists, clock: Clock) -> None:
        self.path = home / "published" / FILE
        self._database = database
        self._lists = lists
        self._clock = clock
        self._turn = threading.Lock()
        self._seen: object = None

    def current(self) -> Published | None:
        """Return what is published now; None: nothing, or nothing that can be read."""
        if not self.path.exists():
            return None
        try:
            with duckdb.connect(str(self.path), read_only=True, config={"threads": "1"}) as connection:
                found = connection.execute('SELECT "at", "by", state FROM published').fetchone()
        except duckdb.Error as error:
            log.warning("What is published cannot be read, and is published anew: %s", error)
            return None
        at, by, state = found or (None, "", "")
        moment = from_column(at)
        return None if moment is None else Published(self.path, moment, by, state)

    def publish(self, *, actor: str) -> Published:
        """Publish the home as it is.

        Raises:
            Busy, HomeUnusable: The home cannot be read, or the file not be written.
        """
        with self._turn:
            return self._publish(actor)

    def refresh(self, *, actor: str) -> Published:
        """Publish the home if it has changed since it was published; return what is published then.

        Where that fails, what was published before stays in use.

        Raises:
            CaptridError: Nothing is published, and nothing can be.
        """
        with self._turn:
            before = self.current()
            try:
                looked = self._trace()
                with self._database.read() as cursor:
                    state = _state(cursor)
                if before is not None and before.state == state:
                    self._seen = looked
                    return before
                return self._publish(actor)
            except CaptridError as error:
                if before is None:
                    raise
                log.warning("Publishing failed and is tried again at the next use: %s", error.message)
                return before

    def refresh_if_touched(self, *, actor: str) -> None:
        """Do as `refresh` if the database's file was touched since; never fail: it is tried again."""
        if self._trace() == self._seen:
            return
        try:
            self.refresh(actor=actor)
        except CaptridError as error:
            log.warning("Publishing failed and is tried again: %s", error.message)

    def _trace(self) -> object:
        """Return what changes with every commit: the marks of the database's file and of its log."""
        log_file = self._database.path.with_name(self._database.path.name + ".wal")
        return [
            (found.st_mtime_ns, found.st_size)
            for path in (self._database.path, log_file)
            if path.exists() and (found := path.stat())
        ]

    def _publish(self, actor: str) -> Published:
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        looked = self._trace()
        with replacing(self.path) as draft:
            draft.unlink()  # DuckDB makes its files itself
            try:
                lists, made = self._copy(draft, actor)
                with duckdb.connect(str(draft), config={"threads": "1"}) as connection:
                    snapshot.describe(connection, lists)
            except duckdb.Error as error:
                raise HomeUnusable(f"The snapshot could not be published: {error}") from error
        self._seen = looked
        return made

    def _copy(self, draft: Path, actor: str) -> tuple[list[MasterList], Published]:
        with self._database.session() as cursor:
            # an older DuckDB can read it, too
            cursor.execute(f"ATTACH {literal(str(draft))} AS snapshot (STORAGE_VERSION 'v1.2.0')")
            try:
                cursor.execute("BEGIN TRANSACTION")
                made = Published(self.path, self._clock(), actor, _state(cursor))
                ids = cursor.execute("SELECT list_id FROM master_list ORDER BY list_id").fetchall()
                lists = [self._lists.load(cursor, list_id) for (list_id,) in ids]
                snapshot.copy(cursor, lists)
                cursor.execute(
                    'CREATE TABLE snapshot.published AS SELECT ?::TIMESTAMP AS "at", ? AS "by", ? AS state',
                    [to_column(made.at), made.by, made.state],
                )
                cursor.execute("COMMIT")
            finally:
                _let_go(cursor)
        return lists, made


def _state(cursor: Cursor) -> str:
    found: Any = cursor.execute(_STATE).fetchone()
    return str(found[0])


def _let_go(cursor: Cursor) -> None:
    """Detach the snapshot, whether its transaction ended well or not."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.TransactionException:
        log.debug("The snapshot's transaction had ended.")
    cursor.execute("DETACH snapshot")
