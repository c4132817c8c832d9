"""Rehearsal: a list that is not there yet, or not yet so, as a run needs it to be compared with what was read.

Its people lie in temporary tables of one session; nothing of it is ever saved.
"""

from __future__ import annotations

from dataclasses import replace

from captrid_core.lists.master_lists import PERSON_COLUMNS, check_schema, recompute_uid_keys
from captrid_core.lists.model import MasterList
from captrid_core.lists.values import COLUMN_TYPES
from captrid_core.store.database import Cursor, quote

_NOWHERE = 0
"""The id of an imagined list: no real one has it."""


def imagine(draft: MasterList, before: MasterList | None) -> MasterList:
    """Return a draft as a list of its own that a run can be compared with.

    Raises:
        Invalid: The draft's schema or mapping does not hold together.
    """
    check_schema(draft)
    sync = draft.sync
    if sync is not None and before is not None and before.sync is not None:
        sync = replace(sync, synced_tenant_id=before.sync.synced_tenant_id if before.connected else None)
    return replace(draft, id=_NOWHERE, sync=sync)


def copy_people(cursor: Cursor, imagined: MasterList, before: MasterList | None) -> None:
    """Lay out the imagined list's people for this session: those that are there now, with the new fields blank.

    Raises:
        DuplicateUid: Two people's UIDs would be the same.
    """
    table = imagined.people_table
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({PERSON_COLUMNS})")
    for field in imagined.fields:
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN {quote(field.key)} {COLUMN_TYPES[field.type]}")
    if before is None:
        return
    cursor.execute(f"INSERT INTO {table} BY NAME FROM {before.people_table}")
    if imagined.caseless_uid != before.caseless_uid:
        recompute_uid_keys(cursor, imagined)
