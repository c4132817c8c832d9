"""Staging: what was read, with the list's types, as a temporary table.

Shape of the table `staged`, one row for each directory object in scope:

    _row      BIGINT    numbers the rows
    _anchor   VARCHAR   the object's id
    _uid_key  VARCHAR   the UID as it is compared; NULL where it is blank
    _bad      STRUCT(field, value)[]   values that do not fit their fields (R17); NULL where all fit
    _recalled BOOLEAN   no news: an earlier run had to skip the object, and this one looks again
    _manager  VARCHAR   the id of the manager; only where something of managers is mapped
    <key>     one column for each mapped field
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from pathlib import Path

from captrid_core.directory.properties import parse_property
from captrid_core.errors import ReadIncomplete
from captrid_core.lists import values
from captrid_core.lists.model import MasterList, SyncConfiguration
from captrid_core.store.database import Cursor, literal, quote, scalar
from captrid_core.sync.spool import Spool

STAGED = "staged"
"""The temporary table's name."""
MEMBER = "(coalesce(lower(\"userType\"), '') <> 'guest')"
ENABLED = "(coalesce(\"accountEnabled\", 'true') <> 'false')"


def needed_properties(sync: SyncConfiguration) -> list[str]:
    """Return the property paths that a run must read: the mapped ones and those that filters look at."""
    paths = list(sync.mapping)
    if sync.exclude_guests:
        paths.append("userType")
    if sync.exclude_disabled:
        paths.append("accountEnabled")
    return list(dict.fromkeys(paths))


def stage(cursor: Cursor, master_list: MasterList, spool: Spool) -> int:
    """Fill `staged` from the spool and return how many objects are in scope.

    Raises:
        ReadIncomplete: What was read is not a list of directory objects.
    """
    assert master_list.sync is not None
    values.define_macros(cursor)
    _read(cursor, master_list, spool.path)
    if scalar(cursor, f"SELECT count(*) FROM {STAGED} WHERE _anchor IS NULL"):
        raise ReadIncomplete("The directory answered with people that have no id.")
    if _has_repeated_anchors(cursor):
        spool.keep_last()
        _read(cursor, master_list, spool.path)
    return int(scalar(cursor, f"SELECT count(*) FROM {STAGED}"))


def _has_repeated_anchors(cursor: Cursor) -> bool:
    # by hash: cheaper, and an alarm for nothing only costs the slow way
    found = cursor.execute(
        f"SELECT 1 FROM {STAGED} GROUP BY hash(_anchor) HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    return bool(found)


def _read(cursor: Cursor, master_list: MasterList, path: Path) -> None:
    sync = master_list.sync
    assert sync is not None
    cursor.execute(f"DROP TABLE IF EXISTS {STAGED}")
    cursor.execute(
        f"CREATE TEMP TABLE {STAGED} AS {typed_objects(master_list, f'FROM {read_lines(sync, path)} WHERE {passes(sync)}')}"
    )


def read_lines(
    sync: SyncConfiguration, path: Path, *, only: Container[str] | None = None, **more: str
) -> str:
    """Return SQL for a relation with a column for each member that a run needs, read from a file of JSON lines.

    Args:
        sync: What is mapped and filtered.
        path: The file.
        only: Members to confine it to; None: all that a run needs.
        more: Further members of the lines, with their types.
    """
    columns = ", ".join(
        f"{literal(name)}: {literal(kind)}"
        for name, kind in (*_json_columns(needed_properties(sync)), *more.items())
        if only is None or name in only
    )
    return f"""read_json({literal(str(path))}, format = 'newline_delimited', columns = {{{columns}}},
                         maximum_object_size = 1048576)"""


def typed_objects(master_list: MasterList, source: str) -> str:
    """Return SQL for rows of the shape of `staged` from `source`, a FROM clause with the members of `read_lines`."""
    sync = master_list.sync
    assert sync is not None
    raw = ", ".join(
        f"{values.cleaned(_value(property_path))} AS {quote(key)}"
        for property_path, key in sync.mapping.items()
    )
    fields = [master_list.field(key) for key in sync.mapping.values()]
    typed = ", ".join(f"{values.typed(field, quote(field.key))} AS {quote(field.key)}" for field in fields)
    others = [field for field in fields if field.key != master_list.uid_field]
    unfit = {
        field.key: f"({quote(field.key)} IS NOT NULL AND {values.typed(field, quote(field.key))} IS NULL)"
        for field in others
    }
    bad = "NULL::STRUCT(field VARCHAR, value VARCHAR)[]"
    if unfit:
        entries = ", ".join(
            f"CASE WHEN {test} THEN {{'field': {literal(key)}, 'value': left({quote(key)}, 80)}} END"
            for key, test in unfit.items()
        )
        any_unfit = " OR ".join(unfit.values())
        bad = f"CASE WHEN {any_unfit} THEN list_filter([{entries}], lambda b: b IS NOT NULL) END"
    uid = values.typed(master_list.field(master_list.uid_field), quote(master_list.uid_field))
    manager = "_manager, " if sync.maps_manager else ""
    return f"""
        SELECT row_number() OVER () AS _row, _anchor,
               {values.uid_key(uid, caseless=master_list.caseless_uid)} AS _uid_key,
               {bad} AS _bad, false AS _recalled, {manager}{typed}
        FROM (SELECT {quote("id")} AS _anchor, {"manager.id AS _manager, " if manager else ""}{raw} {source})
    """


def passes(sync: SyncConfiguration) -> str:
    """Return SQL for whether an object passes the list's filters: what is unknown counts as a member, and as enabled."""
    tests = []
    if sync.exclude_guests:
        tests.append(MEMBER)
    if sync.exclude_disabled:
        tests.append(ENABLED)
    return " AND ".join(tests) or "true"


def _json_columns(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Return (member, type) of the JSON objects for the property paths."""
    plain: dict[str, str] = {"id": "VARCHAR"}
    nested: dict[str, list[str]] = {}
    for path in paths:
        root, _, child = path.partition("/")
        if child:
            nested.setdefault(root, ["id"] if root == "manager" else []).append(child)
        elif parse_property(path).kind == "collection":
            plain[root] = "VARCHAR[]"
        else:
            plain[root] = "VARCHAR"
    structs = {
        root: "STRUCT(" + ", ".join(f"{quote(child)} VARCHAR" for child in children) + ")"
        for root, children in nested.items()
    }
    return [*plain.items(), *structs.items()]


def _value(path: str) -> str:
    """Return SQL for the text at a property path."""
    root, _, child = path.partition("/")
    if child:
        return f"{quote(root)}.{quote(child)}"
    if parse_property(path).kind == "collection":
        return f"array_to_string({quote(root)}, ', ')"
    return quote(root)
