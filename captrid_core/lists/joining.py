"""Joining: two records of one person made into one again (the repair after rule R13).

The record that the directory does not feed stays, with its local fields and its history; the other
one gives it the account, the UID, the status and the directory's values, and moves to the table
`former_<list>`, from which the past is told (see `past`). Nothing of either is lost.
"""

from __future__ import annotations

from datetime import datetime

from captrid_core.clock import to_column
from captrid_core.errors import Refused
from captrid_core.lists import values
from captrid_core.lists.model import MasterList
from captrid_core.store.database import Cursor, quote


class NotJoinable(Refused):
    """The two records cannot be one person."""

    code = "not_joinable"
    default_hint = "Join two different records of one person, of whom the directory feeds one at most."


def join(
    cursor: Cursor, master_list: MasterList, one_id: int, other_id: int, *, actor: str, at: datetime
) -> int:
    """Join two people in the caller's transaction and return the id of the one who stays.

    Raises:
        NotJoinable: They are the same record, or the directory feeds both.
    """
    stays, goes = _told_apart(cursor, master_list, one_id, other_id)
    fields = {field.key: _joined_value(master_list, field.key) for field in master_list.fields}
    pair = f"{master_list.people_table} s, {master_list.people_table} g"
    who = "s._person_id = $stays AND g._person_id = $goes"
    ids = {"stays": stays, "goes": goes}
    about = {**ids, "list": master_list.id, "actor": actor, "now": to_column(at)}
    for field in master_list.fields:
        old, new = values.as_text(field, f"s.{quote(field.key)}"), values.as_text(field, fields[field.key])
        cursor.execute(
            f"""INSERT INTO change SELECT $list, NULL, $stays, 'updated', '{field.key}', {old}, {new}, NULL, $actor, $now
                FROM {pair} WHERE {who} AND ({old}) IS DISTINCT FROM ({new})""",
            about,
        )
    cursor.execute(
        f"""INSERT INTO change
            SELECT $list, NULL, $stays, CASE WHEN g._active THEN 'reactivated' ELSE 'deactivated' END, NULL, NULL, NULL,
                   NULL, $actor, $now FROM {pair} WHERE {who} AND s._active <> g._active
            UNION ALL
            SELECT $list, NULL, $stays, 'linked', NULL, s._anchor, g._anchor, NULL, $actor, $now
            FROM {pair} WHERE {who} AND g._anchor IS NOT NULL AND s._anchor IS DISTINCT FROM g._anchor
            UNION ALL
            SELECT $list, NULL, $stays, 'joined', NULL, CAST($goes AS VARCHAR), NULL, NULL, $actor, $now
            UNION ALL
            SELECT $list, NULL, $goes, 'joined', NULL, NULL, CAST($stays AS VARCHAR), NULL, $actor, $now""",
        about,
    )
    taken = ", ".join(f"{value} AS {quote(key)}" for key, value in fields.items())
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE joined_person AS
            SELECT s.* REPLACE (g._uid_key AS _uid_key, g._active AS _active, g._by_staff AS _by_staff,
                                coalesce(g._anchor, s._anchor) AS _anchor,
                                CASE WHEN g._anchor IS NULL THEN s._in_scope ELSE g._in_scope END AS _in_scope,
                                CASE WHEN g._anchor IS NULL THEN s._origin ELSE g._origin END AS _origin,
                                $now::TIMESTAMP AS _updated_at, {taken})
            FROM {pair} WHERE {who}""",
        {**ids, "now": about["now"]},
    )
    cursor.execute(
        f"INSERT INTO {master_list.former_table} BY NAME "
        f"SELECT *, $now::TIMESTAMP AS _joined_at FROM {master_list.people_table} WHERE _person_id = $goes",
        {"goes": goes, "now": about["now"]},
    )
    cursor.execute(f"DELETE FROM {master_list.people_table} WHERE _person_id IN ($stays, $goes)", ids)
    cursor.execute(f"INSERT INTO {master_list.people_table} BY NAME FROM joined_person")
    cursor.execute("DROP TABLE joined_person")
    cursor.execute(
        """UPDATE photo SET person_id = $stays WHERE person_id = $goes AND origin <> 'none'
             AND NOT EXISTS (FROM photo own WHERE own.person_id = $stays AND own.origin <> 'none')""",
        ids,
    )
    return stays


def _told_apart(cursor: Cursor, master_list: MasterList, one_id: int, other_id: int) -> tuple[int, int]:
    """Return who stays and who goes: the directory feeds the one who goes; else the newer record goes."""
    found = cursor.execute(
        f"""SELECT _person_id, _anchor IS NOT NULL AND _in_scope IS NOT DISTINCT FROM true AS fed
            FROM {master_list.people_table} WHERE _person_id IN (?, ?) ORDER BY fed, _person_id""",
        [one_id, other_id],
    ).fetchall()
    if len(found) < 2:
        raise NotJoinable("A record cannot be joined with itself.")
    if all(fed for _, fed in found):
        raise NotJoinable(
            "The directory feeds both records: they are two accounts, each with a UID of its own."
        )
    (stays, _), (goes, _) = found
    return stays, goes


def _joined_value(master_list: MasterList, key: str) -> str:
    """Return SQL for a value of the joined person: the directory's from who goes, local ones from who stays."""
    if key == master_list.uid_field:
        return f"g.{quote(key)}"
    if master_list.sync is not None and key in master_list.sync.mapping.values():
        return f"CASE WHEN g._anchor IS NULL THEN coalesce(g.{quote(key)}, s.{quote(key)}) ELSE g.{quote(key)} END"
    return f"coalesce(s.{quote(key)}, g.{quote(key)})"
