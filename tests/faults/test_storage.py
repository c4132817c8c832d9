"""A home that fails: a full disk or a read-only home, at any moment of a full and of a delta sync."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from captrid_core.errors import HomeUnusable
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.store.database import Database
from captrid_core.sync.runs import RunKind, RunStatus
from captrid_core.workspace import Workspace

from .choir import Choir

EVERY = int(os.environ.get("CAPTRID_TEST_MATRIX_EVERY", "5"))
CHECKOUT = Path(__file__).parents[2]
KINDS = [RunKind.FULL, RunKind.DELTA]
FAILURES = {
    "full disk": duckdb.IOException("IO Error: Could not write file: No space left on device"),
    "out of memory": duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"),
}


class Plan:
    """Which statements fail."""

    def __init__(self):
        self.error, self.left, self.times, self.hit = None, 0, None, 0

    def check(self):
        if self.error is None:
            return
        self.left -= 1
        if self.left < 0 and (self.times is None or self.hit < self.times):
            self.hit += 1
            raise self.error


class FailingCursor:
    """A cursor whose statements fail as planned."""

    def __init__(self, cursor, plan):
        self._cursor, self._plan = cursor, plan

    def execute(self, *arguments):
        if arguments[0] != "ROLLBACK":
            self._plan.check()
        return self._cursor.execute(*arguments)

    def __getattr__(self, name):
        return getattr(self._cursor, name)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(users=0, groups=False).running() as running:
        yield running


@pytest.fixture(scope="module")
def plan():
    return Plan()


@pytest.fixture(scope="module")
def choir(sandbox, plan, tmp_path_factory):
    session = Database._session

    @contextmanager
    def failing(database):
        with session(database) as cursor:
            yield FailingCursor(cursor, plan)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_session", failing)
        with Workspace(Settings(home=tmp_path_factory.mktemp("home")), linger=60) as workspace:
            yield Choir(sandbox, workspace)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, None], ids=["once", "lasting"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("failure", FAILURES)
def test_a_statement_of_a_sync_fails(choir, plan, record_property, failure, kind, times):
    hit, place = True, list(FAILURES).index(failure)
    cells = 0
    while hit:
        choir.change()
        before = choir.everything()
        plan.error, plan.left, plan.times, plan.hit = FAILURES[failure], place, times, 0
        try:
            run = choir.sync(kind)
        except HomeUnusable:
            run = None
        finally:
            hit, plan.error = bool(plan.hit), None
        cells += hit
        last, *_ = choir.workspace.runs.of_list(choir.list.id)
        if last.status is RunStatus.SUCCEEDED and (run is None or last.id == run.id):
            assert choir.active() == choir.truth() or run is None, place
        if run is not None:
            assert run.status is last.status, place
            assert run.status in (RunStatus.SUCCEEDED, RunStatus.FAILED), (place, run)
        if run is not None and run.status is RunStatus.FAILED:
            assert run.error["code"] == "home_unusable", (place, run)
            assert choir.everything() == before, place
        assert choir.active() == choir.truth() or choir.everything() == before, place
        healed = choir.sync(kind)
        assert healed.status is RunStatus.SUCCEEDED, (place, healed)
        assert choir.active() == choir.truth(), place
        place += EVERY
    record_property("cells", cells)
    assert cells > 3


def command(home, kind, *, limit=None, powerless=False):
    """Run a sync in a process of its own, whose files may have so many bytes at most; return code and answer."""

    def confine():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        if powerless:  # else root writes where nobody may
            ctypes.CDLL(None).prctl(24, 1)

    done = subprocess.run(
        [sys.executable, "-m", "captrid_core", "sync", "Choir", f"--{kind}", "--json"],
        cwd=CHECKOUT,
        env={**os.environ, "CAPTRID_HOME": str(home)},
        preexec_fn=confine,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done.returncode, json.loads(done.stdout or "null") or json.loads(done.stderr)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [0, 100, 1_000, 4_000, 30_000, 300_000, 1_000_000, 3_000_000])
def test_a_disk_without_room(sandbox, tmp_path, kind, limit):
    with Workspace(Settings(home=tmp_path)) as workspace:
        choir = Choir(sandbox, workspace)
        choir.change()
        before = choir.everything()
        workspace.close()

    code, answer = command(tmp_path, kind, limit=limit)

    with Workspace(Settings(home=tmp_path)) as workspace:
        choir.workspace = workspace
        if code == 0:
            assert choir.active() == choir.truth()
        else:
            assert answer["error"]["code"] == "home_unusable"
            told = answer["error"]["message"]
            # a run that was written stays so, though nothing could be read any more to tell of it
            assert choir.everything() == before or "Nothing was changed" not in told
            assert choir.everything() == before or choir.active() == choir.truth()
        assert choir.sync(kind).status is RunStatus.SUCCEEDED
        assert choir.active() == choir.truth()


@pytest.mark.parametrize("kind", KINDS)
def test_a_home_that_is_read_only(sandbox, tmp_path, kind):
    home = tmp_path / "home"
    with Workspace(Settings(home=home)) as workspace:
        choir = Choir(sandbox, workspace)
        choir.change()
        before = choir.everything()
    modes = {path: path.stat().st_mode for path in [home, *home.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)

    try:
        code, answer = command(home, kind, powerless=True)
    finally:
        for path, mode in modes.items():
            path.chmod(mode)

    assert (code, answer["error"]["code"]) == (1, "home_unusable")
    with Workspace(Settings(home=home)) as workspace:
        choir.workspace = workspace
        assert choir.everything() == before
        assert choir.sync(kind).status is RunStatus.SUCCEEDED
        assert choir.active() == choir.truth()
