"""Importing people from a CSV file: compared set by set with the list, then written in one transaction.

The temporary table `incoming` holds the file's cells as text, one column for each field that the
file names. `judged` holds them typed, with the person that each row belongs to and why a row is
skipped, if it is. From it come the errors, the changes and what is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from captrid_core.errors import DuplicateUid, Invalid, MissingUid
from captrid_core.lists import values
from captrid_core.lists.csv_file import CsvFile
from captrid_core.lists.formulas import as_written
from captrid_core.lists.model import Field, MasterList
from captrid_core.store.database import Cursor, literal, quote, scalar
from captrid_core.store.records import take_ids

OWN_COLUMNS: Final = ("_person_id", "_status", "_origin")
"""Columns that an export has beside the fields; an import leaves them out."""

_BATCH: Final = 2000


@dataclass(frozen=True, slots=True)
class RowError:
    """What was not taken over, or only with a doubt, from one row of the file; the header is row 1."""

    row: int
    code: str
    """missing_uid | duplicate_uid | bad_value | field_locked | bad_row | unknown_column | guessed_encoding"""
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did: rows = created + updated + unchanged + skipped."""

    rows: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    errors: tuple[RowError, ...]


@dataclass(frozen=True, slots=True)
class Staged:
    """What was read from the file: which fields it has, and what is wrong with its form."""

    fields: tuple[Field, ...]
    skipped: int
    errors: tuple[RowError, ...]


def stage(cursor: Cursor, master_list: MasterList, file: CsvFile) -> Staged:
    """Fill `incoming` with the cells of the columns that are fields of the list.

    Raises:
        MissingUid: No column is the UID field.
        Invalid: Two columns are the same field.
    """
    columns, errors = _columns(master_list, file.header)
    if file.guessed_encoding:
        message = "The file is not in Unicode; it was read as Western European (Windows-1252): check accented letters."
        errors.append(RowError(1, "guessed_encoding", None, message))
    fields = tuple(columns.values())
    texts = ", ".join(f"{quote(field.key)} VARCHAR" for field in fields)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE incoming (_row BIGINT, {texts})")
    cells = ", ".join(f"v[{number}]" for number in range(2, len(fields) + 2))
    bad_rows: list[RowError] = []
    good = _well_formed(file, list(columns), bad_rows)
    while batch := list(islice(good, _BATCH)):
        cursor.execute(
            f"""INSERT INTO incoming SELECT CAST(v[1] AS BIGINT), {cells}
                FROM (SELECT unnest(from_json(?, '[["VARCHAR"]]')) AS v)""",
            [json.dumps(batch)],
        )
    return Staged(fields, len(bad_rows), (*errors, *bad_rows))


def judge(cursor: Cursor, master_list: MasterList, staged: Staged) -> ImportSummary:
    """Work out what the import would do, as the tables `judged` and `settled`; nothing is written."""
    _judge_rows(cursor, master_list, staged.fields)
    _settle(cursor, master_list, staged.fields)
    errors = [*staged.errors, *_row_errors(cursor, master_list), *_cell_errors(cursor, master_list)]
    counted = cursor.execute(
        """SELECT count(*), count(*) FILTER (skip IS NULL AND _person_id IS NULL),
                  count(*) FILTER (skip IS NULL AND len(changes) > 0),
                  count(*) FILTER (skip IS NULL AND _person_id IS NOT NULL AND len(changes) = 0),
                  count(*) FILTER (skip IS NOT NULL)
           FROM settled"""
    ).fetchone()
    rows, created, updated, unchanged, skipped = counted or (0, 0, 0, 0, 0)
    return ImportSummary(
        rows=rows + staged.skipped,
        created=created,
        updated=updated,
        unchanged=unchanged,
        skipped=skipped + staged.skipped,
        errors=tuple(sorted(errors, key=lambda error: (error.row, error.field or "", error.code))),
    )


def write(cursor: Cursor, master_list: MasterList, staged: Staged, *, actor: str, moment: datetime) -> None:
    """Write what was judged to the list and its history, in the caller's transaction.

    Raises:
        DuplicateUid: Two people would have one UID; it cannot happen as long as `judge` is right.
    """
    _create(cursor, master_list, staged.fields, actor, moment)
    _update(cursor, master_list, staged.fields, actor, moment)
    doubled = scalar(
        cursor,
        f"""SELECT count(*) FROM (SELECT 1 FROM {master_list.people_table} SEMI JOIN settled USING (_uid_key)
                                  GROUP BY _uid_key HAVING count(*) > 1)""",
    )
    if doubled:
        raise DuplicateUid(f"{doubled} UIDs would have belonged to two people; nothing was imported.")


def _columns(master_list: MasterList, header: Sequence[str]) -> tuple[dict[int, Field], list[RowError]]:
    """Return which field each column is, and what is said of columns that are none."""
    known = {field.label.casefold(): field for field in master_list.fields}
    known |= {field.key: field for field in master_list.fields}
    columns: dict[int, Field] = {}
    errors = []
    for position, name in enumerate(header):
        field = known.get(name.casefold())
        if field is None:
            if name and name.casefold() not in OWN_COLUMNS:
                message = f"“{master_list.name}” has no field “{name[:80]}”; the column was left out."
                errors.append(RowError(1, "unknown_column", name[:80], message))
        elif field in columns.values():
            raise Invalid(
                f"Two columns of the file are the field “{field.key}”.", hint="Take one of them out."
            )
        else:
            columns[position] = field
    if all(field.key != master_list.uid_field for field in columns.values()):
        raise MissingUid(
            f"The file has no column for the UID field “{master_list.uid_field}”.",
            hint=f"Its columns are {', '.join(filter(None, header))}; name one of them “{master_list.uid_field}”.",
        )
    return columns, errors


def _well_formed(
    file: CsvFile, positions: Sequence[int], bad_rows: list[RowError]
) -> Iterable[list[int | str]]:
    """Yield the number and the wanted cells of each row that has as many cells as the header."""
    width = len(file.header)
    for number, cells in file.rows():
        if len(cells) < width or any(cell.strip(values.BLANKS) for cell in cells[width:]):
            message = f"Row {number:,} has {len(cells)} cells, the header has {width}; the row was skipped."
            bad_rows.append(RowError(number, "bad_row", None, message))
        else:
            yield [number, *(as_written(cells[position]) for position in positions)]


def _judge_rows(cursor: Cursor, master_list: MasterList, fields: Sequence[Field]) -> None:
    """Type the cells, find each row's person, and decide which rows are skipped: table `judged`."""
    uid = quote(master_list.uid_field)
    uid_key = values.uid_key(
        values.typed(master_list.field(master_list.uid_field), uid), caseless=master_list.caseless_uid
    )
    bad = ", ".join(
        f"CASE WHEN {quote(field.key)} IS NOT NULL AND {values.typed(field, quote(field.key))} IS NULL "
        f"THEN {{'field': {literal(field.key)}, 'value': left({quote(field.key)}, 80)}} END"
        for field in fields
    )
    typed = ", ".join(f"{values.typed(field, quote(field.key))} AS {quote(field.key)}" for field in fields)
    cleaned = ", ".join(f"{values.cleaned(quote(field.key))} AS {quote(field.key)}" for field in fields)
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT t.*, p._person_id,
               CASE WHEN t._uid IS NULL THEN 'missing_uid'
                    WHEN t._uid_key IS NULL THEN 'bad_value'
                    WHEN count(*) OVER (PARTITION BY t._uid_key) > 1 THEN 'duplicate_uid'
                    WHEN p._person_id IS NULL AND len({_missing(master_list, fields)}) > 0 THEN 'required' END AS skip
        FROM (SELECT _row, {uid_key} AS _uid_key, left({uid}, 80) AS _uid,
                     list_filter([{bad}], lambda b: b IS NOT NULL) AS _bad, {typed}
              FROM (SELECT _row, {cleaned} FROM incoming)) t
        LEFT JOIN {master_list.people_table} p ON p._uid_key = t._uid_key
    """)


def _missing(master_list: MasterList, fields: Sequence[Field]) -> str:
    """Return SQL for the list of required fields that a row of `t` gives no value to."""
    required = [
        field
        for field in master_list.fields
        if field.required and field.key not in master_list.managed_fields
    ]
    given = {field.key for field in fields}
    tests = ", ".join(
        f"CASE WHEN t.{quote(field.key)} IS NULL THEN {literal(field.key)} END"
        if field.key in given
        else literal(field.key)
        for field in required
    )
    return f"list_filter(CAST([{tests}] AS VARCHAR[]), lambda k: k IS NOT NULL)"


def _settle(cursor: Cursor, master_list: MasterList, fields: Sequence[Field]) -> None:
    """Compare with the people there are: table `settled`, with each row's changes and refused cells."""
    problems, changes, kept = [], [], []
    for field in fields:
        column, key = quote(field.key), literal(field.key)
        locked = (
            "p._anchor IS NOT NULL"
            if field.key in master_list.managed_fields and field.key != master_list.uid_field
            else "false"
        )
        is_bad = f"list_contains(list_transform(t._bad, lambda b: b.field), {key})"
        differs = f"({is_bad} OR t.{column} IS DISTINCT FROM p.{column})"
        required = (
            f"(t._person_id IS NOT NULL AND t.{column} IS NULL AND NOT {is_bad})"
            if field.required
            else "false"
        )
        code = (
            f"CASE WHEN {locked} THEN CASE WHEN {differs} THEN 'field_locked' END "
            f"WHEN {is_bad} THEN 'bad_value' WHEN {required} THEN 'required' END"
        )
        written = f"list_extract(list_transform(list_filter(t._bad, lambda b: b.field = {key}), lambda b: b.value), 1)"
        entry = (
            f"{{'field': {key}, 'code': {code}, 'theirs': coalesce({written}, {values.as_text(field, f't.{column}')}), "
            f"'ours': {values.as_text(field, f'p.{column}')}}}"
        )
        problems.append(f"CASE WHEN ({code}) IS NOT NULL THEN {entry} END")
        # the UID of a managed person is spelt as the directory spells it
        keeps = "p._anchor IS NOT NULL" if field.key in master_list.managed_fields else "false"
        value = f"CASE WHEN {keeps} OR {is_bad} OR {required} THEN p.{column} ELSE t.{column} END"
        kept.append(f"{value} AS {column}")
        changes.append(
            f"CASE WHEN ({value}) IS DISTINCT FROM p.{column} THEN {{'field': {key}, "
            f"'old': {values.as_text(field, f'p.{column}')}, 'new': {values.as_text(field, f'({value})')}}} END"
        )
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE settled AS
        SELECT t._row, t._uid, t._uid_key, t._person_id, t.skip,
               CASE WHEN t.skip IN ('missing_uid', 'duplicate_uid') THEN []
                    WHEN t.skip = 'bad_value' THEN []
                    ELSE list_filter([{", ".join(problems)}], lambda c: c IS NOT NULL) END AS problems,
               CASE WHEN t._person_id IS NULL OR t.skip IS NOT NULL THEN []
                    ELSE list_filter([{", ".join(changes)}], lambda c: c IS NOT NULL) END AS changes,
               {_missing(master_list, fields)} AS missing, t._bad, {", ".join(kept)}
        FROM judged t LEFT JOIN {master_list.people_table} p ON p._person_id = t._person_id
    """)


def _row_errors(cursor: Cursor, master_list: MasterList) -> list[RowError]:
    """Return why rows are skipped."""
    uid_field = master_list.field(master_list.uid_field)
    errors = []
    for row, code, uid, missing, others in cursor.execute(
        """SELECT _row, skip, _uid, missing,
                  CASE WHEN skip = 'duplicate_uid' THEN list(_row) OVER (PARTITION BY _uid_key, skip) END
           FROM settled WHERE skip IS NOT NULL"""
    ).fetchall():
        match code:
            case "missing_uid":
                errors.append(RowError(row, code, uid_field.key, "The UID is blank; the row was skipped."))
            case "duplicate_uid":
                named = ", ".join(f"{other:,}" for other in sorted(others)[:10])
                message = f"Rows {named} have the same UID “{uid}”; they were skipped."
                errors.append(RowError(row, code, uid_field.key, message))
            case "bad_value":
                message = f"The UID “{uid}” is not {values.expectation(uid_field)}; the row was skipped."
                errors.append(RowError(row, code, uid_field.key, message))
            case _:
                for key in missing:
                    message = f"The field “{key}” is required for a new person; the row was skipped."
                    errors.append(RowError(row, "bad_value", key, message))
    return errors


def _cell_errors(cursor: Cursor, master_list: MasterList) -> list[RowError]:
    """Return which cells are not taken over."""
    errors = []
    for row, uid, key, code, theirs, ours in cursor.execute(
        """SELECT _row, _uid, c.field, c.code, c.theirs, c.ours
           FROM (SELECT _row, _uid, unnest(problems) AS c FROM settled WHERE skip IS NULL)"""
    ).fetchall():
        match code:
            case "field_locked":
                message = (
                    f"“{key}” of {uid} is managed by the directory and stays {_shown(ours)}; "
                    f"the file has {_shown(theirs)}."
                )
                errors.append(RowError(row, code, key, message))
            case "bad_value":
                expected = values.expectation(master_list.field(key))
                errors.append(RowError(row, code, key, f"{_shown(theirs)} is not {expected}."))
            case _:
                message = f"The field “{key}” is required; it stays {_shown(ours)}."
                errors.append(RowError(row, "bad_value", key, message))
    return errors


def _shown(text: str | None) -> str:
    return "blank" if text is None else f"“{text[:80]}”"


def _create(
    cursor: Cursor, master_list: MasterList, fields: Sequence[Field], actor: str, moment: datetime
) -> None:
    wanted = "skip IS NULL AND _person_id IS NULL"
    count = int(scalar(cursor, f"SELECT count(*) FROM settled WHERE {wanted}"))
    if not count:
        return
    first = take_ids(cursor, "person", count)
    columns = ", ".join(quote(field.key) for field in fields)
    cursor.execute(
        f"""INSERT INTO {master_list.people_table}
                (_person_id, _uid_key, _active, _by_staff, _origin, _created_at, _updated_at, {columns})
            SELECT ? + row_number() OVER (ORDER BY _row) - 1, _uid_key, true, false, 'csv', ?, ?, {columns}
            FROM settled WHERE {wanted}""",
        [first, moment, moment],
    )
    cursor.execute(
        """INSERT INTO change SELECT ?, NULL, ? + range, 'created', NULL, NULL, NULL, NULL, ?, ? FROM range(?)""",
        [master_list.id, first, actor, moment, count],
    )


def _update(
    cursor: Cursor, master_list: MasterList, fields: Sequence[Field], actor: str, moment: datetime
) -> None:
    """Take the rows of changed people out and put them back: far cheaper than UPDATE of many columns."""
    table = master_list.people_table
    wanted = "len(changes) > 0"
    if not scalar(cursor, f"SELECT count(*) FROM settled WHERE {wanted}"):
        return
    replaced = ", ".join(f"s.{quote(field.key)} AS {quote(field.key)}" for field in fields)
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE rewritten AS
            SELECT p.* REPLACE (?::TIMESTAMP AS _updated_at, {replaced})
            FROM settled s JOIN {table} p ON p._person_id = s._person_id WHERE {wanted}""",
        [moment],
    )
    cursor.execute(f"DELETE FROM {table} WHERE _person_id IN (SELECT _person_id FROM rewritten)")
    cursor.execute(f"INSERT INTO {table} BY NAME FROM rewritten")
    cursor.execute(
        f"""INSERT INTO change SELECT ?, NULL, _person_id, 'updated', c.field, c.old, c.new, NULL, ?, ?
            FROM (SELECT _person_id, unnest(changes) AS c FROM settled WHERE {wanted})""",
        [master_list.id, actor, moment],
    )
