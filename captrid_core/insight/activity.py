"""Activity: how many people syncs created, updated and deactivated over time (C1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from captrid_core.clock import from_column
from captrid_core.store.database import Cursor, Database, rows

MOST_BARS = 60
"""How many bars a chart can show and still be read."""


class Unit(StrEnum):
    """What one bar stands for."""

    RUN = "run"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar: when it begins, how many runs it holds, and what they did together."""

    begins: datetime
    runs: int
    run_id: int | None
    """The run, where the bar stands for one."""
    created: int
    updated: int
    deactivated: int
    failed: int
    """How many further runs were not applied: failed, held, cancelled …"""


@dataclass(frozen=True, slots=True)
class Activity:
    """A list's activity, in the finest unit that can be read."""

    unit: Unit
    buckets: list[Bucket]


def activity(database: Database, list_id: int, *, most: int = MOST_BARS) -> Activity:
    """Return a list's activity: run by run where they are few, else by day, week or month."""
    with database.read() as cursor:
        for unit in Unit:
            buckets = _buckets(cursor, list_id, unit)
            if len(buckets) <= most or unit is Unit.MONTH:
                return Activity(unit, buckets[-most:])
    raise AssertionError  # the last unit always returns


def _buckets(cursor: Cursor, list_id: int, unit: Unit) -> list[Bucket]:
    begins = "started_at" if unit is Unit.RUN else f"date_trunc('{unit}', started_at)::TIMESTAMP"
    one_each = ", run_id" if unit is Unit.RUN else ""
    applied = "status IN ('succeeded', 'undone')"
    found = rows(
        cursor,
        f"""SELECT {begins} AS begins, count(*) AS runs, {"run_id" if one_each else "NULL"} AS run_id,
                   coalesce(sum(created) FILTER ({applied}), 0) AS created,
                   coalesce(sum(updated) FILTER ({applied}), 0) AS updated,
                   coalesce(sum(deactivated) FILTER ({applied}), 0) AS deactivated,
                   count(*) FILTER (NOT {applied}) AS failed
            FROM run WHERE list_id = ? AND status <> 'running'
            GROUP BY ALL ORDER BY 1{one_each}""",
        [list_id],
    )
    return [
        Bucket(
            begins=from_column(one["begins"]) or one["begins"],
            runs=one["runs"],
            run_id=one["run_id"],
            created=int(one["created"]),
            updated=int(one["updated"]),
            deactivated=int(one["deactivated"]),
            failed=one["failed"],
        )
        for one in found
    ]
