"""A small school: what tests do to its directory and its Master List, and what they see of both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from captrid_core.directory.connections import ConnectionForm
from captrid_core.lists.model import Field, MasterList, Person, StatusFilter
from captrid_core.sandbox import Sandbox
from captrid_core.sync.runner import Preview
from captrid_core.sync.runs import ChangeRow, Note, Progress, Run
from captrid_core.workspace import Workspace

ACTOR = "Alex Admin"
FIELDS = (Field("employee_id"), Field("first_name"), Field("department"), Field("note"))
MAPPING = {"employeeId": "employee_id", "givenName": "first_name", "department": "department"}
CHECKOUT = Path(__file__).parents[2]


class School:
    """One directory and one list that it feeds."""

    def __init__(self, sandbox: Sandbox, workspace: Workspace, master_list: MasterList) -> None:
        self.sandbox = sandbox
        self.directory = sandbox.directory
        self.workspace = workspace
        self.id = master_list.id

    # the directory

    def enrol(self, uid: str | None, first_name: str | None = "Ada", **properties: Any) -> str:
        """Add an account and return its object id."""
        return self.directory.add_user(employeeId=uid, givenName=first_name, **properties)

    def enrol_many(self, count: int, **properties: Any) -> list[str]:
        """Add accounts with the UIDs 001, 002 and so on."""
        return [self.enrol(f"{number:03}", **properties) for number in range(1, count + 1)]

    def directory_id(self, uid: str) -> str:
        """Return the object id of the account with that UID."""
        return next(user["id"] for user in self.directory.users() if user["employeeId"] == uid)

    # the list

    @property
    def list(self) -> MasterList:
        return self.workspace.lists.get(self.id)

    def sync(self, **options: Any) -> Run:
        """Run a sync to its end."""
        return self.workspace.runner.sync(self.id, actor=ACTOR, **options)

    def synced(self, **options: Any) -> Run:
        """Run a sync that has to succeed."""
        run = self.sync(**options)
        assert run.status == "succeeded", run
        return run

    def preview(self, **options: Any) -> Preview:
        return self.workspace.runner.preview(self.id, actor=ACTOR, **options)

    def add(self, uid: str, **given: str) -> Person:
        return self.workspace.people.add(self.list, {"employee_id": uid, **given}, actor="Sam Staff")

    def edit(self, uid: str, **given: str | None) -> Person:
        return self.workspace.people.set_values(self.list, uid, given, actor="Sam Staff")

    def set_active(self, uid: str, active: bool) -> Person:
        return self.workspace.people.set_status(self.list, uid, active=active, actor="Sam Staff")

    def release(self, uid: str) -> Person:
        return self.workspace.people.release(self.list, uid, actor="Sam Staff")

    def configure(self, **changes: Any) -> MasterList:
        sync = self.list.sync
        assert sync is not None
        return self.workspace.lists.configure(self.id, replace(sync, connected=True, **changes), actor=ACTOR)

    def disconnect(self) -> None:
        self.workspace.lists.disconnect(self.id, actor=ACTOR)

    # what there is

    def person(self, uid: str) -> Person:
        return self.workspace.people.get(self.list, uid)

    def people(self) -> list[Person]:
        return self.workspace.people.find(self.list, status=StatusFilter.ALL).people

    def table(self, *columns: str) -> list[tuple[Any, ...]]:
        """Return everybody as (UID, *columns, status), by UID; an exception's status ends in a star."""
        return [(one.uid, *(one.values[column] for column in columns), _status(one)) for one in self.people()]

    def ids(self) -> dict[str | None, int]:
        """Return the person ids by UID."""
        return {one.uid: one.id for one in self.people()}

    def runs(self) -> list[Run]:
        return self.workspace.runs.of_list(self.id)

    def changes(self, run: Run) -> list[tuple[str, str | None, str | None, str | None, str | None]]:
        """Return a run's history rows as (action, UID, field, old, new)."""
        found = self.workspace.runs.changes(run, self.list.people_table, self.list.uid_field)
        return [rows_of(one) for one in found]

    def errors(self, run: Run) -> list[Note]:
        assert run.id is not None
        return self.workspace.runs.notes(run.id, "error")

    def warnings(self, run: Run) -> list[Note]:
        assert run.id is not None
        return self.workspace.runs.notes(run.id, "warning")

    # other processes

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `captrid` in a process of its own on the same home."""
        environment = {
            **os.environ,
            "CAPTRID_HOME": str(self.workspace.settings.home),
            "CAPTRID_ACTOR": "Olga",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "captrid_core", *arguments, "--json"],
            cwd=CHECKOUT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )


def rows_of(change: ChangeRow) -> tuple[str, str | None, str | None, str | None, str | None]:
    return (change.action, change.uid, change.field, change.old, change.new)


def during(phase: str, work: Callable[[], object]) -> Callable[[Progress], None]:
    """Return a listener that does `work` once, when a run enters `phase`."""
    done: list[bool] = []

    def listen(progress: Progress) -> None:
        if progress.phase == phase and not done:
            done.append(True)
            work()

    return listen


def numbers(run: Run) -> dict[str, int]:
    """Return the numbers of a run that are not zero."""
    names = ("read", "created", "updated", "reactivated", "deactivated", "unchanged", "skipped")
    return {name: getattr(run.counts, name) for name in names if getattr(run.counts, name)}


def form_for(sandbox: Sandbox, name: str = "School Entra") -> ConnectionForm:
    return ConnectionForm(
        name=name,
        tenant_id=sandbox.tenant_id,
        client_id=sandbox.client_id,
        secret=sandbox.client_secret,
        authority_url=sandbox.authority_url,
        graph_url=sandbox.graph_url,
        ca_file=str(sandbox.ca_file),
    )


def _status(person: Person) -> str:
    return ("active" if person.active else "inactive") + ("*" if person.exception else "")
