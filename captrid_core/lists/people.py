"""People of a Master List: looking at them, and what staff may do to them by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from captrid_core.clock import Clock, to_column
from captrid_core.errors import BadValue, DuplicateUid, FieldLocked, Invalid, MissingUid, NotFound
from captrid_core.lists import values
from captrid_core.lists.joining import join
from captrid_core.lists.master_lists import MasterLists
from captrid_core.lists.model import Field, FieldType, MasterList, Origin, Person, StatusFilter
from captrid_core.lists.past import people_at
from captrid_core.store.database import Cursor, Database, quote, scalar
from captrid_core.store.records import take_ids, write_audit

_STATUS = {
    StatusFilter.ACTIVE: "_active",
    StatusFilter.INACTIVE: "NOT _active",
    StatusFilter.ALL: "true",
}
_EXCEPTION = "(_by_staff AND _in_scope IS NOT NULL AND _active <> _in_scope)"


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some of a list's people, and how many fit in all."""

    people: list[Person]
    total: int


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to a person: by a run, or by hand."""

    at: datetime
    actor: str
    run_id: int | None
    action: str
    field: str | None
    old: str | None
    new: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Edit:
    """A new value for a field, and the value that whoever entered it had before them; both as text."""

    seen: str | None
    given: str | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A value that was not written, because it was changed after it had been looked at."""

    uid: str | None
    field: str
    seen: str | None
    given: str | None
    present: str | None


class People:
    """The people of one home's Master Lists."""

    def __init__(self, database: Database, lists: MasterLists, clock: Clock) -> None:
        self._database = database
        self._lists = lists
        self._clock = clock

    def find(
        self,
        master_list: MasterList,
        *,
        status: StatusFilter = StatusFilter.ACTIVE,
        search: str = "",
        sort: str | None = None,
        descending: bool = False,
        exceptions_only: bool = False,
        as_of: datetime | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> PeoplePage:
        """Return people of a list.

        Args:
            master_list: The list.
            status: Which of them.
            search: Words that must all appear in any of the fields, without regard to case.
            sort: A field's key; by default the UID.
            descending: Sort the other way.
            exceptions_only: Only those whose status was set by hand against the directory (rule R21).
            as_of: The moment at which the list is looked at; None: now. See `past`.
            limit: At most so many; None: all.
            offset: Leave out so many first.
        """
        source = people_at(master_list, as_of) if as_of is not None else master_list.people_table
        where, parameters = self._where(master_list, status, search, exceptions_only=exceptions_only)
        key = quote(master_list.field(sort or master_list.uid_field).key)
        order = f"{key} {'DESC' if descending else 'ASC'} NULLS LAST, _person_id"
        columns = ", ".join(quote(field.key) for field in master_list.fields)
        page = f"LIMIT {limit:d} OFFSET {offset:d}" if limit is not None else ""
        person = f"_person_id, _active, _origin, _anchor IS NOT NULL, {_EXCEPTION}, {columns}"
        count = f"SELECT count(*) FROM {source} WHERE {where}"
        with self._database.read() as cursor:
            if search and limit is not None:
                # reading all the texts is what takes the time: it is done once, for the page and for the number
                found = cursor.execute(
                    f"""WITH hits AS MATERIALIZED (SELECT _person_id, {key} FROM {source} WHERE {where})
                        SELECT {person}, (SELECT count(*) FROM hits) FROM {source}
                        WHERE _person_id IN (SELECT _person_id FROM hits ORDER BY {order} {page}) ORDER BY {order}""",
                    parameters,
                ).fetchall()
                total = found[0][-1] if found else scalar(cursor, count, parameters) if offset else 0
                found = [one[:-1] for one in found]
            else:
                found = cursor.execute(
                    f"SELECT {person} FROM {source} WHERE {where} ORDER BY {order} {page}", parameters
                ).fetchall()
                total = len(found) if limit is None else scalar(cursor, count, parameters)
        return PeoplePage([_person(master_list, one) for one in found], total)

    def get(self, master_list: MasterList, uid: str) -> Person:
        """Return the person with that UID.

        Raises:
            NotFound: There is none.
        """
        with self._database.read() as cursor:
            return self._get(cursor, master_list, uid)

    def by_ids(self, master_list: MasterList, ids: Sequence[int]) -> dict[int, Person]:
        """Return the people with those person ids; who is not there is left out."""
        columns = ", ".join(quote(field.key) for field in master_list.fields)
        with self._database.read() as cursor:
            found = cursor.execute(
                f"""SELECT _person_id, _active, _origin, _anchor IS NOT NULL, {_EXCEPTION}, {columns}
                    FROM {master_list.people_table} WHERE list_contains(?, _person_id)""",
                [list(ids)],
            ).fetchall()
        return {one.id: one for one in (_person(master_list, cells) for cells in found)}

    def history(
        self, master_list: MasterList, person_id: int, *, limit: int | None = None
    ) -> list[Happening]:
        """Return what happened to a person, newest first, and to records that were joined with theirs (rule R8)."""
        with self._database.read() as cursor:
            found = cursor.execute(
                f"""WITH RECURSIVE own(person_id) AS (
                        SELECT CAST(? AS BIGINT)
                        UNION
                        SELECT CAST(c.old_value AS BIGINT) FROM own JOIN change c ON c.person_id = own.person_id
                        WHERE c.list_id = ? AND c.action = 'joined' AND c.old_value IS NOT NULL)
                    SELECT changed_at, actor, run_id, action, field, old_value, new_value, reason
                    FROM change SEMI JOIN own USING (person_id)
                    WHERE list_id = ? AND NOT (action = 'joined' AND old_value IS NULL)
                    ORDER BY changed_at DESC, action, field {f"LIMIT {limit:d}" if limit is not None else ""}""",
                [person_id, master_list.id, master_list.id],
            ).fetchall()
        return [Happening(at.replace(tzinfo=UTC), *more) for at, *more in found]

    def leavings(self, master_list: MasterList, ids: Sequence[int]) -> dict[int, Happening]:
        """Return when, by whom and why people were last deactivated, by person id; who never was is left out."""
        with self._database.read() as cursor:
            found = cursor.execute(
                """SELECT person_id, changed_at, actor, run_id, action, field, old_value, new_value, reason
                   FROM change WHERE list_id = ? AND action = 'deactivated' AND list_contains(?, person_id)
                   QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY changed_at DESC) = 1""",
                [master_list.id, list(ids)],
            ).fetchall()
        return {one: Happening(at.replace(tzinfo=UTC), *more) for one, at, *more in found}

    def add(
        self,
        master_list: MasterList,
        given: Mapping[str, str | None],
        *,
        actor: str,
        origin: Origin = Origin.MANUAL,
    ) -> Person:
        """Add a person by hand.

        Raises:
            MissingUid, DuplicateUid, BadValue, Invalid: The values do not do.
        """
        with self._database.write() as cursor:
            master_list = self._lists.load(cursor, master_list.id)
            typed = self._typed(cursor, master_list, given)
            uid = typed.get(master_list.uid_field)
            if uid is None:
                raise MissingUid(f"The UID field “{master_list.uid_field}” is blank.")
            self._check_required(master_list, typed, master_list.fields)
            key = self._free_key(cursor, master_list, uid, None)
            now = to_column(self._clock())
            person_id = take_ids(cursor, "person")
            columns = ", ".join(quote(name) for name in typed)
            cursor.execute(
                f"""INSERT INTO {master_list.people_table}
                        (_person_id, _uid_key, _active, _by_staff, _origin, _created_at, _updated_at, {columns})
                    VALUES (?, ?, true, false, ?, ?, ?, {", ".join("?" for _ in typed)})""",
                [person_id, key, origin, now, now, *typed.values()],
            )
            self._record(cursor, master_list, person_id, "created", actor)
            self._audit(cursor, "person.created", master_list, person_id, uid, actor)
            return self._get(cursor, master_list, uid)

    def set_values(
        self, master_list: MasterList, uid: str, given: Mapping[str, str | None], *, actor: str
    ) -> Person:
        """Change fields of a person; all or nothing.

        Raises:
            NotFound: There is no such person.
            FieldLocked: A field is managed by the directory for this person; nothing was written.
            MissingUid, DuplicateUid, BadValue, Invalid: The values do not do.
        """
        with self._database.write() as cursor:
            master_list = self._lists.load(cursor, master_list.id)
            before = self._get(cursor, master_list, uid)
            self._change(cursor, master_list, before, given, actor)
            return self._get_by_id(cursor, master_list, before.id)

    def edit(
        self, master_list: MasterList, edits: Mapping[int, Mapping[str, Edit]], *, actor: str
    ) -> list[Conflict]:
        """Change fields of several people at once, as a table of them is edited; all or nothing.

        Args:
            master_list: The list.
            edits: What is entered, by person id and field key.
            actor: Who enters it.

        Returns:
            The values that somebody else, or a sync, has changed meanwhile. If there are any, nothing
            was written.

        Raises:
            NotFound, FieldLocked, MissingUid, DuplicateUid, BadValue, Invalid: As for `set_values`.
        """
        conflicts: list[Conflict] = []
        with self._database.write() as cursor:
            master_list = self._lists.load(cursor, master_list.id)
            people = [self._get_by_id(cursor, master_list, person_id) for person_id in edits]
            for person in people:
                for key, edit in edits[person.id].items():
                    present = self._text_of(cursor, master_list.field(key), person.values[key])
                    if present != (edit.seen or None):
                        conflicts.append(Conflict(person.uid, key, edit.seen, edit.given, present))
            if not conflicts:
                for person in people:
                    given = {key: edit.given for key, edit in edits[person.id].items()}
                    self._change(cursor, master_list, person, given, actor)
        return conflicts

    def set_status(self, master_list: MasterList, uid: str, *, active: bool, actor: str) -> Person:
        """Deactivate or reactivate a person by hand; staff outrank the sync (rule R21).

        Raises:
            NotFound: There is no such person.
        """
        with self._database.write() as cursor:
            person = self._get(cursor, master_list, uid)
            if person.active != active:
                # a status by hand that agrees with the directory is no exception; of someone whom
                # it never had, only Inactive needs to be remembered (a later link must not undo it)
                cursor.execute(
                    f"""UPDATE {master_list.people_table}
                        SET _active = $active, _by_staff = coalesce(_in_scope, true) <> $active, _updated_at = $now
                        WHERE _person_id = $person""",
                    {"active": active, "now": to_column(self._clock()), "person": person.id},
                )
                action = "reactivated" if active else "deactivated"
                self._record(cursor, master_list, person.id, action, actor)
                self._audit(cursor, f"person.{action}", master_list, person.id, uid, actor)
            return self._get(cursor, master_list, uid)

    def set_status_of(
        self, master_list: MasterList, person_ids: Sequence[int], *, active: bool, actor: str
    ) -> int:
        """Deactivate or reactivate several people by hand (rule R21); return of how many that changed the status."""
        action = "reactivated" if active else "deactivated"
        at = {"list": master_list.id, "action": action, "actor": actor, "now": to_column(self._clock())}
        with self._database.write() as cursor:
            cursor.execute(
                f"""CREATE OR REPLACE TEMP TABLE chosen AS
                    SELECT _person_id, {quote(master_list.uid_field)} AS uid FROM {master_list.people_table}
                    WHERE list_contains($ids, _person_id) AND _active <> $active""",
                {"ids": list(person_ids), "active": active},
            )
            cursor.execute(
                f"""UPDATE {master_list.people_table}
                    SET _active = $active, _by_staff = coalesce(_in_scope, true) <> $active, _updated_at = $now
                    WHERE _person_id IN (SELECT _person_id FROM chosen)""",
                {"active": active, "now": at["now"]},
            )
            cursor.execute(
                """INSERT INTO change
                   SELECT $list, NULL, _person_id, $action, NULL, NULL, NULL, NULL, $actor, $now FROM chosen""",
                at,
            )
            cursor.execute(
                """INSERT INTO audit
                   SELECT $now, 'person.' || $action, $actor, 'person', CAST(_person_id AS VARCHAR), uid, $details
                   FROM chosen""",
                {name: at[name] for name in ("now", "action", "actor")}
                | {"details": json.dumps({"list": master_list.name})},
            )
            return int(scalar(cursor, "SELECT count(*) FROM chosen"))

    def release(self, master_list: MasterList, uid: str, *, actor: str) -> Person:
        """Give a person's status back to the directory, at once, by what the last sync knew (rule R21).

        Raises:
            NotFound: There is no such person.
            Invalid: The person's status is no exception.
        """
        with self._database.write() as cursor:
            person = self._get(cursor, master_list, uid)
            if not person.exception:
                raise Invalid(f"The status of {uid} is not an exception; there is nothing to release.")
            cursor.execute(
                f"""UPDATE {master_list.people_table}
                    SET _active = _in_scope, _by_staff = false, _updated_at = ? WHERE _person_id = ?""",
                [to_column(self._clock()), person.id],
            )
            self._record(
                cursor, master_list, person.id, "deactivated" if person.active else "reactivated", actor
            )
            self._audit(cursor, "person.released", master_list, person.id, uid, actor)
            return self._get(cursor, master_list, uid)

    def join(self, master_list: MasterList, uid: str, other_uid: str, *, actor: str) -> Person:
        """Make two records of one person into one, and return it; see `joining`.

        Raises:
            NotFound: There is no such person.
            NotJoinable: They are the same record, or the directory feeds both.
        """
        with self._database.write() as cursor:
            master_list = self._lists.load(cursor, master_list.id)
            one, other = self._get(cursor, master_list, uid), self._get(cursor, master_list, other_uid)
            stays = join(cursor, master_list, one.id, other.id, actor=actor, at=self._clock())
            joined = self._get_by_id(cursor, master_list, stays)
            self._audit(
                cursor,
                "person.joined",
                master_list,
                stays,
                joined.uid or "",
                actor,
                uids=[one.uid, other.uid],
            )
            return joined

    def _change(
        self,
        cursor: Cursor,
        master_list: MasterList,
        before: Person,
        given: Mapping[str, str | None],
        actor: str,
    ) -> None:
        typed = self._typed(cursor, master_list, given)
        if before.managed and (locked := sorted(set(typed) & master_list.managed_fields)):
            raise FieldLocked(
                f"{', '.join(f'“{key}”' for key in locked)} of {before.uid} is managed by the directory.",
                fields=locked,
            )
        self._check_required(master_list, typed, [master_list.field(key) for key in typed])
        key = None
        if master_list.uid_field in typed:
            new_uid = typed[master_list.uid_field]
            if new_uid is None:
                raise MissingUid(f"The UID field “{master_list.uid_field}” cannot be blank.")
            key = self._free_key(cursor, master_list, new_uid, before.id)
        changed = {name: value for name, value in typed.items() if value != before.values[name]}
        if changed:
            self._write_values(cursor, master_list, before, changed, key, actor)

    def _where(
        self, master_list: MasterList, status: StatusFilter, search: str, *, exceptions_only: bool
    ) -> tuple[str, list[Any]]:
        tests = [_STATUS[status]]
        parameters: list[Any] = []
        if exceptions_only:
            tests.append(_EXCEPTION)
        text_columns = [
            quote(field.key)
            for field in master_list.fields
            if field.type not in (FieldType.NUMBER, FieldType.DATE)
        ]
        for word in search.split():
            # a word without letters that have a case need not be compared without regard to it
            cased = word.lower() != word.upper()
            shape = "contains(lower({}), lower(?))" if cased else "contains({}, ?)"
            tests.append(f"({' OR '.join(shape.format(column) for column in text_columns)})")
            parameters += [word] * len(text_columns)
        return " AND ".join(tests), parameters

    def _typed(
        self, cursor: Cursor, master_list: MasterList, given: Mapping[str, str | None]
    ) -> dict[str, Any]:
        """Return the values in their fields' types.

        Raises:
            Invalid: There is no such field.
            BadValue: A value does not fit.
        """
        if not given:
            raise Invalid("No values were given.", hint="Give them as KEY=VALUE.")
        values.define_macros(cursor)
        typed = {}
        for key, text in given.items():
            field = master_list.field(key)
            cleaned, value = cursor.execute(
                f"SELECT t, {values.typed(field, 't')} FROM (SELECT {values.cleaned('CAST(? AS VARCHAR)')} AS t)",
                [text],
            ).fetchone() or (None, None)
            if cleaned is not None and value is None:
                raise BadValue(
                    f"“{cleaned[:80]}” is not {values.expectation(field)} (field “{key}”).", field=key
                )
            typed[key] = value
        return typed

    def _check_required(
        self, master_list: MasterList, typed: Mapping[str, Any], fields: Sequence[Field]
    ) -> None:
        for field in fields:
            locked = field.key in master_list.managed_fields
            if field.required and not locked and typed.get(field.key) is None:
                raise BadValue(f"The field “{field.key}” is required.", field=field.key)

    def _free_key(self, cursor: Cursor, master_list: MasterList, uid: str, own_id: int | None) -> str:
        """Return the UID as it is compared, if nobody else has it.

        Raises:
            DuplicateUid: Somebody has.
        """
        key = scalar(
            cursor, f"SELECT {values.uid_key('CAST(? AS VARCHAR)', caseless=master_list.caseless_uid)}", [uid]
        )
        holder = scalar(
            cursor, f"SELECT _person_id FROM {master_list.people_table} WHERE _uid_key = ?", [key]
        )
        if holder is not None and holder != own_id:
            raise DuplicateUid(f"“{master_list.name}” has a person with the UID {uid} already.", uid=uid)
        return str(key)

    def _write_values(
        self,
        cursor: Cursor,
        master_list: MasterList,
        before: Person,
        changed: dict[str, Any],
        key: str | None,
        actor: str,
    ) -> None:
        assignments = "".join(f"{quote(name)} = ?, " for name in changed)
        cursor.execute(
            f"""UPDATE {master_list.people_table}
                SET {assignments} _uid_key = coalesce(?, _uid_key), _updated_at = ? WHERE _person_id = ?""",
            [*changed.values(), key, to_column(self._clock()), before.id],
        )
        for name, value in changed.items():
            field = master_list.field(name)
            old, new = (self._text_of(cursor, field, one) for one in (before.values[name], value))
            self._record(cursor, master_list, before.id, "updated", actor, name, old, new)
        self._audit(
            cursor, "person.updated", master_list, before.id, before.uid or "", actor, fields=list(changed)
        )

    def _text_of(self, cursor: Cursor, field: Field, value: Any) -> str | None:
        """Return a value of a field as the history writes it."""
        column = values.COLUMN_TYPES[field.type]
        text = f"SELECT {values.as_text(field, 'v')} FROM (SELECT CAST(? AS {column}) AS v)"
        return None if value is None else str(scalar(cursor, text, [value]))

    def _get(self, cursor: Cursor, master_list: MasterList, uid: str) -> Person:
        values.define_macros(cursor)
        key = values.uid_key(values.cleaned("CAST(? AS VARCHAR)"), caseless=master_list.caseless_uid)
        person_id = scalar(
            cursor, f"SELECT _person_id FROM {master_list.people_table} WHERE _uid_key = {key}", [uid]
        )
        if person_id is None:
            raise NotFound(
                f"“{master_list.name}” has nobody with the UID {uid}.",
                hint="`captrid people LIST --status all` shows everybody.",
            )
        return self._get_by_id(cursor, master_list, person_id)

    def _get_by_id(self, cursor: Cursor, master_list: MasterList, person_id: int) -> Person:
        columns = ", ".join(quote(field.key) for field in master_list.fields)
        found = cursor.execute(
            f"""SELECT _person_id, _active, _origin, _anchor IS NOT NULL, {_EXCEPTION}, {columns}
                FROM {master_list.people_table} WHERE _person_id = ?""",
            [person_id],
        ).fetchone()
        if found is None:
            raise NotFound(f"“{master_list.name}” has no person {person_id}.")
        return _person(master_list, found)

    def _record(
        self,
        cursor: Cursor,
        master_list: MasterList,
        person_id: int,
        action: str,
        actor: str,
        field: str | None = None,
        old: str | None = None,
        new: str | None = None,
    ) -> None:
        cursor.execute(
            "INSERT INTO change VALUES (?, NULL, ?, ?, ?, ?, ?, NULL, ?, ?)",
            [master_list.id, person_id, action, field, old, new, actor, to_column(self._clock())],
        )

    def _audit(
        self,
        cursor: Cursor,
        action: str,
        master_list: MasterList,
        person_id: int,
        uid: str,
        actor: str,
        **details: Any,
    ) -> None:
        write_audit(
            cursor,
            action,
            actor=actor,
            at=self._clock(),
            entity="person",
            entity_id=person_id,
            entity_name=uid,
            list=master_list.name,
            **details,
        )


def describe(person: Person) -> dict[str, Any]:
    """Return a person for machines; dates as ISO text, whole numbers without a fraction."""
    return {
        "person_id": str(person.id),
        "uid": person.uid,
        "status": "active" if person.active else "inactive",
        "origin": person.origin,
        "managed": person.managed,
        "exception": person.exception,
        "fields": {key: _plain(value) for key, value in person.values.items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return value.isoformat() if hasattr(value, "isoformat") else value


def _person(master_list: MasterList, found: Sequence[Any]) -> Person:
    person_id, active, origin, linked, exception, *cells = found
    named = dict(zip((field.key for field in master_list.fields), cells, strict=True))
    return Person(
        id=person_id,
        uid=named[master_list.uid_field],
        active=active,
        origin=Origin(origin),
        managed=linked and master_list.connected,
        exception=bool(exception) and master_list.connected,
        values=named,
    )
