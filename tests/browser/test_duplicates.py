"""The Duplicates tab."""

from __future__ import annotations

import pytest

from captrid_core.sandbox import Sandbox
from pages import strings
from tests.browser.conftest import ACTOR, Beside
from tests.browser.screen import Screen

pytestmark = pytest.mark.browser


def test_two_who_are_one_are_joined_and_two_who_are_not_are_told_apart(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Doubles", "Homeroom 7A")
    one, other, *_ = beside.workspace.people.find(made).people
    for number, person in enumerate((one, other)):
        beside.workspace.people.add(
            made,
            {
                "employee_id": f"V-{number}",
                "first_name": str(person.values["first_name"]).upper(),
                "last_name": str(person.values["last_name"]),
            },
            actor=ACTOR,
        )
    total = beside.workspace.lists.counts(made).total
    screen.go(f"/list?list={made.id}&tab=Duplicates")
    screen.sees(strings.DUPLICATES_FOUND.format(count=2))
    screen.shot("duplicates")

    screen.click("alike_apart_0")
    screen.sees(strings.DUPLICATES_FOUND.format(count=1))
    screen.click("alike_join_0")

    screen.sees(strings.NO_DUPLICATES)
    assert beside.workspace.lists.counts(made).total == total - 1
