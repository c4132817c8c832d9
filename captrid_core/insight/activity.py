"""Activity: how many people syncs created, updated and deactivated over time (C1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from captrid_core.clock import from_column
from captrid_core.lists.model import MasterList
from captrid_core.store.database import Cursor, Database, rows

MOST_BARS = 60
"""How many bars a chart can show and still be read."""
MOST_POINTS = 400
"""How many steps a line can have."""


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


def activity(
    database: Database, list_id: int, *, unit: Unit | None = None, most: int = MOST_BARS
) -> Activity:
    """Return a list's activity, the latest bars of it.

    Args:
        database: Where the runs are.
        list_id: The list.
        unit: What one bar stands for; None: run by run where they are few, else by day, week or month.
        most: How many bars there are at most.
    """
    with database.read() as cursor:
        for one in [unit] if unit is not None else Unit:
            buckets = _buckets(cursor, list_id, one)
            if len(buckets) <= most or one in (unit, Unit.MONTH):
                return Activity(one, buckets[-most:])
    raise AssertionError  # the last unit always returns


@dataclass(frozen=True, slots=True)
class Standing:
    """How many people of a list were Active from a moment on."""

    since: datetime
    active: int


def active_over_time(
    database: Database, master_list: MasterList, *, most: int = MOST_POINTS
) -> list[Standing]:
    """Return how many people were Active over time, by the history of changes (rule R8).

    There is one entry for each moment at which the number changed; where these are many, one for
    each day, week or month, and at last only the latest ones.
    """
    with database.read() as cursor:
        for unit in ("second", "day", "week", "month"):
            found = cursor.execute(
                f"""SELECT date_trunc('{unit}', "at")::TIMESTAMP AS since, sum(sum(net)) OVER (ORDER BY since)
                    FROM (SELECT changed_at AS "at", CASE action WHEN 'deactivated' THEN -1 ELSE 1 END AS net
                          FROM change
                          WHERE list_id = ? AND action IN ('created', 'reactivated', 'deactivated')
                          UNION ALL
                          SELECT _joined_at, -CAST(_active AS INTEGER) FROM {master_list.former_table})
                    GROUP BY since ORDER BY since""",
                [master_list.id],
            ).fetchall()
            if len(found) <= most:
                break
    return [Standing(since.replace(tzinfo=UTC), int(active)) for since, active in found[-most:]]


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
