"""Histories of a directory and a list, made up step by step, compared with the model after each (R33).

The directory is the sandbox over HTTPS; the list is fed by everybody or by a group with groups below
it. How many histories are tried is set by CAPTRID_TEST_HISTORIES.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from captrid_core.directory.connections import ConnectionForm
from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.lists.model import Guards
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.sync.runs import RunKind, RunStatus
from captrid_core.workspace import Workspace

from .lists import by_hand, make_list, state_of, state_of_model
from .model import Account, Model

HISTORIES = int(os.environ.get("CAPTRID_TEST_HISTORIES", "12"))
STEPS = 25
_A_BENCH_LASTS = 40

uids = st.sampled_from(["1", "2", "3", " 2 ", "Zoë", "Zoe\u0308", "x", "X", None])
names = st.sampled_from(["Ann", " Ann ", "Bo", None])
ages = st.sampled_from(["7", "8", "eight", None])
picks = st.integers(min_value=0, max_value=30)
kinds = st.sampled_from([RunKind.FULL, RunKind.DELTA, RunKind.DELTA])


class Bench:
    """A directory and a home, both replaced now and then: a change log only grows."""

    def __init__(self) -> None:
        self.running = Sandbox(users=0, groups=False, seed=3).running()
        self.sandbox = self.running.__enter__()
        self.folder = TemporaryDirectory()
        self.workspace = Workspace(Settings(home=Path(self.folder.name)), linger=60)
        self.numbers = itertools.count()
        form = ConnectionForm(
            name="Sandbox",
            tenant_id=self.sandbox.tenant_id,
            client_id=self.sandbox.client_id,
            secret=self.sandbox.client_secret,
            authority_url=self.sandbox.authority_url,
            graph_url=self.sandbox.graph_url,
            ca_file=str(self.sandbox.ca_file),
        )
        self.connection = self.workspace.connections.add(form, test=None, actor="test")
        self.histories = 0

    def close(self) -> None:
        """Stop the directory and remove the home."""
        self.workspace.close()
        self.folder.cleanup()
        self.running.__exit__(None, None, None)


benches: list[Bench] = []


@pytest.fixture(scope="module", autouse=True)
def _closing():
    yield
    while benches:
        benches.pop().close()


def a_bench() -> Bench:
    """Return the bench for the next history."""
    if benches and benches[0].histories == _A_BENCH_LASTS:
        benches.pop().close()
    if not benches:
        benches.append(Bench())
    benches[0].histories += 1
    return benches[0]


class History(RuleBasedStateMachine):
    """What may happen to a directory and a list, in any order."""

    @initialize(
        same_person=st.booleans(),
        caseless=st.booleans(),
        grouped=st.sampled_from(["everybody", "group", "nested"]),
        guarded=st.booleans(),
        sliced=st.booleans(),
    )
    def begin(self, same_person, caseless, grouped, guarded, sliced):
        self.bench = a_bench()
        self.workspace, self.sandbox = self.bench.workspace, self.bench.sandbox
        self.directory = self.sandbox.directory
        self.sandbox.delta.page_size = 2 if sliced else 200
        self.sandbox.delta.link_size = 2 if sliced else 500
        self.sandbox.delta.replays = 5 if sliced else 0
        self.uid_property = "mail" if caseless else "employeeId"
        self.live: list[str] = []
        self.binned: list[str] = []
        self.groups = [self.directory.add_group(name) for name in ("Top", "Below", "Deep")]
        self.nested = grouped == "nested"
        self.scope = Scope()
        if grouped != "everybody":
            self.scope = Scope(ScopeKind.GROUP, self.groups[0], nested=self.nested)
        self.list = make_list(
            self.workspace,
            self.bench.connection,
            f"List {next(self.bench.numbers)}",
            uid_property=self.uid_property,
            same_person=same_person,
            scope=self.scope,
            exclude_disabled=True,
            guards=Guards(deactivate_count=2, deactivate_percent=0)
            if guarded
            else Guards(10**9, 100, 10**9, 100),
        )
        self.model = Model(same_person=same_person, caseless=caseless)

    def teardown(self):
        if not hasattr(self, "model"):
            return
        self.sandbox.faults.clear()
        self.settle(RunKind.DELTA)
        before = state_of(self.workspace, self.list)
        self.settle(RunKind.FULL)
        assert state_of(self.workspace, self.list) == before  # R33
        for user in self.live + self.binned:
            self.directory.purge_user(user)

    # the directory

    @rule(uid=uids, name=names, age=ages, group=st.integers(0, 3))
    def hire(self, uid, name, age, group):
        given = {self.uid_property: uid, "displayName": name, "companyName": age}
        user = self.directory.add_user(**{key: value for key, value in given.items() if value is not None})
        if name is None:
            self.directory.update_user(user, displayName=None)
        self.live.append(user)
        if group < 3:
            self.directory.add_member(self.groups[group], user)

    @rule(
        pick=picks,
        change=st.one_of(
            st.tuples(st.just("uid"), uids),
            st.tuples(st.just("displayName"), names),
            st.tuples(st.just("companyName"), ages),
            st.tuples(st.just("accountEnabled"), st.booleans()),
        ),
    )
    def change(self, pick, change):
        if self.live:
            name, value = change
            name = self.uid_property if name == "uid" else name
            self.directory.update_user(self.live[pick % len(self.live)], **{name: value})

    @rule(pick=picks)
    def delete(self, pick):
        if self.live:
            user = self.live.pop(pick % len(self.live))
            self.directory.delete_user(user)
            self.binned.append(user)

    @rule(pick=picks)
    def restore(self, pick):
        if self.binned:
            user = self.binned.pop(pick % len(self.binned))
            self.directory.restore_user(user)
            self.live.append(user)

    @rule(pick=picks)
    def purge(self, pick):
        if self.binned:
            self.directory.purge_user(self.binned.pop(pick % len(self.binned)))

    @rule(pick=picks, group=st.integers(0, 2), joins=st.booleans())
    def move(self, pick, group, joins):
        if self.live:
            act = self.directory.add_member if joins else self.directory.remove_member
            act(self.groups[group], self.live[pick % len(self.live)])

    @rule(outer=st.integers(0, 1), joins=st.booleans())
    def nest(self, outer, joins):
        act = self.directory.add_member if joins else self.directory.remove_member
        act(self.groups[outer], self.groups[outer + 1])

    @rule(place=st.integers(1, 2))
    def delete_group(self, place):
        """A group below is deleted, and another one founded."""
        self.directory.delete_group(self.groups[place])
        self.groups[place] = self.directory.add_group("Again")

    # staff

    @rule(
        action=st.sampled_from(["add", "deactivate", "reactivate", "release", "edit"]),
        uid=st.sampled_from(["1", "2", "3", "Zoë", "x"]),
    )
    def staff(self, action, uid):
        by_hand(self.workspace, self.list, self.model, action, uid)

    # runs

    @rule(kind=kinds)
    def sync(self, kind):
        self.settle(kind)

    @rule(kind=kinds)
    def preview(self, kind):
        before = state_of(self.workspace, self.list)
        shown = self.workspace.runner.preview(self.list.id, asked=kind, actor="test").run
        assert state_of(self.workspace, self.list) == before
        run = self.run(kind)
        assert (shown.kind, shown.status, shown.counts) == (run.kind, run.status, run.counts)  # R35
        self.finish(run)

    @rule(kind=kinds, discarded=st.booleans(), between=uids)
    def held_for_a_while(self, kind, discarded, between):
        run = self.run(kind)
        if run.status is not RunStatus.HELD:
            self.finish(run)
            return
        accounts = self.accounts()
        self.hire(between, "Between", None, 0)
        if discarded:
            self.workspace.runner.discard(run.id, actor="test")
        else:
            self.finish(run, accounts)

    @rule(kind=kinds, phase=st.sampled_from(["signing in", "reading", "comparing"]))
    def cancel(self, kind, phase):
        stop = threading.Event()
        run = self.run(
            kind, stop=stop, listener=lambda progress: stop.set() if progress.phase == phase else None
        )
        assert run.status is RunStatus.CANCELLED

    @rule(kind=kinds, after=st.integers(0, 3))
    def fail(self, kind, after):
        self.sandbox.faults.add(
            "error", match="graph", status=403, code="Authorization_RequestDenied", after=after
        )
        run = self.run(kind)
        self.sandbox.faults.clear()
        if run.status is not RunStatus.FAILED:  # it needed no more requests than went well
            self.finish(run)

    @rule()
    def forget_the_link(self):
        self.sandbox.faults.add("expire_delta")
        run = self.run(RunKind.DELTA)
        assert run.kind is RunKind.FULL  # R28 or R30
        self.sandbox.faults.clear()
        self.finish(run)

    @rule()
    def undo(self):
        """What an undo takes back, the sync after it brings again (R36)."""
        run = self.workspace.runs.last(self.list.id)
        if run is None or run.status is not RunStatus.SUCCEEDED or run.kind is RunKind.UNDO:
            return
        self.workspace.runner.undo(run.id, actor="test")
        again = self.run(RunKind.DELTA)
        assert again.kind is RunKind.FULL
        self.finish(again)

    @rule()
    def disconnect_and_connect_again(self):
        """R37."""
        sync = self.workspace.lists.get(self.list.id).sync
        self.workspace.lists.disconnect(self.list.id, actor="test")
        self.workspace.lists.configure(self.list.id, sync, actor="test")
        run = self.run(RunKind.DELTA)
        assert run.kind is RunKind.FULL
        self.finish(run)

    @invariant()
    def equals_the_model(self):
        if hasattr(self, "model"):
            assert Counter(state_of(self.workspace, self.list)) == state_of_model(self.model.people)

    # how runs go

    def accounts(self) -> list[Account]:
        """Return what the scope holds at this moment, by the directory's own account."""
        inside = set(self.live)
        if self.scope.kind is ScopeKind.GROUP:
            inside &= self.directory.members(self.groups[0], transitive=self.nested)
        found = []
        for one in inside:
            user = self.directory.user(one)
            if user["accountEnabled"]:
                found.append(
                    Account(
                        one, user.get(self.uid_property), user.get("displayName"), user.get("companyName")
                    )
                )
        return found

    def run(self, kind, **options):
        return self.workspace.runner.sync(self.list.id, asked=kind, actor="test", **options)

    def settle(self, kind):
        self.finish(self.run(kind))

    def finish(self, run, accounts=None):
        """Apply the run if it is held, and let the model do the same."""
        for _ in range(3):
            if run.status is RunStatus.HELD:  # again, if it shows more than it did before (R26)
                run = self.workspace.runner.apply_held(run.id, actor="test")
        assert run.status is RunStatus.SUCCEEDED, run
        self.model.sync(self.accounts() if accounts is None else accounts)


TestHistories = History.TestCase
TestHistories.settings = settings(
    max_examples=HISTORIES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
