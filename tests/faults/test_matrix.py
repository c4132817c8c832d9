"""Each fault of the directory at each request of a full and of a delta sync.

The matrix is made by running: a fault strikes the first request that it can strike, then the second,
until a run ends without having been struck. So it holds every phase, from the sign-in over the first,
middle and last pages to the look-ups, without a list of them. After each cell the fault goes away, and
the next sync has to make the list what the directory says.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from captrid_core.directory.connections import open_entra
from captrid_core.directory.entra import adapter
from captrid_core.sandbox import Sandbox
from captrid_core.sandbox.faults import FaultKind
from captrid_core.settings import Settings
from captrid_core.sync.runs import RunKind, RunStatus
from captrid_core.workspace import Workspace

from .choir import Choir

EVERY = int(os.environ.get("CAPTRID_TEST_MATRIX_EVERY", "5"))
"""One request of how many is struck; 1 makes the whole matrix, which takes some ten minutes."""
SIGN_IN = {FaultKind.WRONG_SECRET, FaultKind.SECRET_EXPIRED, FaultKind.APP_DISABLED}
LIES = {FaultKind.EMPTY_MEMBERS, FaultKind.NULL_ATTRIBUTES, FaultKind.OMIT}
MATCHES = {
    **dict.fromkeys(SIGN_IN, "token"),
    **dict.fromkeys(LIES, "members"),
    FaultKind.EXPIRE_TOKEN: "graph",
    FaultKind.CLAIMS_CHALLENGE: "graph",
}
OPTIONS = {
    FaultKind.THROTTLE: {"retry_after": 100},
    FaultKind.UNAVAILABLE: {"retry_after": 100},
    FaultKind.DELAY: {"seconds": 0.01},
}
DONE, FAILED, HELD = RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.HELD
ONCE = {
    **dict.fromkeys(FaultKind, frozenset({DONE})),
    **dict.fromkeys(SIGN_IN, frozenset({FAILED})),
    **dict.fromkeys(LIES, frozenset({DONE, FAILED, HELD})),
    # what is no answer of Graph at all, or a page without its people, is not asked for again
    FaultKind.HTML_PAGE: {DONE, FAILED},
    FaultKind.TRUNCATED_JSON: {DONE, FAILED},
    FaultKind.MISSING_VALUE: {DONE, FAILED},
    FaultKind.LOOPING_NEXT_LINK: {DONE, FAILED},
    FaultKind.FOREIGN_NEXT_LINK: {FAILED},
    FaultKind.DROP_LAST_PAGE: {FAILED, HELD},
}
"""How a run may end that is struck once."""
LASTING = {
    **dict.fromkeys(FaultKind, frozenset({FAILED})),
    **dict.fromkeys(LIES, frozenset({DONE, FAILED, HELD})),
    **dict.fromkeys((FaultKind.DELAY, FaultKind.REPEAT, FaultKind.EXPIRE_DELTA), frozenset({DONE})),
    # done to a connection, and one item of a batch has none of its own
    **dict.fromkeys((FaultKind.RESET, FaultKind.BREAK_OFF), frozenset({DONE, FAILED})),
    FaultKind.CLAIMS_CHALLENGE: {DONE},  # it strikes nobody who has answered it
    FaultKind.MISSING_VALUE: {DONE, FAILED},
    FaultKind.DROP_LAST_PAGE: {FAILED, HELD},
}
"""How a run may end that is struck again and again."""


class Swift:
    """A watch for the directory that sits no waiting out."""

    def __init__(self, watch):
        self.check = watch.check

    def wait(self, seconds, reason):
        self.check()


@pytest.fixture(scope="module")
def choir(tmp_path_factory):
    def opener(connection, secret, watch):
        return open_entra(connection, secret, Swift(watch), read_timeout=0.4)

    with pytest.MonkeyPatch.context() as patch, Sandbox(users=0, groups=False).running() as sandbox:
        patch.setattr(adapter, "_PAGE", 5)
        sandbox.delta.page_size = sandbox.delta.link_size = 2
        settings = Settings(home=tmp_path_factory.mktemp("home"))
        with Workspace(settings, opener=opener, linger=60) as workspace:
            yield Choir(sandbox, workspace)


def cells():
    """Return every fault, each with the place of its first cell where not all are tried."""
    return [pytest.param(fault, number % EVERY, id=fault) for number, fault in enumerate(FaultKind)]


def struck(choir, kind, fault, place, times):
    """Return the run that a fault may strike at a place, and whether it did."""
    options = OPTIONS.get(fault, {})
    choir.sandbox.faults.add(fault, match=MATCHES.get(fault, "any"), after=place, times=times, **options)
    try:
        run = choir.sync(kind)
        return run, bool(choir.sandbox.faults.listing()[0]["struck"])
    finally:
        choir.sandbox.faults.clear()


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, None], ids=["once", "lasting"])
@pytest.mark.parametrize("kind", [RunKind.FULL, RunKind.DELTA])
@pytest.mark.parametrize(("fault", "first"), cells())
def test_a_fault_at_each_request(choir, record_property, fault, first, kind, times):
    ends = Counter()
    hit, place = True, first if first else 0
    while hit:
        choir.change()
        before = choir.everything()
        run, hit = struck(choir, kind, fault, place, times)
        if hit:
            ends[str(run.status)] += 1
            assert run.status in (ONCE if times else LASTING)[fault], (place, run)
        if run.status is DONE and fault in LIES:
            # whoever joins and is left out comes with the next read; whoever was there stays
            there = {one.uid for one in before[0] if one.active} & set(choir.truth())
            assert there <= set(choir.active()), place
        elif run.status is DONE:
            assert choir.active() == choir.truth(), place
        else:
            assert choir.everything() == before, place
            assert run.message, place
        if run.status is FAILED:
            assert run.error["code"] != "internal", (place, run.error)
            assert run.error["hint"], place
        healed = choir.sync(kind)
        assert healed.status is DONE, (place, healed)
        assert choir.active() == choir.truth(), place
        place += EVERY
    record_property("cells", dict(ends))
    assert len(choir.workspace.runs.of_list(choir.list.id)) > sum(ends.values())
