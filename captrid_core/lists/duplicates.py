"""Potential duplicates (N7): people whose values are alike, within a list or across lists.

Values are compared without regard to case, accents and spaces. Who was said not to be the same
person is not shown together again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from captrid_core.clock import Clock, to_column
from captrid_core.errors import Invalid, NotFound
from captrid_core.lists.master_lists import MasterLists
from captrid_core.lists.model import FieldType, MasterList, Person
from captrid_core.lists.people import People
from captrid_core.store.database import Database, quote
from captrid_core.store.records import write_audit

_COMPARABLE = (FieldType.TEXT, FieldType.EMAIL)


@dataclass(frozen=True, slots=True)
class Alike:
    """People who may be one: what they share, and who they are, with the list that each is in."""

    value: str
    people: tuple[tuple[MasterList, Person], ...]


@dataclass(frozen=True, slots=True)
class AlikePage:
    """Some groups of people who may be one, and how many there are in all."""

    groups: list[Alike]
    total: int


class Duplicates:
    """Finds likely duplicates in the lists of one home."""

    def __init__(self, database: Database, lists: MasterLists, people: People, clock: Clock) -> None:
        self._database = database
        self._lists = lists
        self._people = people
        self._clock = clock

    def find(
        self,
        name_or_id: str | int,
        keys: Sequence[str],
        *,
        across: bool = False,
        limit: int = 20,
        offset: int = 0,
    ) -> AlikePage:
        """Return groups of people who have the same values in some fields, the largest groups first.

        Args:
            name_or_id: The list.
            keys: The fields that are compared, together: a value in each is needed.
            across: Look for them in all lists in use that have these fields; at least one is in this list.
            limit: At most so many groups.
            offset: Leave out so many first.

        Raises:
            NotFound: There is no such list.
            Invalid: It has no such field, or the field is no text.
        """
        master_list = self._lists.get(name_or_id)
        if not keys:
            raise Invalid("Choose at least one field to compare.")
        for key in keys:
            if master_list.field(key).type not in _COMPARABLE:
                raise Invalid(f"The field “{key}” is no text, so it tells nothing about who is alike.")
        lists = {master_list.id: master_list}
        if across:
            lists |= {one.id: one for one in self._lists.all() if _has(one, keys)}
        with self._database.read() as cursor:
            found = cursor.execute(
                f"""WITH everybody AS ({" UNION ALL BY NAME ".join(_values(one, keys) for one in lists.values())}),
                     alike AS (
                        SELECT value, list(person_id ORDER BY person_id) AS ids FROM everybody WHERE value IS NOT NULL
                        GROUP BY value HAVING count(*) > 1 AND bool_or(list_id = $list)),
                     said AS (
                        SELECT a.value, count(*) AS pairs FROM alike a JOIN not_same n
                          ON list_contains(a.ids, n.person_id) AND list_contains(a.ids, n.other_id)
                        GROUP BY a.value)
                    SELECT alike.value, ids, count(*) OVER () FROM alike LEFT JOIN said USING (value)
                    WHERE coalesce(pairs, 0) < len(ids) * (len(ids) - 1) // 2
                    ORDER BY len(ids) DESC, alike.value LIMIT {limit:d} OFFSET {offset:d}""",
                {"list": master_list.id},
            ).fetchall()
        known: dict[int, tuple[MasterList, Person]] = {}
        wanted = [person_id for _, ids, _ in found for person_id in ids]
        for one in lists.values():
            known |= {key: (one, person) for key, person in self._people.by_ids(one, wanted).items()}
        groups = [
            Alike(_shown(value), tuple(known[person_id] for person_id in ids if person_id in known))
            for value, ids, _ in found
        ]
        return AlikePage(groups, found[0][2] if found else 0)

    def comparable(self, master_list: MasterList) -> list[tuple[str, ...]]:
        """Return what people of a list can be compared by, the likeliest first: names together, then single fields."""
        keys = [one.key for one in master_list.fields if one.type in _COMPARABLE]
        single = [(key,) for key in keys if key != master_list.uid_field]
        names = [
            pair
            for pair in (("first_name", "last_name"), ("given_name", "surname"))
            if all(key in keys for key in pair)
        ]
        return [*names, *single]

    def set_apart(self, person_ids: Sequence[int], *, actor: str) -> None:
        """Remember that these are different people.

        Raises:
            NotFound: Fewer than two were given.
        """
        pairs = list(combinations(sorted(set(person_ids)), 2))
        if not pairs:
            raise NotFound("Two people are needed to tell them apart.")
        with self._database.write() as cursor:
            cursor.executemany(
                "INSERT INTO not_same VALUES (?, ?, ?, ?)",
                [[one, other, actor, to_column(self._clock())] for one, other in pairs],
            )
            write_audit(
                cursor,
                "person.set_apart",
                actor=actor,
                at=self._clock(),
                entity="person",
                entity_id=pairs[0][0],
                entity_name=", ".join(str(one) for one in sorted(set(person_ids))),
            )


def _has(master_list: MasterList, keys: Sequence[str]) -> bool:
    fields = {one.key: one.type for one in master_list.fields}
    return all(fields.get(key) in _COMPARABLE for key in keys)


def _values(master_list: MasterList, keys: Sequence[str]) -> str:
    """Return SQL for the people of a list with what they are compared by; null where a part is blank."""
    parts = " || chr(31) || ".join(
        f"nullif(regexp_replace(strip_accents(lower({quote(key)})), '\\s+', ' ', 'g'), '')" for key in keys
    )
    return f"SELECT {master_list.id:d} AS list_id, _person_id AS person_id, {parts} AS value FROM {master_list.people_table}"


def _shown(value: str) -> str:
    return value.replace("\x1f", " ")
