"""A group with a group below it, and the list that it feeds: what the fault tests sync."""

from __future__ import annotations

from captrid_core.directory.connections import ConnectionForm
from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.lists.model import Field, Guards, StatusFilter, SyncConfiguration
from captrid_core.sync.runs import RunKind

ACTOR = "Alex Admin"
MAPPING = {"employeeId": "uid", "department": "department", "manager/displayName": "manager"}


def form_for(sandbox):
    """Return what connects to the sandbox."""
    return ConnectionForm(
        name="School",
        tenant_id=sandbox.tenant_id,
        client_id=sandbox.client_id,
        secret=sandbox.client_secret,
        authority_url=sandbox.authority_url,
        graph_url=sandbox.graph_url,
        ca_file=str(sandbox.ca_file),
    )


class Choir:
    """A group with a group below it, and the list that it feeds."""

    def __init__(self, sandbox, workspace):
        self.sandbox, self.workspace = sandbox, workspace
        self.directory = directory = sandbox.directory
        self.top, self.below = directory.add_group("Choir"), directory.add_group("Altos")
        directory.add_member(self.top, self.below)
        self.lead = directory.add_user(displayName="Lead 0", employeeId="lead")
        self.singers = [
            directory.add_user(displayName=f"Singer {n}", employeeId=f"{n:02}", department="Before")
            for n in range(20)
        ]
        for number, singer in enumerate(self.singers):
            directory.add_member(self.below if number % 2 else self.top, singer)
            directory.set_manager(singer, self.lead)
        self.round = 0
        connection = workspace.connections.add(form_for(sandbox), test=None, actor=ACTOR)
        self.list = workspace.lists.create(
            "Choir",
            uid_field="uid",
            fields=[Field("uid"), Field("department"), Field("manager"), Field("note")],
            sync=SyncConfiguration(
                connection.id,
                "employeeId",
                MAPPING,
                scope=Scope(ScopeKind.GROUP, self.top, nested=True),
                guards=Guards(10**9, 100, 10**9, 100),
            ),
            actor=ACTOR,
        )
        self.sync(RunKind.FULL)

    def sync(self, kind):
        return self.workspace.runner.sync(self.list.id, asked=kind, actor=ACTOR)

    def change(self):
        """Let some people move, one leave the group and one the directory, and those before them return."""
        self.round += 1
        one, other = self.round % 2, self.round % 2 ^ 1
        self.directory.update_user(self.lead, displayName=f"Lead {self.round}")
        for singer in self.singers[4:8]:
            self.directory.update_user(singer, department=f"Round {self.round}")
        self.directory.remove_member(self.below if one else self.top, self.singers[one])
        self.directory.delete_user(self.singers[2 + one])
        if self.round > 1:
            self.directory.add_member(self.below if other else self.top, self.singers[other])
            self.directory.restore_user(self.singers[2 + other])

    def truth(self):
        """What the list must show of everybody who is in the group."""
        outside = {self.singers[self.round % 2]} if self.round else set()
        there = {user["id"]: user for user in self.directory.users()}
        return {
            there[one]["employeeId"]: (there[one].get("department"), there[self.lead]["displayName"])
            for one in self.singers
            if one in there and one not in outside
        }

    def active(self):
        found = self.workspace.people.find(self.workspace.lists.get("Choir")).people
        return {one.uid: (one.values["department"], one.values["manager"]) for one in found}

    def everything(self):
        """What a run that does not succeed must leave as it was."""
        found = self.workspace.people.find(self.workspace.lists.get("Choir"), status=StatusFilter.ALL).people
        return found, self.workspace.lists.get("Choir").sync
