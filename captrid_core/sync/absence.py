"""Absence: why somebody whom a full sync did not read is not there any more.

That a read left somebody out proves nothing. So before anybody is deactivated by it, their very
object is looked up (rule R18). What was found lies in a temporary table for the comparison:

    gone  _anchor VARCHAR, _reason VARCHAR   why an object is not in scope: one of `Absence`

Who is in scope after all was missed by the read: such an object joins what was read, and the run is
held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from captrid_core.directory.port import Directory, Page, ScopeKind
from captrid_core.lists.model import MasterList, SyncConfiguration
from captrid_core.store.database import Cursor, literal, scalar
from captrid_core.sync.spool import Spool
from captrid_core.sync.staging import ENABLED, MEMBER, needed_properties, passes, read_lines

GONE: Final = "gone"
"""The temporary table of the objects that are not in scope."""
LOOKED_UP_AT_MOST: Final = 10_000
"""How many people one run looks up; for more, the read itself is in doubt, and the run is held."""
_AT_ONCE: Final = 200


class Absence(StrEnum):
    """Why an object is not in a list's scope."""

    DELETED = "deleted"
    RECYCLE_BIN = "recycle_bin"
    DISABLED = "disabled"
    GUEST = "guest"
    OUT_OF_SCOPE = "out_of_scope"
    """It is there, but no member of the group."""
    UID_CHANGED = "uid_changed"
    """Its account stands for another person now (rule R13)."""
    MISSED = "missed"
    """It is in scope: the read has left it out."""


def absent(
    cursor: Cursor, master_list: MasterList, spool: Spool
) -> tuple[list[str], list[tuple[str, Absence]]]:
    """Return which managed Active people's objects were not read, and those which a filter leaves out, with why.

    Raises:
        duckdb.Error: What was read is not a list of directory objects.
    """
    assert master_list.sync is not None
    found = cursor.execute(f"""
        SELECT p._anchor, s.id IS NULL, s.reason
        FROM (SELECT _anchor FROM {master_list.people_table}
              WHERE _anchor IS NOT NULL AND _active AND NOT _by_staff) p
        LEFT JOIN (SELECT id, NOT ({passes(master_list.sync)}) AS filtered,
                          CASE {absence_by_filter(master_list.sync)} END AS reason
                   FROM {read_lines(master_list.sync, spool.path, only=_FILTERED)}) s ON s.id = p._anchor
        WHERE s.id IS NULL OR s.filtered ORDER BY p._anchor
    """).fetchall()
    unread = [anchor for anchor, is_unread, _ in found if is_unread]
    return unread, [(anchor, Absence(reason)) for anchor, is_unread, reason in found if not is_unread]


def explained(
    directory: Directory, sync: SyncConfiguration, ids: Sequence[str]
) -> Iterator[tuple[list[tuple[str, Absence]], Page]]:
    """Look objects up that were not read, and yield what became of some of them.

    Yields:
        Pairs of (id, why it is absent), and the objects that the read has missed, as a page for the spool.

    Raises:
        DirectoryError, SignInError, Cancelled: The directory could not be asked.
    """
    for first in range(0, len(ids), _AT_ONCE):
        yield _explained(directory, sync, ids[first : first + _AT_ONCE])


def stage_absent(cursor: Cursor, absences: Sequence[tuple[str, str]]) -> None:
    """Fill the table `gone`."""
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE {GONE} AS
            SELECT _anchor, any_value(_reason) AS _reason
            FROM (SELECT unnest(?::VARCHAR[]) AS _anchor, unnest(?::VARCHAR[]) AS _reason) GROUP BY _anchor""",
        [[anchor for anchor, _ in absences], [reason for _, reason in absences]],
    )


def count_missed(cursor: Cursor) -> int:
    """Return how many of those in scope the read has left out."""
    return int(scalar(cursor, f"SELECT count(*) FROM {GONE} WHERE _reason = {literal(Absence.MISSED)}"))


def absence_by_filter(sync: SyncConfiguration) -> str:
    """Return the branches of an SQL CASE that tell by which filter an object is left out."""
    branches = []
    if sync.exclude_disabled:
        branches.append(f"WHEN NOT {ENABLED} THEN {literal(Absence.DISABLED)}")
    if sync.exclude_guests:
        branches.append(f"WHEN NOT {MEMBER} THEN {literal(Absence.GUEST)}")
    return " ".join(branches) or "WHEN false THEN NULL"


_FILTERED: Final = ("id", "userType", "accountEnabled")


def _explained(
    directory: Directory, sync: SyncConfiguration, ids: Sequence[str]
) -> tuple[list[tuple[str, Absence]], Page]:
    there: dict[str, dict[str, Any]] = {}
    for page in directory.look_up(ids, properties=needed_properties(sync)):
        for line in page.ndjson.splitlines():
            user = msgspec.json.decode(line)
            there[user["id"]] = user
    missing = [one for one in ids if one not in there]
    binned = directory.deleted(missing) if missing else set()
    reasons = {one: Absence.RECYCLE_BIN if one in binned else Absence.DELETED for one in missing}
    reasons |= {one: reason for one, user in there.items() if (reason := _filtered(sync, user)) is not None}
    left = [one for one in there if one not in reasons]
    if left and sync.scope.kind is ScopeKind.GROUP:
        held = directory.members(sync.scope, left)
        reasons |= {one: Absence.OUT_OF_SCOPE for one in left if not held.get(one, False)}
    missed = [one for one in left if one not in reasons]
    reasons |= dict.fromkeys(missed, Absence.MISSED)
    lines = [msgspec.json.encode(there[one]) + b"\n" for one in missed]
    return list(reasons.items()), Page(b"".join(lines), len(lines))


def _filtered(sync: SyncConfiguration, user: dict[str, Any]) -> Absence | None:
    if sync.exclude_disabled and user.get("accountEnabled") is False:
        return Absence.DISABLED
    if sync.exclude_guests and str(user.get("userType")).lower() == "guest":
        return Absence.GUEST
    return None
