from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import requests
from sandbox_caller import SCOPE, Caller, ManualClock

from captrid_core.sandbox import Sandbox


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sandbox(clock: ManualClock) -> Sandbox:
    """A college of 200 with a clock that stands still."""
    return Sandbox(users=200, seed=3, clock=clock)


@pytest.fixture
def empty(clock: ManualClock) -> Sandbox:
    """A tenant with nobody and no groups in it."""
    return Sandbox(users=0, groups=False, clock=clock)


@pytest.fixture
def caller(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


@pytest.fixture
def call() -> Callable[..., Caller]:
    """Make a caller of any sandbox."""
    return Caller


@pytest.fixture
def session() -> Iterator[Callable[[Sandbox], requests.Session]]:
    """Make a session, signed in over HTTPS to a running sandbox."""
    with ExitStack() as stack:

        def make(running: Sandbox) -> requests.Session:
            made = stack.enter_context(requests.Session())
            made.trust_env = False
            made.verify = str(running.ca_file)
            form = {
                "grant_type": "client_credentials",
                "client_id": running.client_id,
                "client_secret": running.client_secret,
                "scope": SCOPE,
            }
            url = f"{running.authority_url}/{running.tenant_id}/oauth2/v2.0/token"
            made.headers["Authorization"] = (
                f"Bearer {made.post(url, data=form, timeout=10).json()['access_token']}"
            )
            return made

        yield make
