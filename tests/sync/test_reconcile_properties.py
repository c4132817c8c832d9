"""Full syncs and staff's own work in any order, compared with the model after each step."""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captrid_core.directory.connections import ConnectionForm
from captrid_core.directory.port import Page
from captrid_core.errors import CaptridError
from captrid_core.lists.model import Field, FieldType, Guards, OnUidChange, StatusFilter, SyncConfiguration
from captrid_core.settings import Settings
from captrid_core.sync.runs import RunStatus
from captrid_core.workspace import Workspace

from .model import Account, Model, ModelPerson, clean

EXAMPLES = int(os.environ.get("CAPTRID_TEST_EXAMPLES", "60"))
NO_GUARDS = Guards(deactivate_count=10**9, blank_count=10**9)

accounts = st.lists(
    st.builds(
        Account,
        id=st.sampled_from("abcdef"),
        uid=st.sampled_from(["1", "2", "3", "4", " 2 ", "Zoë", "Zoe\u0308", "x", "X", "", None, "\u3000"]),
        name=st.sampled_from(["Ann", " Ann ", "Bo", "", None]),
        age=st.sampled_from(["7", "8", "eight", "", None]),
    ),
    max_size=7,
)
numbers = itertools.count()
uids = st.sampled_from(["1", "2", "3", "Zoë", "x"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("sync"), accounts),
        st.tuples(st.sampled_from(["add", "deactivate", "reactivate", "release", "edit"]), uids),
    ),
    min_size=1,
    max_size=7,
)


class Snapshot:
    """A directory that answers with what the test says."""

    def __init__(self) -> None:
        self.accounts: list[Account] = []
        self.uid_property = "employeeId"

    def tenant_id(self) -> str:
        return "tenant"

    def count(self, scope) -> int:
        return len(self.accounts)

    def read_all(self, scope, *, properties):
        lines = [
            json.dumps({"id": a.id, self.uid_property: a.uid, "displayName": a.name, "companyName": a.age})
            + "\n"
            for a in self.accounts
        ]
        # in pages of two, so that the same object comes on several
        for start in range(0, len(lines), 2):
            yield Page("".join(lines[start : start + 2]).encode(), len(lines[start : start + 2]))

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    directory = Snapshot()
    home = tmp_path_factory.mktemp("home")
    with Workspace(
        Settings(home=home), linger=60, opener=lambda _connection, _secret, _watch: directory
    ) as workspace:
        form = ConnectionForm(name="C", tenant_id="t", client_id="c", secret="s")
        connection = workspace.connections.add(form, test=None, actor="test")
        yield workspace, directory, connection


def make_list(workspace, connection, name, *, uid_property, same_person):
    fields = [Field("uid"), Field("name"), Field("age", FieldType.NUMBER), Field("local")]
    sync = SyncConfiguration(
        connection.id,
        uid_property,
        {uid_property: "uid", "displayName": "name", "companyName": "age"},
        on_uid_change=OnUidChange.SAME_PERSON if same_person else OnUidChange.NEW_PERSON,
        guards=NO_GUARDS,
    )
    return workspace.lists.create(name, uid_field="uid", fields=fields, sync=sync, actor="test")


def state_of(workspace, master_list):
    table = master_list.people_table
    with workspace.database.read() as cursor:
        return cursor.execute(
            f'SELECT uid, _anchor, _active, _by_staff, _in_scope, _origin, name, age, "local" FROM {table} ORDER BY ALL'
        ).fetchall()


def state_of_model(people: list[ModelPerson]):
    rows = [
        (
            p.uid,
            p.anchor,
            p.active,
            p.by_staff,
            p.in_scope,
            p.origin,
            p.values["name"],
            p.values["age"],
            p.local,
        )
        for p in people
    ]
    return Counter(rows)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=steps, same_person=st.booleans(), uid_property=st.sampled_from(["employeeId", "mail"]))
def test_r5_to_r21_any_history_equals_the_model(bench, steps, same_person, uid_property):
    workspace, directory, connection = bench
    name = f"List {next(numbers)}"
    master_list = make_list(workspace, connection, name, uid_property=uid_property, same_person=same_person)
    directory.uid_property, directory.accounts = uid_property, []
    model = Model(same_person=same_person, caseless=uid_property == "mail")

    for action, argument in steps:
        if action == "sync":
            directory.accounts = argument
            before = model.copy()
            expected = model.sync(argument)
            run = workspace.runner.sync(master_list.id, actor="test")
            if run.holds == ("empty_read",):  # R23, and R26: applied as it was held
                assert state_of_model(before) == Counter(state_of(workspace, master_list))
                run = workspace.runner.apply_held(run.id, actor="test")
            assert run.status is RunStatus.SUCCEEDED, run.error
            check_run(workspace, run, expected)
        else:
            by_hand(workspace, master_list, model, action, argument)
        assert Counter(state_of(workspace, master_list)) == state_of_model(model.people)

    everybody = workspace.people.find(master_list, status=StatusFilter.ALL)
    assert everybody.total == len(model.people)  # R39: nobody is ever deleted
    check_idempotent(workspace, master_list)


def check_run(workspace, run, expected):
    counts = {name: getattr(run.counts, name) for name in expected.counts}
    assert counts == expected.counts
    assert run.counts.read == (
        run.counts.created + run.counts.updated + run.counts.unchanged + run.counts.skipped
    )  # R7
    notes = workspace.runs.notes(run.id, "error") + workspace.runs.notes(run.id, "warning")
    assert Counter((note.code, note.object_id) for note in notes) == expected.notes
    with workspace.database.read() as cursor:  # R8: the numbers shown are the numbers in the tables
        told = dict(
            cursor.execute(
                "SELECT action, count(DISTINCT person_id) FROM change WHERE run_id = ? GROUP BY ALL", [run.id]
            ).fetchall()
        )
    assert told.get("created", 0) == run.counts.created
    assert told.get("deactivated", 0) == run.counts.deactivated
    assert told.get("reactivated", 0) == run.counts.reactivated


def by_hand(workspace, master_list, model, action, uid):
    person = model.by_key(model.key(uid))
    if action == "add":
        if person is None:
            workspace.people.add(master_list, {"uid": uid}, actor="staff")
            model.add(clean(uid))
        else:
            with pytest.raises(CaptridError, match="already"):
                workspace.people.add(master_list, {"uid": uid}, actor="staff")
    elif person is None:
        with pytest.raises(CaptridError, match="nobody"):
            workspace.people.set_status(master_list, uid, active=False, actor="staff")
    elif action == "edit":
        workspace.people.set_values(master_list, uid, {"local": "kept"}, actor="staff")
        person.local = "kept"
    elif action == "release":
        if person.by_staff and person.in_scope is not None and person.active != person.in_scope:
            workspace.people.release(master_list, uid, actor="staff")
            model.release(person)
        else:
            with pytest.raises(CaptridError, match="not an exception"):
                workspace.people.release(master_list, uid, actor="staff")
    else:
        workspace.people.set_status(master_list, uid, active=action == "reactivate", actor="staff")
        model.set_status(person, active=action == "reactivate")


def check_idempotent(workspace, master_list):
    """Two more syncs of the same directory: the second must find nothing to do (R5)."""
    workspace.runner.sync(master_list.id, actor="test")
    before = state_of(workspace, master_list)
    again = workspace.runner.sync(master_list.id, actor="test").counts
    assert (again.created, again.updated, again.deactivated, again.reactivated) == (0, 0, 0, 0)
    assert state_of(workspace, master_list) == before
