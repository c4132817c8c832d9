"""Master Lists: creating, finding, configuring and disconnecting them, and their schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from captrid_core.clock import Clock, from_column, to_column
from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.directory.properties import parse_property
from captrid_core.errors import AlreadyExists, DuplicateUid, Invalid, NotConnected, NotFound
from captrid_core.lists.model import (
    CASELESS_UIDS,
    Field,
    FieldType,
    Guards,
    MasterList,
    OnUidChange,
    SyncConfiguration,
)
from captrid_core.lists.past import keep_macro
from captrid_core.lists.values import COLUMN_TYPES, uid_key
from captrid_core.store.database import Cursor, Database, quote, row, rows, scalar
from captrid_core.store.records import take_ids, write_audit

PERSON_COLUMNS = """
    _person_id BIGINT,
    _uid_key VARCHAR,       -- the UID as it is compared
    _anchor VARCHAR,        -- the id of the linked directory object
    _active BOOLEAN,
    _by_staff BOOLEAN,      -- the status was set by hand: syncs leave it alone (R21)
    _in_scope BOOLEAN,      -- what the last sync knew; NULL: the directory never had this person
    _origin VARCHAR,
    _created_at TIMESTAMP,
    _updated_at TIMESTAMP
"""
"""The columns of a table of people that are not fields."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers in a list's header."""

    total: int
    active: int
    synced: int


class MasterLists:
    """The Master Lists of one home."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        name: str,
        *,
        uid_field: str,
        fields: Sequence[Field],
        sync: SyncConfiguration | None = None,
        actor: str,
    ) -> MasterList:
        """Create a list with its schema and, if given, its sync.

        Args:
            name: What it is called; names are unique without regard to case.
            uid_field: The key of the field that identifies a person; fixed once people exist.
            fields: The schema, the UID field included.
            sync: How a directory feeds it.
            actor: Who creates it.

        Raises:
            AlreadyExists: A list has that name.
            Invalid: The schema or the mapping does not hold together.
        """
        name = name.strip()
        if not name:
            raise Invalid("A Master List needs a name.")
        with self._database.write() as cursor:
            if scalar(cursor, "SELECT count(*) FROM master_list WHERE lower(name) = lower(?)", [name]):
                raise AlreadyExists(f"There is a Master List “{name}” already.")
            made = MasterList(
                id=take_ids(cursor, "list"),
                name=name,
                uid_field=uid_field,
                fields=tuple(fields),
                created_at=self._clock(),
                sync=sync,
            )
            check_schema(made)
            cursor.execute(
                "INSERT INTO master_list (list_id, name, uid_field, created_at) VALUES (?, ?, ?, ?)",
                [made.id, made.name, made.uid_field, to_column(self._clock())],
            )
            cursor.execute(f"CREATE TABLE {made.people_table} ({PERSON_COLUMNS})")
            cursor.execute(f"CREATE TABLE {made.former_table} ({PERSON_COLUMNS}, _joined_at TIMESTAMP)")
            for field in made.fields:
                _add_field(cursor, made, field)
            keep_macro(cursor, made)
            self.audit(cursor, "list.created", made, actor)
            if sync is not None:
                store_sync(cursor, made)
                self.audit(cursor, "directory.configured", made, actor, mapping=sync.mapping)
        return made

    def configure(
        self, name_or_id: str | int, sync: SyncConfiguration, *, new_fields: Sequence[Field] = (), actor: str
    ) -> MasterList:
        """Connect a list to a directory, or change how it is fed; the next run is a full one (R28).

        Raises:
            NotFound: There is no such list.
            Invalid: The mapping does not hold together.
            DuplicateUid: Two people's UIDs would be the same under the new UID's way of comparing.
        """
        with self._database.write() as cursor:
            before = _load(cursor, name_or_id)
            if before.archived_at is not None:
                raise Invalid(f"“{before.name}” is archived.", hint="Take it out of the archive first.")
            sync = replace(
                sync,
                full_needed=_why_full(before.sync, sync),
                synced_tenant_id=before.sync.synced_tenant_id
                if before.sync and before.sync.connected
                else None,
            )
            after = replace(before, fields=(*before.fields, *new_fields), sync=sync)
            check_schema(after)
            for field in new_fields:
                _add_field(cursor, after, field)
            keep_macro(cursor, after)
            store_sync(cursor, after)
            if after.caseless_uid != before.caseless_uid:
                recompute_uid_keys(cursor, after)
            self.audit(cursor, "directory.configured", after, actor, mapping=sync.mapping)
        return after

    def disconnect(self, name_or_id: str | int, *, actor: str) -> MasterList:
        """Stop syncing a list: its people and their anchors stay, its fields unlock (rule R37).

        Raises:
            NotFound: There is no such list.
            NotConnected: It is not connected.
        """
        with self._database.write() as cursor:
            before = _load(cursor, name_or_id)
            if before.sync is None or not before.sync.connected:
                raise NotConnected(f"“{before.name}” is not connected to a directory.")
            after = replace(before, sync=replace(before.sync, connected=False))
            store_sync(cursor, after)
            self.audit(cursor, "directory.disconnected", after, actor)
        return after

    def add_field(self, name_or_id: str | int, field: Field, *, actor: str) -> MasterList:
        """Add a field to a list's schema.

        Raises:
            NotFound: There is no such list.
            AlreadyExists: It has a field with that key.
        """
        with self._database.write() as cursor:
            before = _load(cursor, name_or_id)
            if any(known.key == field.key for known in before.fields):
                raise AlreadyExists(f"“{before.name}” has a field “{field.key}” already.")
            after = replace(before, fields=(*before.fields, field))
            _add_field(cursor, after, field)
            keep_macro(cursor, after)
            self.audit(cursor, "field.added", after, actor, key=field.key, type=field.type)
        return after

    def get(self, name_or_id: str | int) -> MasterList:
        """Return the list with that name or id.

        Raises:
            NotFound: There is none.
        """
        with self._database.read() as cursor:
            return _load(cursor, name_or_id)

    def load(self, cursor: Cursor, name_or_id: str | int) -> MasterList:
        """Return the list as `cursor` sees it.

        Raises:
            NotFound: There is none.
        """
        return _load(cursor, name_or_id)

    def all(self, *, archived: bool = False) -> list[MasterList]:
        """Return the lists in use, or those that were put away, by name."""
        with self._database.read() as cursor:
            ids = cursor.execute(
                "SELECT list_id FROM master_list WHERE (archived_at IS NOT NULL) = ? ORDER BY lower(name)",
                [archived],
            ).fetchall()
            return [_load(cursor, int(list_id)) for (list_id,) in ids]

    def counts(self, master_list: MasterList) -> Counts:
        """Return how many people a list has, how many are Active and how many the directory manages."""
        people = f"FROM {master_list.people_table}"
        with self._database.read() as cursor:
            # apart, each is answered almost without reading the column; together it would be read as a whole
            found = cursor.execute(
                f"""SELECT (SELECT count(*) {people}), (SELECT count(*) {people} WHERE _active),
                           (SELECT count(*) {people} WHERE _anchor IS NOT NULL AND ?)""",
                [master_list.connected],
            ).fetchone()
        return Counts(*(found or (0, 0, 0)))

    def audit(self, cursor: Cursor, action: str, master_list: MasterList, actor: str, **details: Any) -> None:
        """Note in the audit log what was done to a list."""
        write_audit(
            cursor,
            action,
            actor=actor,
            at=self._clock(),
            entity="list",
            entity_id=master_list.id,
            entity_name=master_list.name,
            **details,
        )


def mark_synced(
    cursor: Cursor,
    master_list: MasterList,
    *,
    run_id: int,
    tenant_id: str | None,
    delta_link: str | None,
    delta_link_at: datetime | None,
) -> None:
    """Note which run a list was last synced by, from which tenant (R27), and where its changes go on (R29)."""
    cursor.execute(
        """UPDATE master_list SET last_applied_run_id = ?, synced_tenant_id = coalesce(?, synced_tenant_id),
               full_needed = NULL, delta_link = ?, delta_link_at = ? WHERE list_id = ?""",
        [
            run_id,
            tenant_id,
            delta_link,
            to_column(delta_link_at) if delta_link_at is not None else None,
            master_list.id,
        ],
    )


def _load(cursor: Cursor, name_or_id: str | int) -> MasterList:
    found = None
    if isinstance(name_or_id, str):
        found = row(cursor, "SELECT * FROM master_list WHERE lower(name) = lower(?)", [name_or_id.strip()])
    if found is None and str(name_or_id).isascii() and str(name_or_id).isdigit():
        found = row(cursor, "SELECT * FROM master_list WHERE list_id = ?", [int(name_or_id)])
    if found is None:
        raise NotFound(
            f"There is no Master List “{name_or_id}”.", hint="`captrid lists list` shows what there is."
        )
    fields = rows(cursor, "SELECT * FROM field WHERE list_id = ? ORDER BY position", [found["list_id"]])
    mapping = cursor.execute(
        "SELECT property, field_key FROM mapping WHERE list_id = ? ORDER BY position", [found["list_id"]]
    ).fetchall()
    return MasterList(
        id=found["list_id"],
        name=found["name"],
        uid_field=found["uid_field"],
        fields=tuple(
            Field(
                key=field["key"],
                type=FieldType(field["type"]),
                label=field["label"],
                required=field["required"],
                options=tuple(field["options"] or ()),
            )
            for field in fields
        ),
        created_at=from_column(found["created_at"]),
        sync=_sync_of(found, dict(mapping)) if found["connection_id"] is not None else None,
        archived_at=from_column(found["archived_at"]),
    )


def _sync_of(found: dict[str, Any], mapping: dict[str, str]) -> SyncConfiguration:
    return SyncConfiguration(
        connection_id=found["connection_id"],
        uid_property=found["uid_property"],
        mapping=mapping,
        scope=Scope(kind=ScopeKind(found["scope_kind"]), group_id=found["group_id"], nested=found["nested"]),
        group_name=found["group_name"],
        exclude_guests=found["exclude_guests"],
        exclude_disabled=found["exclude_disabled"],
        on_uid_change=OnUidChange(found["on_uid_change"]),
        guards=Guards(
            deactivate_count=found["hold_deactivate_count"],
            deactivate_percent=found["hold_deactivate_percent"],
            blank_count=found["hold_blank_count"],
            blank_percent=found["hold_blank_percent"],
        ),
        photos=bool(found["photos"]),
        connected=found["connected"],
        synced_tenant_id=found["synced_tenant_id"],
        full_needed=found["full_needed"],
        delta_link=found["delta_link"],
        delta_link_at=from_column(found["delta_link_at"]),
    )


def store_sync(cursor: Cursor, master_list: MasterList) -> None:
    """Store how a list is fed, as it is."""
    sync = master_list.sync
    if sync is None:
        return
    cursor.execute(
        """UPDATE master_list SET connection_id = ?, connected = ?, scope_kind = ?, group_id = ?, group_name = ?,
               nested = ?, exclude_guests = ?, exclude_disabled = ?, uid_property = ?, on_uid_change = ?,
               hold_deactivate_count = ?, hold_deactivate_percent = ?, hold_blank_count = ?, hold_blank_percent = ?,
               synced_tenant_id = ?, full_needed = ?, photos = ?
           WHERE list_id = ?""",
        [
            sync.connection_id,
            sync.connected,
            sync.scope.kind,
            sync.scope.group_id,
            sync.group_name,
            sync.scope.nested,
            sync.exclude_guests,
            sync.exclude_disabled,
            sync.uid_property,
            sync.on_uid_change,
            sync.guards.deactivate_count,
            sync.guards.deactivate_percent,
            sync.guards.blank_count,
            sync.guards.blank_percent,
            sync.synced_tenant_id,
            sync.full_needed,
            sync.photos,
            master_list.id,
        ],
    )
    cursor.execute("DELETE FROM mapping WHERE list_id = ?", [master_list.id])
    cursor.executemany(
        "INSERT INTO mapping VALUES (?, ?, ?, ?)",
        [[master_list.id, position, path, key] for position, (path, key) in enumerate(sync.mapping.items())],
    )


def _add_field(cursor: Cursor, master_list: MasterList, field: Field) -> None:
    position = scalar(cursor, "SELECT count(*) FROM field WHERE list_id = ?", [master_list.id])
    cursor.execute(
        "INSERT INTO field VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            master_list.id,
            position,
            field.key,
            field.label,
            field.type,
            field.required,
            list(field.options),
        ],
    )
    for table in (master_list.people_table, master_list.former_table):
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN {quote(field.key)} {COLUMN_TYPES[field.type]}")


def check_schema(master_list: MasterList) -> None:
    """Refuse a list whose schema and sync do not hold together.

    Raises:
        AlreadyExists: A field is named twice.
        Invalid: Something else does not fit.
    """
    keys = [field.key for field in master_list.fields]
    if repeated := {key for key in keys if keys.count(key) > 1}:
        raise AlreadyExists(f"The field {', '.join(sorted(repeated))} is named twice.")
    uid = master_list.field(master_list.uid_field)
    if uid.type not in (FieldType.TEXT, FieldType.EMAIL):
        raise Invalid(
            f"The UID field “{uid.key}” must be of type Text or Email, not {uid.type.capitalize()}."
        )
    if (sync := master_list.sync) is None:
        return
    if sync.mapping.get(sync.uid_property) != master_list.uid_field:
        raise Invalid(
            f"The UID property {sync.uid_property} must feed the UID field “{master_list.uid_field}”.",
            hint="A list's UID field is fixed; map the property that identifies people to it.",
        )
    targets = list(sync.mapping.values())
    if doubled := {key for key in targets if targets.count(key) > 1}:
        raise Invalid(f"The field {', '.join(sorted(doubled))} is mapped from two directory fields.")
    for path, key in sync.mapping.items():
        parse_property(path)
        master_list.field(key)
    if sync.scope.kind is ScopeKind.GROUP and not sync.scope.group_id:
        raise Invalid("The scope is a group, but no group was chosen.")
    check_guards(sync.guards)


def check_guards(guards: Guards) -> None:
    """Refuse guards that make no sense.

    Raises:
        Invalid: A number is out of range.
    """
    if guards.deactivate_count < 1 or guards.blank_count < 1:
        raise Invalid("A guard's number of people must be 1 or more.")
    if not (0 <= guards.deactivate_percent <= 100 and 0 <= guards.blank_percent <= 100):
        raise Invalid("A guard's percentage must be from 0 to 100.")


def _why_full(before: SyncConfiguration | None, after: SyncConfiguration) -> str | None:
    if before is None:
        return "this is its first sync"
    if not before.connected:
        return "the list was connected again"
    for name, one, other in (
        ("connection", before.connection_id, after.connection_id),
        ("scope", before.scope, after.scope),
        ("UID", before.uid_property, after.uid_property),
        ("mapping", before.mapping, after.mapping),
        (
            "filters",
            (before.exclude_guests, before.exclude_disabled),
            (after.exclude_guests, after.exclude_disabled),
        ),
    ):
        if one != other:
            return f"its {name} changed"
    return before.full_needed


def recompute_uid_keys(cursor: Cursor, master_list: MasterList) -> None:
    """Write anew how people's UIDs are compared.

    Raises:
        DuplicateUid: Two of them would be the same.
    """
    table = master_list.people_table
    key = uid_key(quote(master_list.uid_field), caseless=master_list.caseless_uid)
    clash = row(
        cursor,
        f"""SELECT {key} AS uid, count(*) AS people FROM {table}
            WHERE {key} IS NOT NULL GROUP BY ALL HAVING count(*) > 1 LIMIT 1""",
    )
    if clash is not None:
        raise DuplicateUid(
            f"{clash['people']} people have the UID “{clash['uid']}” when upper and lower case count as the same, "
            f"as they do for {' and '.join(CASELESS_UIDS)}."
        )
    cursor.execute(f"UPDATE {table} SET _uid_key = {key}")
