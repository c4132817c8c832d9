"""Held runs: what waits for a decision (rule R26).

A held run keeps the objects that were staged (the table `held_staged_<run>`), so that applying it
later needs no new read, and its change set as it was shown.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from captrid_core.errors import CaptridError
from captrid_core.lists.model import MasterList, SyncConfiguration
from captrid_core.store.database import Cursor, literal, quote, scalar
from captrid_core.sync.absence import GONE
from captrid_core.sync.changes import find_near
from captrid_core.sync.compare import CHANGE_SET
from captrid_core.sync.runs import ChangeRow, Run, RunKind
from captrid_core.sync.staging import STAGED


def keep(cursor: Cursor, master_list: MasterList, run: Run) -> None:
    """Keep the staged objects and the change set of a run that is held, in the caller's transaction."""
    overtake(cursor, master_list, run)
    cursor.execute(f"CREATE TABLE {_table(run)} AS FROM {STAGED}")
    cursor.execute(f"CREATE TABLE {_gone(run)} AS FROM {GONE}")
    # a remark on the table says how the list was synced when this was read
    cursor.execute(f"COMMENT ON TABLE {_table(run)} IS {literal(_configuration(master_list))}")
    keep_changes(cursor, master_list, run)


def keep_changes(cursor: Cursor, master_list: MasterList, run: Run) -> None:
    """Keep the change set of a held run, in place of what it showed before."""
    cursor.execute("DELETE FROM held_change WHERE run_id = ?", [run.id])
    cursor.execute(
        f"INSERT INTO held_change SELECT ?, person_id, uid, action, field, old, new, reason FROM ({_rows(master_list)})",
        [run.id],
    )


def restore(cursor: Cursor, master_list: MasterList, run: Run) -> None:
    """Stage again what the held run had read.

    Raises:
        CaptridError: It is no longer there.
    """
    if not cursor.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [_table(run)]).fetchone():
        raise CaptridError(f"What run {run.id} had read is no longer there.", hint="Run the sync again.")
    cursor.execute(f"DROP TABLE IF EXISTS temp.{quote(STAGED)}")
    cursor.execute(f"CREATE TEMP TABLE {STAGED} AS FROM {_table(run)}")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {GONE} AS FROM {_gone(run)}")
    bad = cursor.execute(
        f"SELECT DISTINCT unnest(_bad).field FROM {STAGED} WHERE _bad IS NOT NULL"
    ).fetchall()
    for (key,) in bad:  # in its place lies what its person had then, and that may be another person now
        cursor.execute(
            f"""UPDATE {STAGED} SET {quote(key)} = NULL
                WHERE list_contains(list_transform(_bad, lambda b: b.field), {literal(key)})"""
        )
    if run.kind is RunKind.DELTA:
        find_near(cursor, master_list)


def fits(cursor: Cursor, master_list: MasterList, run: Run) -> bool:
    """Tell whether the list is still synced as it was when the run was held."""
    kept = scalar(cursor, "SELECT comment FROM duckdb_tables() WHERE table_name = ?", [_table(run)])
    return bool(kept == _configuration(master_list))


def configuration(sync: SyncConfiguration) -> str:
    """Return how a list is synced as text, as far as it decides what is read and what follows from it."""
    told = asdict(sync)
    for of_no_matter in (
        "guards",
        "photos",
        "group_name",
        "connected",
        "full_needed",
        "delta_link",
        "delta_link_at",
    ):
        del told[of_no_matter]
    return json.dumps(told, sort_keys=True)


def goes_further(cursor: Cursor, master_list: MasterList, run: Run) -> bool:
    """Tell whether the change set would deactivate or blank anybody whom the held run did not show."""
    found = cursor.execute(
        f"""SELECT 1 FROM (SELECT person_id, action, field, old, new FROM ({_rows(master_list)})) now
            WHERE (action = 'deactivated' OR (action = 'updated' AND old IS NOT NULL AND new IS NULL))
              AND NOT EXISTS (
                FROM held_change shown
                WHERE shown.run_id = ? AND shown.person_id = now.person_id AND shown.action = now.action
                  AND shown.field IS NOT DISTINCT FROM now.field AND shown.new_value IS NULL)
            LIMIT 1""",
        [run.id],
    )
    return found.fetchone() is not None


def forget_staged(cursor: Cursor, run: Run) -> None:
    """Drop what a held run had read; its change set stays to be looked at."""
    _drop(cursor, _id(run))


def forget(cursor: Cursor, run: Run) -> None:
    """Drop everything that a held run kept; its history row stays."""
    forget_staged(cursor, run)
    cursor.execute("DELETE FROM held_change WHERE run_id = ?", [run.id])


def overtake(cursor: Cursor, master_list: MasterList, run: Run) -> None:
    """Discard the list's earlier held runs: a newer read has taken their place."""
    older = cursor.execute(
        """UPDATE run SET status = 'discarded', message = coalesce(message, '') || ' Overtaken by run ' || ? || '.'
           WHERE list_id = ? AND status = 'held' AND run_id <> ? RETURNING run_id""",
        [str(run.id), master_list.id, run.id],
    ).fetchall()
    for (run_id,) in older:
        _drop(cursor, run_id)


def change_rows(cursor: Cursor, master_list: MasterList) -> list[ChangeRow]:
    """Return the change set that was just compared, as rows to show."""
    found = cursor.execute(
        f"SELECT action, person_id, uid, field, old, new, reason FROM ({_rows(master_list)}) ORDER BY action, uid, person_id, field"
    ).fetchall()
    return [ChangeRow(*row) for row in found]


def _rows(master_list: MasterList) -> str:
    uid = quote(master_list.uid_field)
    return f"""
    SELECT NULL AS person_id, s.{uid} AS uid, 'created' AS action, NULL AS field, NULL AS old, NULL AS new, NULL AS reason
    FROM {CHANGE_SET} JOIN {STAGED} s ON s._row = staged_row WHERE action = 'create'
    UNION ALL
    SELECT person_id, uid, 'updated', c.field, c.old, c.new, NULL
    FROM (SELECT person_id, uid, unnest(fields) AS c FROM {CHANGE_SET} WHERE fields IS NOT NULL)
    UNION ALL
    SELECT person_id, uid, 'reactivated', NULL, NULL, NULL, NULL FROM {CHANGE_SET} WHERE reactivate
    UNION ALL
    SELECT person_id, uid, 'deactivated', NULL, NULL, NULL, reason FROM {CHANGE_SET} WHERE action = 'deactivate'
    UNION ALL
    SELECT person_id, uid, 'linked', NULL, old_anchor, new_anchor, NULL FROM {CHANGE_SET}
    WHERE person_id IS NOT NULL AND new_anchor IS NOT NULL AND new_anchor IS DISTINCT FROM old_anchor
    UNION ALL
    SELECT person_id, uid, 'unlinked', NULL, old_anchor, NULL, NULL FROM {CHANGE_SET}
    WHERE old_anchor IS NOT NULL AND new_anchor IS NULL
"""


def _configuration(master_list: MasterList) -> str:
    assert master_list.sync is not None
    return configuration(master_list.sync)


def _drop(cursor: Cursor, run_id: int) -> None:
    for kind in ("staged", "gone"):
        cursor.execute(f"DROP TABLE IF EXISTS held_{kind}_{run_id:d}")


def _id(run: Run) -> int:
    assert run.id is not None
    return run.id


def _table(run: Run) -> str:
    return f"held_staged_{_id(run):d}"


def _gone(run: Run) -> str:
    return f"held_gone_{_id(run):d}"
