from __future__ import annotations

import os
from pathlib import Path

import pytest

from captrid_core.errors import NotFound
from captrid_core.lists.csv_file import UnreadableFile, open_csv


def read(path: Path, content: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    path.write_bytes(content)
    with open_csv(path) as file:
        return file.header, list(file.rows())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


PLAIN = (["code", "name"], [(2, ["g1", "Zoë"])])


@pytest.mark.parametrize(
    "content",
    [
        "code,name\ng1,Zoë\n".encode(),
        "code,name\r\ng1,Zoë".encode(),
        "code,name\rg1,Zoë\r".encode(),
        "code,name\ng1,Zoë\n".encode("utf-8-sig"),
        "code,name\ng1,Zoë\n".encode("utf-16"),
        "\ufeffcode,name\ng1,Zoë\n".encode("utf-16-be"),
        "code,name\ng1,Zoë\n".encode("utf-16-le"),
        "code,name\ng1,Zoë\n".encode("utf-16-be"),
        "code,name\ng1,Zoë\n".encode("cp1252"),
        "code;name\ng1;Zoë\n".encode(),
        "code\tname\ng1\tZoë\n".encode(),
        "code|name\ng1|Zoë\n".encode(),
        'code;"name"\n"g1";"Zoë"\n'.encode(),
        " code , name \ng1,Zoë\n,\n , \n\n".encode(),
    ],
)
def test_a_file_is_read_whatever_wrote_it(path: Path, content: bytes) -> None:
    assert read(path, content) == PLAIN


def test_a_separator_may_be_told(path: Path) -> None:
    assert read(path, b"sep=:\ncode:name\ng1:a,b\n") == (["code", "name"], [(3, ["g1", "a,b"])])
    assert read(path, b"sep=,\ncode,name\ng1,a\n") == (["code", "name"], [(3, ["g1", "a"])])


def test_separators_inside_quotes_do_not_count(path: Path) -> None:
    assert read(path, b'"a,b,c,d";e\n1;2\n') == (["a,b,c,d", "e"], [(2, ["1", "2"])])


def test_rows_are_numbered_as_a_spreadsheet_does(path: Path) -> None:
    header, rows = read(path, b'code,name\n1,"a\nb"\n\n,\n2,"say ""hi"", Bo"\n3,x\n')
    assert header == ["code", "name"]
    assert rows == [(2, ["1", "a\nb"]), (5, ["2", 'say "hi", Bo']), (6, ["3", "x"])]


def test_one_column_needs_no_separator(path: Path) -> None:
    assert read(path, b"code\n1\n2\n") == (["code"], [(2, ["1"]), (3, ["2"])])


def test_whether_the_encoding_is_a_guess_is_known(path: Path) -> None:
    path.write_bytes("code\nZoë".encode("cp1252"))
    with open_csv(path) as file:
        assert file.guessed_encoding
    path.write_bytes("code\nZoë".encode())
    with open_csv(path) as file:
        assert not file.guessed_encoding


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "people.csv is empty."),
        (b"PK\x03\x04\x14\x00", "people.csv is an Excel workbook, not a CSV file."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "people.csv is an Excel workbook, not a CSV file."),
        (b"code\nZo\x81\n", "people.csv cannot be read as text in UTF-8 or Windows-1252."),
        (b"code\na\x00b\n", "people.csv cannot be read as text in UTF-8 or Windows-1252."),
        (b"\xef\xbb\xbfcode\n\xff\n", "people.csv cannot be read as text in UTF-8-SIG."),
        (b"\xff\xfec\x00o\x00d", "people.csv cannot be read as text in UTF-16."),
        (b"\n", "The first row of people.csv holds no column names."),
        (b",,\n1,2,3\n", "The first row of people.csv holds no column names."),
    ],
)
def test_what_is_no_csv_file_is_refused(path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read(path, content)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'code,name\n1,"a\n2,b\n', "people.csv breaks off in row 2: the quotation marks do not pair up."),
        (b'code,name\n1,a\n2,"b" c\n', "people.csv breaks off in row 3: the quotation marks do not pair up."),
        (
            b'code,name\n1,"' + b"x" * 140_000,
            "people.csv breaks off in row 2: a cell is longer than any value may be.",
        ),
    ],
)
def test_a_broken_file_says_where(path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read(path, content)
    assert refused.value.message == message


def test_a_file_that_cannot_be_opened(path: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound), open_csv(path):
        pass
    with pytest.raises(UnreadableFile), open_csv(tmp_path):
        pass
    if os.geteuid() != 0:
        path.write_text("code\n")
        path.chmod(0)
        with pytest.raises(UnreadableFile), open_csv(path):
            pass
