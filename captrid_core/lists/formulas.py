"""Cells that a spreadsheet would read as a formula, made harmless (rule R40).

A spreadsheet calculates what begins with = + - or @, with a tab or line break before it or not, and
with the full-width variants. An apostrophe in front makes it text. Whatever already looks like
a cell made harmless gets one more, so that reading a file takes back exactly what writing it did.
"""

from __future__ import annotations

import re
from typing import Final

from captrid_core.lists.values import BLANKS
from captrid_core.store.database import literal

_INVISIBLE: Final = BLANKS + "\u200b\u200c\u200d\u2060\ufeff"
_BLANK: Final = "[" + "".join(f"\\x{{{ord(one):X}}}" for one in _INVISIBLE) + "]"
_SIGN: Final = "[=+@＝＋－＠-]"
_HARMFUL_SQL: Final = f"^'*{_BLANK}*({_SIGN}|[\t\r\n])"
_HARMLESS: Final = re.compile(f"'+[{re.escape(_INVISIBLE)}]*(?:{_SIGN}|[\t\r\n])")


def neutralised(expression: str) -> str:
    """Return SQL for the text `expression` with an apostrophe before what would be a formula."""
    return f"CASE WHEN regexp_matches({expression}, {literal(_HARMFUL_SQL)}) THEN '''' || {expression} ELSE {expression} END"


def as_written(cell: str) -> str:
    """Return what a cell held before it was made harmless."""
    return cell[1:] if cell.startswith("'") and _HARMLESS.match(cell) else cell
