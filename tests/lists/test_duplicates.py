"""Likely duplicates, within a list and across lists."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captrid_core.errors import Invalid
from captrid_core.lists.model import Field, FieldType, MasterList
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace

ACTOR = "Sam Staff"
FIELDS = (Field("code"), Field("first_name"), Field("last_name"), Field("age", FieldType.NUMBER))


@pytest.fixture
def workspace(tmp_path: Path):
    with Workspace(Settings(home=tmp_path)) as opened:
        yield opened


def roster(workspace: Workspace, name: str, *people: tuple[str, str, str]) -> MasterList:
    made = workspace.lists.create(name, uid_field="code", fields=FIELDS, actor=ACTOR)
    for code, first, last in people:
        workspace.people.add(made, {"code": code, "first_name": first, "last_name": last}, actor=ACTOR)
    return made


def found(workspace: Workspace, made: MasterList, *keys: str, across: bool = False) -> list[set[str | None]]:
    page = workspace.duplicates.find(made.id, keys or ("first_name", "last_name"), across=across)
    assert page.total == len(page.groups)
    return [{person.uid for _, person in one.people} for one in page.groups]


def test_case_accents_and_spaces_make_no_difference(workspace: Workspace):
    made = roster(
        workspace,
        "Staff",
        ("1", "José", "Núñez"),
        ("2", "jose", "NUNEZ"),
        ("3", "Ada  B", "Lee"),
        ("4", "Ada B", "Lee"),
        ("5", "Ada", ""),
        ("6", "Ada", ""),
    )
    assert found(workspace, made) == [{"3", "4"}, {"1", "2"}]
    assert found(workspace, made, "first_name") == [{"5", "6"}, {"3", "4"}, {"1", "2"}]


def test_who_was_told_apart_is_not_shown_together_again(workspace: Workspace):
    made = roster(workspace, "Staff", ("1", "Ada", "Lee"), ("2", "Ada", "Lee"))
    (group,) = workspace.duplicates.find(made.id, ("first_name",)).groups
    workspace.duplicates.set_apart([person.id for _, person in group.people], actor=ACTOR)
    assert found(workspace, made) == []

    workspace.people.add(made, {"code": "3", "first_name": "Ada", "last_name": "Lee"}, actor=ACTOR)
    assert found(workspace, made) == [{"1", "2", "3"}]


def test_other_lists_are_looked_into_when_that_is_wished_for(workspace: Workspace):
    staff = roster(workspace, "Staff", ("1", "Ada", "Lee"), ("2", "Bo", "Diaz"))
    roster(workspace, "Parents", ("p1", "ADA", "LEE"), ("p2", "Cy", "Okoro"), ("p3", "Cy", "Okoro"))
    assert found(workspace, staff) == []
    assert found(workspace, staff, across=True) == [{"1", "p1"}]


def test_what_cannot_be_compared_is_refused(workspace: Workspace):
    made = roster(workspace, "Staff")
    for keys in ((), ("age",), ("nothing",)):
        with pytest.raises(Invalid):
            workspace.duplicates.find(made.id, keys)
    assert workspace.duplicates.comparable(made) == [
        ("first_name", "last_name"),
        ("first_name",),
        ("last_name",),
    ]


@given(names=st.lists(st.sampled_from(["ada", "Ada", "ADA ", "bo", "Bô", ""]), max_size=12))
def test_everybody_with_a_like_name_is_in_exactly_one_group(tmp_path_factory, names: list[str]):
    folder = tmp_path_factory.mktemp("home")
    with Workspace(Settings(home=folder)) as workspace:
        made = roster(workspace, "Staff", *((str(n), name, "x") for n, name in enumerate(names)))
        groups = found(workspace, made, "first_name")
    plain = [name.strip().lower().replace("ô", "o") for name in names]
    expected = [
        {str(n) for n, one in enumerate(plain) if one == name}
        for name in ("ada", "bo")
        if plain.count(name) > 1
    ]
    assert sorted(groups, key=sorted) == sorted(expected, key=sorted)
