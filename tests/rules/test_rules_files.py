"""Files: R40."""

from __future__ import annotations

import csv
import zipfile
from xml.etree import ElementTree

import pytest

HARMFUL = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1+1",
    "\u200b=1",
    '=HYPERLINK("http://x")',
]
SIGNS = tuple("=+-@＝＋－＠\t\r\n")
TEXT = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}t"


@pytest.fixture
def harmful(school):
    """A list whose directory is full of formulas, with more written by staff."""
    for number, text in enumerate(HARMFUL):
        school.enrol(f"{text.strip()}{number}", text, department=text)
    school.synced()
    for person in school.people():
        school.edit(person.uid, note="=cmd|' /C calc'!A0")
    return school


def is_formula(cell):
    return cell.lstrip(" \u00a0\u200b").startswith(SIGNS)


def test_r40_no_cell_of_a_csv_file_is_a_formula(harmful, tmp_path):
    file = tmp_path / "people.csv"
    assert harmful.workspace.files.export(harmful.list, file) == len(HARMFUL)

    with file.open(newline="", encoding="utf-8") as text:
        rows = list(csv.reader(text))

    assert len(rows) == len(HARMFUL) + 1
    assert [cell for row in rows for cell in row if is_formula(cell)] == []


def test_r40_no_cell_of_a_workbook_is_a_formula(harmful, tmp_path):
    file = tmp_path / "people.xlsx"
    harmful.workspace.files.export(harmful.list, file)

    with zipfile.ZipFile(file) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        texts = [one.text or "" for one in ElementTree.fromstring(sheet).iter(TEXT)]

    assert "<f>" not in sheet
    assert len(texts) > len(HARMFUL)
    assert [text for text in texts if is_formula(text)] == []


def test_r40_reading_such_a_file_takes_back_what_was_written(harmful, tmp_path):
    file = tmp_path / "people.csv"
    harmful.workspace.files.export(harmful.list, file)
    before = harmful.people()

    summary = harmful.workspace.files.import_csv(harmful.list, file, actor="Sam Staff")

    assert harmful.people() == before
    assert (summary.unchanged, summary.errors) == (len(HARMFUL), ())
