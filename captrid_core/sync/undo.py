"""Undo: take an applied run back, as far as nothing newer stands in its way (rule R36).

From the run's history and the people as they are now come two temporary tables:

    undone        person_id, deactivate, reactivate, status_kept, link_back, link_kept,
                  gives_up, created, old_anchor, new_anchor
    undone_field  person_id, field, old, new, now, goes_back     values as text

Nothing is written before `write`, which works in the caller's transaction.
"""

from __future__ import annotations

from datetime import datetime

from captrid_core.clock import to_column
from captrid_core.lists import values
from captrid_core.lists.model import Field, MasterList
from captrid_core.store.database import Cursor, literal, quote
from captrid_core.sync.apply import UidsCollide, put_back
from captrid_core.sync.compare import NOTES, Counts, start_notes

_PEOPLE = "undone"
_FIELDS = "undone_field"

TABLES = (_PEOPLE, _FIELDS)
"""The temporary tables."""


def compare_undo(cursor: Cursor, master_list: MasterList, run_id: int) -> Counts:
    """Work out what taking a run back would do, and note what was changed since and therefore stays."""
    values.define_macros(cursor)
    start_notes(cursor)
    _find_people(cursor, master_list, run_id)
    fields = _find_fields(cursor, master_list, run_id)
    _keep_what_collides(cursor, master_list)
    _note_kept(cursor, master_list, fields)
    return _count(cursor)


def write(
    cursor: Cursor, master_list: MasterList, *, run_id: int, undone_run_id: int, actor: str, at: datetime
) -> None:
    """Write what `compare_undo` found to people and history, and mark the run as undone.

    The next sync has to be a full one (rule R36): the directory may still say what was taken back.

    Raises:
        UidsCollide: Two people would have had one UID or one account.
    """
    moment = to_column(at)
    _record(cursor, master_list, run_id, actor, moment)
    _rewrite(cursor, master_list, moment)
    _assert_unique(cursor, master_list)
    cursor.execute(
        "UPDATE run SET status = 'undone', undone_by_run_id = ? WHERE run_id = ?", [run_id, undone_run_id]
    )
    cursor.execute(
        "UPDATE master_list SET full_needed = ? WHERE list_id = ?",
        [f"run {undone_run_id} was undone", master_list.id],
    )


def _find_people(cursor: Cursor, master_list: MasterList, run_id: int) -> None:
    """Who was created or reactivated is deactivated, and the other way; a status by hand stays (R21)."""
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE {_PEOPLE} AS
            WITH touched AS (
                SELECT person_id, bool_or(action = 'created') AS created,
                       bool_or(action IN ('created', 'reactivated')) AS came,
                       bool_or(action = 'deactivated') AS went,
                       bool_or(action IN ('linked', 'unlinked')) AS relinked,
                       any_value(old_value) FILTER (action IN ('linked', 'unlinked')) AS old_anchor,
                       any_value(new_value) FILTER (action IN ('linked', 'unlinked')) AS new_anchor
                FROM change WHERE list_id = ? AND run_id = ? GROUP BY person_id)
            SELECT person_id, came AND p._active AND NOT p._by_staff AS deactivate,
                   went AND NOT p._active AND NOT p._by_staff AS reactivate,
                   (came AND p._active AND p._by_staff) OR (went AND (p._active OR p._by_staff)) AS status_kept,
                   relinked AND p._anchor IS NOT DISTINCT FROM new_anchor AS link_back,
                   relinked AND p._anchor IS DISTINCT FROM new_anchor AS link_kept,
                   false AS gives_up, created, old_anchor, new_anchor
            FROM touched JOIN {master_list.people_table} p ON p._person_id = person_id""",
        [master_list.id, run_id],
    )


def _find_fields(cursor: Cursor, master_list: MasterList, run_id: int) -> list[Field]:
    """Find the values that the run gave, and return their fields: one goes back where it still stands."""
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE {_FIELDS} (
                person_id BIGINT, field VARCHAR, old VARCHAR, new VARCHAR, now VARCHAR, goes_back BOOLEAN)"""
    )
    touched = cursor.execute(
        "SELECT DISTINCT field FROM change WHERE list_id = ? AND run_id = ? AND field IS NOT NULL",
        [master_list.id, run_id],
    ).fetchall()
    fields = [field for field in master_list.fields if (field.key,) in touched]
    for field in fields:
        now = values.as_text(field, f"p.{quote(field.key)}")
        fits = f"(c.old_value IS NULL OR ({values.typed(field, 'c.old_value')}) IS NOT NULL)"
        cursor.execute(
            f"""INSERT INTO {_FIELDS}
                SELECT c.person_id, c.field, c.old_value, c.new_value, {now},
                       {now} IS NOT DISTINCT FROM c.new_value AND {fits}
                FROM change c JOIN {master_list.people_table} p ON p._person_id = c.person_id
                WHERE c.list_id = ? AND c.run_id = ? AND c.action = 'updated' AND c.field = ?""",
            [master_list.id, run_id, field.key],
        )
    return fields


def _keep_what_collides(cursor: Cursor, master_list: MasterList) -> None:
    """Let nobody have a UID or an account back that another person has by now and keeps."""
    table = master_list.people_table
    uid = f"field = {literal(master_list.uid_field)} AND goes_back"
    key = values.uid_key("old", caseless=master_list.caseless_uid)
    _repeat(
        cursor,
        f"""UPDATE {_FIELDS} SET goes_back = false
            WHERE {uid} AND ({key} IN (
                    SELECT _uid_key FROM {table}
                    WHERE _uid_key IS NOT NULL AND _person_id NOT IN (SELECT person_id FROM {_FIELDS} WHERE {uid}))
                OR {key} IN (SELECT {key} FROM {_FIELDS} WHERE {uid} GROUP BY ALL HAVING count(*) > 1))""",
    )
    back = f"(SELECT old_anchor FROM {_PEOPLE} WHERE link_back AND old_anchor IS NOT NULL)"
    _repeat(
        cursor,
        f"""UPDATE {_PEOPLE} SET link_back = false, link_kept = true
            WHERE link_back AND old_anchor IN (
                SELECT _anchor FROM {table} WHERE _anchor IS NOT NULL
                  AND _person_id NOT IN (SELECT person_id FROM {_PEOPLE} WHERE link_back OR created))""",
    )
    # whoever the run created for an account under another UID gives it back to its former person (R13)
    cursor.execute(
        f"""UPDATE {_PEOPLE} SET gives_up = true WHERE created AND person_id IN (
                SELECT _person_id FROM {table} WHERE _anchor IN {back})"""
    )


def _repeat(cursor: Cursor, update: str) -> None:
    """Run an update until nothing more follows from it."""
    while cursor.execute(update).fetchone() not in (None, (0,)):
        pass


def _note_kept(cursor: Cursor, master_list: MasterList, fields: list[Field]) -> None:
    """Note each thing that the run did and that stays, because it was changed since."""
    people = f"{master_list.people_table} p ON p._person_id = k.person_id"
    uid = f"p.{quote(master_list.uid_field)}"
    labels = " ".join(f"WHEN {literal(field.key)} THEN {literal(field.label)}" for field in fields)
    if fields:
        cursor.execute(f"""
            INSERT INTO {NOTES}
            SELECT 'warning', 'changed_since', p._anchor, {uid}, k.field,
                   '“' || CASE k.field {labels} END || '” of ' || coalesce({uid}, '(no UID)') || ' stays '
                   || coalesce('“' || k.now || '”', 'blank')
                   || CASE WHEN k.now IS DISTINCT FROM k.new THEN ': it was changed after the run.'
                           ELSE ': it cannot be ' || coalesce('“' || k.old || '”', 'blank') || ' any more.' END
            FROM {_FIELDS} k JOIN {people} WHERE NOT k.goes_back
        """)
    cursor.execute(f"""
        INSERT INTO {NOTES}
        SELECT 'warning', 'changed_since', p._anchor, {uid}, NULL,
               coalesce({uid}, '(no UID)') || ' stays ' || CASE WHEN p._active THEN 'Active' ELSE 'Inactive' END
               || ': the status was changed after the run.'
        FROM {_PEOPLE} k JOIN {people} WHERE k.status_kept
        UNION ALL
        SELECT 'warning', 'changed_since', p._anchor, {uid}, NULL,
               coalesce({uid}, '(no UID)') || ' stays linked as it is: its former account feeds another person, '
               || 'or it was linked anew after the run.'
        FROM {_PEOPLE} k JOIN {people} WHERE k.link_kept
    """)


def _count(cursor: Cursor) -> Counts:
    """Count people, not values: who is not touched at all counts as unchanged."""
    row = cursor.execute(f"""
        SELECT count(*) FILTER (NOT deactivate AND (reactivate OR b.person_id IS NOT NULL)),
               count(*) FILTER (reactivate), count(*) FILTER (deactivate),
               count(*) FILTER (NOT deactivate AND NOT reactivate AND b.person_id IS NULL)
        FROM {_PEOPLE} u
        LEFT JOIN (SELECT DISTINCT person_id FROM {_FIELDS} WHERE goes_back) b ON b.person_id = u.person_id
    """).fetchone()
    updated, reactivated, deactivated, unchanged = row or (0, 0, 0, 0)
    return Counts(
        read=updated + unchanged,
        updated=updated,
        reactivated=reactivated,
        deactivated=deactivated,
        unchanged=unchanged,
    )


def _rewrite(cursor: Cursor, master_list: MasterList, moment: datetime) -> None:
    back = [
        key for (key,) in cursor.execute(f"SELECT DISTINCT field FROM {_FIELDS} WHERE goes_back").fetchall()
    ]
    picked = "".join(
        f", bool_or(field = {literal(key)}) AS {quote('_back_' + key)}"
        f", any_value(old) FILTER (field = {literal(key)}) AS {quote('_old_' + key)}"
        for key in back
    )
    replaced = [
        "((p._active AND NOT u.deactivate) OR u.reactivate) AS _active",
        "CASE WHEN u.link_back THEN u.old_anchor WHEN NOT u.gives_up THEN p._anchor END AS _anchor",
        # whom the directory does not feed any more, it does not know
        "CASE WHEN NOT u.gives_up AND (NOT u.link_back OR u.old_anchor IS NOT NULL) THEN p._in_scope END AS _in_scope",
        "?::TIMESTAMP AS _updated_at",
    ]
    for key in back:
        old = values.typed(master_list.field(key), f"b.{quote('_old_' + key)}")
        replaced.append(
            f"CASE WHEN b.{quote('_back_' + key)} THEN {old} ELSE p.{quote(key)} END AS {quote(key)}"
        )
        if key == master_list.uid_field:
            compared = values.uid_key(f"b.{quote('_old_' + key)}", caseless=master_list.caseless_uid)
            replaced.append(
                f"CASE WHEN b.{quote('_back_' + key)} THEN {compared} ELSE p._uid_key END AS _uid_key"
            )
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE rewritten AS
            SELECT p.* REPLACE ({", ".join(replaced)})
            FROM {_PEOPLE} u JOIN {master_list.people_table} p ON p._person_id = u.person_id
            LEFT JOIN (SELECT person_id{picked} FROM {_FIELDS} WHERE goes_back GROUP BY person_id) b
            ON b.person_id = u.person_id
            WHERE u.deactivate OR u.reactivate OR u.link_back OR u.gives_up OR b.person_id IS NOT NULL""",
        [moment],
    )
    put_back(cursor, master_list.people_table)


def _record(cursor: Cursor, master_list: MasterList, run_id: int, actor: str, moment: datetime) -> None:
    """Write one history row for each thing that went back (rule R8)."""
    cursor.execute(
        f"""INSERT INTO change
            SELECT ?, ?, person_id, action, field, old, new, NULL, ?, ? FROM (
                SELECT person_id, 'updated' AS action, field, now AS old, old AS new FROM {_FIELDS} WHERE goes_back
                UNION ALL
                SELECT person_id, 'deactivated', NULL, NULL, NULL FROM {_PEOPLE} WHERE deactivate
                UNION ALL
                SELECT person_id, 'reactivated', NULL, NULL, NULL FROM {_PEOPLE} WHERE reactivate
                UNION ALL
                SELECT person_id, CASE WHEN old_anchor IS NULL THEN 'unlinked' ELSE 'linked' END, NULL,
                       new_anchor, old_anchor
                FROM {_PEOPLE} WHERE link_back
                UNION ALL
                SELECT person_id, 'unlinked', NULL, p._anchor, NULL
                FROM {_PEOPLE} JOIN {master_list.people_table} p ON p._person_id = person_id WHERE gives_up)""",
        [master_list.id, run_id, actor, moment],
    )


def _assert_unique(cursor: Cursor, master_list: MasterList) -> None:
    for column in ("_uid_key", "_anchor"):
        shared = cursor.execute(
            f"""SELECT 1 FROM {master_list.people_table}
                SEMI JOIN (SELECT {column} FROM rewritten WHERE {column} IS NOT NULL) USING ({column})
                GROUP BY {column} HAVING count(*) > 1 LIMIT 1"""
        ).fetchall()
        if shared:
            raise UidsCollide("Two people would have shared a UID or an account; nothing was changed.")
