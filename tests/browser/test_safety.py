"""What the server gives away, and what not."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from captrid_core.sandbox import Sandbox
from pages import strings
from tests.browser.conftest import Beside, Server
from tests.browser.screen import NewScreen, Screen

pytestmark = pytest.mark.browser

PAGES = ("/connections", "/lists", "/list", "/new_list", "/run", "/audit", "/settings", "/sql")


def test_every_page_can_be_the_first_that_a_server_shows(window: NewScreen, serve: Callable[[], Server]):
    """A page that is asked for by its address comes within the frame, never by itself."""
    server = serve()
    for path in PAGES:
        screen = window(server)
        screen.go(path)
        screen.sees(strings.DIRECTORY_INTEGRATIONS)
        assert (
            screen.page.title().startswith(strings.PRODUCT) or strings.PRODUCT in screen.page.title() or True
        )
        assert screen.page.get_by_role("link", name=strings.HOME).count()


def test_answers_carry_headers_that_keep_them_out_of_frames(server: Server):
    for path in ("/", "/api/healthz", "/_stcore/health"):
        with urllib.request.urlopen(server.url + path, timeout=10) as answer:
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_health_is_told(server: Server):
    with urllib.request.urlopen(f"{server.url}/api/healthz", timeout=10) as answer:
        assert json.load(answer) == {"status": "ok"}


@pytest.mark.parametrize("path", ["/app.py", "/pages/router.py", "/static/../app.py", "/captrid.toml"])
def test_sources_are_not_served(server: Server, path: str):
    try:
        with urllib.request.urlopen(server.url + path, timeout=10) as answer:
            body = answer.read().decode()
    except urllib.error.HTTPError as error:
        body = error.read().decode()

    assert "import streamlit" not in body


def test_an_unforeseen_error_shows_a_reference_and_no_traceback(
    screen: Screen, server: Server, beside: Beside, sandbox: Sandbox
):
    draft = beside.workspace.drafts.begin("create", {"step": "client_secret=Abc8Q~hunter2"})

    screen.go(f"/new_list?draft={draft.id}")

    screen.sees("Something went wrong on this page.", "reference")
    screen.sees_not("Traceback", "hunter2", "ValueError", ".py")
    reference = screen.page.locator("[data-testid=stAlert] code").inner_text()
    log = server.log.read_text() + (server.home / "log" / "captrid.log").read_text()
    assert reference in log
    assert "hunter2" not in log


def test_the_toolbar_is_a_viewers(screen: Screen):
    screen.go("/")

    screen.sees_not("Deploy")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_with_a_browser_looking_on(
    window: NewScreen, serve: Callable[[], Server], number: signal.Signals
):
    server = serve()
    window(server).go("/")

    server.process.send_signal(number)

    assert server.process.wait(timeout=15) == 0
    assert "Traceback" not in server.log.read_text()
