"""What a command prints: text for people, or exactly one JSON value for programs.

Text from a directory is a stranger's: characters that would steer a terminal are shown instead
of obeyed.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TextIO

_GAP: Final = "  "
_STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# joiners that whole scripts and emoji need, and that steer nothing
_HARMLESS: Final = frozenset("\u00ad\u200c\u200d")


class Output:
    """Standard output and standard error of one command.

    Args:
        as_json: Whether standard output is one JSON value.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def show(self, value: Any, text: str | Callable[[], str]) -> None:
        """Print the command's result: the value as JSON, or else the text."""
        if self.as_json:
            self.print_json(value)
        else:
            shown = text if isinstance(text, str) else text()
            if shown:
                _write(sys.stdout, shown + "\n")

    def print_json(self, value: Any) -> None:
        """Print one JSON value; indented for people, on one line for programs."""
        encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
        text = json.dumps(
            value,
            default=str,
            ensure_ascii=not encoding.startswith("utf"),
            indent=2 if sys.stdout.isatty() else None,
        )
        _write(sys.stdout, text + "\n")

    def note(self, text: str) -> None:
        """Print a line for people beside the result."""
        _write(sys.stderr, printable(text, line_breaks=True) + "\n")


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def printable(text: str, *, line_breaks: bool = False) -> str:
    """Return a text with everything that would steer a terminal made visible."""
    if text.isprintable():
        return text
    return "".join(
        one
        if one.isprintable() or one in _HARMLESS or (line_breaks and one == "\n")
        else one.encode("unicode_escape").decode()
        if unicodedata.category(one) in _STEERING
        else one
        for one in text
    )


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows in columns under a header; numbers stand at the right."""
    given = [tuple(row) for row in rows]
    cells = [[_cell(one) for one in row] for row in given]
    numeric = [all(_is_number(row[column]) for row in given) for column in range(len(header))]
    lines = [list(header), *cells]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        _GAP.join(
            _padded(cell, width, right=right)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in lines
    )


def pairs(rows: Iterable[tuple[str, object]]) -> str:
    """Return names and values in two columns."""
    shown = [(name, _cell(value)) for name, value in rows]
    width = max((_width(name) for name, _ in shown), default=0)
    return "\n".join(f"{_padded(name, width, right=False)}{_GAP}{value}".rstrip() for name, value in shown)


def count_of(count: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {one if count == 1 else many}"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return printable(str(value))


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
