"""Upkeep of Master Lists: renaming, rules, fields that change, archiving and deleting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from captrid_core.clock import Clock, to_column
from captrid_core.errors import AlreadyExists, BadValue, Invalid, Refused
from captrid_core.lists import values
from captrid_core.lists.master_lists import MasterLists, check_guards, store_sync
from captrid_core.lists.model import Field, FieldType, Guards, MasterList, OnUidChange
from captrid_core.lists.past import drop_macro, keep_macro
from captrid_core.store.database import Cursor, Database, quote, scalar


class NotArchived(Refused):
    """Only an archived list can be deleted."""

    code = "not_archived"
    default_hint = "Archive the list first; an archived list can still be looked at and exported."


class ListUpkeep:
    """What is done to the Master Lists of one home after they were created."""

    def __init__(self, database: Database, lists: MasterLists, clock: Clock) -> None:
        self._database = database
        self._lists = lists
        self._clock = clock

    def rename(self, name_or_id: str | int, name: str, *, actor: str) -> MasterList:
        """Give a list another name.

        Raises:
            NotFound: There is no such list.
            AlreadyExists: Another list has that name.
            Invalid: It is blank.
        """
        name = name.strip()
        if not name:
            raise Invalid("A Master List needs a name.")
        with self._database.write() as cursor:
            before = self._lists.load(cursor, name_or_id)
            taken = "SELECT count(*) FROM master_list WHERE lower(name) = lower(?) AND list_id <> ?"
            if scalar(cursor, taken, [name, before.id]):
                raise AlreadyExists(f"There is a Master List “{name}” already.")
            cursor.execute("UPDATE master_list SET name = ? WHERE list_id = ?", [name, before.id])
            self._lists.audit(cursor, "list.renamed", replace(before, name=name), actor, before=before.name)
            return self._lists.load(cursor, before.id)

    def set_rules(
        self, name_or_id: str | int, guards: Guards, on_uid_change: OnUidChange, *, actor: str
    ) -> MasterList:
        """Change from where on a list's runs are held, and what a changed UID means (rules R13, R24, R25).

        Raises:
            NotFound: There is no such list.
            Invalid: The list was never connected, or a guard makes no sense.
        """
        check_guards(guards)
        with self._database.write() as cursor:
            before = self._lists.load(cursor, name_or_id)
            if before.sync is None:
                raise Invalid(f"“{before.name}” has no directory; its syncs have no rules yet.")
            sync = replace(before.sync, guards=guards, on_uid_change=on_uid_change)
            after = replace(before, sync=sync)
            store_sync(cursor, after)
            self._lists.audit(
                cursor,
                "list.rules_changed",
                after,
                actor,
                deactivations=f"{guards.deactivate_count} people and {guards.deactivate_percent:g} %",
                blanks=f"{guards.blank_count} people and {guards.blank_percent:g} %",
                on_uid_change=on_uid_change,
            )
        return after

    def take_photos(self, name_or_id: str | int, *, on: bool, actor: str) -> MasterList:
        """Say whether photos are taken from the directory, for people who have none (N4).

        Raises:
            NotFound: There is no such list.
            Invalid: It was never connected.
        """
        with self._database.write() as cursor:
            before = self._lists.load(cursor, name_or_id)
            if before.sync is None:
                raise Invalid(f"“{before.name}” has no directory to take photos from.")
            after = replace(before, sync=replace(before.sync, photos=on))
            store_sync(cursor, after)
            self._lists.audit(cursor, "list.rules_changed", after, actor, photos=on)
        return after

    def change_field(self, name_or_id: str | int, field: Field, *, actor: str) -> MasterList:
        """Change the label, type, options or duty of the field with the given field's key.

        A key never changes. A type, or the options of a Dropdown, only change to what everybody's
        value fits.

        Raises:
            NotFound, Invalid: There is no such list or field, or the field's type is not free to change.
            BadValue: Somebody's value does not fit.
        """
        with self._database.write() as cursor:
            before = self._lists.load(cursor, name_or_id)
            known = before.field(field.key)
            fields = tuple(field if one.key == field.key else one for one in before.fields)
            after = replace(before, fields=fields)
            if (field.type, field.options) != (known.type, known.options):
                _check_type(before, known, field)
                _retype(cursor, before, known, field)
            cursor.execute(
                "UPDATE field SET label = ?, type = ?, required = ?, options = ? WHERE list_id = ? AND key = ?",
                [field.label, field.type, field.required, list(field.options), before.id, field.key],
            )
            keep_macro(cursor, after)
            self._lists.audit(cursor, "field.changed", after, actor, **_differences(known, field))
        return after

    def archive(self, name_or_id: str | int, *, actor: str) -> MasterList:
        """Put a list away: it is disconnected (rule R37) and no longer shown among the others.

        Raises:
            NotFound: There is no such list.
            Invalid: It is archived already.
        """
        with self._database.write() as cursor:
            before = self._lists.load(cursor, name_or_id)
            if before.archived_at is not None:
                raise Invalid(f"“{before.name}” is archived already.")
            now = self._clock()
            after = replace(before, archived_at=now)
            if before.sync is not None:
                after = replace(after, sync=replace(before.sync, connected=False))
                store_sync(cursor, after)
            cursor.execute(
                "UPDATE master_list SET archived_at = ? WHERE list_id = ?", [to_column(now), before.id]
            )
            self._lists.audit(cursor, "list.archived", after, actor)
        return after

    def reinstate(self, name_or_id: str | int, *, actor: str) -> MasterList:
        """Take a list out of the archive; it stays disconnected until its sync is configured anew.

        Raises:
            NotFound: There is no such list.
            Invalid: It is not archived.
        """
        with self._database.write() as cursor:
            before = self._lists.load(cursor, name_or_id)
            if before.archived_at is None:
                raise Invalid(f"“{before.name}” is not archived.")
            cursor.execute("UPDATE master_list SET archived_at = NULL WHERE list_id = ?", [before.id])
            after = replace(before, archived_at=None)
            self._lists.audit(cursor, "list.reinstated", after, actor)
        return after

    def delete(self, name_or_id: str | int, *, typed_name: str, actor: str) -> int:
        """Delete an archived list with its people, runs and history, for good; return how many people it had.

        The audit log keeps that it was there.

        Args:
            name_or_id: The list.
            typed_name: Its name, as whoever means it has typed it.
            actor: Who deletes it.

        Raises:
            NotFound: There is no such list.
            NotArchived: It is not archived.
            Invalid: What was typed is not its name.
        """
        with self._database.write() as cursor:
            gone = self._lists.load(cursor, name_or_id)
            if gone.archived_at is None:
                raise NotArchived(f"“{gone.name}” is not archived.")
            if typed_name.strip() != gone.name:
                raise Invalid(
                    f"“{typed_name.strip()}” is not the name of “{gone.name}”; nothing was deleted."
                )
            people = int(scalar(cursor, f"SELECT count(*) FROM {gone.people_table}"))
            _drop(cursor, gone)
            self._lists.audit(cursor, "list.deleted", gone, actor, people=people)
        return people


def _check_type(master_list: MasterList, known: Field, field: Field) -> None:
    if field.type is known.type:
        return
    if field.key == master_list.uid_field:
        raise Invalid(f"“{field.key}” is the UID field; its type stays.")
    if master_list.sync is not None and field.key in master_list.sync.mapping.values():
        raise Invalid(
            f"The field “{field.key}” is mapped to the directory; its type stays.",
            hint="Take it out of the mapping under Configure Sync first.",
        )


def _retype(cursor: Cursor, master_list: MasterList, known: Field, field: Field) -> None:
    """Give a field's column its new type.

    Raises:
        BadValue: Somebody's value does not fit.
    """
    values.define_macros(cursor)
    column = quote(known.key)
    text = f"CAST({values.as_text(known, column)} AS VARCHAR)"
    new = values.typed(field, text)
    misfits = f"{column} IS NOT NULL AND ({new}) IS NULL"
    count = scalar(cursor, f"SELECT count(*) FROM {master_list.people_table} WHERE {misfits}")
    if count:
        example = scalar(cursor, f"SELECT {text} FROM {master_list.people_table} WHERE {misfits} LIMIT 1")
        raise BadValue(
            f"The values of {count:,} people are not {values.expectation(field)}, such as “{example[:80]}” "
            f"(field “{field.key}”).",
            field=field.key,
            hint="Change these values first; nothing was changed.",
        )
    kind = values.COLUMN_TYPES[field.type]
    for table in (master_list.people_table, master_list.former_table):
        cursor.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET DATA TYPE {kind} USING {new}")


def _differences(known: Field, field: Field) -> dict[str, Any]:
    changed = {
        name: f"{_told(getattr(known, name))} → {_told(getattr(field, name))}"
        for name in ("label", "type", "required", "options")
        if getattr(known, name) != getattr(field, name)
    }
    return {"key": field.key, **changed}


def _told(value: object) -> str:
    if isinstance(value, FieldType):
        return value.value
    return ", ".join(value) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def _drop(cursor: Cursor, gone: MasterList) -> None:
    runs = cursor.execute("SELECT run_id FROM run WHERE list_id = ?", [gone.id]).fetchall()
    for (run_id,) in runs:
        for kind in ("staged", "gone"):
            cursor.execute(f"DROP TABLE IF EXISTS held_{kind}_{run_id:d}")
    for table in ("run_note", "held_change"):
        cursor.execute(
            f"DELETE FROM {table} WHERE run_id IN (SELECT run_id FROM run WHERE list_id = ?)", [gone.id]
        )
    drop_macro(cursor, gone)
    for table in ("photo", "change", "run", "schedule", "mapping", "field", "master_list"):
        cursor.execute(f"DELETE FROM {table} WHERE list_id = ?", [gone.id])
    for table in (gone.people_table, gone.former_table):
        cursor.execute(f"DROP TABLE {table}")
    cursor.execute(
        "DELETE FROM draft WHERE kind = 'configure' AND json_extract_string(content, '$.list_id') = ?",
        [str(gone.id)],
    )
