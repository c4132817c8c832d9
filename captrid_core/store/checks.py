"""Checks of a home: whether everything in it is as it has to be."""

from __future__ import annotations

import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from captrid_core.errors import CaptridError
from captrid_core.store.backup import DATABASE, KEY, SECRETS
from captrid_core.store.database import Cursor, Database, quote, rows, scalar
from captrid_core.store.vault import Vault

_OLD_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    check: str
    ok: bool
    message: str


def check_home(home: Path, database: Database, vault: Vault) -> list[Check]:
    """Look at a home from all sides; nothing is changed."""
    checks = [_check_permissions(home)]
    try:
        with database.read() as cursor:
            checks.append(_check_database(cursor))
            checks += _check_lists(cursor)
            checks.append(_check_runs(cursor))
            checks.append(_check_secrets(cursor, vault))
            checks.append(_check_leftovers(cursor, home))
    except CaptridError as error:
        checks.append(Check("database", ok=False, message=f"{error.message} {error.hint}"))
    return checks


def _check_permissions(home: Path) -> Check:
    open_files = [
        path.name
        for path in (home / DATABASE, home / f"{DATABASE}.wal", home / SECRETS, home / KEY)
        if path.exists() and path.stat().st_mode & 0o077
    ]
    if home.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return Check("permissions", ok=False, message=f"Others may write to {home}: chmod 700 {home}")
    if open_files and home.stat().st_mode & 0o077:
        names = ", ".join(open_files)
        return Check("permissions", ok=False, message=f"Others may read {names}: chmod 700 {home}")
    return Check("permissions", ok=True, message=f"{home} is private.")


def _check_database(cursor: Cursor) -> Check:
    tables = [
        name
        for (name,) in cursor.execute(
            "SELECT table_name FROM duckdb_tables() WHERE NOT temporary AND NOT internal ORDER BY table_name"
        ).fetchall()
    ]
    for table in tables:
        scalar(cursor, f"SELECT bit_xor(hash(t)) FROM {quote(table)} t")  # reads every block of it
    version = scalar(cursor, "SELECT schema_version FROM meta")
    return Check("database", ok=True, message=f"Schema {version}; all {len(tables)} tables can be read.")


def _check_lists(cursor: Cursor) -> Iterator[Check]:
    for found in rows(cursor, "SELECT list_id, name FROM master_list ORDER BY list_id"):
        table = f"people_{found['list_id']}"
        uids, anchors, blank, people = (
            int(scalar(cursor, sql))
            for sql in (
                f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE _uid_key IS NOT NULL "
                "GROUP BY _uid_key HAVING count(*) > 1)",
                f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE _anchor IS NOT NULL "
                "GROUP BY _anchor HAVING count(*) > 1)",
                f"SELECT count(*) FROM {table} WHERE _uid_key IS NULL",
                f"SELECT count(*) FROM {table}",
            )
        )
        problems = [
            f"{count:,} {what}"
            for count, what in (
                (uids, "UIDs belong to several people"),
                (anchors, "directory objects are linked to several people"),
                (blank, "people have no UID"),
            )
            if count
        ]
        message = "; ".join(problems) or f"{people:,} people, every UID and every linked object once."
        yield Check(f"list {found['name']}", ok=not problems, message=message)


def _check_runs(cursor: Cursor) -> Check:
    """Compare the numbers of every applied run with the history that it left (rule R7)."""
    count = int(scalar(cursor, "SELECT count(*) FROM run"))
    wrong = cursor.execute(
        """SELECT r.run_id FROM run r
           LEFT JOIN (SELECT run_id, count(*) FILTER (action = 'created') AS created,
                             count(DISTINCT person_id) FILTER (action IN ('updated', 'reactivated')) AS updated,
                             count(*) FILTER (action = 'reactivated') AS reactivated,
                             count(*) FILTER (action = 'deactivated') AS deactivated
                      FROM change GROUP BY run_id) c ON c.run_id = r.run_id
           WHERE r.status IN ('succeeded', 'undone') AND r.kind <> 'undo'
             AND (r.created <> coalesce(c.created, 0) OR r.updated <> coalesce(c.updated, 0)
                  OR r.reactivated <> coalesce(c.reactivated, 0) OR r.deactivated <> coalesce(c.deactivated, 0)
                  OR r."read" <> r.created + r.updated + r.unchanged + r.skipped)
           ORDER BY r.run_id"""
    ).fetchall()
    if wrong:
        named = ", ".join(str(run_id) for (run_id,) in wrong[:10])
        return Check("runs", ok=False, message=f"{len(wrong):,} runs disagree with their history: {named}.")
    return Check("runs", ok=True, message=f"The numbers of {count:,} runs are those of the history.")


def _check_secrets(cursor: Cursor, vault: Vault) -> Check:
    connections = {
        f"connection:{connection_id}": name
        for connection_id, name in cursor.execute("SELECT connection_id, name FROM connection").fetchall()
    }
    problems = []
    try:
        stored = vault.owners()
        problems += [f"“{name}” has no secret." for owner, name in connections.items() if owner not in stored]
        for owner in stored:
            try:
                vault.get(owner)
            except CaptridError as error:
                problems.append(f"{connections.get(owner, owner)}: {error.message} {error.hint}")
    except CaptridError as error:
        return Check("secrets", ok=False, message=f"{error.message} {error.hint}")
    message = " ".join(problems) or f"The key opens all {len(stored)} secrets."
    return Check("secrets", ok=not problems, message=message)


def _check_leftovers(cursor: Cursor, home: Path) -> Check:
    """Look for what a crash left: it does no harm, but it may hold people's data."""
    standing = dict(cursor.execute("SELECT run_id, status FROM run").fetchall())
    found = [
        str(path.relative_to(home))
        for pattern in ("runs/run-*", f"{SECRETS}.*", f"{KEY}.*", ".captrid-*")
        for path in home.glob(pattern)
        if _is_left_over(path, standing)
    ]
    kept = cursor.execute(
        "SELECT table_name FROM duckdb_tables() WHERE table_name SIMILAR TO 'held_(staged|gone)_[0-9]+'"
    ).fetchall()
    found += [table for (table,) in kept if standing.get(int(table.rsplit("_", 1)[1])) != "held"]
    if found:
        return Check("leftovers", ok=False, message=f"A crash left {', '.join(sorted(found))}.")
    return Check("leftovers", ok=True, message="Nothing was left behind.")


def _is_left_over(path: Path, standing: dict[int, str]) -> bool:
    run = re.match(r"run-(\d+)\.", path.name)
    if run is not None:
        return standing.get(int(run.group(1))) != "running"
    # a preview or a write of the vault may be going on
    return time.time() - path.stat().st_mtime > _OLD_SECONDS
