"""A sync that is killed at any moment: never half applied, never a wrong count, and the next one succeeds."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest

from captrid_core.lists.model import StatusFilter, SyncConfiguration
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.sync.mapping import new_field
from captrid_core.sync.runs import RunStatus
from captrid_core.workspace import Workspace

from .choir import form_for

KILLS = int(os.environ.get("CAPTRID_TEST_KILLS", "50"))
MAPPING = {"employeeId": "employee_id", "displayName": "display_name", "department": "department"}
LONGEST = 1.2  # seconds: beyond the end of a sync, so that some runs are not hit at all


@pytest.fixture
def school():
    with Sandbox(users=0, groups=False).running() as sandbox:
        for number in range(300):
            sandbox.directory.add_user(
                displayName=f"Person {number}", employeeId=f"{number:04d}", department="Before"
            )
        yield sandbox


def make_home(sandbox, home):
    with Workspace(Settings(home=home)) as workspace:
        connection = workspace.connections.add(form_for(sandbox), test=None, actor="test")
        workspace.lists.create(
            "Everyone",
            uid_field="employee_id",
            fields=[new_field(path) for path in MAPPING],
            sync=SyncConfiguration(connection.id, "employeeId", MAPPING),
            actor="test",
        )


def change(sandbox, draw, round_number):
    """Let 40 people move, one leave and two join."""
    people = sorted(user["id"] for user in sandbox.directory.users())
    for one in draw.sample(people, 40):
        sandbox.directory.update_user(one, department=f"Round {round_number}")
    sandbox.directory.delete_user(draw.choice(people))
    for number in range(2):
        sandbox.directory.add_user(
            displayName="New", employeeId=f"n{round_number}-{number}", department="New people"
        )


def truth(sandbox, before):
    """What the list must hold once it is synced: leavers stay, Inactive, with what they had."""
    now = {user["employeeId"]: (user["department"], True) for user in sandbox.directory.users()}
    return {uid: (department, False) for uid, (department, _) in before.items() if uid not in now} | now


def state(workspace):
    master_list = workspace.lists.get("Everyone")
    everybody = workspace.people.find(master_list, status=StatusFilter.ALL).people
    assert len({person.uid for person in everybody}) == len(everybody)
    return {person.uid: (person.values["department"], person.active) for person in everybody}


@pytest.mark.slow
def test_r1_r3_killed_at_random_moments(school, tmp_path):
    draw = random.Random(20)
    make_home(school, tmp_path)
    command = [
        sys.executable,
        "-m",
        "captrid_core",
        "--home",
        str(tmp_path),
        "sync",
        "Everyone",
        "--json",
    ]
    applied: dict[str, tuple[str, bool]] = {}
    outcomes = []
    for number in range(KILLS):
        change(school, draw, number)
        kind = draw.choice(["--full", "--delta"])
        process = subprocess.Popen([*command, kind], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=draw.uniform(0, LONGEST))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with Workspace(Settings(home=tmp_path)) as workspace:
            run = workspace.runs.last(workspace.lists.get("Everyone").id)
            succeeded = run is not None and run.status is RunStatus.SUCCEEDED and run.id not in outcomes
            if succeeded:
                outcomes.append(run.id)
                expected = truth(school, applied)
                check_counts(run, applied, expected)
                applied = expected
            else:
                assert run is None or run.id in outcomes or run.status is RunStatus.INTERRUPTED
            assert state(workspace) == applied
    with Workspace(Settings(home=tmp_path)) as workspace:
        run = workspace.runner.sync("Everyone", actor="test")
        assert run.status is RunStatus.SUCCEEDED
        assert state(workspace) == truth(school, applied)
        assert not list((tmp_path / "runs").glob("run-*"))  # what dead runs left is cleared away
    assert 0 < len(outcomes) < KILLS  # some were hit, some were not


def check_counts(run, before, after):
    assert run.counts.created == len(after.keys() - before.keys())
    assert run.counts.deactivated == sum(before[uid][1] and not after[uid][1] for uid in before)
    assert run.counts.updated == sum(after[uid][1] and after[uid] != before[uid] for uid in before)
