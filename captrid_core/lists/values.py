"""How a text becomes a value of a field, in SQL: one truth for syncs, edits and imports.

Whatever comes (from the directory, a form or a file) comes as text. It is trimmed; an empty one is
null (rule R16). Then it is given its field's type; what does not fit is a bad value (rule R17).
"""

from __future__ import annotations

from captrid_core.lists.model import MAX_VALUE_LENGTH, Field, FieldType
from captrid_core.store.database import Cursor, literal

BLANKS = "\t\n\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(code) for code in range(0x2000, 0x200B)
)
"""What is trimmed: tab, line feed, carriage return, and Unicode's spaces and separators."""

# from here on a double no longer holds every whole number
_MAX_EXACT = 2**53

COLUMN_TYPES = {
    FieldType.TEXT: "VARCHAR",
    FieldType.EMAIL: "VARCHAR",
    FieldType.DROPDOWN: "VARCHAR",
    FieldType.NUMBER: "DOUBLE",
    FieldType.DATE: "DATE",
}
"""The database's type of each field type."""

_EXPECTATIONS = {
    FieldType.TEXT: f"a text of at most {MAX_VALUE_LENGTH:,} characters",
    FieldType.EMAIL: "an e-mail address",
    FieldType.DROPDOWN: "one of the options",
    FieldType.NUMBER: "a number",
    FieldType.DATE: "a date such as 2026-03-31",
}


def define_macros(cursor: Cursor) -> None:
    """Define the macros that the expressions of this module use, for this cursor's session."""
    blanks = literal(BLANKS)
    # Trimming by a set of characters is slow, and almost no value needs it: printable ASCII at
    # both ends is recognised first.
    cursor.execute(f"""
        CREATE OR REPLACE TEMP MACRO cleaned(t) AS nullif(
            CASE WHEN t < '!' OR ends_with(t, ' ') OR strlen(t) <> length(t)
                   OR ends_with(t, chr(9)) OR ends_with(t, chr(10)) OR ends_with(t, chr(13))
                 THEN trim(t, {blanks}) ELSE t END, '')
    """)


def cleaned(expression: str) -> str:
    """Return SQL for the text `expression` trimmed, and null where nothing is left (rule R16)."""
    return f"cleaned({expression})"


def typed(field: Field, expression: str) -> str:
    """Return SQL for a cleaned text as a value of `field`; null where it does not fit (rule R17)."""
    fits = f"length({expression}) <= {MAX_VALUE_LENGTH}"
    match field.type:
        case FieldType.TEXT:
            return f"CASE WHEN {fits} THEN {expression} END"
        case FieldType.EMAIL:
            shape = f"{expression} LIKE '%_@_%' AND NOT contains({expression}, ' ')"
            return f"CASE WHEN {shape} AND {fits} THEN {expression} END"
        case FieldType.DROPDOWN:
            options = ", ".join(literal(option) for option in field.options)
            return f"CASE WHEN {expression} IN ({options}) THEN {expression} END"
        case FieldType.NUMBER:
            number = f"TRY_CAST({expression} AS DOUBLE)"
            plain = f"regexp_full_match({expression}, '[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?')"
            exact = f"abs({number}) < {_MAX_EXACT}"
            # + 0 makes a plain zero of a negative one
            return f"CASE WHEN {plain} AND {exact} THEN {number} + 0 END"
        case FieldType.DATE:
            # a directory's DateTimeOffset counts by its date, as it is written
            shape = f"regexp_full_match({expression}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(T[0-9:.]+(Z|[-+][0-9:]+)?)?')"
            return f"CASE WHEN {shape} THEN TRY_CAST(left({expression}, 10) AS DATE) END"


def as_text(field: Field, expression: str) -> str:
    """Return SQL for a value of `field` as the text that history, exports and forms show."""
    match field.type:
        case FieldType.NUMBER:
            return (
                f"CASE WHEN {expression} = trunc({expression}) THEN CAST(CAST({expression} AS BIGINT) AS VARCHAR) "
                f"ELSE CAST({expression} AS VARCHAR) END"
            )
        case FieldType.DATE:
            return f"CAST({expression} AS VARCHAR)"
        case _:
            return expression


def uid_key(expression: str, *, caseless: bool) -> str:
    """Return SQL for a cleaned UID as it is compared: in NFC, and without case where that is so (rule R9)."""
    normal = f"nfc_normalize({expression})"
    return f"nfc_normalize(lower({normal}))" if caseless else normal


def expectation(field: Field) -> str:
    """Say in words what a value of `field` must be."""
    if field.type is FieldType.DROPDOWN:
        return f"one of {', '.join(field.options)}"
    return _EXPECTATIONS[field.type]
