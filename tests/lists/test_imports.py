from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from captrid_core.errors import Invalid, MissingUid
from captrid_core.lists.imports import ImportSummary
from captrid_core.lists.model import Field, MasterList, Person, StatusFilter
from captrid_core.store.database import rows
from captrid_core.workspace import Workspace


def take(workspace: Workspace, master_list: MasterList, text: str, **options: Any) -> ImportSummary:
    path = workspace.settings.home / "in.csv"
    path.write_text(text, encoding="utf-8")
    return workspace.files.import_csv(master_list, path, actor="tester", **options)


def counts(summary: ImportSummary) -> tuple[int, int, int, int, int]:
    assert summary.rows == summary.created + summary.updated + summary.unchanged + summary.skipped
    return summary.rows, summary.created, summary.updated, summary.unchanged, summary.skipped


def errors(summary: ImportSummary) -> list[tuple[int, str, str | None]]:
    return [(one.row, one.code, one.field) for one in summary.errors]


def people(workspace: Workspace, master_list: MasterList) -> dict[str | None, Person]:
    found = workspace.people.find(workspace.lists.get(master_list.id), status=StatusFilter.ALL).people
    return {one.uid: one for one in found}


def history(workspace: Workspace) -> list[tuple[Any, ...]]:
    with workspace.database.read() as cursor:
        return cursor.execute(
            """SELECT person_id, action, field, old_value, new_value, run_id, actor FROM change
               ORDER BY ALL"""
        ).fetchall()


def audited(workspace: Workspace, action: str) -> list[dict[str, Any]]:
    with workspace.database.read() as cursor:
        found = rows(cursor, "SELECT * FROM audit WHERE action = ?", [action])
    return [json.loads(one["details"]) for one in found]


def link(workspace: Workspace, master_list: MasterList, *uids: str) -> None:
    """Make people of a list look like linked to the directory."""
    with workspace.database.write() as cursor:
        cursor.execute(
            f"UPDATE {master_list.people_table} SET _anchor = 'object ' || code, _origin = 'directory' "
            "WHERE list_contains(?, code)",
            [list(uids)],
        )
        cursor.execute(
            """UPDATE master_list SET connection_id = 1, connected = true, uid_property = 'employeeId',
                   scope_kind = 'all_users', nested = false, exclude_guests = false, exclude_disabled = false,
                   on_uid_change = 'new_person', hold_deactivate_count = 5, hold_deactivate_percent = 10,
                   hold_blank_count = 5, hold_blank_percent = 25"""
        )
        cursor.execute("INSERT INTO mapping VALUES (?, 0, 'employeeId', 'code')", [master_list.id])
        cursor.execute("INSERT INTO mapping VALUES (?, 1, 'displayName', 'name')", [master_list.id])


def test_new_people_are_created(workspace: Workspace, guests: MasterList) -> None:
    summary = take(
        workspace,
        guests,
        "Code,Full Name,age,mail,born,house\ng1, Zoë ,5,zoe@example.com,2001-02-03,Red\ng2,Bo,,,,\n",
    )
    assert (counts(summary), summary.errors) == ((2, 2, 0, 0, 0), ())
    found = people(workspace, guests)
    assert [(one.id, one.uid, one.active, one.origin, one.managed) for one in found.values()] == [
        (1, "g1", True, "csv", False),
        (2, "g2", True, "csv", False),
    ]
    assert {key: str(value) for key, value in found["g1"].values.items()} == {
        "code": "g1",
        "name": "Zoë",
        "age": "5.0",
        "mail": "zoe@example.com",
        "born": "2001-02-03",
        "house": "Red",
    }
    assert history(workspace) == [
        (1, "created", None, None, None, None, "tester"),
        (2, "created", None, None, None, None, "tester"),
    ]
    assert audited(workspace, "people.imported") == [
        {"file": "in.csv", "created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "errors": 0}
    ]


def test_the_same_file_twice_changes_nothing(workspace: Workspace, guests: MasterList) -> None:
    text = "code,name,age\ng1,Zoë,5\ng2,Bo,\n"
    take(workspace, guests, text)
    before = history(workspace), people(workspace, guests)
    assert counts(take(workspace, guests, text)) == (2, 0, 0, 2, 0)
    assert (history(workspace), people(workspace, guests)) == before
    assert len(audited(workspace, "people.imported")) == 1


def test_existing_people_are_updated_in_the_named_fields_alone(
    workspace: Workspace, guests: MasterList
) -> None:
    take(workspace, guests, "code,name,age,house\ng1,Zoë,5,Red\ng2,Bo,6,Blue\n")
    workspace.people.set_status(guests, "g2", active=False, actor="tester")

    summary = take(workspace, guests, "age,code\n,g1\n7.5,g2\n1,g3\n")

    assert counts(summary) == (3, 0, 2, 0, 1)
    assert errors(summary) == [(4, "bad_value", "name")]
    found = people(workspace, guests)
    assert (found["g1"].values["age"], found["g1"].values["house"]) == (None, "Red")
    assert (found["g2"].values["age"], found["g2"].active) == (7.5, False)
    assert history(workspace)[-3:] == [
        (2, "created", None, None, None, None, "tester"),
        (2, "deactivated", None, None, None, None, "tester"),
        (2, "updated", "age", "6", "7.5", None, "tester"),
    ]


def test_people_of_any_origin_are_found_by_their_uid(workspace: Workspace, guests: MasterList) -> None:
    workspace.people.add(guests, {"code": "Zo\u00eb", "name": "Zoë"}, actor="tester")
    # the same UID, written with a combining mark; its spelling follows the file
    summary = take(workspace, guests, "code,name\n Zoe\u0308 ,Zoë\n")
    assert counts(summary) == (1, 0, 1, 0, 0)
    found = people(workspace, guests)
    assert [(one.uid, one.origin) for one in found.values()] == [("Zoe\u0308", "manual")]


def test_addresses_as_uids_have_no_case(workspace: Workspace) -> None:
    from captrid_core.lists.model import FieldType

    made = workspace.lists.create(
        "Parents", uid_field="mail", fields=[Field("mail", FieldType.EMAIL)], actor="tester"
    )
    take(workspace, made, "mail\nZoe@Example.com\n")
    assert counts(take(workspace, made, "mail\nzoe@example.com\n")) == (1, 0, 1, 0, 0)
    assert errors(take(workspace, made, "mail\nA@b.com\na@B.com\n")) == [
        (2, "duplicate_uid", "mail"),
        (3, "duplicate_uid", "mail"),
    ]


def test_rows_without_a_usable_uid_are_skipped_and_named(workspace: Workspace, guests: MasterList) -> None:
    summary = take(workspace, guests, f"code,name\n,A\ng2,B\n{'x' * 4001},C\n g2 ,D\ng5,E\n\u3000,F\n")
    assert counts(summary) == (6, 1, 0, 0, 5)
    assert [(one.row, one.code, one.message) for one in summary.errors] == [
        (2, "missing_uid", "The UID is blank; the row was skipped."),
        (3, "duplicate_uid", "Rows 3, 5 have the same UID “g2”; they were skipped."),
        (
            4,
            "bad_value",
            f"The UID “{'x' * 80}” is not a text of at most 4,000 characters; the row was skipped.",
        ),
        (5, "duplicate_uid", "Rows 3, 5 have the same UID “g2”; they were skipped."),
        (7, "missing_uid", "The UID is blank; the row was skipped."),
    ]
    assert list(people(workspace, guests)) == ["g5"]


def test_bad_values_leave_the_rest_of_the_row(workspace: Workspace, guests: MasterList) -> None:
    """Rule R17."""
    take(workspace, guests, "code,name,age,house\ng1,Zoë,5,Red\n")
    summary = take(
        workspace,
        guests,
        "code,name,age,mail,born,house\ng1,Zed,five,z,2001-13-01,Green\ng2,Bo,1e400,,,Blue\n",
    )
    assert counts(summary) == (2, 1, 1, 0, 0)
    assert [(one.row, one.field, one.message) for one in summary.errors] == [
        (2, "age", "“five” is not a number."),
        (2, "born", "“2001-13-01” is not a date such as 2026-03-31."),
        (2, "house", "“Green” is not one of Red, Blue."),
        (2, "mail", "“z” is not an e-mail address."),
        (3, "age", "“1e400” is not a number."),
    ]
    found = people(workspace, guests)
    assert (found["g1"].values["name"], found["g1"].values["age"], found["g1"].values["house"]) == (
        "Zed",
        5.0,
        "Red",
    )
    assert (found["g2"].values["age"], found["g2"].values["house"]) == (None, "Blue")


def test_required_fields_are_not_made_blank(workspace: Workspace, guests: MasterList) -> None:
    take(workspace, guests, "code,name\ng1,Zoë\n")
    summary = take(workspace, guests, "code,name,age\ng1,,6\ng2,,7\n")
    assert counts(summary) == (2, 0, 1, 0, 1)
    assert [(one.row, one.code, one.message) for one in summary.errors] == [
        (2, "bad_value", "The field “name” is required; it stays “Zoë”."),
        (3, "bad_value", "The field “name” is required for a new person; the row was skipped."),
    ]


def test_locked_cells_that_differ_are_reported(workspace: Workspace, guests: MasterList) -> None:
    """S18: what the directory manages stays as it is, for linked people alone."""
    take(workspace, guests, "code,name,age\ng1,Zoë,5\ng2,Bo,6\ng3,Cy,7\n")
    link(workspace, guests, "g1", "g2")

    summary = take(workspace, guests, "code,name,age\ng1,Zed,50\ng2,Bo,6\ng3,Cyd,70\ng4,,80\n")

    assert counts(summary) == (4, 1, 2, 1, 0)
    assert [(one.row, one.code, one.field, one.message) for one in summary.errors] == [
        (
            2,
            "field_locked",
            "name",
            "“name” of g1 is managed by the directory and stays “Zoë”; the file has “Zed”.",
        )
    ]
    found = people(workspace, guests)
    assert [(one.values["name"], one.values["age"]) for one in found.values()] == [
        ("Zoë", 50.0),
        ("Bo", 6.0),
        ("Cyd", 70.0),
        (None, 80.0),
    ]


def test_a_preview_writes_nothing(workspace: Workspace, guests: MasterList) -> None:
    text = "code,name\ng1,Zoë\n"
    assert counts(take(workspace, guests, text, dry_run=True)) == (1, 1, 0, 0, 0)
    assert (people(workspace, guests), history(workspace)) == ({}, [])
    assert counts(take(workspace, guests, text)) == (1, 1, 0, 0, 0)


def test_columns_that_are_no_fields_are_named(workspace: Workspace, guests: MasterList) -> None:
    summary = take(workspace, guests, "code,Nick,name,,_status,_Person_ID\ng1,Z,Zoë,x,active,7\n")
    assert [(one.row, one.code, one.field) for one in summary.errors] == [(1, "unknown_column", "Nick")]
    assert counts(summary) == (1, 1, 0, 0, 0)


def test_columns_must_make_sense(workspace: Workspace, guests: MasterList) -> None:
    with pytest.raises(MissingUid, match="no column for the UID field “code”"):
        take(workspace, guests, "name,age\nZoë,5\n")
    with pytest.raises(Invalid, match="Two columns of the file are the field “name”"):
        take(workspace, guests, "code,name,Full name\ng1,a,b\n")


def test_rows_of_another_width_are_skipped(workspace: Workspace, guests: MasterList) -> None:
    summary = take(workspace, guests, "code,name\ng1\ng2,Bo,\ng3,Cy,x\ng4,Di\n")
    assert counts(summary) == (4, 2, 0, 0, 2)
    assert [(one.row, one.code, one.message) for one in summary.errors] == [
        (2, "bad_row", "Row 2 has 1 cells, the header has 2; the row was skipped."),
        (4, "bad_row", "Row 4 has 3 cells, the header has 2; the row was skipped."),
    ]


def test_what_was_made_harmless_is_taken_back(workspace: Workspace, guests: MasterList) -> None:
    take(workspace, guests, "code,name\ng1,'+61 4\ng2,''=x\ng3,'tis\ng4,+1\n")
    assert [one.values["name"] for one in people(workspace, guests).values()] == [
        "+61 4",
        "'=x",
        "'tis",
        "+1",
    ]


def test_an_encoding_that_is_a_guess_is_said_to_be_one(
    workspace: Workspace, guests: MasterList, tmp_path: Path
) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes("code,name\ng1,Zoë\n".encode("cp1252"))
    summary = workspace.files.import_csv(guests, path, actor="tester")
    assert errors(summary) == [(1, "guessed_encoding", None)]
    assert people(workspace, guests)["g1"].values["name"] == "Zoë"


def test_a_header_alone_imports_nobody(workspace: Workspace, guests: MasterList) -> None:
    assert counts(take(workspace, guests, "code,name\n")) == (0, 0, 0, 0, 0)


def test_many_rows_keep_their_numbers(workspace: Workspace, guests: MasterList, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["code", "name", "age"])
        writer.writerows(
            [number, f"Näme\n{number}", "x" if number % 1000 == 0 else number] for number in range(20_001)
        )
    summary = workspace.files.import_csv(guests, path, actor="tester")
    assert counts(summary) == (20_001, 20_001, 0, 0, 0)
    assert [one.row for one in summary.errors] == [number + 2 for number in range(0, 20_001, 1000)]
    found = people(workspace, guests)
    assert (found["12345"].values["name"], found["12345"].id) == ("Näme\n12345", 12346)
