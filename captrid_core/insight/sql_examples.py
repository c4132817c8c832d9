"""Questions that staff ask first, as queries for the lists that there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from captrid_core.lists.model import Field, MasterList
from captrid_core.store.database import quote

_GROUPS: Final = ("department", "year_level", "class", "house", "office_location", "job_title")
"""Fields that people are likely to be counted by, the likeliest first."""


def examples(lists: Sequence[MasterList]) -> dict[str, str]:
    """Return queries by what they ask: for the first list with fields that fit, else for all lists."""
    found = {
        "new_starters": _NEW_STARTERS,
        "leavers": _LEAVERS.format(group="list", people="people", alias="list", key="person_id"),
        "without_value": _WITHOUT_VALUE.format(people="list_1", field="name", columns="*"),
        "fields_that_change": _FIELDS_THAT_CHANGE,
        "changed_twice": _CHANGED_TWICE,
    }
    for one in lists:
        keys = {field.key for field in one.fields}
        group = next((key for key in _GROUPS if key in keys), None)
        if group is not None:
            found["leavers"] = _LEAVERS.format(
                group=quote(group), alias=quote(group), people=f"list_{one.id}", key="_person_id"
            ).replace("c.list_id IS NOT NULL", f"c.list_id = {one.id}")
            break
    if lists:
        field = _last_text_field(lists[0])
        uid = quote(lists[0].uid_field)
        found["without_value"] = _WITHOUT_VALUE.format(
            people=f"list_{lists[0].id}", field=quote(field.key), columns=f"{uid}, _status, _since"
        )
    return found


def _last_text_field(one: MasterList) -> Field:
    return next((field for field in reversed(one.fields) if field.key != one.uid_field), one.fields[0])


_NEW_STARTERS: Final = """SELECT list, uid, "at" AS since
FROM changes
WHERE action = 'created' AND "at" >= date_trunc('month', now()::TIMESTAMP)
ORDER BY "at" DESC"""

_LEAVERS: Final = """SELECT p.{group} AS {alias}, count(*) AS leavers
FROM changes c JOIN {people} p ON p.{key} = c.person_id
WHERE c.action = 'deactivated' AND c.list_id IS NOT NULL
  AND c."at" >= now()::TIMESTAMP - INTERVAL 1 YEAR
GROUP BY ALL
ORDER BY leavers DESC"""

_WITHOUT_VALUE: Final = """SELECT {columns}
FROM {people}
WHERE {field} IS NULL AND _status = 'active'"""

_FIELDS_THAT_CHANGE: Final = """SELECT list, field, count(*) AS changes, count(DISTINCT person_id) AS people
FROM changes
WHERE action = 'updated'
GROUP BY ALL
ORDER BY changes DESC"""

_CHANGED_TWICE: Final = """SELECT any_value(list) AS list, any_value(uid) AS uid, field, count(*) AS times
FROM changes
WHERE action = 'updated'
GROUP BY list_id, person_id, field
HAVING count(*) >= 2
ORDER BY times DESC
LIMIT 1000"""
