"""Guards: what makes a run wait for a decision instead of being applied (rules R23 to R26)."""

from __future__ import annotations

from dataclasses import dataclass

from captrid_core.lists.model import MasterList
from captrid_core.store.database import Cursor, row, scalar
from captrid_core.sync.absence import LOOKED_UP_AT_MOST, count_missed
from captrid_core.sync.compare import CHANGE_SET, Counts


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason to hold a run, in words."""

    code: str
    """empty_read | incomplete_read | unexplained_leavers | many_leavers | mass_blanking"""
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guards saw."""

    blanked: int
    """The most people for whom one field would go from a value to blank."""
    holds: tuple[Hold, ...]


def judge(cursor: Cursor, master_list: MasterList, counts: Counts, *, delta: bool = False) -> Verdict:
    """Look at the change set before anything is written; that a delta reads nobody is no wonder."""
    assert master_list.sync is not None
    guards = master_list.sync.guards
    blanked = row(
        cursor,
        f"""SELECT c.field AS field, count(*) AS people
            FROM (SELECT unnest(fields) AS c FROM {CHANGE_SET} WHERE fields IS NOT NULL)
            WHERE c.old IS NOT NULL AND c.new IS NULL GROUP BY ALL ORDER BY people DESC, field LIMIT 1""",
    ) or {"field": "", "people": 0}
    missed = count_missed(cursor)
    empty = counts.read == missed and not delta
    if not (empty or missed or counts.deactivated or blanked["people"]):
        return Verdict(blanked=0, holds=())
    managed = int(
        scalar(
            cursor, f"SELECT count(*) FROM {master_list.people_table} WHERE _anchor IS NOT NULL AND _active"
        )
    )
    holds = []
    if empty and managed:
        holds.append(
            Hold(
                "empty_read",
                f"The directory returned nobody, but {managed:,} managed people are Active here.",
            )
        )
    if missed:
        holds.append(
            Hold(
                "incomplete_read",
                f"The read was incomplete: it left out {missed:,} people whom the directory has in scope when asked "
                "for them one by one. They stay Active.",
            )
        )
    unexplained = scalar(
        cursor, f"SELECT count(*) FROM {CHANGE_SET} WHERE action = 'deactivate' AND reason IS NULL"
    )
    if unexplained:
        holds.append(
            Hold(
                "unexplained_leavers",
                f"{unexplained:,} people were not in what was read, and it was not found out why: "
                f"a run looks up {LOOKED_UP_AT_MOST:,} of them.",
            )
        )
    if _exceeds(counts.deactivated, managed, guards.deactivate_count, guards.deactivate_percent):
        holds.append(
            Hold(
                "many_leavers",
                f"The run would deactivate {counts.deactivated:,} of {managed:,} managed Active people "
                f"({counts.deactivated / max(managed, 1):.0%}); it is held from {guards.deactivate_count} people "
                f"and above {guards.deactivate_percent:g} %.",
            )
        )
    if _exceeds(blanked["people"], managed, guards.blank_count, guards.blank_percent):
        label = master_list.field(blanked["field"]).label
        holds.append(
            Hold(
                "mass_blanking",
                f"The run would blank “{label}” for {blanked['people']:,} of {managed:,} managed Active people "
                f"({blanked['people'] / max(managed, 1):.0%}); it is held from {guards.blank_count} people "
                f"and above {guards.blank_percent:g} %.",
            )
        )
    return Verdict(blanked=blanked["people"], holds=tuple(holds))


def _exceeds(people: int, managed: int, count: int, percent: float) -> bool:
    return people >= count and people * 100 > managed * percent
