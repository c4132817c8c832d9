"""Full syncs, deltas and staff's own work in any order, compared with the model after each step."""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captrid_core.directory.connections import ConnectionForm
from captrid_core.directory.port import ChangePage, Page
from captrid_core.lists.model import StatusFilter
from captrid_core.settings import Settings
from captrid_core.sync.runs import RunKind, RunStatus
from captrid_core.workspace import Workspace

from .lists import by_hand, make_list, state_of, state_of_model
from .model import Account, Model

EXAMPLES = int(os.environ.get("CAPTRID_TEST_EXAMPLES", "60"))

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
        st.tuples(st.sampled_from(["delta", "terse delta", "talkative delta"]), accounts),
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
        self.manner = "delta"
        self.moments: list[dict[str, Account]] = []

    def tenant_id(self) -> str:
        return "tenant"

    def count(self, scope) -> int:
        return len(self.accounts)

    def read_all(self, scope, *, properties):
        for text, count in pages(self.object(account) for account in self.accounts):
            yield Page(text, count)

    def object(self, account: Account) -> dict[str, str | None]:
        return {
            "id": account.id,
            self.uid_property: account.uid,
            "displayName": account.name,
            "companyName": account.age,
        }

    def now(self) -> dict[str, Account]:
        return {account.id: account for account in self.accounts}

    def mark(self, scope, *, properties) -> str:
        self.moments.append(self.now())
        return str(len(self.moments) - 1)

    def read_changes(self, mark, scope, *, properties):
        """Tell what changed: whole objects, or only what is new, or with much that is stale or no news."""
        before, now = self.moments[int(mark)], self.now()
        lines = []
        if self.manner == "talkative delta":
            lines += [self.change(account) for account in [*before.values(), *now.values()]]
            lines += [{"id": one, "_deleted": True} for one in now]
        lines += [
            self.change(account, before.get(one) if self.manner == "terse delta" else None)
            for one, account in now.items()
            if self.manner == "talkative delta" or before.get(one) != account
        ]
        lines += [{"id": one, "_deleted": True} for one in before if one not in now]
        for text, count in pages(lines):
            yield ChangePage(text, count)
        yield ChangePage(b"", 0, mark=self.mark(scope, properties=properties))

    def change(self, account: Account, before: Account | None = None) -> dict[str, object]:
        """Return a line for a change; with the account as it was before, what stayed or is null is left out."""
        whole = self.object(account)
        known = self.object(before) if before is not None else dict.fromkeys(whole)
        terse = self.manner == "terse delta"
        untold = [name for name in whole if name != "id" and terse and whole[name] == known[name]]
        told = {name: value for name, value in whole.items() if name not in untold}
        return {**told, "_deleted": False, "_untold": untold}

    def look_up(self, ids, *, properties):
        now = self.now()
        for text, count in pages(self.object(now[one]) for one in ids if one in now):
            yield Page(text, count)

    def deleted(self, ids):
        return set()

    def close(self) -> None:
        """Nothing to close."""


def pages(objects):
    """Cut objects into pages of two, so that the same object comes on several."""
    lines = [f"{json.dumps(one)}\n" for one in objects]
    for start in range(0, len(lines), 2):
        some = lines[start : start + 2]
        yield "".join(some).encode(), len(some)


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
        if action in ("sync", "delta", "terse delta", "talkative delta"):
            directory.accounts, directory.manner = argument, action
            before = model.copy()
            expected = model.sync(argument)
            asked = RunKind.FULL if action == "sync" else RunKind.DELTA
            run = workspace.runner.sync(master_list.id, asked=asked, actor="test")
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
    if run.kind is RunKind.DELTA:  # it does not read, skip and note all that a full one does (R7)
        done = ("created", "deactivated", "reactivated")
        assert [getattr(run.counts, name) for name in done] == [expected.counts[name] for name in done]
        assert run.counts.updated == expected.counts["updated"]
    else:
        assert {name: getattr(run.counts, name) for name in expected.counts} == expected.counts
    assert run.counts.read == (
        run.counts.created + run.counts.updated + run.counts.unchanged + run.counts.skipped
    )  # R7
    notes = workspace.runs.notes(run.id, "error") + workspace.runs.notes(run.id, "warning")
    told_of = Counter((note.code, note.object_id) for note in notes)
    assert told_of <= expected.notes if run.kind is RunKind.DELTA else told_of == expected.notes
    with workspace.database.read() as cursor:  # R8: the numbers shown are the numbers in the tables
        told = dict(
            cursor.execute(
                "SELECT action, count(DISTINCT person_id) FROM change WHERE run_id = ? GROUP BY ALL", [run.id]
            ).fetchall()
        )
    assert told.get("created", 0) == run.counts.created
    assert told.get("deactivated", 0) == run.counts.deactivated
    assert told.get("reactivated", 0) == run.counts.reactivated


def check_idempotent(workspace, master_list):
    """Two more syncs of the same directory: the second must find nothing to do (R5)."""
    workspace.runner.sync(master_list.id, actor="test")
    before = state_of(workspace, master_list)
    again = workspace.runner.sync(master_list.id, actor="test").counts
    assert (again.created, again.updated, again.deactivated, again.reactivated) == (0, 0, 0, 0)
    assert state_of(workspace, master_list) == before
