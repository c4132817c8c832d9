"""Fixtures: a sandbox over HTTPS, `captrid serve` as a process, and Chromium."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from captrid_core.directory.connections import ConnectionForm
from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.lists.model import Field, FieldType, MasterList, SyncConfiguration
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace
from tests.browser.screen import NewScreen, Screen, find_chromium, no_browser

ROOT = Path(__file__).parents[2]
ACTOR = "Sam Staff"


@dataclass
class Server:
    """A dashboard that is being served."""

    url: str
    home: Path
    process: subprocess.Popen[str]
    log: Path


@pytest.fixture(scope="module")  # while it is open, its event loop keeps other tests from running theirs
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = find_chromium()
        try:
            browser = playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            )
        except Error as error:
            no_browser(error.message.splitlines()[0])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(users=300, seed=3).running() as running:
        yield running


@pytest.fixture
def quiet(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Return the sandbox, and let it behave again afterwards."""
    yield sandbox
    sandbox.faults.clear()


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Server]]:
    """Return what starts a dashboard on a new home, from a folder that has nothing to do with it."""
    started: list[Server] = []

    def start() -> Server:
        server = start_server(tmp_path_factory.mktemp("dashboard"), "serve")
        started.append(server)
        return server

    yield start
    for server in started:
        server.process.send_signal(signal.SIGTERM)
    for server in started:
        server.process.communicate(timeout=20)


def start_server(folder: Path, *command: str) -> Server:
    """Start a command that serves a dashboard, on a new home in a folder."""
    home, log = folder / "home", folder / "log.txt"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CAPTRID_")},
        "CAPTRID_HOME": str(home),
        "CAPTRID_ACTOR": "Alex Admin",
        "PYTHONPATH": str(ROOT),
    }
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "captrid_core", *command, "--port", "0", "--json"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, log.read_text()
    return Server(json.loads(line)["url"], home, process, log)


@pytest.fixture(scope="module")
def server(serve: Callable[[], Server]) -> Server:
    return serve()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave a picture of every window of a test that fails, while they are still open."""
    report = yield
    if report.when == "call" and report.failed:
        for number, screen in enumerate(getattr(item, "screens", [])):
            screen.shot(f"failed-{item.name}-{number}", always=True)
    return report


@pytest.fixture
def window(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[NewScreen]:
    """Return what opens a window; nothing that it shows may come from elsewhere."""
    opened = []
    request.node.screens = []

    def open_window(server: Server, *, width: int = 1280, height: int = 1000, dark: bool = False) -> Screen:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            timezone_id="Australia/Sydney",
            locale="en-AU",
            accept_downloads=True,
        )
        screen = Screen(context.new_page(), server.url)
        opened.append((context, screen))
        request.node.screens.append(screen)
        return screen

    yield open_window
    for context, screen in opened:
        context.close()
        assert screen.asked_elsewhere == []


@pytest.fixture
def screen(window: NewScreen, server: Server) -> Screen:
    return window(server)


class Beside:
    """The same home as the server's, seen from another process, as the command line does."""

    def __init__(self, server: Server, sandbox: Sandbox) -> None:
        self.workspace = Workspace(Settings(home=server.home))
        self.sandbox = sandbox

    def connect(self, name: str = "School Entra") -> int:
        sandbox = self.sandbox
        form = ConnectionForm(
            name,
            sandbox.tenant_id,
            sandbox.client_id,
            secret=sandbox.client_secret,
            authority_url=sandbox.authority_url,
            graph_url=sandbox.graph_url,
            ca_file=str(sandbox.ca_file),
        )
        return self.workspace.connections.add(form, test=None, actor=ACTOR).id

    def synced_list(self, name: str, group: str) -> MasterList:
        """Return a list on a group, synced once."""
        known = {one.name: one.id for one in self.workspace.connections.all()}
        sync = SyncConfiguration(
            connection_id=known.get("School Entra") or self.connect(),
            uid_property="employeeId",
            mapping={"employeeId": "employee_id", "givenName": "first_name", "surname": "last_name"},
            scope=Scope(kind=ScopeKind.GROUP, group_id=self.sandbox.directory.group_id(group)),
            group_name=group,
        )
        fields = (
            Field("employee_id", label="Employee ID"),
            Field("first_name"),
            Field("last_name"),
            Field("locker"),
            Field("house", FieldType.DROPDOWN, options=("Red", "Blue")),
        )
        made = self.workspace.lists.create(
            name, uid_field="employee_id", fields=fields, sync=sync, actor=ACTOR
        )
        assert self.workspace.runner.sync(made.id, actor=ACTOR).status == "succeeded"
        return made


@pytest.fixture(scope="module")
def beside(server: Server, sandbox: Sandbox) -> Iterator[Beside]:
    there = Beside(server, sandbox)
    yield there
    there.workspace.close()


def wait_for(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)
