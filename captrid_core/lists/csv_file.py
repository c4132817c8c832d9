"""CSV files as people have them: from a spreadsheet or another system, in whatever encoding and with whatever separator.

Rows are numbered as a spreadsheet shows them: the header is row 1, and a cell with line breaks in
it is still one row.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from captrid_core.errors import NotFound, Refused
from captrid_core.lists.values import BLANKS

_CHUNK: Final = 1 << 20
_SEPARATORS: Final = ",;\t|"
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_SEPARATOR_LINE: Final = re.compile(r"sep=(.)", re.IGNORECASE)
_LEGACY: Final = "cp1252"


class UnreadableFile(Refused):
    """The file is not what it has to be; nothing was imported."""

    code = "unreadable_file"
    default_hint = "Save it as “CSV UTF-8 (comma delimited)” and try again."


class CsvFile:
    """An open CSV file: its header, and the rows below it, to be read once."""

    def __init__(self, path: Path, text: TextIO, encoding: str, separator: str) -> None:
        self._path = path
        self._reader = csv.reader(text, delimiter=separator, strict=True)
        self._row = 0
        self.encoding = encoding
        self.separator = separator
        self.header = self._read_header()

    @property
    def guessed_encoding(self) -> bool:
        """Whether the text is in no Unicode encoding and was taken for Western European."""
        return self.encoding == _LEGACY

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number and the cells of every row that is not wholly blank.

        Raises:
            UnreadableFile: The quotation marks do not pair up.
        """
        while (cells := self._next()) is not None:
            if any(cell.strip(BLANKS) for cell in cells):
                yield self._row, cells

    def _read_header(self) -> list[str]:
        cells = self._next()
        if cells is not None and _SEPARATOR_LINE.fullmatch(self.separator.join(cells)):
            cells = self._next()
        header = [cell.strip(BLANKS) for cell in cells or []]
        if not any(header):
            raise UnreadableFile(
                f"The first row of {self._path.name} holds no column names.",
                hint="The first row names the fields, by their keys or labels.",
            )
        return header

    def _next(self) -> list[str] | None:
        self._row += 1
        try:
            return next(self._reader, None)
        except csv.Error as error:
            reason = str(error)
            what = (
                "a cell is longer than any value may be"
                if "field larger" in reason
                else "the quotation marks do not pair up"
            )
            raise UnreadableFile(
                f"{self._path.name} breaks off in row {self._row:,}: {what}.",
                hint="Look for a quotation mark without its partner in or above that row.",
            ) from error


@contextmanager
def open_csv(path: Path) -> Iterator[CsvFile]:
    """Open a CSV file, finding out its encoding and its separator.

    Raises:
        NotFound: There is no such file.
        UnreadableFile: It cannot be read, or it is no CSV file.
    """
    try:
        encoding = _encoding(path)
        with path.open(encoding=encoding, newline="") as text:
            separator = _separator(text.read(_CHUNK))
        with path.open(encoding=encoding, newline="") as text:
            yield CsvFile(path, text, encoding, separator)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}.", hint="Check the file's path.") from error
    except OSError as error:
        raise UnreadableFile(
            f"{path} cannot be read: {error.strerror}.", hint="Check the file's permissions."
        ) from error


def _encoding(path: Path) -> str:
    """Return the encoding in which the whole file can be read as text."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(_WORKBOOKS):
        raise UnreadableFile(f"{path.name} is an Excel workbook, not a CSV file.")
    if not head:
        raise UnreadableFile(f"{path.name} is empty.")
    if head.startswith(codecs.BOM_UTF8):
        candidates = ["utf-8-sig"]
    elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif head[1:2] == b"\0":
        candidates = ["utf-16-le"]
    elif head[:1] == b"\0":
        candidates = ["utf-16-be"]
    else:
        candidates = ["utf-8", _LEGACY]
    found = next((encoding for encoding in candidates if _reads_as(path, encoding)), None)
    if found is None:
        names = " or ".join({_LEGACY: "Windows-1252"}.get(name, name.upper()) for name in candidates)
        raise UnreadableFile(f"{path.name} cannot be read as text in {names}.")
    return found


def _reads_as(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if "\0" in decoder.decode(chunk):
                    return False
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _separator(beginning: str) -> str:
    """Return what separates the cells of the first line, outside quotation marks."""
    line = re.sub(r'"[^"]*"', "", beginning).splitlines()[:1]
    first = line[0] if line else ""
    told = _SEPARATOR_LINE.fullmatch(first)
    if told is not None:
        return told.group(1)
    return max(_SEPARATORS, key=first.count)
