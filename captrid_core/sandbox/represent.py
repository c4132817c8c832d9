"""How objects look in an answer: which properties show, and how unset ones do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from captrid_core.sandbox.identifiers import Kind
from captrid_core.sandbox.properties import (
    DEVICE,
    GROUP,
    MEMBERS_OF_OBJECTS,
    USER,
    Type,
    is_collection,
    is_directory_extension,
)

TABLES: Final[dict[Kind, dict[str, Type]]] = {Kind.USER: USER, Kind.GROUP: GROUP, Kind.DEVICE: DEVICE}
TYPE_NAMES: Final = {
    Kind.USER: "#microsoft.graph.user",
    Kind.GROUP: "#microsoft.graph.group",
    Kind.DEVICE: "#microsoft.graph.device",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The looks of one kind of object in one kind of answer.

    `names` are the selected properties, `object/member` for one member of a complex one. `sparse`
    answers (delta) leave out what was never set, others show it as null. A `hidden` object shows
    nothing but its id: the app may list it and not read it.
    """

    kind: Kind
    names: tuple[str, ...]
    sparse: bool = False
    typed: bool = False
    hidden: bool = False

    def of(self, record: Mapping[str, Any], changed: Collection[str] = ()) -> dict[str, Any]:
        """Return the object as a dict; `changed` properties show even when they were cleared."""
        shown: dict[str, Any] = {"@odata.type": TYPE_NAMES[self.kind]} if self.typed else {}
        for name in self.names:
            if self.hidden and name != "id":
                shown[name] = [] if is_collection(TABLES[self.kind].get(name, Type.STRING)) else None
                continue
            self._show(shown, name, record, changed)
        return shown

    def text(self, record: Mapping[str, Any], changed: Collection[str] = ()) -> str:
        """Return the object as JSON."""
        return msgspec.json.encode(self.of(record, changed)).decode()

    def _show(
        self, shown: dict[str, Any], name: str, record: Mapping[str, Any], changed: Collection[str]
    ) -> None:
        if "/" in name:
            whole, member = name.split("/", 1)
            if self.sparse and whole not in record and whole not in changed:
                return
            shown.setdefault(whole, {})[member] = (record.get(whole) or {}).get(member)
            return
        value = record.get(name)
        if value is None:
            if is_collection(TABLES[self.kind].get(name, Type.STRING)):
                value = []
            elif name in MEMBERS_OF_OBJECTS and not self.sparse and name != "employeeOrgData":
                value = {}
            elif (self.sparse or is_directory_extension(name)) and name not in changed:
                return
        if isinstance(value, dict) and name in MEMBERS_OF_OBJECTS:
            value = {member: value.get(member) for member in MEMBERS_OF_OBJECTS[name]}
        shown[name] = value
