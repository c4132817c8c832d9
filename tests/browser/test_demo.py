"""The demo's sandbox directory, as people play with it: it misbehaves, and no list takes harm."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from captrid_core.demo import CONNECTION, LIST
from captrid_core.directory.connections import ConnectionForm
from captrid_core.directory.entra.patience import PlainWatch
from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.lists.model import Field, SyncConfiguration
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace
from pages import strings
from tests.browser.conftest import ACTOR, Server, start_server
from tests.browser.screen import NewScreen, Screen

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_server(tmp_path_factory.mktemp("demo"), "demo", "--no-browser")
    yield server
    server.process.send_signal(signal.SIGTERM)
    server.process.communicate(timeout=20)


@pytest.fixture
def home(demo: Server) -> Iterator[Workspace]:
    with Workspace(Settings(home=demo.home)) as opened:
        yield opened


def sync(screen: Screen) -> None:
    """Follow the page's link to the list, and start a full sync."""
    screen.page.get_by_role("link", name=strings.SANDBOX_SYNC.format(list=LIST)).click()
    screen.settle()
    screen.pick("sync_kind", strings.FULL_SYNC)
    screen.click("sync_now")


def test_a_throttled_sync_waits_and_succeeds(demo: Server, window: NewScreen, home: Workspace):
    screen = window(demo)
    screen.go("/")
    screen.page.get_by_role("link", name=strings.SANDBOX).click()
    screen.settle()
    screen.sees(strings.SANDBOX_NORMAL, "1,200 accounts")
    screen.shot("sandbox-normal")
    screen.click("sandbox_join")
    screen.sees("Done: ", "1,201 accounts")
    screen.click("sandbox_throttle")
    screen.sees(strings.SANDBOX_TROUBLE_ON, "Throttled: 0 answers")

    sync(screen)

    screen.sees("Created")
    made = home.lists.get(LIST)
    expect(screen.by_key("sync_now").get_by_role("button")).to_be_enabled(timeout=30_000)
    last = home.runs.last(made.id)
    assert last is not None
    assert (last.status, last.counts.created) == ("succeeded", 1)
    screen.go("/sandbox")
    screen.sees(strings.SANDBOX_OVER)
    screen.click("sandbox_normal")
    screen.sees(strings.SANDBOX_NORMAL)


def test_when_nobody_is_there_the_sync_is_held_and_nobody_is_deactivated(
    demo: Server, window: NewScreen, home: Workspace
):
    made = home.lists.get(LIST)
    before = home.lists.counts(made)
    screen = window(demo, width=390, dark=True)
    screen.go("/sandbox")
    screen.click("sandbox_empty_members")
    screen.sees(strings.TROUBLE_WORDS["empty_members"][0])
    screen.shot("sandbox-trouble-narrow-dark")

    sync(screen)

    screen.sees(strings.HELD_TITLE)
    last = home.runs.last(made.id)
    assert last is not None
    assert last.status == "held"
    assert home.lists.counts(made) == before
    screen.go("/sandbox")
    screen.click("sandbox_normal")
    screen.sees(strings.SANDBOX_NORMAL)
    screen.sees_not(strings.SANDBOX_TROUBLE_ON)


def test_half_of_a_lists_group_is_taken_out_of_it(demo: Server, window: NewScreen, home: Workspace):
    connection = home.connections.get(CONNECTION)
    (group,) = home.setup.groups(connection.id, "Homeroom 9A", PlainWatch())
    home.lists.create(
        "Homeroom",
        uid_field="object_id",
        fields=(Field("object_id"),),
        sync=SyncConfiguration(
            connection.id,
            "id",
            {"id": "object_id"},
            scope=Scope(kind=ScopeKind.GROUP, group_id=group.id),
            group_name=group.name,
        ),
        actor=ACTOR,
    )
    elsewhere = home.connections.add(
        ConnectionForm("Real directory", "b5b0bf3b-7d0b-4e0a-9c0c-0d1b5c6a7e11", "app", secret="s"),
        test=None,
        actor=ACTOR,
    )
    home.lists.create(
        "Really fed",
        uid_field="object_id",
        fields=(Field("object_id"),),
        sync=SyncConfiguration(elsewhere.id, "id", {"id": "object_id"}),
        actor=ACTOR,
    )
    screen = window(demo)
    screen.go("/sandbox")
    screen.sees(strings.SANDBOX_SYNC.format(list="Homeroom"))
    screen.sees_not("Really fed")

    screen.shot("sandbox-group")
    screen.click("sandbox_halve")

    screen.sees("Done: ")
    (left,) = home.setup.groups(connection.id, "Homeroom 9A", PlainWatch())
    assert group.members
    assert left.members == group.members - group.members // 2


def test_outside_the_demo_there_is_no_such_page(screen: Screen):
    screen.go("/")

    screen.sees(strings.HOME)
    expect(screen.page.get_by_role("link", name=strings.SANDBOX)).to_have_count(0)
    screen.go("/sandbox")
    expect(screen.by_key("sandbox_throttle")).to_have_count(0)
