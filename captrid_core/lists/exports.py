"""Exporting people to CSV, Excel, Parquet and JSON, written beside the file and put in its place whole."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final

from captrid_core.errors import Invalid
from captrid_core.lists import values
from captrid_core.lists.formulas import neutralised
from captrid_core.lists.model import Field, FieldType, MasterList, StatusFilter
from captrid_core.store.database import Cursor, literal, quote, scalar
from captrid_core.store.whole_files import replacing

FORMATS: Final = (".csv", ".xlsx", ".parquet", ".json")
"""The endings of files that can be exported to."""

COPY_OPTIONS: Final = {
    ".csv": "FORMAT csv, HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"'",
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
    ".json": "FORMAT json, ARRAY true",
}
"""How DuckDB writes each kind of file."""

_EXCEL_ROWS: Final = 1_048_575
_EXCEL_FIRST_YEAR: Final = 1900
_BATCH: Final = 2000
_STATUS: Final = {
    StatusFilter.ACTIVE: "_active",
    StatusFilter.INACTIVE: "NOT _active",
    StatusFilter.ALL: "true",
}


def export(cursor: Cursor, master_list: MasterList, path: Path, *, status: StatusFilter) -> int:
    """Write the people of a list to a file of the kind that its name ends in; return how many they are.

    The fields come first, by their keys, then `_person_id`, `_status` and `_origin`.

    Raises:
        Invalid: The ending is none of the known ones, or the people do not fit into the format.
        HomeUnusable: The file cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise Invalid(
            f"“{path.name}” ends in none of {', '.join(FORMATS)}.",
            hint="The name's ending chooses the format.",
        )
    table = f"{master_list.people_table} WHERE {_STATUS[status]}"
    count = int(scalar(cursor, f"SELECT count(*) FROM {table}"))
    select = (
        _select(master_list, ending) + f" FROM {table} ORDER BY {quote(master_list.uid_field)}, _person_id"
    )
    with replacing(path) as draft:
        if ending == ".xlsx":
            write_workbook(cursor, select, count, draft)
        else:
            cursor.execute(f"COPY ({select}) TO {literal(str(draft))} ({COPY_OPTIONS[ending]})")
    return count


def _select(master_list: MasterList, ending: str) -> str:
    spreadsheet = ending in (".csv", ".xlsx")
    cells = [
        f"{_cell(field, text=ending == '.csv') if spreadsheet else quote(field.key)} AS {quote(field.key)}"
        for field in master_list.fields
    ]
    own = [
        "CAST(_person_id AS VARCHAR) AS _person_id",
        "CASE WHEN _active THEN 'active' ELSE 'inactive' END AS _status",
        "_origin AS _origin",
    ]
    return f"SELECT {', '.join([*cells, *own])}"


def _cell(field: Field, *, text: bool) -> str:
    """Return SQL for a spreadsheet's cell: numbers and dates as they are, texts made harmless (rule R40)."""
    column = quote(field.key)
    if field.type in (FieldType.NUMBER, FieldType.DATE):
        return values.as_text(field, column) if text else column
    return neutralised(column)


def write_workbook(cursor: Cursor, select: str, count: int, draft: Path, *, sheet: str = "People") -> None:
    """Write an Excel workbook row by row, so that memory stays small.

    Raises:
        Invalid: The rows do not fit into a worksheet.
    """
    import xlsxwriter

    if count > _EXCEL_ROWS:
        raise Invalid(
            f"{count:,} rows do not fit into a worksheet, which holds {_EXCEL_ROWS:,}.",
            hint="Export to .csv or .parquet instead.",
        )
    cursor.execute(select)
    with xlsxwriter.Workbook(draft, {"constant_memory": True, "tmpdir": str(draft.parent)}) as workbook:
        page = workbook.add_worksheet(sheet)
        bold = workbook.add_format({"bold": True})
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        page.freeze_panes(1, 0)
        page.set_column(0, len(cursor.description or ()) - 1, 18)
        for column, described in enumerate(cursor.description or ()):
            page.write_string(0, column, described[0], bold)
        number = 0
        while batch := cursor.fetchmany(_BATCH):
            for cells in batch:
                number += 1
                for column, cell in enumerate(cells):
                    _write_cell(page, number, column, cell, day)


def _write_cell(sheet: Any, row: int, column: int, cell: Any, day: Any) -> None:
    if isinstance(cell, date) and cell.year >= _EXCEL_FIRST_YEAR:
        sheet.write_datetime(row, column, cell, day)
    elif isinstance(cell, float | int):
        sheet.write_number(row, column, cell)
    elif cell is not None:
        sheet.write_string(row, column, str(cell))
