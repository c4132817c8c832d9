"""Setting a sync up: what to map to what, which property identifies people, and how that would look.

Everything here looks at a small sample of real people; nothing is saved.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import duckdb

from captrid_core.directory.connections import Connections
from captrid_core.directory.port import Directory, Group, Kind, Scope, Watch
from captrid_core.directory.properties import PROPERTIES, DirectoryProperty, parse_property
from captrid_core.errors import RequestRefused
from captrid_core.lists import values
from captrid_core.lists.model import CASELESS_UIDS, Field, FieldType, key_of_property
from captrid_core.store.database import quote

SAMPLE_SIZE = 50
"""How many people a sample holds."""
SHOWN_GROUPS = 20
"""How many groups a search shows."""
EXAMPLES = 3
"""How many different values are shown of a property."""

DEFAULTS: Mapping[str, str] = {
    "employeeId": "employee_id",
    "givenName": "first_name",
    "surname": "last_name",
    "mail": "email",
    "jobTitle": "job_title",
    "department": "department",
}
"""The mapping that a new list starts with (S10)."""

_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "employeeId": (
        "staffid",
        "studentid",
        "personid",
        "employeenumber",
        "staffnumber",
        "payrollnumber",
        "uid",
    ),
    "givenName": ("firstname", "forename", "christianname", "given"),
    "surname": ("lastname", "familyname", "sn"),
    "displayName": ("name", "fullname", "preferredname"),
    "mail": ("email", "emailaddress", "mailaddress"),
    "userPrincipalName": ("upn", "login", "username", "loginname"),
    "jobTitle": ("position", "role", "title"),
    "department": ("faculty", "division", "section", "team"),
    "companyName": ("company", "organisation", "organization", "school", "campusname"),
    "officeLocation": ("office", "room", "location", "campus"),
    "mobilePhone": ("mobile", "cell", "cellphone", "mobilenumber"),
    "businessPhones": ("phone", "telephone", "workphone", "phonenumber"),
    "postalCode": ("postcode", "zip", "zipcode"),
    "streetAddress": ("address", "street"),
    "city": ("suburb", "town"),
    "employeeHireDate": ("startdate", "hiredate", "commenced"),
    "manager/displayName": ("manager", "supervisor", "managername"),
}


class MatchKind(StrEnum):
    """Why a mapping is suggested."""

    EXACT = "exact"
    SIMILAR = "similar"
    SYNONYM = "synonym"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One mapping that is likely meant; `exists` says whether the field is in the schema already."""

    path: str
    key: str
    exists: bool
    kind: MatchKind


@dataclass(frozen=True, slots=True)
class PropertySample:
    """How one property looks in the sample."""

    property: DirectoryProperty
    examples: tuple[str, ...]
    filled: int
    distinct: int
    sampled: int


@dataclass(frozen=True, slots=True)
class UidCheck:
    """How well one property would identify people (X4), by the sample."""

    path: str
    sampled: int
    filled: int
    duplicates: int
    """Sampled people who share their value with another."""
    case_clashes: int
    """Sampled people whose value differs from another's by upper and lower case alone."""
    stable: bool
    """Whether the value usually stays when people marry or move."""

    @property
    def usable(self) -> bool:
        """Whether everybody in the sample has a value of their own."""
        return self.sampled > 0 and self.filled == self.sampled and self.duplicates == 0


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One person as they would look, with the problems that a sync would report (N5, C3)."""

    values: dict[str, str | None]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """Some people of a directory scope, each {property path: text}; absent values are None."""

    people: tuple[dict[str, str | None], ...]

    def property(self, path: str) -> PropertySample:
        """Return how one property looks."""
        found = [text for person in self.people if (text := person.get(path)) is not None]
        return PropertySample(
            property=parse_property(path),
            examples=tuple(dict.fromkeys(found))[:EXAMPLES],
            filled=len(found),
            distinct=len(set(found)),
            sampled=len(self.people),
        )

    def properties(self) -> list[PropertySample]:
        """Return how every mappable property looks: the catalogue's, and the custom ones that occur."""
        known = [one.path for one in PROPERTIES]
        custom = sorted({path for person in self.people for path in person} - set(known))
        return [self.property(path) for path in (*known, *custom)]


@dataclass(frozen=True, slots=True)
class Headcount:
    """About how many users a scope holds; None where the directory does not count them."""

    users: int
    guests: int | None = None
    disabled: int | None = None


class SyncSetup:
    """Helps to set a sync up, by looking at the directory of a connection."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def sample(
        self,
        connection: str | int,
        scope: Scope,
        watch: Watch,
        *,
        paths: Sequence[str] | None = None,
        limit: int = SAMPLE_SIZE,
    ) -> Sample:
        """Read a few people of a scope, with all mappable properties or the given ones.

        Raises:
            NotFound: There is no such connection.
            SignInError, DirectoryError: The directory could not be read.
        """
        wanted = list(paths) if paths is not None else [one.path for one in PROPERTIES]
        directory = self._connections.open(connection, watch)
        try:
            found = directory.sample(scope, properties=wanted, limit=limit)
        finally:
            directory.close()
        return Sample(tuple({path: as_text(value) for path, value in person.items()} for person in found))

    def groups(
        self, connection: str | int, search: str, watch: Watch, *, limit: int = SHOWN_GROUPS
    ) -> list[Group]:
        """Return the groups that fit a search by name, with their member counts (S8).

        Raises:
            NotFound: There is no such connection.
            SignInError, DirectoryError: The directory could not be read.
        """
        directory = self._connections.open(connection, watch)
        try:
            return directory.groups(search.strip() or None, limit=limit)
        finally:
            directory.close()

    def count(self, connection: str | int, scope: Scope, watch: Watch) -> Headcount:
        """Return about how many users a scope holds, before the list's filters (S8), and whom these concern (N3).

        Raises:
            NotFound: There is no such connection.
            SignInError, DirectoryError: The directory could not be read.
        """
        directory = self._connections.open(connection, watch)
        try:
            return Headcount(
                directory.count(scope),
                guests=_count_kind(directory, scope, Kind.GUEST),
                disabled=_count_kind(directory, scope, Kind.DISABLED),
            )
        finally:
            directory.close()


def _count_kind(directory: Directory, scope: Scope, kind: Kind) -> int | None:
    try:
        return directory.count(scope, kind=kind)
    except RequestRefused:
        return None


def suggest(paths: Iterable[str], fields: Sequence[Field]) -> list[Suggestion]:
    """Return likely mappings of directory properties to a list's fields.

    A field is matched by its key or label: as it is, without regard to case and separators, or by a
    synonym. For a list without fields the six defaults (S10) are suggested, to be created.
    """
    available = list(paths)
    suggested: list[Suggestion] = []
    taken: set[str] = set()
    for kind, fits in (
        (MatchKind.EXACT, lambda path, field: field.key in (path, key_of_property(path))),
        (MatchKind.DEFAULT, lambda path, field: DEFAULTS.get(path) == field.key),
        (MatchKind.SIMILAR, lambda path, field: _names(path) & {_plain(field.key), _plain(field.label)}),
        (
            MatchKind.SYNONYM,
            lambda path, field: {_plain(field.key), _plain(field.label)} & set(_SYNONYMS.get(path, ())),
        ),
    ):
        for field in fields:
            if any(one.key == field.key for one in suggested):
                continue
            path = next((path for path in available if path not in taken and fits(path, field)), None)
            if path is not None:
                taken.add(path)
                suggested.append(Suggestion(path, field.key, exists=True, kind=kind))
    if not fields:
        suggested += [
            Suggestion(path, key, exists=False, kind=MatchKind.DEFAULT)
            for path, key in DEFAULTS.items()
            if path in available
        ]
    return suggested


def new_field(path: str, *, key: str | None = None) -> Field:
    """Return the field that fits a directory property, for creating it on the fly (S9)."""
    found = parse_property(path)
    if path in ("mail", "userPrincipalName", "manager/mail"):
        kind = FieldType.EMAIL
    elif found.kind in ("date", "datetime"):
        kind = FieldType.DATE
    elif found.kind == "number":
        kind = FieldType.NUMBER
    else:
        kind = FieldType.TEXT
    return Field(key=key or DEFAULTS.get(path) or key_of_property(path), type=kind)


def check_uids(
    sample: Sample, paths: Iterable[str] = ("employeeId", "mail", "userPrincipalName", "id")
) -> list[UidCheck]:
    """Return how well each property would identify people, the best first."""
    checks = [_check_uid(sample, path) for path in dict.fromkeys(paths)]
    return sorted(
        checks, key=lambda check: (not check.usable, not check.stable, check.duplicates, -check.filled)
    )


def preview(
    sample: Sample, mapping: Mapping[str, str], fields: Sequence[Field], *, uid_property: str, limit: int = 10
) -> list[PreviewRow]:
    """Return the first people as they would look, by the very rules that a sync types values with."""
    by_key = {field.key: field for field in fields}
    chosen = [(path, by_key[key]) for path, key in mapping.items()]
    with duckdb.connect(":memory:") as cursor:
        values.define_macros(cursor)
        return [_preview_row(cursor, person, chosen, uid_property) for person in sample.people[:limit]]


def as_text(value: Any) -> str | None:
    """Return a directory's value as the text that a sync would make of it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    return text.strip(values.BLANKS) or None


def _preview_row(
    cursor: duckdb.DuckDBPyConnection,
    person: Mapping[str, str | None],
    chosen: Sequence[tuple[str, Field]],
    uid_property: str,
) -> PreviewRow:
    shown: dict[str, str | None] = {}
    problems = []
    for path, field in chosen:
        text = person.get(path)
        typed = values.as_text(field, values.typed(field, "t"))
        found = cursor.execute(
            f"SELECT {typed} FROM (SELECT {values.cleaned('CAST(? AS VARCHAR)')} AS t)", [text]
        ).fetchone()
        shown[field.key] = found[0] if found else None
        if path == uid_property and shown[field.key] is None:
            problems.append(f"No usable value in {quote(path)}: this person would be skipped.")
        elif text is not None and shown[field.key] is None:
            problems.append(f"“{text[:80]}” is not {values.expectation(field)} (field “{field.key}”).")
    return PreviewRow(shown, tuple(problems))


def _check_uid(sample: Sample, path: str) -> UidCheck:
    found = [text for person in sample.people if (text := person.get(path)) is not None]
    same = Counter(text.lower() if path in CASELESS_UIDS else text for text in found)
    folded = Counter(text.lower() for text in found)
    exact = Counter(found)
    return UidCheck(
        path=path,
        sampled=len(sample.people),
        filled=len(found),
        duplicates=sum(count for count in same.values() if count > 1),
        case_clashes=sum(1 for text in found if folded[text.lower()] > exact[text]),
        stable=path not in ("mail", "userPrincipalName", "displayName", "mailNickname"),
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _names(path: str) -> set[str]:
    names = {_plain(path), _plain(path.rsplit("/", 1)[-1]), _plain(key_of_property(path))}
    return names if not path.startswith("manager/") else {_plain(path)}
