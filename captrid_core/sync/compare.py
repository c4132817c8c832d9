"""Compare: what a sync would do to a list, worked out set by set, nothing written.

From `staged` (see `staging`) and the list's people comes the change set, the temporary table
`change_set`, one row for each person to whom anything happens:

    person_id   BIGINT   NULL: a person to be created, of whom nothing but staged_row is told
    staged_row  BIGINT   the staged object that feeds the person; NULL: none does any more
    uid         VARCHAR  as shown
    old_anchor, new_anchor  VARCHAR  the linked object, before and after
    action      VARCHAR  create | update | deactivate | none
    reactivate  BOOLEAN  an Inactive person becomes Active again (R20)
    in_scope    BOOLEAN  whether the directory has this person
    fields      STRUCT(field, old, new)[]   the values that change, as text
    reason      VARCHAR  why the directory has this person no more: one of `Absence`

Most objects need nothing but a comparison with the person they are linked to. The few odd ones
(new, blank or double UID, changed UID) are settled apart, in `settle`.
"""

from __future__ import annotations

from dataclasses import dataclass

from captrid_core.lists import values
from captrid_core.lists.model import MasterList, OnUidChange
from captrid_core.store.database import Cursor, literal, quote, scalar
from captrid_core.sync.absence import GONE, Absence
from captrid_core.sync.changes import NEAR
from captrid_core.sync.staging import STAGED

CHANGE_SET = "change_set"
"""The temporary table that holds the change set."""
NOTES = "notes"
"""The temporary table of the run's errors and warnings: level, code, object_id, uid, field, message."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of a run (rule R7)."""

    read: int = 0
    created: int = 0
    updated: int = 0
    reactivated: int = 0
    deactivated: int = 0
    unchanged: int = 0
    skipped: int = 0


def compare_full(cursor: Cursor, master_list: MasterList) -> Counts:
    """Work out the change set of a full read: who is not staged any more has left (rule R18).

    The table `gone` tells why.
    """
    start_notes(cursor)
    _find_doubles(cursor, f"SELECT _uid_key, _anchor FROM {STAGED}")
    return _settle(cursor, master_list, master_list.people_table, "_anchor IS NOT NULL")


def compare_delta(cursor: Cursor, master_list: MasterList) -> Counts:
    """Work out the change set of a delta: only who is in the table `gone` has left (rule R19).

    Whoever is not concerned is in order, so that their UIDs stand for their objects'.
    """
    concerned = f"SELECT _anchor FROM {STAGED} UNION ALL SELECT _anchor FROM {GONE}"
    start_notes(cursor)
    _find_doubles(
        cursor,
        f"""SELECT _uid_key, _anchor FROM {STAGED} UNION ALL
            SELECT _uid_key, _anchor FROM {NEAR}
            WHERE _in_scope AND _uid_key IN (SELECT _uid_key FROM {STAGED}) AND _anchor NOT IN ({concerned})""",
    )
    return _settle(cursor, master_list, NEAR, f"_anchor IN ({concerned})")


def _settle(cursor: Cursor, master_list: MasterList, people: str, concerned: str) -> Counts:
    """Compare what is staged with the table `people`; who is concerned and not staged has left."""
    _join(cursor, master_list, people, concerned)
    _settle_odd_ones(cursor, master_list, people)
    _keep_values_for_bad_ones(cursor, people)
    _build_change_set(cursor, master_list, people)
    _note_bad_values(cursor, master_list)
    return _count(cursor)


def start_notes(cursor: Cursor) -> None:
    """Start with no notes."""
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE {NOTES} (
            level VARCHAR, code VARCHAR, object_id VARCHAR, uid VARCHAR, field VARCHAR, message VARCHAR)
    """)


def _find_doubles(cursor: Cursor, claims: str) -> None:
    """Find the UIDs that several objects claim: table `doubles`, a row for each claim."""
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE doubled AS
        SELECT _uid_key FROM ({claims}) WHERE _uid_key IS NOT NULL GROUP BY _uid_key HAVING count(*) > 1
    """)
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE doubles AS FROM ({claims}) SEMI JOIN doubled USING (_uid_key)"
    )


def _changed_fields(master_list: MasterList) -> tuple[str, str]:
    """Return SQL for whether any mapped field of p and s differs, and for the list of those that do."""
    assert master_list.sync is not None
    fields = [master_list.field(key) for key in master_list.sync.mapping.values()]
    differs = " OR ".join(f"p.{quote(f.key)} IS DISTINCT FROM s.{quote(f.key)}" for f in fields)
    entries = ", ".join(
        f"CASE WHEN p.{quote(f.key)} IS DISTINCT FROM s.{quote(f.key)} THEN {{'field': {literal(f.key)}, "
        f"'old': {values.as_text(f, 'p.' + quote(f.key))}, 'new': {values.as_text(f, 's.' + quote(f.key))}}} END"
        for f in fields
    )
    return f"({differs})", f"list_filter([{entries}], lambda c: c IS NOT NULL)"


def _join(cursor: Cursor, master_list: MasterList, people: str, concerned: str) -> None:
    """Join objects and concerned people by anchor, keeping only what is not in order: table `joined`.

    Whether anything differs is told by a hash of 64 bits of both sides, computed here and now: the
    join then carries few bytes for each person, not all their values (measured at a million people:
    an eighth of the CPU). That a change goes unseen has a chance of one in 18 million million million.
    """
    assert master_list.sync is not None
    mapped = ", ".join(quote(key) for key in master_list.sync.mapping.values())
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE joined AS
        SELECT s._row, p._person_id AS person_id
        FROM (SELECT _row, _anchor, _bad IS NOT NULL AS odd, hash(_uid_key, {mapped}) AS summary FROM {STAGED}) s
        FULL JOIN (SELECT _person_id, _anchor, NOT _in_scope OR (NOT _active AND NOT _by_staff) AS odd,
                          hash(_uid_key, {mapped}) AS summary
                   FROM {people} WHERE {concerned}) p ON p._anchor = s._anchor
        WHERE s._row IS NULL OR p._person_id IS NULL OR s.summary <> p.summary OR s.odd OR p.odd
    """)


def _settle_odd_ones(cursor: Cursor, master_list: MasterList, people: str) -> None:
    """Decide for every joined object which person it feeds: table `targets`, and notes on those skipped.

    An object that must be skipped freezes the person it is linked to (R11, R12), and a frozen
    person can be taken over by nobody; so skipping goes on until nothing more follows from it.
    """
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE odd AS
        SELECT j._row, j.person_id AS own_id, by_uid._person_id AS by_id,
               CASE WHEN s._uid_key IS NULL THEN 'missing_uid'
                    WHEN s._uid_key IN (SELECT _uid_key FROM doubles) THEN 'duplicate_uid' END AS skip
        FROM joined j
        JOIN {STAGED} s ON s._row = j._row
        LEFT JOIN {people} own ON own._person_id = j.person_id
        LEFT JOIN {people} by_uid ON by_uid._uid_key = s._uid_key
        WHERE own._person_id IS NULL OR own._uid_key IS DISTINCT FROM s._uid_key
    """)
    same_person = master_list.sync is not None and master_list.sync.on_uid_change is OnUidChange.SAME_PERSON
    if same_person:
        # the UID's person must itself be moving to another UID
        taken = """own_id IS NOT NULL AND by_id IS NOT NULL
                   AND by_id NOT IN (SELECT own_id FROM odd WHERE own_id IS NOT NULL AND skip IS NULL)"""
    else:
        taken = "own_id IS NOT NULL AND by_id IN (SELECT own_id FROM odd WHERE skip IS NOT NULL AND own_id IS NOT NULL)"
    frozen = (
        "own_id IS NULL AND by_id IN (SELECT own_id FROM odd WHERE skip IS NOT NULL AND own_id IS NOT NULL)"
    )
    while cursor.execute(
        f"UPDATE odd SET skip = 'taken' WHERE skip IS NULL AND (({taken}) OR ({frozen}))"
    ).fetchone() not in (None, (0,)):
        pass
    moved = "by_id IN (SELECT own_id FROM odd WHERE own_id IS NOT NULL AND skip IS NULL)"
    target = (
        f"CASE WHEN own_id IS NOT NULL THEN own_id WHEN {moved} THEN NULL ELSE by_id END"
        if same_person
        else "by_id"
    )
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE targets AS
        SELECT _row, {target} AS person_id, own_id FROM odd WHERE skip IS NULL
        UNION ALL
        SELECT _row, person_id, person_id FROM joined
        WHERE _row IS NOT NULL AND person_id IS NOT NULL AND _row NOT IN (SELECT _row FROM odd)
    """)
    _note_skipped(cursor, master_list, people)
    _note_uid_changes(cursor, master_list, people)


def _keep_values_for_bad_ones(cursor: Cursor, people: str) -> None:
    """Give a bad value's place the value that the person has, so that it stays (rule R17)."""
    bad = cursor.execute(
        f"SELECT DISTINCT unnest(_bad).field FROM {STAGED} WHERE _bad IS NOT NULL"
    ).fetchall()
    for (key,) in bad:
        cursor.execute(f"""
            UPDATE {STAGED} SET {quote(key)} = p.{quote(key)}
            FROM targets t JOIN {people} p ON p._person_id = t.person_id
            WHERE t._row = {STAGED}._row
              AND list_contains(list_transform({STAGED}._bad, lambda b: b.field), {literal(key)})
        """)


def _build_change_set(cursor: Cursor, master_list: MasterList, people: str) -> None:
    differs, changed = _changed_fields(master_list)
    uid = quote(master_list.uid_field)
    # created
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE {CHANGE_SET} AS
        SELECT NULL::BIGINT AS person_id, _row AS staged_row, NULL::VARCHAR AS uid, NULL::VARCHAR AS old_anchor,
               NULL::VARCHAR AS new_anchor, 'create' AS action, false AS reactivate, true AS in_scope,
               NULL::STRUCT(field VARCHAR, old VARCHAR, new VARCHAR)[] AS fields, NULL::VARCHAR AS reason
        FROM targets WHERE person_id IS NULL
    """)
    # linked or found again: whatever differs; both sides are cut down first, for a wide join is dear
    cursor.execute(f"""
        INSERT INTO {CHANGE_SET}
        WITH fed AS MATERIALIZED (SELECT _row, person_id FROM targets WHERE person_id IS NOT NULL),
             s AS MATERIALIZED (FROM {STAGED} SEMI JOIN fed USING (_row)),
             p AS MATERIALIZED (FROM {people} SEMI JOIN fed ON _person_id = fed.person_id)
        SELECT p._person_id, s._row, s.{uid}, p._anchor, s._anchor,
               CASE WHEN {differs} OR (NOT p._active AND NOT p._by_staff) THEN 'update' ELSE 'none' END,
               NOT p._active AND NOT p._by_staff, true, {changed}, NULL
        FROM fed t JOIN s USING (_row) JOIN p ON p._person_id = t.person_id
        WHERE {differs} OR p._anchor IS DISTINCT FROM s._anchor OR p._in_scope IS DISTINCT FROM true
           OR p._uid_key IS DISTINCT FROM s._uid_key OR (NOT p._active AND NOT p._by_staff)
    """)
    # left the scope (R18); or lost their object to another UID (R13). Those whose UID several accounts
    # claim stay as they are (R12), but it is known that their own object is gone, and each delta looks at them again
    cursor.execute(f"""
        INSERT INTO {CHANGE_SET}
        SELECT p._person_id, NULL, p.{uid}, p._anchor, CASE WHEN gone.vacated THEN NULL ELSE p._anchor END,
               CASE WHEN p._active AND NOT p._by_staff AND NOT gone.claimed THEN 'deactivate' ELSE 'none' END, false, false, NULL,
               CASE WHEN gone.vacated THEN {literal(Absence.UID_CHANGED)} ELSE known._reason END
        FROM (SELECT person_id, false AS vacated, person_id IN (
                  SELECT by_id FROM odd WHERE skip = 'duplicate_uid' AND by_id IS NOT NULL) AS claimed
              FROM joined WHERE _row IS NULL
              UNION ALL
              SELECT own_id, true, false FROM targets WHERE own_id IS DISTINCT FROM person_id AND own_id IS NOT NULL) gone
        JOIN {people} p ON p._person_id = gone.person_id
        LEFT JOIN {GONE} known ON known._anchor = p._anchor
        WHERE gone.person_id NOT IN (SELECT person_id FROM targets WHERE person_id IS NOT NULL)
          AND ((p._active AND NOT p._by_staff AND NOT gone.claimed) OR p._in_scope IS DISTINCT FROM false OR gone.vacated)
    """)


def _note_skipped(cursor: Cursor, master_list: MasterList, people: str) -> None:
    uid = quote(master_list.uid_field)
    cursor.execute(f"""
        INSERT INTO {NOTES}
        SELECT 'error', 'missing_uid', s._anchor, p.{uid}, {literal(master_list.uid_field)},
               'The account ' || s._anchor || ' has no usable value for the UID and was skipped'
               || CASE WHEN p._person_id IS NULL THEN '.'
                       ELSE '; the person ' || coalesce(p.{uid}, '') || ' was left as it is.' END
        FROM odd o JOIN {STAGED} s USING (_row) LEFT JOIN {people} p ON p._person_id = o.own_id
        WHERE o.skip = 'missing_uid' AND NOT s._recalled
    """)
    cursor.execute(f"""
        INSERT INTO {NOTES}
        WITH c AS (
            SELECT _uid_key, string_agg(_anchor, ', ' ORDER BY _anchor) AS anchors FROM doubles GROUP BY _uid_key)
        SELECT 'error', 'duplicate_uid', s._anchor, s.{uid}, {literal(master_list.uid_field)},
               'The UID ' || s.{uid} || ' belongs to several accounts (' || c.anchors
               || '); the account ' || s._anchor || ' was skipped.'
        FROM odd o JOIN {STAGED} s USING (_row) JOIN c ON c._uid_key = s._uid_key
        WHERE o.skip = 'duplicate_uid' AND NOT s._recalled
        UNION ALL
        SELECT 'error', 'duplicate_uid', s._anchor, s.{uid}, {literal(master_list.uid_field)},
               'The UID ' || s.{uid} || ' is still held by another person'
               || CASE WHEN p._anchor IS NULL THEN '' ELSE ' (account ' || p._anchor || ')' END
               || '; the account ' || s._anchor || ' was skipped.'
        FROM odd o JOIN {STAGED} s USING (_row) JOIN {people} p ON p._person_id = o.by_id
        WHERE o.skip = 'taken' AND NOT s._recalled
    """)


def _note_uid_changes(cursor: Cursor, master_list: MasterList, people: str) -> None:
    uid = quote(master_list.uid_field)
    outcome = (
        "the same person goes on under the new UID."
        if master_list.sync is not None and master_list.sync.on_uid_change is OnUidChange.SAME_PERSON
        else "the new UID stands for another person."
    )
    cursor.execute(f"""
        INSERT INTO {NOTES}
        SELECT 'warning', 'uid_changed', s._anchor, s.{uid}, {literal(master_list.uid_field)},
               'The UID of the account ' || s._anchor || ' changed from ' || coalesce(p.{uid}, '(blank)')
               || ' to ' || s.{uid} || '; {outcome}'
        FROM odd o JOIN {STAGED} s USING (_row)
        JOIN {people} p ON p._person_id = o.own_id
        WHERE o.skip IS NULL
    """)


def _note_bad_values(cursor: Cursor, master_list: MasterList) -> None:
    expected = " ".join(
        f"WHEN {literal(field.key)} THEN {literal(values.expectation(field))}" for field in master_list.fields
    )
    uid = quote(master_list.uid_field)
    cursor.execute(f"""
        INSERT INTO {NOTES}
        SELECT 'error', 'bad_value', _anchor, uid, bad.field,
               '“' || bad.value || '” is not ' || CASE bad.field {expected} END || '; the old value was kept.'
        FROM (SELECT _anchor, s.{uid} AS uid, unnest(_bad) AS bad FROM {STAGED} s
              WHERE _bad IS NOT NULL AND _row IN (SELECT _row FROM targets))
    """)


def _count(cursor: Cursor) -> Counts:
    """Count what was read; an object that was only recalled counts where it is in order by now (rule R7)."""
    read = int(
        scalar(
            cursor, f"SELECT count(*) FROM {STAGED} WHERE NOT _recalled OR _row IN (SELECT _row FROM targets)"
        )
    )
    skipped = int(
        scalar(
            cursor,
            f"SELECT count(*) FROM odd SEMI JOIN (FROM {STAGED} WHERE NOT _recalled) USING (_row) WHERE skip IS NOT NULL",
        )
    )
    row = cursor.execute(f"""
        SELECT count(*) FILTER (action = 'create'), count(*) FILTER (action = 'update'),
               count(*) FILTER (reactivate), count(*) FILTER (action = 'deactivate')
        FROM {CHANGE_SET}
    """).fetchone()
    created, updated, reactivated, deactivated = row or (0, 0, 0, 0)
    return Counts(
        read=read,
        created=created,
        updated=updated,
        reactivated=reactivated,
        deactivated=deactivated,
        unchanged=read - created - updated - skipped,
        skipped=skipped,
    )
