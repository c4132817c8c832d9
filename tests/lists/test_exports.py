from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from captrid_core.errors import HomeUnusable, Invalid
from captrid_core.lists.formulas import as_written, neutralised
from captrid_core.lists.model import MasterList, StatusFilter
from captrid_core.workspace import Workspace

HARMFUL = [
    "=1+1",
    "+61 400 000 000",
    "-5",
    "@SUM(A1)",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "\t=1",
    "\tx",
    "\rx",
    "\n=1",
    "  =1",
    "\u00a0=1",
    "\u200b=1",
    "'=1",
    "''+1",
]
HARMLESS = ["", "a", "a=1", "'tis", "''", "1+1", " a", "’=1", "#N/A", "王"]


@pytest.fixture
def people(workspace: Workspace, guests: MasterList) -> MasterList:
    for code, values in {
        "g1": {"name": "+61 4", "age": "-5", "born": "2001-02-03", "house": "Red"},
        "g2": {"name": 'Bo "B"\nBo, Bo', "age": "1.5", "mail": "=bo@example.com"},
        "g3": {"name": "Cy"},
    }.items():
        workspace.people.add(guests, {"code": code, **values}, actor="tester")
    workspace.people.set_status(guests, "g3", active=False, actor="tester")
    return guests


def test_csv_holds_the_fields_and_no_formula(
    workspace: Workspace, people: MasterList, tmp_path: Path
) -> None:
    """Rule R40."""
    path = tmp_path / "people.csv"
    assert workspace.files.export(people, path, status=StatusFilter.ALL) == 3
    assert path.read_text(encoding="utf-8") == (
        "code,name,age,mail,born,house,_person_id,_status,_origin\n"
        "g1,'+61 4,-5,,2001-02-03,Red,1,active,manual\n"
        'g2,"Bo ""B""\nBo, Bo",1.5,\'=bo@example.com,,,2,active,manual\n'
        "g3,Cy,,,,,3,inactive,manual\n"
    )
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_export_is_imported_without_a_change(
    workspace: Workspace, people: MasterList, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    workspace.files.export(people, path, status=StatusFilter.ALL)
    summary = workspace.files.import_csv(people, path, actor="tester")
    assert (summary.unchanged, summary.rows, summary.errors) == (3, 3, ())


def test_json_and_parquet_hold_the_values_as_they_are(
    workspace: Workspace, people: MasterList, tmp_path: Path
) -> None:
    workspace.files.export(people, tmp_path / "people.json")
    workspace.files.export(people, tmp_path / "people.parquet")
    expected = [
        ("g1", "+61 4", -5.0, None, "2001-02-03", "Red", "1", "active", "manual"),
        ("g2", 'Bo "B"\nBo, Bo', 1.5, "=bo@example.com", None, None, "2", "active", "manual"),
    ]
    assert [tuple(one.values()) for one in json.loads((tmp_path / "people.json").read_text())] == expected
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT * REPLACE (CAST(born AS VARCHAR) AS born) FROM '{tmp_path / 'people.parquet'}'"
        ).fetchall()
        types = dict(
            connection.execute(
                f"SELECT column_name, column_type FROM (DESCRIBE FROM '{tmp_path / 'people.parquet'}')"
            ).fetchall()
        )
    assert found == expected
    assert (types["age"], types["born"], types["code"]) == ("DOUBLE", "DATE", "VARCHAR")


def test_excel_holds_numbers_dates_and_harmless_texts(
    workspace: Workspace, people: MasterList, tmp_path: Path
) -> None:
    """Rule R40."""
    path = tmp_path / "people.xlsx"
    assert workspace.files.export(people, path) == 2
    names = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as workbook:
        sheet = ElementTree.fromstring(workbook.read("xl/worksheets/sheet1.xml"))
    cells = {
        cell.get("r"): (cell.get("t"), "".join(cell.itertext())) for cell in sheet.iterfind(".//m:c", names)
    }
    assert cells["A1"] == ("inlineStr", "code")
    assert cells["B2"] == ("inlineStr", "'+61 4")
    assert cells["C2"] == (None, "-5")
    assert cells["E2"] == (None, "36925")
    assert cells["D3"] == ("inlineStr", "'=bo@example.com")
    assert "D2" not in cells
    assert not sheet.findall(".//m:f", names)
    assert [one.name for one in tmp_path.iterdir() if one.name != "home"] == ["people.xlsx"]


def test_excel_knows_no_day_before_1900(workspace: Workspace, guests: MasterList, tmp_path: Path) -> None:
    workspace.people.add(guests, {"code": "g1", "name": "A", "born": "1850-01-01"}, actor="tester")
    workspace.files.export(guests, tmp_path / "people.xlsx")
    with zipfile.ZipFile(tmp_path / "people.xlsx") as workbook:
        assert b"1850-01-01" in workbook.read("xl/worksheets/sheet1.xml")


def test_an_export_replaces_a_file_whole(workspace: Workspace, people: MasterList, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("old")
    path.chmod(0o640)
    (tmp_path / "link.csv").symlink_to(path)
    workspace.files.export(people, tmp_path / "link.csv")
    assert path.read_text().startswith("code,")
    assert path.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link.csv").is_symlink()


def test_what_cannot_be_written_leaves_what_there_is(
    workspace: Workspace, people: MasterList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "people.xlsx"
    path.write_text("old")
    monkeypatch.setattr("captrid_core.lists.exports._EXCEL_ROWS", 1)
    with pytest.raises(Invalid, match="2 rows do not fit into a worksheet"):
        workspace.files.export(people, path)
    with pytest.raises(Invalid, match="ends in none of"):
        workspace.files.export(people, tmp_path / "people.xls")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(HomeUnusable, match="is a folder"):
        workspace.files.export(people, tmp_path / "folder.csv")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder.csv", "home", "people.xlsx"]
    assert path.read_text() == "old"


def made_harmless(*texts: str) -> list[str]:
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {neutralised('t')} FROM (SELECT unnest(?) AS t)", [list(texts)])
        return [text for (text,) in found.fetchall()]


def test_formulas_get_an_apostrophe() -> None:
    assert made_harmless(*HARMFUL) == [f"'{text}" for text in HARMFUL]
    assert made_harmless(*HARMLESS) == HARMLESS
    assert [as_written(f"'{text}") for text in HARMFUL] == HARMFUL


@given(st.lists(st.text(alphabet="'=+-@ \t\r\n＝a1\u200b", max_size=6), min_size=1, max_size=30))
def test_reading_takes_back_exactly_what_writing_did(texts: list[str]) -> None:
    written = made_harmless(*texts)
    assert [as_written(text) for text in written] == texts
    assert not [
        text for text in written if text.lstrip(" \u200b").startswith(("=", "+", "-", "@", "＝", "\t", "\r"))
    ]


def test_a_csv_is_read_by_others_as_it_was_written(
    workspace: Workspace, guests: MasterList, tmp_path: Path
) -> None:
    name = "a;b,c\"d'e\rf\ng\\h"
    workspace.people.add(guests, {"code": "g1", "name": name}, actor="tester")
    workspace.files.export(guests, tmp_path / "people.csv")
    with (tmp_path / "people.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["name"] == name
