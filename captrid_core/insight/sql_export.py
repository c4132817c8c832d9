"""The result of a query as a file: CSV, Excel or Parquet; nothing in a spreadsheet is a formula (rule R40)."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Final

import duckdb

from captrid_core.errors import Invalid
from captrid_core.insight.sql import Result
from captrid_core.lists.exports import COPY_OPTIONS, write_workbook
from captrid_core.lists.formulas import neutralised
from captrid_core.store.database import Cursor, literal, quote

_WHOLE: Final = tuple(f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE"))
_NUMBERS: Final = (*_WHOLE, "INTEGER", "UINTEGER", "FLOAT", "DOUBLE")
_KEPT: Final = (*_NUMBERS, "DATE", "BOOLEAN", "TIME", "TIMESTAMP", "UUID")
"""The types that a Parquet file's columns keep; another one becomes text, and in a spreadsheet all but numbers and dates."""


def export_result(result: Result, ending: str) -> bytes:
    """Return a result as a file of the kind that `ending` names: .csv, .xlsx or .parquet.

    Raises:
        Invalid: It names another kind.
    """
    if ending not in (".csv", ".xlsx", ".parquet"):
        raise Invalid(f"A result cannot be exported to {ending}.", hint="Choose .csv, .xlsx or .parquet.")
    with tempfile.TemporaryDirectory(prefix="captrid-") as scratch, duckdb.connect() as cursor:
        _stage(cursor, result, Path(scratch) / "rows.json")
        file = Path(scratch) / f"result{ending}"
        select = f"SELECT {_columns(result, spreadsheet=ending != '.parquet')} FROM staged ORDER BY n"
        if ending == ".xlsx":
            write_workbook(cursor, select, len(result.rows), file, sheet="Result")
        else:
            cursor.execute(f"COPY ({select}) TO {literal(str(file))} ({COPY_OPTIONS[ending]})")
        return file.read_bytes()


def _stage(cursor: Cursor, result: Result, file: Path) -> None:
    """Put the rows into the table `staged`, as text, with their numbers."""
    with file.open("w", encoding="utf-8") as lines:
        for number, row in enumerate(result.rows):
            cells = {f"c{place}": None if cell is None else str(cell) for place, cell in enumerate(row)}
            lines.write(json.dumps({"n": number, **cells}) + "\n")
    columns = {"n": "BIGINT", **{f"c{place}": "VARCHAR" for place in range(len(result.columns))}}
    cursor.execute("SET threads = 1")
    cursor.execute(
        f"""CREATE TABLE staged AS FROM read_json({literal(str(file))}, format = 'newline_delimited',
            maximum_object_size = 100000000, columns = {json.dumps(columns).replace('"', "'")})"""
    )


def _columns(result: Result, *, spreadsheet: bool) -> str:
    cells, seen = [], set()
    for place, (name, kind) in enumerate(zip(result.columns, result.types, strict=True)):
        if spreadsheet and kind in (*_NUMBERS, "DATE"):
            typed = f"TRY_CAST(c{place} AS {kind})"
            cell = f"CASE WHEN isfinite({typed}) THEN {typed} END" if kind in ("FLOAT", "DOUBLE") else typed
        elif kind.startswith("DECIMAL"):
            cell = f"CAST(c{place} AS DOUBLE)"
        elif spreadsheet:
            cell = neutralised(f"c{place}")
        else:
            cell = f"CAST(c{place} AS {kind})" if kind in _KEPT else f"c{place}"
        # a file's columns need names of their own, a result's do not
        unique = name if name.lower() not in seen else f"{name}_{place + 1}"
        seen.add(unique.lower())
        cells.append(f"{cell} AS {quote(unique)}")
    return ", ".join(cells)
