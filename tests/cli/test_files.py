from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Cli


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("code,Name,age,Nick\ng1,Zoë,5,Z\ng2,Bo,five,B\n,Cy,7,C\n", encoding="utf-8")
    return path


def test_an_import_prints_its_summary(by_hand: Cli, csv: Path) -> None:
    summary = {
        "rows": 3,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "skipped": 1,
        "errors": [
            {
                "row": 1,
                "code": "unknown_column",
                "field": "Nick",
                "message": "“Guests” has no field “Nick”; the column was left out.",
            },
            {"row": 3, "code": "bad_value", "field": "age", "message": "“five” is not a number."},
            {
                "row": 4,
                "code": "missing_uid",
                "field": "code",
                "message": "The UID is blank; the row was skipped.",
            },
        ],
    }
    assert by_hand.json("import", "Guests", str(csv), "--dry-run") == summary
    assert by_hand.json("people", "Guests") == []
    assert by_hand.json("import", "Guests", str(csv)) == summary
    assert [one["uid"] for one in by_hand.json("people", "Guests")] == ["g1", "g2"]
    assert by_hand.json("import", "Guests", str(csv)) == {**summary, "created": 0, "unchanged": 2}
    shown = by_hand("import", "Guests", str(csv)).out
    assert "3 errors" in shown
    assert "“five” is not a number." in shown


def test_many_errors_are_cut_short_for_people(by_hand: Cli, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("code,age\n" + "".join(f"g{number},x\n" for number in range(25)))
    assert "… and 5 more" in by_hand("import", "Guests", str(path)).out


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "not_found"),
        (b"", "unreadable_file"),
        (b"PK\x03\x04 a workbook", "unreadable_file"),
        (b"name\nZo\xc3\xab\n", "missing_uid"),
        (b"code,Code\ng1,g2\n", "invalid"),
    ],
)
def test_a_file_that_does_not_do_is_refused(
    by_hand: Cli, tmp_path: Path, content: bytes | None, code: str
) -> None:
    path = tmp_path / "people.csv"
    if content is not None:
        path.write_bytes(content)
    assert by_hand.error("import", "Guests", str(path))["code"] == code
    assert by_hand.error("import", "Nobody", str(path))["code"] == "not_found"
    assert by_hand.json("people", "Guests", "--status", "all") == []


def test_locked_cells_are_reported_and_kept(staff: Cli, tmp_path: Path) -> None:
    staff("fields", "add", "Staff", "notes")
    staff("sync", "Staff")
    person = staff.json("people", "Staff")[0]
    path = tmp_path / "notes.csv"
    path.write_text(f"employee_id,first_name,notes\n{person['uid']},Zebedee,late\n", encoding="utf-8")

    summary = staff.json("import", "Staff", str(path))

    assert summary == {
        "rows": 1,
        "created": 0,
        "updated": 1,
        "unchanged": 0,
        "skipped": 0,
        "errors": [
            {
                "row": 2,
                "code": "field_locked",
                "field": "first_name",
                "message": f"“first_name” of {person['uid']} is managed by the directory and stays "
                f"“{person['fields']['first_name']}”; the file has “Zebedee”.",
            }
        ],
    }
    assert staff.json("people", "Staff")[0] == {**person, "fields": {**person["fields"], "notes": "late"}}


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet", "json"])
def test_people_are_exported(by_hand: Cli, tmp_path: Path, ending: str) -> None:
    for code in ("g1", "g2"):
        by_hand("person", "add", "Guests", f"code={code}", "age=5")
    by_hand("person", "deactivate", "Guests", "g2")
    path = tmp_path / f"people.{ending.upper()}"

    assert by_hand.json("export", "Guests", str(path)) == {"file": str(path), "people": 1, "status": "active"}
    assert by_hand.json("export", "Guests", str(path), "--status", "all")["people"] == 2
    assert path.stat().st_size > 50
    assert "Wrote 1 person to" in by_hand("export", "Guests", str(path), "--status", "inactive").out
    if ending == "json":
        assert json.loads(path.read_text()) == [
            {
                "code": "g2",
                "name": None,
                "age": 5.0,
                "house": None,
                "_person_id": "2",
                "_status": "inactive",
                "_origin": "manual",
            }
        ]


def test_an_export_that_cannot_be_written_leaves_nothing(by_hand: Cli, tmp_path: Path) -> None:
    assert by_hand.error("export", "Guests", str(tmp_path / "people.txt"))["code"] == "invalid"
    assert by_hand.error("export", "Guests", str(tmp_path / "none" / "people.csv"))["code"] == "home_unusable"
    assert by_hand.error("export", "Nobody", str(tmp_path / "people.csv"))["code"] == "not_found"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
