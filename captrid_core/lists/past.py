"""The list as it was: today's people with later changes taken back (rule R8 keeps them all)."""

from __future__ import annotations

from datetime import datetime

from captrid_core.clock import to_column
from captrid_core.lists.model import Field, MasterList
from captrid_core.lists.values import COLUMN_TYPES
from captrid_core.store.database import Cursor, literal, quote


def keep_macro(cursor: Cursor, master_list: MasterList) -> None:
    """Keep the table macro `people_<list>_as_of(moment)`, so that SQL can ask for the past; moments are in UTC."""
    cursor.execute(
        f"CREATE OR REPLACE MACRO {master_list.people_table}_as_of(moment) AS TABLE "
        f"SELECT * FROM {people_since(master_list, 'moment::TIMESTAMP')}"
    )


def drop_macro(cursor: Cursor, master_list: MasterList) -> None:
    """Drop the list's macro."""
    cursor.execute(f"DROP MACRO TABLE IF EXISTS {master_list.people_table}_as_of")


def people_at(master_list: MasterList, moment: datetime) -> str:
    """Return SQL for a table of the list's people as they were at a moment, with the columns of today's."""
    return people_since(master_list, f"TIMESTAMP {literal(str(to_column(moment)))}")


def people_since(master_list: MasterList, since: str, *, schema: str = "main") -> str:
    """Return SQL for the list's people, whose tables lie in `schema`, with what happened after `since` taken back.

    Whoever did not exist yet is left out. Whose status was set by hand is not known of the past:
    nobody counts as an exception. A field that was added since is blank.
    """
    firsts = "".join(
        f", bool_or(field = {literal(key)}) AS {_was(key)}"
        f", first(old_value ORDER BY changed_at) FILTER (field = {literal(key)}) AS {_old(key)}"
        for key in (field.key for field in master_list.fields)
    )
    restored = ", ".join(_restored(field) for field in master_list.fields)
    return f"""(
        SELECT p.* REPLACE (
            CASE later.status WHEN 'deactivated' THEN true WHEN 'reactivated' THEN false ELSE p._active END AS _active,
            CASE WHEN later.relinked THEN later.anchor ELSE p._anchor END AS _anchor,
            false AS _by_staff, {restored})
        FROM (FROM {schema}.{master_list.people_table}
              UNION ALL BY NAME
              SELECT * EXCLUDE (_joined_at) FROM {schema}.{master_list.former_table} WHERE _joined_at > {since}) p
        LEFT JOIN (
            SELECT person_id, bool_or(action = 'created') AS not_yet,
                   first(action ORDER BY changed_at) FILTER (action IN ('deactivated', 'reactivated')) AS status,
                   bool_or(action IN ('linked', 'unlinked')) AS relinked,
                   first(old_value ORDER BY changed_at) FILTER (action IN ('linked', 'unlinked')) AS anchor {firsts}
            FROM {schema}.change
            WHERE list_id = {master_list.id:d} AND changed_at > {since}
            GROUP BY person_id
        ) later ON later.person_id = p._person_id
        WHERE later.not_yet IS DISTINCT FROM true)"""


def _restored(field: Field) -> str:
    old = f"TRY_CAST(later.{_old(field.key)} AS {COLUMN_TYPES[field.type]})"
    return f"CASE WHEN later.{_was(field.key)} THEN {old} ELSE p.{quote(field.key)} END AS {quote(field.key)}"


def _was(key: str) -> str:
    return quote(f"_changed_{key}")


def _old(key: str) -> str:
    return quote(f"_old_{key}")
