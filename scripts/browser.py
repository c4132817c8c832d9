"""Finds a Chromium for the browser tests, and installs one only where none is found.

CAPTRID_BROWSER names one outright. Otherwise the usual names are looked for, then Debian's package
is installed where apt and root are at hand, else Playwright fetches its own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Return the browser's path, or None."""
    named = os.environ.get("CAPTRID_BROWSER")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


def own() -> bool:
    """Whether Playwright has fetched its own browser before."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


def main() -> None:
    """Find or install a browser."""
    if find() or own():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "--quiet"], check=True)
        subprocess.run(
            ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "chromium"], check=True
        )
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"], check=True)


if __name__ == "__main__":
    main()
