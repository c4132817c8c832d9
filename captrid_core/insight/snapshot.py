"""What the published snapshot holds: its tables, views, macros and their descriptions.

Whatever is not named here is not published. The names are stable: a list has its table under its
number for good, beside the view that goes by its name; a field's column is called by its key.
"""

from __future__ import annotations

from typing import Final

from captrid_core.lists.model import Field, MasterList
from captrid_core.lists.past import people_since
from captrid_core.store.database import Cursor, literal, quote

TABLES: Final = {
    "people": (
        "Everybody, of all Master Lists: one row a person and list.",
        {
            "list": "The Master List's name.",
            "list_id": "The Master List's number, which never changes.",
            "person_id": "The person's number, which never changes and is never used again.",
            "uid": "The person's value in the list's UID field.",
            "status": "active or inactive.",
            "since": "Since when the status is what it is, in UTC.",
            "origin": "Where the person came from first: directory, manual or csv.",
            "managed": "Whether the directory manages the person now.",
            "created_at": "When the person came into the list, in UTC.",
            "updated_at": "When the person was last changed, in UTC.",
            "correct_as_of": "When the directory was last read for the list by a run that was applied, in UTC; NULL: never.",
        },
    ),
    "changes": (
        "Everything that ever happened to a person, a row for each field that changed.",
        {
            "at": "When, in UTC.",
            "actor": "Who: of a run, whoever started it.",
            "list": "The Master List's name.",
            "list_id": "The Master List's number.",
            "person_id": "The person's number.",
            "uid": "The person's UID as it is now.",
            "action": "created, updated, deactivated, reactivated, linked, unlinked or joined.",
            "field": "The key of the field that was changed; NULL where the action is about the person.",
            "old_value": "What it was before, as text.",
            "new_value": "What it was then, as text.",
            "reason": "Why a run deactivated the person: deleted, recycle_bin, disabled, guest, out_of_scope or uid_changed.",
            "run_id": "The run that did it; NULL: somebody by hand.",
        },
    ),
    "lists": (
        "The Master Lists.",
        {
            "list_id": "The number, which never changes.",
            "list": "The name.",
            "view": "What the list's view is called in this file.",
            "uid_field": "The key of the UID field.",
            "connection_id": "The connection that feeds it, or last did.",
            "connected": "Whether a directory feeds it now.",
            "scope": "all_users or group.",
            "group_name": "The group, where the scope is one.",
            "correct_as_of": "When the directory was last read for it by a run that was applied, in UTC.",
            "created_at": "When it was made, in UTC.",
            "archived_at": "When it was put into the archive, in UTC; NULL: it is in use.",
        },
    ),
    "fields": (
        "The fields of the Master Lists, in the order of their schemas.",
        {
            "list_id": "The Master List's number.",
            "list": "The Master List's name.",
            "position": "The place in the schema, from 0 on.",
            "key": "The field's key, which never changes: the column's name.",
            "label": "What people call it.",
            "type": "text, number, email, dropdown or date.",
            "required": "Whether people must have a value.",
            "options": "What can be chosen, for a dropdown.",
            "property": "The directory's property that feeds it; NULL: none.",
        },
    ),
    "runs": (
        "The sync runs that have ended or wait for a decision.",
        {
            "run_id": "The run's number.",
            "list_id": "The Master List's number.",
            "list": "The Master List's name at that time.",
            "asked": "What was asked for: full, delta or undo.",
            "kind": "What was run: full, delta or undo.",
            "status": "succeeded, held, failed, cancelled, interrupted, discarded or undone.",
            "actor": "Who started it.",
            "started_at": "When it began, in UTC.",
            "finished_at": "When it ended, in UTC.",
            "seconds": "How long it took.",
            "read": "Directory objects read.",
            "created": "People created.",
            "updated": "People updated, the reactivated ones included.",
            "reactivated": "People reactivated.",
            "deactivated": "People deactivated.",
            "unchanged": "People who were as the directory has them.",
            "skipped": "Directory objects of which nothing was applied.",
            "message": "What is to be said of it.",
            "error_code": "What went wrong, as a code.",
            "error": "What went wrong, in words.",
            "holds": "The guards that held it.",
            "undoes_run_id": "The run that it takes back.",
            "undone_by_run_id": "The run that took it back.",
        },
    ),
    "run_errors": (
        "Errors and warnings of runs, each about one directory object.",
        {
            "run_id": "The run's number.",
            "level": "error or warning.",
            "error_code": "What it is, as a code.",
            "object_id": "The directory object's id.",
            "uid": "The UID that it has in the directory.",
            "field": "The key of the field, where it is about one.",
            "message": "What it is, in words.",
        },
    ),
    "connections": (
        "The connections to directories, without anything one could sign in with.",
        {
            "connection_id": "The connection's number.",
            "name": "The name.",
            "cloud": "global, usgov, usgov-dod, china or custom.",
            "secret_expires_on": "The day on which its secret expires, where it is known.",
            "tested_at": "When it was last tested, in UTC.",
            "created_at": "When it was added, in UTC.",
        },
    ),
    "published": (
        "One row: this snapshot.",
        {
            "at": "As of when it is correct, in UTC.",
            "by": "Who published it.",
            "state": "Tells one state of the home from another.",
        },
    ),
}
"""Every table and view that is there for all lists, with its description and those of its columns."""

OWN_COLUMNS: Final = {
    "_person_id": "The person's number, which never changes.",
    "_status": "active or inactive.",
    "_since": "Since when the status is what it is, in UTC.",
    "_origin": "Where the person came from first: directory, manual or csv.",
    "_managed": "Whether the directory manages the person now.",
    "_created_at": "When the person came into the list, in UTC.",
    "_updated_at": "When the person was last changed, in UTC.",
    "_correct_as_of": "When the directory was last read for the list by a run that was applied, in UTC.",
}
"""The columns of a list that are not fields; a field's key never begins with an underscore."""

_COPIES: Final = {
    "lists": """
        SELECT list_id, l.name AS list, NULL::VARCHAR AS view, uid_field, connection_id,
               coalesce(connected, false) AS connected, scope_kind AS scope, group_name,
               r.started_at AS correct_as_of, created_at, archived_at
        FROM master_list l LEFT JOIN (SELECT run_id, started_at FROM run) r ON r.run_id = l.last_applied_run_id
        ORDER BY list_id""",
    "fields": """
        SELECT f.list_id, l.name AS list, f."position", f.key, f.label, f.type, f.required, f.options, m.property
        FROM field f JOIN master_list l USING (list_id)
        LEFT JOIN mapping m ON m.list_id = f.list_id AND m.field_key = f.key AND l.connected
        ORDER BY f.list_id, f."position" """,
    "runs": """
        SELECT run_id, list_id, list_name AS list, asked, kind, status, actor, started_at, finished_at,
               epoch_ms(finished_at - started_at) / 1000 AS seconds, "read", created, updated, reactivated,
               deactivated, unchanged, skipped, message, error->>'code' AS error_code, error->>'message' AS error,
               holds, undoes_run_id, undone_by_run_id
        FROM (SELECT * REPLACE (error::JSON AS error) FROM run) WHERE status <> 'running' ORDER BY run_id""",
    "run_errors": """
        SELECT run_id, level, code AS error_code, object_id, uid, field, message FROM run_note
        WHERE run_id IN (SELECT run_id FROM run WHERE status <> 'running') ORDER BY run_id""",
    "connections": """
        SELECT connection_id, name, cloud, secret_expires_on, tested_at, created_at
        FROM connection ORDER BY connection_id""",
}
_BASE: Final = "base"


def view_names(lists: list[MasterList]) -> dict[int, str]:
    """Return what each list's view is called: as the list, unless that would hide something else."""
    found: dict[int, str] = {}
    taken = set(TABLES) | {f"list_{one.id}" for one in lists}
    for one in lists:
        name = "".join(letter for letter in one.name if letter != "\0")
        system = name.lower().startswith(("duckdb_", "pg_", "sqlite_", "information_schema"))
        if system or name.lower() in taken:
            name = f"{name} (list)"
        found[one.id] = name if name.lower() not in taken else f"list_{one.id} by name"
        taken.add(found[one.id].lower())
    return found


def copy(cursor: Cursor, lists: list[MasterList]) -> None:
    """Copy what is published into the attached database `snapshot`."""
    cursor.execute(f"CREATE SCHEMA snapshot.{_BASE}")
    for table, select in _COPIES.items():
        cursor.execute(f"CREATE TABLE snapshot.{table} AS {select}")
    for list_id, name in view_names(lists).items():
        cursor.execute("UPDATE snapshot.lists SET view = ? WHERE list_id = ?", [name, list_id])
    for one in lists:
        _copy_people(cursor, one)
    everybody = " UNION ALL ".join(
        f"SELECT {one.id:d} AS list_id, _person_id, {quote(one.uid_field)} AS uid FROM {one.people_table}"
        for one in lists
    )
    uids = everybody or "SELECT NULL::BIGINT AS list_id, NULL::BIGINT AS _person_id, NULL::VARCHAR AS uid"
    cursor.execute(
        f"""CREATE TABLE snapshot.{_BASE}.change AS
            SELECT c.*, p.uid FROM change c
            LEFT JOIN ({uids}) p ON p.list_id = c.list_id AND p._person_id = c.person_id"""
    )


def _copy_people(cursor: Cursor, one: MasterList) -> None:
    columns = ", ".join(f"p.{quote(field.key)}" for field in one.fields)
    cursor.execute(
        f"""CREATE TABLE snapshot.{_BASE}.{one.people_table} AS
            SELECT p._person_id, p._anchor, p._active, p._by_staff, p._origin, p._created_at, p._updated_at,
                   {columns}, coalesce(c.since, p._created_at) AS _since
            FROM {one.people_table} p LEFT JOIN (
                SELECT person_id, max(changed_at) AS since FROM change
                WHERE list_id = {one.id:d} AND action IN ('deactivated', 'reactivated') GROUP BY person_id
            ) c ON c.person_id = p._person_id"""
    )
    cursor.execute(f"CREATE TABLE snapshot.{_BASE}.{one.former_table} AS FROM {one.former_table}")


def describe(connection: Cursor, lists: list[MasterList]) -> None:
    """Make views, macros and descriptions in a snapshot that is open by itself."""
    names = view_names(lists)
    for one in lists:
        _make_list(connection, one, names[one.id])
    _make_people(connection, lists)
    _make_changes(connection)
    _make_past(connection, lists)
    for table, (about, columns) in TABLES.items():
        kind = "VIEW" if table in ("people", "changes") else "TABLE"
        connection.execute(f"COMMENT ON {kind} {table} IS {literal(about)}")
        for column, text in columns.items():
            connection.execute(f"COMMENT ON COLUMN {table}.{quote(column)} IS {literal(text)}")


def _make_list(connection: Cursor, one: MasterList, view: str) -> None:
    fields = "".join(f"{quote(field.key)}, " for field in one.fields)
    connection.execute(
        f"""CREATE VIEW list_{one.id} AS
            SELECT {fields}_person_id, {_STATUS} AS _status, _since, _origin, {_managed(one)} AS _managed,
                   _created_at, _updated_at, {_correct_as_of(one)} AS _correct_as_of
            FROM {_BASE}.{one.people_table}"""
    )
    connection.execute(f"CREATE VIEW {quote(view)} AS FROM list_{one.id}")
    connection.execute(
        f"""CREATE MACRO list_{one.id}_as_of(moment) AS TABLE
            SELECT {fields}_person_id, {_STATUS} AS _status, _origin, _created_at
            FROM {people_since(one, "moment::TIMESTAMP", schema=_BASE)}"""
    )
    for name in (f"list_{one.id}", quote(view)):
        connection.execute(f"COMMENT ON VIEW {name} IS {literal(f'The people of “{one.name}”.')}")
        for field in one.fields:
            about = _about(field, uid=field.key == one.uid_field)
            connection.execute(f"COMMENT ON COLUMN {name}.{quote(field.key)} IS {literal(about)}")
        for column, text in OWN_COLUMNS.items():
            connection.execute(f"COMMENT ON COLUMN {name}.{column} IS {literal(text)}")


def _make_people(connection: Cursor, lists: list[MasterList]) -> None:
    """Make the view of all lists' people; without a list it has its columns all the same."""
    nobody = """SELECT NULL::VARCHAR AS list, NULL::BIGINT AS list_id, NULL::BIGINT AS person_id, NULL::VARCHAR AS uid,
        NULL::VARCHAR AS status, NULL::TIMESTAMP AS since, NULL::VARCHAR AS origin, NULL::BOOLEAN AS managed,
        NULL::TIMESTAMP AS created_at, NULL::TIMESTAMP AS updated_at, NULL::TIMESTAMP AS correct_as_of WHERE false"""
    everybody = "".join(
        f"""
        UNION ALL SELECT {literal(one.name)}, {one.id:d}, _person_id, {quote(one.uid_field)}, {_STATUS}, _since, _origin,
            {_managed(one)}, _created_at, _updated_at, {_correct_as_of(one)} FROM {_BASE}.{one.people_table}"""
        for one in lists
    )
    connection.execute(f"CREATE VIEW people AS {nobody}{everybody}")


def _make_changes(connection: Cursor) -> None:
    connection.execute(
        f"""CREATE VIEW changes AS
            SELECT c.changed_at AS "at", c.actor, l.list, c.list_id, c.person_id, c.uid, c.action, c.field,
                   c.old_value, c.new_value, c.reason, c.run_id
            FROM {_BASE}.change c LEFT JOIN lists l ON l.list_id = c.list_id"""
    )


def _make_past(connection: Cursor, lists: list[MasterList]) -> None:
    """Make the macro that asks for the past of a list by its name."""
    nobody = """SELECT NULL::VARCHAR AS list, NULL::BIGINT AS list_id, NULL::BIGINT AS person_id, NULL::VARCHAR AS uid,
        NULL::VARCHAR AS status, NULL::VARCHAR AS origin, NULL::TIMESTAMP AS created_at WHERE false"""
    everybody = "".join(
        f"""
        UNION ALL SELECT {literal(one.name)}, {one.id:d}, _person_id, {quote(one.uid_field)}, _status, _origin, _created_at
            FROM list_{one.id}_as_of(moment) WHERE lower(list_name) = lower({literal(one.name)})"""
        for one in lists
    )
    connection.execute(f"CREATE MACRO people_as_of(list_name, moment) AS TABLE {nobody}{everybody}")


_STATUS: Final = "CASE WHEN _active THEN 'active' ELSE 'inactive' END"


def _managed(one: MasterList) -> str:
    return "_anchor IS NOT NULL" if one.connected else "false"


def _correct_as_of(one: MasterList) -> str:
    return f"(SELECT correct_as_of FROM lists WHERE list_id = {one.id:d})"


def _about(field: Field, *, uid: bool) -> str:
    options = f": {', '.join(field.options)}" if field.options else ""
    return f"{field.label}. {field.type.capitalize()}{options}.{' The UID field.' if uid else ''}"
