"""A browser window on the dashboard, and what people do in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, Request, expect

PATIENCE = 20_000
_ROW = 33
"""How high a row of a table is, in pixels."""
SHOTS = Path(__file__).parents[2] / ".screenshots"


def find_chromium() -> str | None:
    """Return the browser to use; None lets Playwright take its own."""
    asked = os.environ.get("CAPTRID_BROWSER")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return asked or next((found for name in names if (found := shutil.which(name))), None)


class Screen:
    """One window. Widgets are found by their keys."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.asked_elsewhere: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        host = urlsplit(request.url)
        if host.scheme in ("http", "https", "ws") and host.hostname not in ("127.0.0.1", "localhost"):
            self.asked_elsewhere.append(request.url)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)
        self.settle()

    def reload(self) -> None:
        self.page.reload()
        self.settle()

    def settle(self) -> None:
        """Wait until the page has been drawn and nothing runs."""
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-connection-state", "CONNECTED", timeout=PATIENCE)
        for _ in range(2):
            # a click needs a moment to reach the server before "running" shows
            self.page.wait_for_timeout(120)
            expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)

    def by_key(self, key: str) -> Locator:
        return self.page.locator(f".st-key-{re.sub(r'[^a-zA-Z0-9_-]', '-', key)}")

    def click(self, key: str) -> None:
        self.by_key(key).get_by_role("button").first.click()
        self.settle()

    def type(self, key: str, text: str) -> None:
        field = self.by_key(key).locator("input").first
        field.fill(text)
        field.press("Tab")
        self.settle()

    def search(self, key: str, text: str) -> None:
        field = self.by_key(key).locator("input").first
        field.fill(text)
        field.press("Enter")
        self.settle()

    def pick(self, key: str, label: str) -> None:
        """Choose an option of a radio or tick a box."""
        self.by_key(key).get_by_text(label, exact=True).first.click()
        self.settle()

    def choose(self, key: str, option: str) -> None:
        """Choose an option of a list by typing it, or a new one where that is allowed."""
        box = self.by_key(key).get_by_role("combobox")
        box.press_sequentially(option)
        box.press("Enter")
        self.settle()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()
        self.settle()

    def sees(self, *words: str) -> None:
        """Expect each of the words somewhere on the page."""
        for one in words:
            expect(self.page.locator("body")).to_contain_text(one, timeout=PATIENCE)

    def sees_not(self, *words: str) -> None:
        for one in words:
            expect(self.page.locator("body")).not_to_contain_text(one, timeout=PATIENCE)

    def metrics(self, key: str) -> dict[str, str]:
        """Return the figures in a row of cards, once the page has come to rest."""
        self.settle()
        found = {}
        for card in self.by_key(key).get_by_test_id("stMetric").all():
            label = card.get_by_test_id("stMetricLabel").locator("p").inner_text()
            found[label] = card.get_by_test_id("stMetricValue").inner_text()
        return found

    def cells(self, key: str, *, count: int | None = None) -> list[list[str]]:
        """Return the rows of a table that are in sight, when they are so many."""
        grid = self.page.locator(f"[class*='st-key-{key}'] canvas[data-testid=data-grid-canvas]").first
        self.settle()
        grid.locator("tbody tr").first.wait_for(state="attached")
        if count is not None:
            expect(grid.locator("tbody tr")).to_have_count(count, timeout=PATIENCE)
        rows: Any = grid.evaluate(
            "e => [...e.querySelectorAll('tbody tr')].map(r => [...r.children].map(c => c.textContent))"
        )
        return [list(row) for row in rows]

    def select_row(self, key: str, row: int) -> None:
        """Click the box at the beginning of a row."""
        grid = self.page.locator(f"[class*='st-key-{key}'] canvas[data-testid=data-grid-canvas]").first
        grid.locator("tbody tr").first.wait_for(state="attached")
        grid.scroll_into_view_if_needed()
        box = grid.bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + 17, box["y"] + _ROW * (row + 1) + _ROW / 2)
        self.settle()

    def edit_cell(self, key: str, row: int, column: int, text: str) -> None:
        """Try to type a text into a cell of a table that can be edited."""
        grid = self.page.locator(f"[class*='st-key-{key}'] canvas[data-testid=data-grid-canvas]").first
        grid.locator("tbody tr").first.wait_for(state="attached")
        grid.scroll_into_view_if_needed()
        box = grid.bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + 40, box["y"] + _ROW * (row + 1) + _ROW / 2)
        for _ in range(column):
            self.page.keyboard.press("ArrowRight")
        self.page.keyboard.press("Enter")
        editor = self.page.locator("#portal textarea, #portal input")
        editor.wait_for()
        if editor.is_enabled():  # a locked cell only shows its value
            editor.fill(text)
            editor.press("Enter")
        else:
            editor.press("Escape")
        self.settle()

    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def close_dialog(self) -> None:
        self.page.keyboard.press("Escape")
        expect(self.dialog()).to_have_count(0)
        self.settle()

    def shot(self, name: str, *, always: bool = False) -> None:
        """Take a picture, if pictures are asked for: CAPTRID_SCREENSHOTS=1."""
        if always or os.environ.get("CAPTRID_SCREENSHOTS"):
            SHOTS.mkdir(exist_ok=True)
            self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


NewScreen = Callable[..., Screen]


def no_browser(reason: object) -> None:
    """Fail, because a skipped browser test proves nothing."""
    pytest.fail(
        "No browser was found for the dashboard's tests: install Chromium or name one in CAPTRID_BROWSER "
        f"({reason}).",
        pytrace=False,
    )
