"""Every state of the dashboard: usable by everybody, in light and in dark, and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser

from captrid_core.sandbox import Sandbox
from tests.browser.conftest import Beside, Server
from tests.browser.screen import Screen
from tests.browser.states import EMPTY, FILLED, State, Things, furnish

pytestmark = pytest.mark.browser

GRAVE = ("serious", "critical")
NOT_OURS: dict[str, tuple[str, ...]] = {
    # the cross within a select box is 22.6 pixels wide; the Delete key does the same
    "target-size": ('aria-label="Clear value"',),
}
"""What Streamlit itself draws and no page can mend: by axe's rule, the elements that are left out of it."""

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_PHONE = {"width": 390, "height": 844}
_DESK = {"width": 1280, "height": 1000}

_BEYOND = """() => [...document.querySelectorAll('button, a[href], input, [role=combobox]')].filter(one => {
    const box = one.getBoundingClientRect();
    if (!one.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) || !box.width || !box.height) return false;
    if (box.left >= -1 && box.right <= innerWidth + 1) return false;
    for (let up = one.parentElement; up; up = up.parentElement)  // what can be scrolled to is within reach
        if (['auto', 'scroll'].includes(getComputedStyle(up).overflowX) && up.scrollWidth > up.clientWidth) return false;
    return true;
}).map(one => one.innerText || one.getAttribute('aria-label') || one.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def screen(chromium: Browser, server: Server) -> Iterator[Screen]:
    """Return one window for all states: what it has loaded once it need not load again."""
    context = chromium.new_context(
        viewport=_DESK, reduced_motion="reduce", timezone_id="Australia/Sydney", locale="en-AU"
    )
    yield Screen(context.new_page(), server.url)
    context.close()


@pytest.fixture(scope="module")
def things(beside: Beside, sandbox: Sandbox) -> Things:
    return furnish(beside, sandbox)


@pytest.fixture(scope="module")
def fresh(chromium: Browser, serve: Callable[[], Server]) -> Iterator[Screen]:
    """Return a window on a home in which nothing has been done."""
    context = chromium.new_context(viewport=_DESK, reduced_motion="reduce", locale="en-AU")
    yield Screen(context.new_page(), serve().url)
    context.close()


@pytest.mark.parametrize("state", FILLED, ids=lambda state: state.name)
def test_a_state_is_within_everybodys_reach(screen: Screen, things: Things, state: State):
    wrong = look_at(screen, things, state)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("state", EMPTY, ids=lambda state: state.name)
def test_a_state_of_a_new_home_is_within_everybodys_reach(fresh: Screen, state: State):
    wrong = look_at(fresh, Things(), state)
    assert not wrong, "\n".join(wrong)


def look_at(screen: Screen, things: Things, state: State) -> list[str]:
    """Return what is wrong with a state in light, in dark and on a phone."""
    page = screen.page
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size(_DESK)
    things.show(screen, state)
    screen.shot(f"{state.name}-light")
    wrong = [f"light: {one}" for one in barriers(screen, {"type": "tag", "values": _RULES})]
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    screen.settle()
    screen.shot(f"{state.name}-dark")
    wrong += [f"dark: {one}" for one in barriers(screen, {"type": "rule", "values": ["color-contrast"]})]
    page.set_viewport_size(_PHONE)
    screen.settle()
    screen.shot(f"{state.name}-phone")
    if page.evaluate("() => document.documentElement.scrollWidth > innerWidth"):
        wrong.append("phone: the page scrolls sideways")
    return wrong + [f"phone: out of reach: {one}" for one in page.evaluate(_BEYOND)]


def barriers(screen: Screen, only: dict[str, Any]) -> list[str]:
    """Return what axe finds to be a serious or critical barrier on what is shown now."""
    page = screen.page
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"], "runOnly": only}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node['html'][:200]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
        if not any(part in str(node["target"]) + node["html"] for part in NOT_OURS.get(rule["id"], ()))
    ]
