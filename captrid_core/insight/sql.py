"""SQL for analysts: one reading statement at a time, over the published snapshot, in a process of its own.

DuckDB has no boundary within a process: a statement could read files, change settings, or end the
process it runs in. So each query gets a child process (`sql_child.py`) that opens the snapshot for reading
with everything else switched off and its resources bound; here its time is kept, and its end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from captrid_core.clock import Clock, to_column
from captrid_core.errors import Cancelled, CaptridError, NotReadOnly, Refused
from captrid_core.insight import snapshot
from captrid_core.insight.published import Publisher
from captrid_core.store.database import Database
from captrid_core.store.records import write_audit

MOST_ROWS: Final = 10_000
MOST_BYTES: Final = 32 << 20
MEMORY: Final = 512 << 20
SECONDS: Final = 30.0
_MOST_HISTORY: Final = 500
_LONGEST_QUERY: Final = 100_000
_AT_ONCE: Final = 4
_SLICE: Final = 0.05
_CHILD: Final = Path(__file__).with_name("sql_child.py")


class SqlWrong(Refused):
    """The statement is no SQL, names what is not there, or failed."""

    code = "sql_wrong"
    default_hint = "Correct the statement; `SHOW TABLES` and `DESCRIBE people` show what there is."


class SqlTooSlow(Refused):
    """The query took longer than it may."""

    code = "sql_too_slow"
    default_hint = "Ask for less at once, or for fewer rows to be joined; or query the published file with a tool of your own."


class SqlTooLarge(Refused):
    """The query needs more memory than it may have, or one row alone is too large."""

    code = "sql_too_large"
    default_hint = "Ask for less at once; or query the published file with a tool of your own."


@dataclass(frozen=True, slots=True)
class Result:
    """What a query answers."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    """DuckDB's names of the columns' types."""
    rows: list[tuple[Any, ...]]
    """Texts, numbers, booleans and None; times and dates as ISO 8601 writes them."""
    truncated: bool
    """Whether there was more than is shown."""
    seconds: float
    published_at: datetime
    """As of when the answer is correct."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, for the schema browser."""

    name: str
    type: str
    about: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table, a view or a macro, for the schema browser."""

    name: str
    about: str
    columns: tuple[Column, ...]


class SqlJob:
    """A query that runs in the background of this process."""

    def __init__(self, work: Callable[[threading.Event], Result], executor: Executor) -> None:
        self._stop = threading.Event()
        self._future = executor.submit(work, self._stop)

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return not self._future.done()

    @property
    def outcome(self) -> Result | CaptridError | None:
        """What came of it: the result, or what went wrong; None while it goes on."""
        if self.running:
            return None
        error = self._future.exception()
        if error is None:
            return self._future.result()
        if isinstance(error, CaptridError):
            return error
        raise error

    def wait(self, seconds: float) -> None:
        """Wait for its end, up to some seconds."""
        wait([self._future], seconds)

    def cancel(self) -> None:
        """Stop it; its outcome is then that it was cancelled."""
        self._stop.set()


class SqlQueries:
    """Queries over one home's published snapshot."""

    def __init__(self, database: Database, publisher: Publisher, clock: Clock) -> None:
        self._database = database
        self._publisher = publisher
        self._clock = clock
        self._spare: subprocess.Popen[bytes] | None = None
        self._spare_lock = threading.Lock()
        self._executor = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="sql")

    def run(
        self,
        query: str,
        *,
        actor: str,
        limit: int = MOST_ROWS,
        seconds: float = SECONDS,
        memory: int = MEMORY,
        stop: threading.Event | None = None,
    ) -> Result:
        """Run one statement that reads, and return what it answers. What was asked is on record.

        Args:
            query: The statement.
            actor: Who asks.
            limit: The most rows that are returned.
            seconds: The longest that it may take.
            memory: The bytes that it may use.
            stop: Set it to cancel.

        Raises:
            NotReadOnly: It would do more than read, or read something else than the snapshot.
            SqlWrong: It is wrong; the details name `line` and `column` where they are known.
            SqlTooSlow, SqlTooLarge: It takes more than it may.
            Cancelled: It was cancelled.
            Busy, HomeUnusable: There is no snapshot, and none can be made.
        """
        begun, outcome = time.monotonic(), "done"
        try:
            return self._run(query, actor, limit, seconds, memory, stop)
        except CaptridError as error:
            outcome = error.code
            raise
        finally:
            self._record(query, actor, outcome, time.monotonic() - begun)

    def start(self, query: str, *, actor: str, seconds: float = SECONDS) -> SqlJob:
        """Start to run a statement in the background; see `run`."""
        return SqlJob(
            lambda stop: self.run(query, actor=actor, seconds=seconds, stop=stop), executor=self._executor
        )

    def warm(self) -> None:
        """Have a process ready for the next query, so that it answers at once."""
        with self._spare_lock:
            if self._spare is None or self._spare.poll() is not None:
                self._spare = _start()

    def close(self) -> None:
        """End the process that is ready, if there is one, and take no further queries."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        with self._spare_lock:
            spare, self._spare = self._spare, None
        if spare is not None:
            _end(spare)

    def schema(self, *, actor: str) -> list[Table]:
        """Return what can be asked about: tables and views, those of the lists first.

        Raises:
            Busy, HomeUnusable: There is no snapshot, and none can be made.
        """
        columns = """SELECT table_name, column_name, data_type, coalesce(comment, '') FROM duckdb_columns()
            WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal ORDER BY column_index"""
        about = """SELECT view_name AS name, comment FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal
            UNION ALL SELECT table_name, comment FROM duckdb_tables() WHERE schema_name = 'main'"""
        published = self._publisher.refresh(actor=actor)
        found: dict[str, list[Column]] = {}
        # these are our own statements: they need no process of their own
        with duckdb.connect(str(published.path), read_only=True, config={"threads": "1"}) as connection:
            for name, *column in connection.execute(columns).fetchall():
                found.setdefault(name, []).append(Column(*column))
            abouts = dict(connection.execute(about).fetchall())
        tables = [Table(name, abouts.get(name) or "", tuple(inside)) for name, inside in found.items()]
        own = list(snapshot.TABLES)
        return sorted(
            tables, key=lambda one: (one.name in own, one.name.startswith("list_"), one.name.lower())
        )

    def _run(
        self,
        query: str,
        actor: str,
        limit: int,
        seconds: float,
        memory: int,
        stop: threading.Event | None,
    ) -> Result:
        if len(query) > _LONGEST_QUERY:
            raise SqlTooLarge(
                f"The statement has {len(query):,} characters; {_LONGEST_QUERY:,} are the most."
            )
        if "\0" in query:
            raise SqlWrong("The statement holds a NUL character.", hint="Type the statement anew.")
        published = self._publisher.refresh(actor=actor)
        return self._ask(
            published.path, query, at=published.at, limit=limit, seconds=seconds, memory=memory, stop=stop
        )

    def _ask(
        self,
        path: Path,
        query: str,
        *,
        at: datetime,
        limit: int,
        seconds: float,
        memory: int,
        stop: threading.Event | None,
    ) -> Result:
        begun = time.monotonic()
        question = {
            "file": str(path),
            "sql": query,
            "rows": limit,
            "bytes": MOST_BYTES,
            "memory": memory,
            "seconds": seconds,
        }
        child = self._take()
        try:
            out = _answer(child, (json.dumps(question) + "\n").encode(), begun + seconds, stop)
        except subprocess.TimeoutExpired:
            raise SqlTooSlow(f"The query took longer than {seconds:g} seconds and was ended.") from None
        finally:
            _end(child)
        return _result(out, query, child.returncode, seconds, time.monotonic() - begun, at)

    def _take(self) -> subprocess.Popen[bytes]:
        with self._spare_lock:
            spare, self._spare = self._spare, None
        return spare if spare is not None and spare.poll() is None else _start()

    def _record(self, query: str, actor: str, outcome: str, seconds: float) -> None:
        """Keep what was asked, for the history of whoever asked and for the audit log."""
        now = self._clock()
        kept = query[:_LONGEST_QUERY]
        with self._database.write() as cursor:
            cursor.execute(
                "INSERT INTO asked_query VALUES (?, ?, ?, ?, ?)",
                [to_column(now), actor, kept, outcome, seconds],
            )
            cursor.execute(
                """DELETE FROM asked_query WHERE actor = ? AND asked_at <= (
                       SELECT asked_at FROM asked_query WHERE actor = ? ORDER BY asked_at DESC LIMIT 1 OFFSET ?)""",
                [actor, actor, _MOST_HISTORY],
            )
            write_audit(
                cursor,
                "sql.run",
                actor=actor,
                at=now,
                entity="sql",
                entity_id="",
                entity_name="SQL",
                query=kept,
                outcome=outcome,
            )


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with suppress(OSError):  # what was still to be sent to it matters no more
                stream.close()
    child.wait()


def _answer(
    child: subprocess.Popen[bytes], question: bytes, until: float, stop: threading.Event | None
) -> bytes:
    """Return all that the child writes.

    Raises:
        subprocess.TimeoutExpired: It took too long.
        Cancelled: It is to be stopped.
    """
    given: bytes | None = question
    while True:
        try:
            return child.communicate(given, timeout=_SLICE)[0]
        except subprocess.TimeoutExpired:
            given = None
            if stop is not None and stop.is_set():
                raise Cancelled("The query was cancelled.") from None
            if time.monotonic() >= until:
                raise


def _result(out: bytes, query: str, status: int | None, limit: float, seconds: float, at: datetime) -> Result:
    lines = [json.loads(line) for line in out.splitlines()]
    if not lines or not ("error" in lines[-1] or "truncated" in lines[-1]):
        if seconds >= limit:
            raise SqlTooSlow(f"The query took longer than {limit:g} seconds and was ended.")
        raise SqlTooLarge(f"The query took more memory or time than it may, and was ended ({status}).")
    if "error" in lines[-1]:
        raise _error(lines[-1]["error"], query)
    head, *parts, tail = lines
    return Result(
        columns=tuple(head["columns"]),
        types=tuple(head["types"]),
        rows=[tuple(row) for part in parts for row in part["rows"]],
        truncated=tail["truncated"],
        seconds=seconds,
        published_at=at,
    )


def _error(told: dict[str, Any], query: str) -> CaptridError:
    kind, message, position = told["kind"], told["message"], told["position"]
    if kind == "not_read_only" and position is None and ":" not in message:
        return NotReadOnly(
            f"Only one statement that reads can be run here (SELECT, EXPLAIN, DESCRIBE, SHOW); this is {message}."
        )
    if kind == "not_read_only":
        return NotReadOnly(message, hint="Only what is published can be read, and nothing be written or set.")
    if kind == "memory":
        return SqlTooLarge(
            f"The query needs more memory than it may have. {message.partition(chr(10))[0]}".strip()
        )
    if kind == "large":
        return SqlTooLarge("One row of the result alone is too large.")
    if "read-only" in message or "read only" in message:
        return NotReadOnly(message)
    if position is None:
        return SqlWrong(message)
    before = query.encode()[:position].decode(errors="replace")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return SqlWrong(f"{message} (line {line}, column {column})", line=line, column=column)
