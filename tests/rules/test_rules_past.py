"""The list as it was, from the history that R8 keeps."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from rules_school import ACTOR

from captrid_core.lists.model import Field, FieldType, StatusFilter

FIELDS = (
    Field("employee_id"),
    Field("first_name"),
    Field("department"),
    Field("note"),
    Field("height", FieldType.NUMBER),
    Field("born", FieldType.DATE),
)


def seen(school, moment=None):
    people = school.workspace.people.find(school.list, status=StatusFilter.ALL, as_of=moment).people
    return [(one.id, one.uid, one.active, one.managed, one.origin, one.values) for one in people]


@pytest.mark.parametrize("seed", range(3))
def test_r8_the_list_of_any_moment_follows_from_the_history(make_school, seed):
    chance = random.Random(seed)
    school = make_school(fields=FIELDS)
    accounts = school.enrol_many(6)
    steps = {
        "rename": lambda: school.directory.update_user(
            chance.choice(accounts), givenName=f"N{chance.random()}"
        ),
        "blank": lambda: school.directory.update_user(chance.choice(accounts), department=None),
        "move": lambda: school.directory.update_user(chance.choice(accounts), department="Art"),
        "hire": lambda: accounts.append(school.enrol(f"H{chance.random()}")),
        "uid": lambda: school.directory.update_user(
            chance.choice(accounts), employeeId=f"U{chance.random()}"
        ),
        "leave": lambda: school.directory.delete_user(accounts.pop()),
        "by hand": lambda: school.add(f"M{chance.random()}", height="1.7"),
        "edit": lambda: school.edit(
            chance.choice(school.people()).uid, note=str(chance.random()), height="2", born="2020-02-29"
        ),
        "clear": lambda: school.edit(chance.choice(school.people()).uid, note=None, height=None),
        "status": lambda: school.set_active(chance.choice(school.people()).uid, chance.random() < 0.5),
        "undo": lambda: school.workspace.runner.undo(school.synced().id, actor=ACTOR),
    }
    school.synced()
    snapshots = [(datetime.now(UTC), seen(school))]

    for name in [*chance.sample(sorted(steps), len(steps)), "hire", "rename", "status"]:
        steps[name]()
        school.sync()
        snapshots.append((datetime.now(UTC), seen(school)))

    assert [seen(school, moment) for moment, _ in snapshots] == [people for _, people in snapshots]
    assert seen(school, snapshots[0][0] - timedelta(days=1)) == []


def test_r8_the_command_line_shows_the_list_as_it_was_on_a_date(school):
    school.enrol("1")
    school.synced()

    today = datetime.now().astimezone().date().isoformat()
    printed = [
        json.loads(school.command("people", "Students", "--as-of", moment).communicate(timeout=30)[0])
        for moment in ("2001-03-03", today, f"{today}T00:00")
    ]

    # a date is the end of its day, midnight is its beginning
    assert [[one["uid"] for one in people] for people in printed] == [[], ["1"], []]
