"""One query in a process of its own, over the published snapshot: what `sql.py` starts, by this file's path.

It imports nothing but DuckDB and the standard library, has an empty environment, and writes no
file. The question comes as one line of JSON, the answer goes as JSON lines: the columns and the rows,
then whether there were more. Whatever a query tries, the worst it can do is to end this process.
"""

from __future__ import annotations

import json
import math
import os
import re
import resource
import sys
import types
from contextlib import suppress
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

import duckdb

_READS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
_BATCH = 500
_OPTIONS = {
    "threads": "1",
    "temp_directory": "",
    "max_temp_directory_size": "0B",
    "python_enable_replacements": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "extension_directory": "",
    "home_directory": "",
    "errors_as_json": "true",
}


class Refusal(Exception):
    """The query is not run, or has failed; its argument is what to say."""


def main() -> None:
    """Answer one question."""
    question = json.loads(sys.stdin.readline() or "null")
    if question is None:  # nobody asked, and nobody will
        return
    try:
        _limit(question)
        for line in _answer(question):
            sys.stdout.write(json.dumps(line, ensure_ascii=True, default=str) + "\n")
    except Refusal as refused:
        sys.stdout.write(json.dumps({"error": refused.args[0]}) + "\n")
    except MemoryError:
        sys.stdout.write(json.dumps({"error": {"kind": "memory", "message": "", "position": None}}) + "\n")
    except Exception as error:  # noqa: BLE001  a value that Python cannot hold, and the like: said, not guessed at
        told = {"kind": "wrong", "message": f"{type(error).__name__}: {error}"[:500], "position": None}
        sys.stdout.write(json.dumps({"error": told}) + "\n")
    sys.stdout.flush()
    os._exit(0)  # a database that was driven to its limits may not close well


def _limit(question: dict[str, Any]) -> None:
    """Bound what this process may take; what does not exist on this system is left to the others."""
    for name, most in (
        ("RLIMIT_AS", question["memory"] * 3),
        ("RLIMIT_CPU", math.ceil(question["seconds"]) + 1),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_CORE", 0),
    ):
        with suppress(AttributeError, ValueError, OSError):  # macOS has no bound on address space
            resource.setrlimit(getattr(resource, name), (most, most))


def _answer(question: dict[str, Any]) -> list[dict[str, Any]]:
    sql = question["sql"]
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise _refusal(error, sql) from None
    if len(statements) != 1 or statements[0].type not in _READS:
        kinds = ", ".join(one.type.name for one in statements) or "nothing"
        raise Refusal({"kind": "not_read_only", "message": kinds, "position": None})
    connection = duckdb.connect(
        question["file"], read_only=True, config={**_OPTIONS, "memory_limit": f"{question['memory']}B"}
    )
    for statement in (
        "SET TimeZone = 'UTC'",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
        "BEGIN TRANSACTION READ ONLY",
    ):
        connection.execute(statement)
    _stand_in_for_pytz()
    try:
        connection.execute(sql)
        return _rows(connection, question)
    except duckdb.Error as error:
        raise _refusal(error, sql) from None


def _rows(connection: duckdb.DuckDBPyConnection, question: dict[str, Any]) -> list[dict[str, Any]]:
    described = connection.description or []
    lines: list[dict[str, Any]] = [
        {"columns": [one[0] for one in described], "types": [str(one[1]) for one in described]}
    ]
    left, room, truncated = question["rows"], question["bytes"], False
    while not truncated and (batch := connection.fetchmany(min(_BATCH, left + 1))):
        kept = []
        for row in batch:
            cells = [_plain(cell) for cell in row]
            room -= sum(len(cell) if isinstance(cell, str) else 8 for cell in cells)
            if left == 0 or room < 0:
                truncated = True
                break
            left -= 1
            kept.append(cells)
        lines.append({"rows": kept})
    if room < 0 and left == question["rows"]:
        raise Refusal({"kind": "large", "message": "", "position": None})
    return [*lines, {"truncated": truncated}]


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if type(value).__name__ == "Decimal":
        return float(value)
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def _refusal(error: duckdb.Error, sql: str) -> Refusal:
    text = str(error)
    message, position = text, None
    found = re.match(r"(?s)([^{]*?Error: )(\{.*\})\s*$", text)
    if found:
        with suppress(ValueError):
            told = json.loads(found[2])
            message = f"{found[1]}{told['exception_message']}"
            position = int(told["position"]) if "position" in told else None
    else:
        message, _, where = text.partition("\n\nLINE ")
        position = _position(where, sql)
    if isinstance(error, duckdb.OutOfMemoryException) or "failed to allocate" in message.lower():
        kind = "memory"
    elif isinstance(error, duckdb.PermissionException):
        kind = "not_read_only"
    else:
        kind = "wrong"
    return Refusal({"kind": kind, "message": message.strip()[:2000], "position": position})


def _position(where: str, sql: str) -> int | None:
    """Return the place that a parser's picture of the line points at."""
    shown, _, pointer = where.partition("\n")
    number, _, text = shown.partition(": ")
    if not number.isdigit() or "^" not in pointer:
        return None
    column = pointer.index("^") - len(f"LINE {number}: ")
    lines = sql.split("\n")
    line = lines[int(number) - 1] if int(number) <= len(lines) else ""
    if text.startswith("..."):
        column += line.find(text[3:].removesuffix("...")) - 3
    before = sum(len(one.encode()) + 1 for one in lines[: int(number) - 1])
    return before + len(line[: max(column, 0)].encode())


class _Utc(tzinfo):
    """UTC, in the manner of pytz."""

    def utcoffset(self, _moment: datetime | None) -> timedelta:
        return timedelta()

    def dst(self, _moment: datetime | None) -> timedelta:
        return timedelta()

    def tzname(self, _moment: datetime | None) -> str:
        return "UTC"

    def localize(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=self)


def _stand_in_for_pytz() -> None:
    """Let DuckDB read times with a zone: it asks pytz for the zone, and UTC is the only one here."""
    stand_in = types.ModuleType("pytz")
    stand_in.utc = _Utc()  # type: ignore[attr-defined]
    stand_in.timezone = lambda _name: _Utc()  # type: ignore[attr-defined]
    sys.modules.setdefault("pytz", stand_in)


if __name__ == "__main__":
    main()
