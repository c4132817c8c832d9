"""Activity over time: a chart that can be read at three runs and at three thousand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from captrid_core.clock import to_column
from captrid_core.insight.activity import MOST_BARS, Unit, active_over_time, activity
from captrid_core.lists.model import Field
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(Settings(home=tmp_path)) as opened:
        yield opened


def runs(home: Workspace, count: int, every: timedelta, status: str = "succeeded", first: int = 1) -> None:
    begun = to_column(datetime(2024, 1, 1, 6, tzinfo=UTC))
    with home.database.write() as cursor:
        cursor.executemany(
            """INSERT INTO run (run_id, list_id, status, started_at, created, updated, deactivated)
               VALUES (?, 1, ?, ?, 1, 2, 3)""",
            [[number, status, begun + number * every] for number in range(first, first + count)],
        )


def test_few_runs_have_a_bar_each(home: Workspace):
    runs(home, 3, timedelta(hours=1))

    found = activity(home.database, 1)

    assert found.unit is Unit.RUN
    assert [(one.run_id, one.created, one.updated, one.deactivated) for one in found.buckets] == [
        (1, 1, 2, 3),
        (2, 1, 2, 3),
        (3, 1, 2, 3),
    ]


@pytest.mark.parametrize(
    ("count", "every", "unit"),
    [
        (120, timedelta(hours=6), Unit.DAY),
        (800, timedelta(hours=6), Unit.WEEK),
        (3000, timedelta(hours=6), Unit.MONTH),
    ],
)
def test_many_runs_are_taken_together(home: Workspace, count, every, unit):
    runs(home, count, every)

    found = activity(home.database, 1)

    assert found.unit is unit
    assert len(found.buckets) <= MOST_BARS
    assert sum(one.runs for one in found.buckets) == count
    assert sum(one.created for one in found.buckets) == count
    assert [one.begins for one in found.buckets] == sorted(one.begins for one in found.buckets)


def test_what_was_not_applied_counts_for_nothing(home: Workspace):
    runs(home, 2, timedelta(hours=1))
    for number, status in enumerate(("held", "failed", "cancelled", "discarded", "interrupted"), start=10):
        runs(home, 1, timedelta(hours=1), status=status, first=number)
    runs(home, 1, timedelta(hours=1), status="running", first=20)

    found = activity(home.database, 1)

    assert sum(one.created for one in found.buckets) == 2
    assert sum(one.failed for one in found.buckets) == 5
    assert sum(one.runs for one in found.buckets) == 7


def test_a_list_without_runs_has_no_bars(home: Workspace):
    assert activity(home.database, 1).buckets == []


def test_the_unit_can_be_chosen(home: Workspace):
    runs(home, 120, timedelta(hours=6))

    assert len(activity(home.database, 1, unit=Unit.MONTH).buckets) == 1
    by_run = activity(home.database, 1, unit=Unit.RUN)
    assert (by_run.unit, len(by_run.buckets), by_run.buckets[-1].run_id) == (Unit.RUN, MOST_BARS, 120)


def test_active_people_are_counted_over_time(home: Workspace):
    made = home.lists.create("Guests", uid_field="code", fields=[Field("code")], actor="Sam")
    assert active_over_time(home.database, made) == []
    for number in range(5):
        home.people.add(made, {"code": str(number)}, actor="Sam")
    home.people.set_status(made, "1", active=False, actor="Sam")
    home.people.set_status(made, "2", active=False, actor="Sam")
    home.people.set_status(made, "1", active=True, actor="Sam")
    home.people.join(made, "3", "4", actor="Sam")

    found = active_over_time(home.database, made)

    assert found[-1].active == home.lists.counts(made).active == 3
    assert [one.active for one in active_over_time(home.database, made, most=1)] == [3]


def test_a_long_history_is_drawn_in_coarser_steps(home: Workspace):
    made = home.lists.create("Guests", uid_field="code", fields=[Field("code")], actor="Sam")
    with home.database.write() as cursor:
        cursor.execute(
            """INSERT INTO change (list_id, person_id, action, changed_at)
               SELECT ?, i, 'created', TIMESTAMP '2024-01-01' + INTERVAL (i) HOUR FROM range(24 * 365) t(i)""",
            [made.id],
        )

    found = active_over_time(home.database, made)

    assert len(found) == 365
    assert [one.active for one in found[:2]] == [24, 48]
