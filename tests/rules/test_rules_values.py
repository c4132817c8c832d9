"""Values: R15 to R17."""

from __future__ import annotations

from datetime import date

import pytest
from rules_school import numbers

from captrid_core.errors import FieldLocked
from captrid_core.lists.model import Field, FieldType

TYPED_FIELDS = (
    Field("employee_id"),
    Field("text"),
    Field("number", FieldType.NUMBER),
    Field("email", FieldType.EMAIL),
    Field("house", FieldType.DROPDOWN, options=("Red", "Blue")),
    Field("day", FieldType.DATE),
)
TYPED_MAPPING = {
    "employeeId": "employee_id",
    "jobTitle": "text",
    "postalCode": "number",
    "mail": "email",
    "department": "house",
    "city": "day",
}
GOOD = {
    "jobTitle": "Teacher",
    "postalCode": "5000",
    "mail": "ada@school.example",
    "department": "Red",
    "city": "2026-02-28",
}
TYPED = {
    "text": "Teacher",
    "number": 5000.0,
    "email": "ada@school.example",
    "house": "Red",
    "day": date(2026, 2, 28),
}


@pytest.fixture
def typed(make_school):
    return make_school(fields=TYPED_FIELDS, mapping=TYPED_MAPPING)


def values(school, uid):
    return {key: value for key, value in school.person(uid).values.items() if key != "employee_id"}


# R15


def test_r15_only_mapped_fields_are_written(school):
    account = school.enrol("1", "Ada", department="Art", jobTitle="Teacher", city="Perth")
    school.synced()
    school.edit("1", note="local")

    school.directory.update_user(account, givenName="Adele", jobTitle="Head", city="Hobart")
    run = school.synced()

    assert school.person("1").values == {
        "employee_id": "1",
        "first_name": "Adele",
        "department": "Art",
        "note": "local",
    }
    assert school.changes(run) == [("updated", "1", "first_name", "Ada", "Adele")]


def test_r15_a_change_of_an_unmapped_property_changes_nothing(school):
    account = school.enrol("1", jobTitle="Teacher")
    school.synced()

    school.directory.update_user(account, jobTitle="Head")
    run = school.synced()

    assert numbers(run) == {"read": 1, "unchanged": 1}
    assert school.changes(run) == []


def test_r15_a_field_that_is_taken_out_of_the_mapping_keeps_its_value_and_unlocks(school):
    account = school.enrol("1", "Ada", department="Art")
    school.synced()
    with pytest.raises(FieldLocked):
        school.edit("1", department="Music")

    school.configure(mapping={"employeeId": "employee_id", "givenName": "first_name"})
    school.edit("1", department="Music")
    school.directory.update_user(account, department="Sport")
    school.synced()

    assert school.table("department") == [("1", "Music", "active")]


# R16


def test_r16_null_clears_the_field(school):
    account = school.enrol("1", "Ada", department="Art")
    school.synced()

    school.directory.update_user(account, department=None)
    run = school.synced()

    assert school.table("first_name", "department") == [("1", "Ada", None, "active")]
    assert school.changes(run) == [("updated", "1", "department", "Art", None)]


def test_r16_null_clears_fields_of_every_type(typed):
    account = typed.enrol("1", **GOOD)
    typed.synced()
    assert values(typed, "1") == TYPED

    typed.directory.update_user(account, **dict.fromkeys(GOOD))
    run = typed.synced()

    assert values(typed, "1") == dict.fromkeys(TYPED)
    assert typed.errors(run) == []


def test_r16_strings_are_trimmed_and_an_empty_one_is_null(school):
    school.enrol(" 1 ", "\t Ada Maria \u00a0", department=" \u2003 ")

    school.synced()
    run = school.synced()

    assert school.table("first_name", "department") == [("1", "Ada Maria", None, "active")]
    assert numbers(run) == {"read": 1, "unchanged": 1}


def test_r16_a_value_that_changes_by_blanks_around_it_alone_is_unchanged(school):
    account = school.enrol("1", "Ada")
    school.synced()

    school.directory.update_user(account, givenName="  Ada\n")

    assert numbers(school.synced()) == {"read": 1, "unchanged": 1}


# R17


@pytest.mark.parametrize(
    ("path", "bad", "field"),
    [
        ("jobTitle", "x" * 4001, "text"),
        ("postalCode", "five thousand", "number"),
        ("postalCode", "NaN", "number"),
        ("postalCode", "1e999", "number"),
        ("mail", "nobody", "email"),
        ("department", "Green", "house"),
        ("department", "red", "house"),
        ("city", "2026-02-30", "day"),
        ("city", "28/02/2026", "day"),
    ],
)
def test_r17_a_bad_value_leaves_the_old_one_and_everything_else_goes_on(typed, path, bad, field):
    account = typed.enrol("1", **GOOD)
    typed.enrol("2", **GOOD)
    typed.synced()

    others = {"jobTitle": "Head"} if path != "jobTitle" else {"department": "Blue"}
    typed.directory.update_user(account, **{path: bad}, **others)
    run = typed.synced()

    changed = {"text": "Head"} if path != "jobTitle" else {"house": "Blue"}
    assert values(typed, "1") == TYPED | changed
    assert values(typed, "2") == TYPED
    assert [(note.code, note.object_id, note.uid, note.field) for note in typed.errors(run)] == [
        ("bad_value", account, "1", field)
    ]
    assert numbers(run) == {"read": 2, "updated": 1, "unchanged": 1}


def test_r17_a_value_of_4000_characters_fits(typed):
    typed.enrol("1", jobTitle="\U0001f600" + "é" * 3999)

    run = typed.synced()

    assert len(values(typed, "1")["text"]) == 4000
    assert typed.errors(run) == []


def test_r17_a_new_person_is_created_without_the_bad_value(typed):
    typed.enrol("1", **GOOD | {"postalCode": "many"})

    run = typed.synced()

    assert values(typed, "1") == TYPED | {"number": None}
    assert numbers(run) == {"read": 1, "created": 1}
    assert [note.code for note in typed.errors(run)] == ["bad_value"]


def test_r17_a_person_who_has_nothing_but_a_bad_value_is_unchanged_again_and_again(typed):
    account = typed.enrol("1", **GOOD)
    typed.synced()
    typed.directory.update_user(account, postalCode="many")

    for _ in range(2):
        run = typed.synced()
        assert numbers(run) == {"read": 1, "unchanged": 1}
        assert [note.code for note in typed.errors(run)] == ["bad_value"]


def test_r17_a_person_who_comes_back_with_a_bad_value_comes_back(typed):
    account = typed.enrol("1", **GOOD)
    typed.enrol("2", **GOOD)
    typed.synced()
    typed.directory.delete_user(account)
    typed.synced()

    typed.directory.restore_user(account)
    typed.directory.update_user(account, postalCode="many")
    run = typed.synced()

    assert typed.person("1").active
    assert values(typed, "1") == TYPED
    assert numbers(run) == {"read": 2, "updated": 1, "reactivated": 1, "unchanged": 1}
