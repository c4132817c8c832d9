"""What a Master List is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from captrid_core.directory.port import Scope
from captrid_core.errors import Invalid

MAX_VALUE_LENGTH = 4000
"""The most characters that a value may have (rule R17)."""

CASELESS_UIDS = ("mail", "userPrincipalName")
"""The properties that compare without regard to case when they are the UID (rule R9)."""

_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")


class FieldType(StrEnum):
    """The five types of a field."""

    TEXT = "text"
    NUMBER = "number"
    EMAIL = "email"
    DROPDOWN = "dropdown"
    DATE = "date"


class OnUidChange(StrEnum):
    """What a changed UID of a linked object means (rule R13)."""

    NEW_PERSON = "new_person"
    SAME_PERSON = "same_person"


class Origin(StrEnum):
    """Where a person came from first."""

    DIRECTORY = "directory"
    MANUAL = "manual"
    CSV = "csv"


class StatusFilter(StrEnum):
    """Which people to show."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a list's schema. The key never changes after creation."""

    key: str
    type: FieldType = FieldType.TEXT
    label: str = ""
    required: bool = False
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be a field.

        Raises:
            Invalid: The key is malformed, or a Dropdown has no options.
        """
        if not _KEY.fullmatch(self.key):
            raise Invalid(
                f"“{self.key}” cannot be a field key.",
                hint="A key begins with a small letter and holds small letters, digits and underscores, 63 at most.",
            )
        if self.type is FieldType.DROPDOWN and not self.options:
            raise Invalid(
                f"The Dropdown field “{self.key}” has no options.", hint="List them: dropdown=Red,Blue,Green"
            )
        if not self.label:
            object.__setattr__(self, "label", self.key.replace("_", " ").capitalize())


@dataclass(frozen=True, slots=True)
class Guards:
    """From where on a run is held for a decision (rules R24 and R25)."""

    deactivate_count: int = 5
    deactivate_percent: float = 10.0
    blank_count: int = 5
    blank_percent: float = 25.0


@dataclass(frozen=True, slots=True)
class SyncConfiguration:
    """How a list is fed by a directory. `mapping` is {property path: field key}, the UID's included."""

    connection_id: int
    uid_property: str
    mapping: dict[str, str]
    scope: Scope = field(default_factory=Scope)
    group_name: str | None = None
    exclude_guests: bool = False
    exclude_disabled: bool = False
    on_uid_change: OnUidChange = OnUidChange.NEW_PERSON
    guards: Guards = field(default_factory=Guards)
    photos: bool = False
    """Whether photos are taken from the directory for people who have none."""
    connected: bool = True
    synced_tenant_id: str | None = None
    full_needed: str | None = "this is its first sync"
    delta_link: str | None = field(default=None, repr=False)
    """Where the directory's changes go on (rule R29), as the directory's adapter writes it."""
    delta_link_at: datetime | None = None
    """When that was the present."""

    @property
    def maps_manager(self) -> bool:
        """Whether something of a person's manager is mapped."""
        return any(path.startswith("manager/") for path in self.mapping)

    @property
    def without_delta(self) -> str | None:
        """Why the next run has to be a full one (rule R28); None: it may be a delta."""
        return self.full_needed or (None if self.delta_link else "there is no delta link yet")


@dataclass(frozen=True, slots=True)
class MasterList:
    """A roster that lasts, with its schema and, where there is one, its directory sync."""

    id: int
    name: str
    uid_field: str
    fields: tuple[Field, ...]
    created_at: datetime | None
    sync: SyncConfiguration | None
    archived_at: datetime | None = None
    """When it was put away; None: it is in use."""

    @property
    def people_table(self) -> str:
        """The name of the table that holds its people."""
        return f"people_{self.id}"

    @property
    def former_table(self) -> str:
        """The name of the table of records that were joined with another: its columns, and `_joined_at`."""
        return f"former_{self.id}"

    @property
    def connected(self) -> bool:
        """Whether a directory feeds it."""
        return self.sync is not None and self.sync.connected

    @property
    def managed_fields(self) -> frozenset[str]:
        """The keys of the fields that the directory manages, while the list is connected."""
        return frozenset(self.sync.mapping.values()) if self.sync and self.sync.connected else frozenset()

    @property
    def caseless_uid(self) -> bool:
        """Whether UIDs compare without regard to case (rule R9)."""
        if self.sync is not None:
            return self.sync.uid_property in CASELESS_UIDS
        return self.field(self.uid_field).type is FieldType.EMAIL

    def field(self, key: str) -> Field:
        """Return the field with that key.

        Raises:
            Invalid: The list has no such field.
        """
        for one in self.fields:
            if one.key == key:
                return one
        raise Invalid(
            f"“{self.name}” has no field “{key}”.",
            hint=f"Its fields are {', '.join(f.key for f in self.fields)}.",
        )


@dataclass(frozen=True, slots=True)
class Person:
    """One record of a Master List, with its values by field key."""

    id: int
    uid: str | None
    active: bool
    origin: Origin
    managed: bool
    exception: bool
    """The status was set by hand and disagrees with the directory (rule R21)."""
    values: dict[str, Any]


def key_of_property(path: str) -> str:
    """Return the key that a new field for a directory property gets: its last part in snake_case."""
    name = path.replace("/", "_") if path.startswith("manager/") else path.rsplit("/", 1)[-1]
    name = re.sub(r"^extension_[0-9a-fA-F]{32}_", "", name)
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return re.sub(r"[^a-z0-9_]+", "_", snake).strip("_")[:63] or "field"
