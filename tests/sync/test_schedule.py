"""Scheduled syncs: when they are due, that each is run once, and what becomes of failures."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captrid_core.errors import Invalid, NotConnected
from captrid_core.lists.model import Field, SyncConfiguration
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.store.records import write_setting
from captrid_core.sync.runs import RunKind, RunStatus
from captrid_core.sync.schedule import Rhythm, Scheduler, Skipped
from captrid_core.workspace import Workspace
from tests.rules.rules_school import form_for

ACTOR = "Alex Admin"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(users=20, groups=False, seed=3).running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.faults.clear()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(tmp_path: Path, clock: Clock) -> Iterator[Workspace]:
    with Workspace(Settings(home=tmp_path), clock=clock) as opened:
        yield opened


@pytest.fixture
def staff(workspace: Workspace, sandbox: Sandbox) -> int:
    connection = workspace.connections.add(form_for(sandbox), test=None, actor=ACTOR)
    sync = SyncConfiguration(connection.id, "id", {"id": "code"})
    return workspace.lists.create(
        "Staff", uid_field="code", fields=[Field("code")], sync=sync, actor=ACTOR
    ).id


def due(workspace: Workspace) -> list[object]:
    return [one.run.status if one.run else one.skipped for one in workspace.schedules.run_due()]


def test_a_due_list_is_synced_once_and_then_not_before_its_next_time(
    workspace: Workspace, clock: Clock, staff: int
):
    workspace.schedules.set(staff, "6h", actor=ACTOR)
    assert due(workspace) == []
    clock.go(hours=6)
    assert due(workspace) == [RunStatus.SUCCEEDED]
    assert due(workspace) == []
    clock.go(hours=5.9)
    assert due(workspace) == []
    clock.go(hours=0.1)
    assert due(workspace) == [RunStatus.SUCCEEDED]
    last = workspace.runs.last(staff)
    assert last is not None
    assert (last.actor, last.kind) == ("schedule", RunKind.DELTA)


def test_times_that_were_missed_lead_to_one_run(workspace: Workspace, clock: Clock, staff: int):
    workspace.schedules.set(staff, "*/15 * * * *", kind=RunKind.FULL, actor=ACTOR)
    clock.go(days=3)
    assert due(workspace) == [RunStatus.SUCCEEDED]
    assert due(workspace) == []
    found = workspace.schedules.get(staff)
    assert found is not None
    assert found.next_due == clock.now + timedelta(minutes=15)


def test_two_processes_never_run_the_same_due_time(workspace: Workspace, clock: Clock, staff: int):
    workspace.schedules.set(staff, "6h", actor=ACTOR)
    clock.go(hours=7)
    with Workspace(workspace.settings, clock=clock) as other:
        seen = other.schedules.get(staff)
        assert seen is not None
        assert due(workspace) == [RunStatus.SUCCEEDED]
        assert other.schedules._run(seen, None).skipped is Skipped.TAKEN
    assert len(workspace.runs.of_list(staff)) == 1


def test_a_failed_run_is_tried_again_ever_more_rarely_until_the_next_time(
    workspace: Workspace, clock: Clock, staff: int, sandbox: Sandbox
):
    workspace.schedules.set(staff, "6h", actor=ACTOR)
    clock.go(hours=6)
    sandbox.faults.add("wrong_secret", times=None)
    waits = []
    for _ in range(7):
        assert due(workspace) == [RunStatus.FAILED]
        found = workspace.schedules.get(staff)
        assert found is not None
        waits.append((found.next_due - clock.now).total_seconds() / 60)
        clock.now = found.next_due
    assert waits == [10, 20, 40, 80, 160, 320, 360]

    sandbox.faults.clear()
    assert due(workspace) == [RunStatus.SUCCEEDED]
    found = workspace.schedules.get(staff)
    assert found is not None
    assert (found.failures, found.next_due - clock.now) == (0, timedelta(hours=6))


def test_a_held_list_waits_for_the_decision(workspace: Workspace, clock: Clock, staff: int, sandbox: Sandbox):
    workspace.runner.sync(staff, actor=ACTOR)
    workspace.schedules.set(staff, "6h", kind=RunKind.FULL, actor=ACTOR)
    users = [one["id"] for one in sandbox.directory.users()]
    for user in users[:15]:
        sandbox.directory.update_user(user, userType="Guest")
    master_list = workspace.lists.get(staff)
    assert master_list.sync is not None
    workspace.lists.configure(staff, replace(master_list.sync, exclude_guests=True), actor=ACTOR)
    clock.go(hours=6)
    assert due(workspace) == [RunStatus.HELD]
    clock.go(hours=6)
    assert due(workspace) == [Skipped.HELD]
    held = workspace.runs.last(staff)
    assert held is not None
    assert held.id is not None
    workspace.runner.discard(held.id, actor=ACTOR)
    for user in users[:15]:
        sandbox.directory.update_user(user, userType="Member")
    assert due(workspace) == [RunStatus.SUCCEEDED]


def test_a_disconnected_list_is_not_synced_and_cannot_be_scheduled(
    workspace: Workspace, clock: Clock, staff: int
):
    workspace.schedules.set(staff, "6h", actor=ACTOR)
    workspace.lists.disconnect(staff, actor=ACTOR)
    clock.go(hours=6)
    assert due(workspace) == [Skipped.DISCONNECTED]
    with pytest.raises(NotConnected):
        workspace.schedules.set(staff, "12h", actor=ACTOR)
    assert workspace.schedules.set(staff, "off", actor=ACTOR) is None
    assert due(workspace) == []


def test_a_cron_expression_counts_in_the_organisations_time_zone(workspace: Workspace, staff: int):
    with workspace.database.write() as cursor:
        write_setting(cursor, "time_zone", "Australia/Sydney")
    made = workspace.schedules.set(staff, "30 6 * * 1-5", actor=ACTOR)
    assert made is not None
    # 2 March 2026, 6:00 UTC is Monday afternoon in Sydney (UTC+11)
    assert made.next_due == datetime(2026, 3, 2, 19, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "7h", "* * *", "61 * * * *", "0 0 31 2 *", "@daily", "0 0 * * * *"])
def test_what_is_no_schedule_is_refused(workspace: Workspace, staff: int, text: str):
    with pytest.raises(Invalid):
        workspace.schedules.set(staff, text, actor=ACTOR)


@given(
    moment=st.integers(0, 2 * 365 * 86400).map(
        lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
    text=st.sampled_from(["6h", "24h", "0 * * * *", "30 2 * * *", "15 3 1 * *", "0 6 * * 1-5"]),
    zone=st.sampled_from(["UTC", "Australia/Sydney", "America/New_York", "Pacific/Chatham"]),
)
def test_due_times_lie_ahead_and_go_on_through_daylight_saving(moment: datetime, text: str, zone: str):
    times = list(Rhythm(text, zone).following(moment, 5))

    assert all(later > earlier for earlier, later in zip([moment, *times], times, strict=False))


def test_the_scheduler_runs_what_is_due_and_stops(workspace: Workspace, clock: Clock, staff: int):
    workspace.schedules.set(staff, "6h", actor=ACTOR)
    clock.go(hours=6)
    looked = threading.Event()
    scheduler = Scheduler(workspace.schedules, clock, after=looked.set)
    scheduler.start()
    assert looked.wait(20)
    scheduler.stop()

    last = workspace.runs.last(staff)
    assert last is not None
    assert last.status is RunStatus.SUCCEEDED
