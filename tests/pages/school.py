"""A made-up directory in memory, and homes in the states that pages have to show."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from captrid_core.directory.connections import Connection, ConnectionForm
from captrid_core.directory.port import Facts, Group, Kind, Page, Scope, ScopeKind, Watch
from captrid_core.directory.properties import value_at
from captrid_core.errors import GroupNotFound, RequestRefused, SecretWrong
from captrid_core.lists.model import Field, FieldType, MasterList, SyncConfiguration
from captrid_core.workspace import Workspace

ACTOR = "Alex Admin"
SECRET = "right-secret"
TENANT = "11111111-1111-1111-1111-111111111111"
MAPPING = {
    "employeeId": "employee_id",
    "givenName": "first_name",
    "surname": "last_name",
    "mail": "email",
    "department": "department",
}
FIELDS = (
    Field("employee_id", label="Employee ID"),
    Field("first_name"),
    Field("last_name"),
    Field("email", FieldType.EMAIL),
    Field("department"),
    Field("locker"),
    Field("house", FieldType.DROPDOWN, options=("Red", "Blue")),
    Field("born", FieldType.DATE),
    Field("year", FieldType.NUMBER),
)


def person(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"object-{number}",
        "employeeId": f"{10_000 + number}",
        "givenName": f"Given{number}",
        "surname": f"Sur{number}",
        "mail": f"given{number}@school.example",
        "userPrincipalName": f"given{number}@school.example",
        "department": "Science" if number % 2 else "Arts",
        "jobTitle": "Teacher",
        "userType": "Member",
        "accountEnabled": True,
        **changes,
    }


class MemoryDirectory:
    """A directory for all connections of a test; `people` is what it holds now."""

    def __init__(self, count: int = 8) -> None:
        self.people = [person(number) for number in range(count)]
        self.group_list = [
            Group("group-staff", "Teaching staff", members=count, description="Everyone who teaches"),
            Group("group-none", "Alumni", members=0),
        ]
        self.failure: Exception | None = None

    def open(self, connection: Connection, secret: str, watch: Watch) -> MemoryDirectory:
        self.failure = SecretWrong("The client secret is wrong.") if secret != SECRET else self.failure
        return self

    def _check(self) -> None:
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure

    def probe(self) -> Facts:
        self._check()
        return Facts(
            TENANT, "Banksia College", len(self.people), 2, ("GroupMember.Read.All", "User.Read.All")
        )

    def tenant_id(self) -> str:
        self._check()
        return TENANT

    def groups(self, search: str | None = None, *, limit: int = 200) -> list[Group]:
        self._check()
        return [one for one in self.group_list if (search or "").lower() in one.name.lower()][:limit]

    def find_group(self, id_or_name: str) -> Group:
        for one in self.group_list:
            if id_or_name in (one.id, one.name):
                return one
        raise GroupNotFound(f"There is no group {id_or_name}.")

    def _in(self, scope: Scope) -> list[dict[str, Any]]:
        empty = scope.kind is ScopeKind.GROUP and scope.group_id == "group-none"
        return [] if empty else self.people

    def count(self, scope: Scope, *, kind: Kind | None = None) -> int:
        self._check()
        found = self._in(scope)
        if kind is Kind.GUEST:
            return sum(1 for one in found if one.get("userType") == "Guest")
        if kind is Kind.DISABLED:
            return sum(1 for one in found if one.get("accountEnabled") is False)
        return len(found)

    def sample(self, scope: Scope, *, properties: Sequence[str], limit: int) -> list[dict[str, Any]]:
        self._check()
        return [{path: value_at(one, path) for path in properties} for one in self._in(scope)[:limit]]

    def read_all(self, scope: Scope, *, properties: Sequence[str]) -> Iterator[Page]:
        self._check()
        found = self._in(scope)
        yield Page("".join(f"{json.dumps(one)}\n" for one in found).encode(), len(found))

    def mark(self, scope: Scope, *, properties: Sequence[str]) -> str:
        raise RequestRefused("This directory tells no changes.")

    def look_up(self, ids: Sequence[str], *, properties: Sequence[str]) -> Iterator[Page]:
        found = [one for one in self.people if one["id"] in ids]
        yield Page(b"".join(json.dumps(one).encode() + b"\n" for one in found), len(found))

    def members(self, scope: Scope, ids: Sequence[str]) -> dict[str, bool]:
        there = {one["id"] for one in self._in(scope)}
        return {one["id"]: one["id"] in there for one in self.people if one["id"] in ids}

    def deleted(self, ids: Sequence[str]) -> set[str]:
        return set(ids)

    def close(self) -> None:
        """There is nothing to close."""


def connect(workspace: Workspace, name: str = "School Entra", **changes: Any) -> Connection:
    form = ConnectionForm(name, TENANT, "22222222-2222-2222-2222-222222222222", secret=SECRET, **changes)
    return workspace.connections.add(form, test=None, actor=ACTOR)


def create(workspace: Workspace, connection: Connection, name: str = "Staff") -> MasterList:
    sync = SyncConfiguration(
        connection_id=connection.id,
        uid_property="employeeId",
        mapping=MAPPING,
        scope=Scope(kind=ScopeKind.GROUP, group_id="group-staff"),
        group_name="Teaching staff",
    )
    return workspace.lists.create(name, uid_field="employee_id", fields=FIELDS, sync=sync, actor=ACTOR)
