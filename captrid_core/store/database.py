"""The database file: opened by one process at a time, in turns.

DuckDB lets one process own a file; any other is refused, even for reading. So the dashboard and
commands beside it take turns: a process opens the file for a piece of work, keeps it open only as
long as nobody else waits, and says by whom it is held where a turn takes too long. Inside a
process readers see a snapshot and never block; writers take turns by one lock, because
DuckDB refuses the second of two writers of a row instead of letting it wait.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from captrid_core.errors import Busy, HomeUnusable
from captrid_core.store.locks import FileLock
from captrid_core.store.migrate import migrate

log = logging.getLogger(__name__)

Cursor = duckdb.DuckDBPyConnection

_POLL_SECONDS = 0.02
_YIELD_SECONDS = 0.1


def quote(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` as an SQL string, for the few places that take no parameter."""
    return "'" + text.replace("'", "''") + "'"


def rows(cursor: Cursor, sql: str, parameters: Any = None) -> list[dict[str, Any]]:
    """Run a query and return its rows as dictionaries by column name."""
    cursor.execute(sql, parameters)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def row(cursor: Cursor, sql: str, parameters: Any = None) -> dict[str, Any] | None:
    """Run a query and return its first row as a dictionary, or None."""
    found = rows(cursor, sql, parameters)
    return found[0] if found else None


def scalar(cursor: Cursor, sql: str, parameters: Any = None) -> Any:
    """Run a query and return the first value of its first row, or None."""
    found = cursor.execute(sql, parameters).fetchone()
    return found[0] if found else None


class Database:
    """The home's DuckDB file, shared in turns with other processes.

    Args:
        path: The file; it is created and brought to the newest schema when it is first opened.
        memory_limit: DuckDB's own limit, such as "400MB"; beyond it, it uses `path`'s folder.
        linger: Seconds to keep the file open after the last use. A server sets it above zero to
            save reopening; whoever waits is let in at once all the same.
        patience: Seconds to wait for another process before `Busy` is raised.
    """

    def __init__(
        self, path: Path, *, memory_limit: str = "360MB", linger: float = 0.0, patience: float = 30.0
    ) -> None:
        self._path = path
        self._memory_limit = memory_limit
        self._linger = linger
        self._patience = patience
        self._connection: Cursor | None = None
        self._users = 0
        self._idle_since = 0.0
        self._state = threading.Condition()
        self._writer = threading.RLock()
        self._owner = owner_lock(path)
        self._waiting_path = path.with_name(path.name + ".waiting")
        self._closer: threading.Thread | None = None
        self._closed = False

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    @contextmanager
    def read(self) -> Iterator[Cursor]:
        """Give a cursor that sees one snapshot of the database, for reading.

        Raises:
            Busy: Another process kept the file for longer than the patience.
            HomeUnusable: The file cannot be opened or has failed.
        """
        with self._session() as cursor, self._translated(cursor):
            cursor.execute("BEGIN TRANSACTION")
            try:
                yield cursor
            finally:
                with suppress(duckdb.Error):  # nothing was written; the failure itself is on its way up
                    cursor.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[Cursor]:
        """Give a cursor inside one transaction; commit if the block ends well, else roll back.

        Writers of this process take turns; so do processes. Staging that should not block others
        belongs before it.

        Raises:
            Busy, HomeUnusable: As for `read`.
        """
        with self._writer, self._session() as cursor, self._translated(cursor):
            cursor.execute("BEGIN TRANSACTION")
            try:
                yield cursor
            except BaseException:
                # a COMMIT after a failed statement would answer ok and keep nothing
                with suppress(duckdb.Error):
                    cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    @contextmanager
    def session(self) -> Iterator[Cursor]:
        """Give a cursor outside a transaction, for work with temporary tables.

        Raises:
            Busy, HomeUnusable: As for `read`.
        """
        with self._session() as cursor, self._translated(cursor):
            yield cursor

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other writers of this process out; writers of other processes wait for the file."""
        with self._writer:
            yield

    @contextmanager
    def forgiving(self) -> Iterator[None]:
        """Let a block of cleaning up fail: because others are writing, or the disk is full. A later one does it."""
        try:
            yield
        except duckdb.Error as error:
            log.info("The database was not cleaned up: %s", error)
            if _is_fatal(error):
                self._abandon()

    def close(self) -> None:
        """Close the file for good."""
        with self._state:
            self._closed = True
            self._state.notify_all()
            self._close_file()

    @contextmanager
    def _session(self) -> Iterator[Cursor]:
        self._enter()
        try:
            with self._state:
                connection = self._connection
            if connection is None:
                raise HomeUnusable("The database was closed while it was in use.")
            with connection.cursor() as cursor:
                yield cursor
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._state:
            if self._users == 0 and self._connection is not None and self._someone_waits():
                self._close_file()
                self._state.wait(_YIELD_SECONDS)
            if self._connection is None:
                self._open_file()
            self._users += 1

    def _leave(self) -> None:
        with self._state:
            self._users -= 1
            self._idle_since = time.monotonic()
            if self._users == 0 and (self._linger == 0.0 or self._closed or self._someone_waits()):
                self._close_file()
            elif self._closer is None or not self._closer.is_alive():
                self._closer = threading.Thread(
                    target=self._close_when_idle, name="database-closer", daemon=True
                )
                self._closer.start()
            self._state.notify_all()

    def _close_when_idle(self) -> None:
        with self._state:
            while self._owner.held:
                self._state.wait(_YIELD_SECONDS)
                if self._users or not self._owner.held:
                    continue
                if time.monotonic() - self._idle_since >= self._linger or self._someone_waits():
                    self._close_file()
            self._closer = None

    def _open_file(self) -> None:
        deadline = time.monotonic() + self._patience
        note = {"process": os.getpid(), "command": Path(sys.argv[0] or "python").name}
        waiting = FileLock(self._waiting_path)
        try:
            # it is held where an instance was abandoned
            while not self._owner.held and not self._owner.try_acquire(note=note):
                if not waiting.held:
                    waiting.try_acquire(shared=True)
                self._wait_a_moment(deadline, self._owner.holder())
            self._connect(deadline)
        except OSError as error:
            raise HomeUnusable(
                f"The database {self._path} cannot be opened: {error.strerror or error}."
            ) from error
        finally:
            waiting.release()

    def _connect(self, deadline: float) -> None:
        while True:
            try:
                self._connection = connect(self._path, memory_limit=self._memory_limit)
                return
            except duckdb.IOException as error:
                foreign = re.search(r"Conflicting lock is held in (.+?)\.", str(error))
                if foreign is None:
                    self._owner.release()
                    raise _home_unusable(self._path, error) from error
                self._wait_a_moment(deadline, {"command": foreign.group(1)})
            except BaseException:
                self._owner.release()
                raise

    def _wait_a_moment(self, deadline: float, holder: dict[str, Any]) -> None:
        if time.monotonic() >= deadline:
            self._owner.release()
            who = holder.get("command", "another program")
            process = f" (process {holder['process']})" if "process" in holder else ""
            raise Busy(
                f"The database {self._path} has been in use by {who}{process} for {self._patience:g} seconds."
            )
        # sleeping with the condition held is meant: nobody else of this process can go on either
        time.sleep(_POLL_SECONDS)

    def _someone_waits(self) -> bool:
        probe = FileLock(self._waiting_path)
        try:
            return not probe.try_acquire()
        finally:
            probe.release()

    def _close_file(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                connection.close()
            except duckdb.Error:
                log.exception(
                    "The database did not close cleanly; its log is replayed when it is opened next."
                )
        self._owner.release()

    def _abandon(self) -> None:
        """Let go of an instance that answers nothing any more; the file itself is sound and opens again."""
        with self._state:
            broken, self._connection = self._connection, None
            if broken is not None:
                with suppress(duckdb.Error):  # why it broke is on its way up
                    broken.close()

    @contextmanager
    def _translated(self, cursor: Cursor) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            if _is_fatal(error):
                cursor.close()
                self._abandon()
                raise _home_unusable(self._path, error) from error
            unwritten = isinstance(error, duckdb.TransactionException) and "Could not" in str(error)
            if unwritten or isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
                raise _home_unusable(self._path, error) from error
            raise


def owner_lock(path: Path) -> FileLock:
    """Return the lock of the process that has the file open, or that keeps everybody away from it."""
    return FileLock(path.with_name(path.name + ".owner"))


def connect(path: Path, *, memory_limit: str) -> Cursor:
    """Open the file and bring it to the newest schema.

    Raises:
        duckdb.Error: The file cannot be opened.
        HomeUnusable: It was written by a newer version.
    """
    spill = path.with_name("spill")
    connection = duckdb.connect(
        str(path),
        config={
            "memory_limit": memory_limit,
            # measured: on the sizes here a second thread costs half as much CPU again and saves next to no time
            "threads": "1",
            "temp_directory": str(spill),
            "preserve_insertion_order": "false",
            "python_enable_replacements": "false",
            "autoinstall_known_extensions": "false",
            "allow_community_extensions": "false",
        },
    )
    try:
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(cursor: Cursor) -> Iterator[None]:
    """Run a block in one transaction on `cursor`: commit if it ends well, else roll back."""
    cursor.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):
            cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")


def _is_fatal(error: duckdb.Error) -> bool:
    """Tell whether the instance answers nothing any more."""
    return isinstance(error, duckdb.FatalException) or "has been invalidated" in str(error)


def _home_unusable(path: Path, error: duckdb.Error) -> HomeUnusable:
    text = str(error).strip().splitlines()[0]
    if "No space left" in text or "ENOSPC" in text:
        return HomeUnusable(
            f"The disk that holds {path.parent} is full. Nothing was changed.",
            hint="Free some space (twice the size of the database is a good measure) and try again.",
        )
    unwritten = re.search(r"Could not write.*: (.+)$", text)
    if unwritten is not None:
        return HomeUnusable(f"The database {path} could not be written: {unwritten[1]}. Nothing was changed.")
    if "has been invalidated" in text:
        return HomeUnusable(
            f"The database {path} failed while it was used. It is opened anew at the next attempt."
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return HomeUnusable(
            "The database ran out of the memory that it is allowed. Nothing was changed.",
            hint="Raise CAPTRID_MEMORY_LIMIT, for example to 1GB.",
        )
    return HomeUnusable(f"The database {path} cannot be used: {text}")
