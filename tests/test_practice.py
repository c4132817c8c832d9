"""The practice directory of a demo: what its page promises of each change and of each trouble comes about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.errors import Invalid
from captrid_core.lists.model import Field, MasterList, SyncConfiguration
from captrid_core.practice import Move, NoSandbox, Practice, Trouble
from captrid_core.sandbox import Sandbox, SandboxControl
from captrid_core.settings import Settings
from captrid_core.sync.runs import RunKind
from captrid_core.workspace import Workspace
from tests.rules.rules_school import form_for

ACTOR = "Alex Admin"
GROUP = "Year 7 Students"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    # so many that there is more than one page, also after a fifth has left
    with Sandbox(users=1400, seed=1).running() as running:
        yield running


@pytest.fixture
def practice(sandbox: Sandbox) -> Iterator[Practice]:
    yield Practice(
        sandbox.origin,
        lambda: SandboxControl(sandbox.origin, sandbox.ca_file, sandbox.client_secret),
    )
    sandbox.faults.clear()


@pytest.fixture
def home(tmp_path: Path, sandbox: Sandbox, practice: Practice) -> Iterator[Workspace]:
    with Workspace(Settings(home=tmp_path), practice=practice) as opened:
        yield opened


@pytest.fixture
def synced(home: Workspace, sandbox: Sandbox) -> MasterList:
    """Return a list of everybody that was synced once."""
    return _synced(home, sandbox, Scope(), exclude_disabled=True)


def _synced(home: Workspace, sandbox: Sandbox, scope: Scope, *, exclude_disabled: bool = False) -> MasterList:
    mapping = {"id": "object_id", "displayName": "name", "department": "department"}
    made = home.lists.create(
        "Everybody",
        uid_field="object_id",
        fields=(Field("object_id"), Field("name"), Field("department")),
        sync=SyncConfiguration(
            home.connections.add(form_for(sandbox), test=None, actor=ACTOR).id,
            "id",
            mapping,
            scope=scope,
            exclude_disabled=exclude_disabled,
        ),
        actor=ACTOR,
    )
    assert home.runner.sync(made.id, actor=ACTOR).status == "succeeded"
    return home.lists.get(made.id)


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (Move.JOIN, (1, 0, 0)),
        (Move.LEAVE, (0, 0, 1)),
        (Move.RENAME, (0, 1, 0)),
        (Move.DEPARTMENT, (0, 1, 0)),
        (Move.DISABLE, (0, 0, 1)),
        (Move.DELETE, (0, 0, 1)),
    ],
)
def test_what_happens_to_one_person_reaches_the_list(
    home: Workspace, synced: MasterList, practice: Practice, move: Move, expected: tuple[int, int, int]
):
    done = practice.let(move)

    run = home.runner.sync(synced.id, asked=RunKind.FULL, actor=ACTOR)
    assert (run.counts.created, run.counts.updated, run.counts.deactivated) == expected
    assert done.count == 1
    concerned = {one.person_id or 0 for one in home.runs.changes(run, synced.people_table, synced.uid_field)}
    people = home.people.by_ids(synced, list(concerned))
    assert [one.values["name"] for one in people.values()] == list(done.names)


def test_turnover_is_synced_in_one_go(home: Workspace, synced: MasterList, practice: Practice):
    done = practice.let(Move.TURNOVER)

    run = home.runner.sync(synced.id, actor=ACTOR)
    assert run.status == "succeeded"
    assert min(run.counts.created, run.counts.updated, run.counts.deactivated) > 0
    assert done.count == pytest.approx(0.05 * practice.look().users, rel=0.1)
    assert len(done.names) == 5


def test_when_a_fifth_leaves_the_sync_is_held(home: Workspace, synced: MasterList, practice: Practice):
    before = home.lists.counts(synced)
    practice.let(Move.EXODUS)

    assert home.runner.sync(synced.id, actor=ACTOR).status == "held"
    assert home.lists.counts(synced) == before


def test_half_of_a_group_leaves_it(home: Workspace, sandbox: Sandbox, practice: Practice):
    group_id = sandbox.directory.group_id(GROUP)
    made = _synced(home, sandbox, Scope(kind=ScopeKind.GROUP, group_id=group_id))
    before = home.lists.counts(made).active

    done = practice.halve(group_id)

    assert done.count == before // 2
    assert len(sandbox.directory.members(group_id)) == before - done.count
    assert home.runner.sync(made.id, actor=ACTOR).status == "held"
    with pytest.raises(Invalid, match="no such-group"):
        practice.halve("such-group")


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (Trouble.SERVER_ERRORS, "succeeded", None),
        (Trouble.SECRET_EXPIRED, "failed", "secret_expired"),
        (Trouble.PERMISSION_WITHDRAWN, "failed", "permission_missing"),
        (Trouble.EMPTY, "held", None),
        (Trouble.LEFT_OUT, "held", None),
        (Trouble.LAST_PAGE_LOST, "failed", "read_incomplete"),
        (Trouble.GARBLED, "succeeded", None),
        (Trouble.WEB_PAGE, "failed", "not_a_directory"),
    ],
)
def test_trouble_ends_as_the_page_says_and_deactivates_nobody(
    home: Workspace, synced: MasterList, practice: Practice, trouble: Trouble, status: str, code: str | None
):
    before = home.lists.counts(synced)
    practice.trouble(trouble)

    run = home.runner.sync(synced.id, asked=RunKind.FULL, actor=ACTOR)

    assert (run.status, (run.error or {}).get("code")) == (status, code)
    assert home.lists.counts(synced) == before
    (afoot,) = practice.look().troubles
    assert (afoot.kind, afoot.struck > 0, afoot.over) == (trouble.value, True, trouble is Trouble.GARBLED)

    practice.back_to_normal()

    assert practice.look().troubles == ()
    if status != "held":
        assert home.runner.sync(synced.id, actor=ACTOR).status == "succeeded"


def test_a_forgotten_delta_link_makes_the_sync_a_full_one(
    home: Workspace, synced: MasterList, practice: Practice
):
    practice.trouble(Trouble.DELTA_FORGOTTEN)

    run = home.runner.sync(synced.id, asked=RunKind.DELTA, actor=ACTOR)

    assert (run.status, run.asked, run.kind) == ("succeeded", RunKind.DELTA, RunKind.FULL)


def test_troubles_come_one_at_a_time(practice: Practice):
    for trouble in Trouble:
        practice.trouble(trouble)
        assert [one.kind for one in practice.look().troubles] == [trouble.value]


def test_a_home_has_no_practice_directory_of_its_own(tmp_path: Path):
    with Workspace(Settings(home=tmp_path)) as home:
        assert home.practice is None


def test_a_sandbox_that_ended_is_said_to_be_gone(sandbox: Sandbox):
    gone = Practice(
        "https://127.0.0.1:1",
        lambda: SandboxControl("https://127.0.0.1:1", sandbox.ca_file, "secret", timeout=5),
    )

    with pytest.raises(NoSandbox, match=r"127\.0\.0\.1:1 does not answer"):
        gone.look()
