"""Takes the pictures in docs/images from a demo of its own: `make screenshots`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from pages import strings
from tests.browser.screen import Screen, find_chromium

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"


def main() -> None:
    """Start the demo, let its directory change, and picture what people see."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "CAPTRID_HOME": home, "CAPTRID_ACTOR": "Alex Admin"}
        demo = subprocess.Popen(
            [sys.executable, "-m", "captrid_core", "demo", "--port", "0", "--no-browser", "--json"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert demo.stdout is not None
            told = json.loads(demo.stdout.readline())
            _picture(told["url"], told["list"], environment)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(20)


def _picture(url: str, name: str, environment: dict[str, str]) -> None:
    def captrid(*arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "captrid_core", *arguments],
            env=environment,
            check=True,
            capture_output=True,
        )

    captrid("sandbox", "change", "--hire", "4", "--rename", "3", "--leave", "2", "--move", "5")
    captrid("sync", name)
    captrid("schedule", name, "30 6 * * 1-5")
    captrid("sandbox", "change", "--hire", "2", "--rename", "1", "--leave", "1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for theme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": 1280, "height": 900},
                color_scheme=theme,  # type: ignore[arg-type]
                timezone_id="Australia/Sydney",
                locale="en-AU",
                reduced_motion="reduce",
            )
            screen = Screen(context.new_page(), url)
            _tour(screen, "" if theme == "light" else "-dark")
            context.close()
        browser.close()


def _tour(screen: Screen, ending: str) -> None:
    def shot(what: str) -> None:
        screen.settle()
        screen.page.wait_for_timeout(500)  # fonts and charts
        screen.page.screenshot(path=IMAGES / f"{what}{ending}.png")

    screen.go("/")
    shot("home")
    if ending:
        return
    screen.page.get_by_role("link", name=strings.OPEN).first.click()
    screen.page.wait_for_url("**/list?**")
    shot("people")
    screen.select_row("people_table", 1)
    shot("person")
    screen.close_dialog()
    screen.tab(strings.TAB_SYNC)
    screen.click("sync_preview")
    screen.sees(strings.WOULD_BE)
    screen.by_key("sync_previewed").scroll_into_view_if_needed()
    shot("preview")
    screen.go("/connections")
    shot("connections")


if __name__ == "__main__":
    main()
