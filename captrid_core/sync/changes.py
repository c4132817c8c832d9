"""Changes: what a delta read, made into what a comparison needs.

A delta reports objects, and memberships of the scope's group. Some of it has to be asked about before
it can be decided upon: whether an object belongs to the group, and how one looks as a whole. So the
spool is filled step by step (`recognised`, `asked`, `to_look_up`, and what is answered), and then
staged:

    staged          as `staging` has it: the objects reported as in scope, and those that earlier
                    runs had to skip and that may be in order by now
    gone            the objects that the directory says are not in scope (rule R19), as `absence` has it
    near            the people whom either may concern, as the list has them: by account or by UID.
                    Whatever the list's size, they are looked for once (rule R34)

What a list has to remember from run to run for this lies in two tables of its own:

    waiting_<list>  the staged rows of objects in scope that its last run had to skip
    reports_<list>  anchor and manager of all in scope; only where something of managers is mapped
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from captrid_core.directory.port import ChangePage, Page, ScopeKind
from captrid_core.lists import values
from captrid_core.lists.model import MasterList
from captrid_core.store.database import Cursor, literal, quote
from captrid_core.sync.absence import GONE, Absence, absence_by_filter
from captrid_core.sync.spool import Spool
from captrid_core.sync.staging import STAGED, passes, read_lines, typed_objects

NEAR: Final = "near"
"""The temporary table of the people whom a delta may concern."""
_REPORTED: Final = "reported"
TABLES: Final = (NEAR, "near_ids", _REPORTED, "wanted")
"""The temporary tables."""
_LINE: Final = {
    "_deleted": "BOOLEAN",
    "_for_good": "BOOLEAN",
    "_untold": "VARCHAR[]",
    "_member": "VARCHAR",
    "_whole": "BOOLEAN",
    "_known": "BOOLEAN",
    "_linked": "BOOLEAN",
}
_LASTING: Final = ("_member", "_known", "_linked")


def merged(earlier: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Return one line for two about the same object: the later news win, each about its own matter (R31)."""
    if later.get("_deleted") or later.get("_whole"):
        return {name: earlier[name] for name in _LASTING if name in earlier} | later
    both = earlier | later
    if "_deleted" in later and earlier.get("_deleted") is False:
        both["_untold"] = [path for path in earlier.get("_untold", ()) if path in later.get("_untold", ())]
    return both


def recognised(cursor: Cursor, master_list: MasterList, spool: Spool) -> ChangePage:
    """Return which of the reported objects the list has, as a page for the spool. No run but this one changes that.

    `_known` says that the object was in scope after the last run, and `_linked` that a person shows
    all of it: one that waits has been skipped, so that nobody does.
    """
    _load(cursor, master_list, spool)
    linked = f"SELECT id FROM {_REPORTED} JOIN {master_list.people_table} ON _anchor = id WHERE _in_scope"
    waiting = _waiting_ids(cursor, master_list)
    found = cursor.execute(
        f"SELECT id, id NOT IN ({waiting}) FROM ({linked} UNION {waiting}) SEMI JOIN {_REPORTED} USING (id)"
    )
    return _page({"id": one, "_known": True, "_linked": sure} for one, sure in found.fetchall())


def asked(cursor: Cursor, master_list: MasterList, spool: Spool) -> list[str]:
    """Return the ids of those about whom the directory has to be asked whether the scope holds them."""
    if _scope(master_list) is ScopeKind.ALL_USERS:
        return []
    _load(cursor, master_list, spool)
    found = cursor.execute(f"""
        SELECT id FROM {_REPORTED}
        WHERE _deleted IS DISTINCT FROM true AND (_member = 'ask' OR (_member IS NULL AND _known IS NULL)) ORDER BY id
    """)
    return [object_id for (object_id,) in found.fetchall()]


def answers(memberships: Mapping[str, bool]) -> ChangePage:
    """Return what the directory said of memberships as a page for the spool."""
    return _page({"id": one, "_member": "in" if held else "out"} for one, held in memberships.items())


def to_look_up(
    cursor: Cursor, master_list: MasterList, spool: Spool
) -> tuple[list[str], list[str], list[str]]:
    """Return whom a delta has to look up: objects, managers who are there, and the reports of those who are not.

    An object is looked up where the delta does not tell all of it: one that joined without a change
    of its own (R32), one that the list does not know and of which something was left out, and
    everybody if something of managers is mapped. A manager's own change is one of their reports'.
    """
    assert master_list.sync is not None
    _load(cursor, master_list, spool)
    objects = cursor.execute(f"SELECT id FROM {_REPORTED} WHERE {_incomplete(master_list)} ORDER BY id")
    ids = [object_id for (object_id,) in objects.fetchall()]
    if not master_list.sync.maps_manager:
        return ids, [], []
    managers = cursor.execute(f"SELECT id FROM {_REPORTED} WHERE NOT _deleted ORDER BY id").fetchall()
    orphans: list[tuple[str]] = []
    if _exists(cursor, _reports(master_list)):
        orphans = cursor.execute(
            f"SELECT _anchor FROM {_reports(master_list)} WHERE _manager IN (SELECT id FROM {_REPORTED} WHERE _deleted)"
        ).fetchall()
    return ids, [one for (one,) in managers], [one for (one,) in orphans]


def known(cursor: Cursor, master_list: MasterList, ids: Sequence[str]) -> list[str]:
    """Return those of the ids whose objects the list has in scope."""
    cursor.execute("CREATE OR REPLACE TEMP TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS id", [list(ids)])
    found = cursor.execute(f"""
        SELECT id FROM wanted WHERE id IN (SELECT _anchor FROM {master_list.people_table} WHERE _in_scope)
            OR id IN ({_waiting_ids(cursor, master_list)}) ORDER BY id
    """)
    return [object_id for (object_id,) in found.fetchall()]


def as_known(ids: Iterable[str]) -> ChangePage:
    """Return as a page for the spool that the list has these objects in scope."""
    return _page({"id": one, "_known": True} for one in ids)


def whole(page: Page) -> ChangePage:
    """Return objects that were looked up as a page for the spool."""
    return _page(
        {**msgspec.json.decode(line), "_deleted": False, "_untold": [], "_whole": True}
        for line in page.ndjson.splitlines()
    )


def stage_changes(cursor: Cursor, master_list: MasterList, spool: Spool) -> None:
    """Fill `staged` and `gone` from the spool and from what earlier runs had to skip."""
    assert master_list.sync is not None
    values.define_macros(cursor)
    _load(cursor, master_list, spool)
    fits = f"({passes(master_list.sync)})"
    here = f"_deleted IS NOT DISTINCT FROM false AND {_in_scope(master_list)}"
    reasons = f"""
        WHEN _deleted AND _for_good THEN {literal(Absence.DELETED)}
        WHEN _deleted THEN {literal(Absence.RECYCLE_BIN)}
        WHEN _member = 'out' THEN {literal(Absence.OUT_OF_SCOPE)}
        {absence_by_filter(master_list.sync)}"""
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE {GONE} AS
        SELECT id AS _anchor, CASE {reasons} END AS _reason
        FROM {_REPORTED} WHERE _deleted OR _member = 'out' OR ({here} AND NOT {fits})
    """)
    entries = f"FROM {_REPORTED} WHERE {here} AND {fits} AND NOT ({_incomplete(master_list)})"
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {STAGED} AS {typed_objects(master_list, entries)}")
    _recall_left_as_is(cursor, master_list)
    _recall(cursor, master_list)
    find_near(cursor, master_list)
    _keep_untold(cursor, master_list)


def find_near(cursor: Cursor, master_list: MasterList) -> None:
    """Find the people whom `staged` and `gone` may concern: the table `near`.

    Their ids first, then all of them, by joins: measured at a million people, a third of the cost of IN.
    """
    people = master_list.people_table
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE near_ids AS
        SELECT _person_id FROM {people} JOIN (SELECT _anchor FROM {STAGED} UNION SELECT _anchor FROM {GONE}) USING (_anchor)
        UNION SELECT _person_id FROM {people} JOIN (SELECT DISTINCT _uid_key FROM {STAGED}) USING (_uid_key)
    """)
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {NEAR} AS SELECT p.* FROM near_ids JOIN {people} p USING (_person_id)"
    )


def remember(cursor: Cursor, master_list: MasterList, *, delta: bool) -> None:
    """Keep for the next run what a comparison had to skip, and who reports to whom, in the caller's transaction."""
    assert master_list.sync is not None
    skipped = f"""FROM {STAGED} SEMI JOIN (
        SELECT _row FROM odd WHERE skip IS NOT NULL AND (skip <> 'missing_uid' OR own_id IS NOT NULL)) USING (_row)"""
    _store(cursor, _waiting(master_list), skipped, delta=delta)
    if master_list.sync.maps_manager:
        managers = f"SELECT _anchor, _manager FROM {STAGED}" + (" WHERE NOT _recalled" if delta else "")
        _store(cursor, _reports(master_list), managers, delta=delta)
    else:
        cursor.execute(f"DROP TABLE IF EXISTS {_reports(master_list)}")


def _store(cursor: Cursor, table: str, source: str, *, delta: bool) -> None:
    """Replace a table by a full read, or what a delta was told of it."""
    if not delta or not _exists(cursor, table):
        cursor.execute(f"CREATE OR REPLACE TABLE {table} AS {source}")
        return
    cursor.execute(
        f"DELETE FROM {table} WHERE _anchor IN (SELECT _anchor FROM {STAGED} UNION ALL SELECT _anchor FROM {GONE})"
    )
    cursor.execute(f"INSERT INTO {table} BY NAME {source}")


def _load(cursor: Cursor, master_list: MasterList, spool: Spool) -> None:
    """Read the spool, one row for each object: the table `reported`."""
    assert master_list.sync is not None
    spool.merge(merged)
    lines = read_lines(master_list.sync, spool.path, **_LINE)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {_REPORTED} AS FROM {lines}")


def _waiting_ids(cursor: Cursor, master_list: MasterList) -> str:
    """Return SQL for the ids of the objects that wait."""
    table = _waiting(master_list)
    return (
        f"SELECT _anchor AS id FROM {table}"
        if _exists(cursor, table)
        else "SELECT NULL::VARCHAR AS id WHERE false"
    )


def _in_scope(master_list: MasterList) -> str:
    """Return SQL for whether the scope holds a reported object, its filters aside."""
    if _scope(master_list) is ScopeKind.ALL_USERS:
        return "true"
    return "(_member IS NOT DISTINCT FROM 'in' OR (_member IS NULL AND _known IS NOT NULL))"


def _incomplete(master_list: MasterList) -> str:
    """Return SQL for whether a reported object is in scope, and not all of it is told."""
    assert master_list.sync is not None
    unknown = "(len(_untold) > 0 AND _linked IS DISTINCT FROM true)"
    if master_list.sync.maps_manager:
        unknown = "true"
    return f"""(_deleted IS DISTINCT FROM true AND _whole IS DISTINCT FROM true AND {_in_scope(master_list)}
                AND (_deleted IS NULL OR {unknown}) AND {passes(master_list.sync)})"""


def _keep_untold(cursor: Cursor, master_list: MasterList) -> None:
    """Give what was not told the value that the person has (rule R16)."""
    assert master_list.sync is not None
    paths = cursor.execute(
        f"SELECT DISTINCT unnest(_untold) FROM {_REPORTED} WHERE id IN (SELECT _anchor FROM {STAGED})"
    ).fetchall()
    mapped = {path: key for path, key in master_list.sync.mapping.items() if (path,) in paths}
    if not mapped:
        return
    for path, key in mapped.items():
        kept = {key, "_uid_key"} if key == master_list.uid_field else {key}
        cursor.execute(f"""
            UPDATE {STAGED} SET {", ".join(f"{quote(one)} = k.{quote(one)}" for one in sorted(kept))}
            FROM {NEAR} k JOIN {_REPORTED} r ON r.id = k._anchor
            WHERE k._anchor = {STAGED}._anchor AND list_contains(r._untold, {literal(path)})
        """)


def _recall(cursor: Cursor, master_list: MasterList) -> None:
    """Stage what waits and was not reported: it may be in order by now."""
    if not _exists(cursor, _waiting(master_list)):
        return
    cursor.execute(f"""
        INSERT INTO {STAGED} BY NAME
        SELECT * REPLACE ((SELECT coalesce(max(_row), 0) FROM {STAGED}) + row_number() OVER () AS _row,
                          true AS _recalled)
        FROM {_waiting(master_list)}
        WHERE _anchor NOT IN (SELECT _anchor FROM {STAGED}) AND _anchor NOT IN (SELECT _anchor FROM {GONE})
    """)


def _recall_left_as_is(cursor: Cursor, master_list: MasterList) -> None:
    """Look again at people whose object is gone and who are Active because several accounts claimed their UID (R12)."""
    cursor.execute(f"""
        INSERT INTO {GONE}
        SELECT _anchor, {literal(Absence.OUT_OF_SCOPE)} FROM {master_list.people_table}
        WHERE _active AND NOT _by_staff AND NOT _in_scope AND _anchor IS NOT NULL
          AND _anchor NOT IN (SELECT _anchor FROM {GONE} UNION ALL SELECT _anchor FROM {STAGED})
    """)


def _scope(master_list: MasterList) -> ScopeKind:
    assert master_list.sync is not None
    return master_list.sync.scope.kind


def _waiting(master_list: MasterList) -> str:
    return f"waiting_{master_list.id:d}"


def _reports(master_list: MasterList) -> str:
    return f"reports_{master_list.id:d}"


def _exists(cursor: Cursor, table: str) -> bool:
    return bool(cursor.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [table]).fetchall())


def _page(lines: Iterable[dict[str, Any]]) -> ChangePage:
    encoded = [msgspec.json.encode(line) for line in lines]
    return ChangePage(b"\n".join([*encoded, b""]) if encoded else b"", len(encoded))
