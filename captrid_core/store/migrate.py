"""Brings a database to the newest schema, one numbered file after the other."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import duckdb

from captrid_core.errors import HomeUnusable


def newest_version() -> int:
    """Return the number of the newest migration."""
    return max(_migrations())


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Run the migrations that `connection`'s database has not seen, each in its own transaction.

    Raises:
        HomeUnusable: The database was written by a newer version than this one.
    """
    version = _version(connection)
    if version > (newest := newest_version()):
        raise HomeUnusable(
            f"The database has schema {version}; this version knows schemas up to {newest}.",
            hint="Use the newer version of CaptrID Directory Sync that wrote it.",
        )
    for number, sql in sorted(_migrations().items()):
        if number > version:
            connection.execute("BEGIN TRANSACTION")
            try:
                connection.execute(sql)
                connection.execute("UPDATE meta SET schema_version = ?", [number])
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    # fetched to the end: a result that is left open keeps its transaction, and nobody can checkpoint
    if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'meta'").fetchall():
        return 0
    return int(connection.execute("SELECT schema_version FROM meta").fetchall()[0][0])


@cache
def _migrations() -> dict[int, str]:
    return {
        int(match.group(1)): entry.read_text(encoding="utf-8")
        for entry in files("captrid_core.store").joinpath("migrations").iterdir()
        if (match := re.fullmatch(r"(\d+)_\w+\.sql", entry.name))
    }
