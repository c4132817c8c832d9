"""The spool: what a run has read so far, one directory object a line, in a file.

Memory stays bounded whatever the directory's size, and the database is not needed while reading.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

from captrid_core.directory.port import Page
from captrid_core.errors import HomeUnusable


class Spool:
    """The file that one run reads into; a context manager that removes it in the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise HomeUnusable(f"{path} cannot be written: {error.strerror}.") from error
        path.chmod(0o600)

    def add(self, page: Page) -> None:
        """Append a page; one that restarts the read drops what came before it.

        Raises:
            HomeUnusable: The disk is full, or the home cannot be written.
        """
        try:
            if page.restarts:
                self._file.seek(0)
                self._file.truncate()
                self.count = 0
            self._file.write(page.ndjson)
        except OSError as error:
            raise _not_kept(self.path, error) from error
        self.count += page.count

    def finish(self) -> None:
        """Close the file: everything has been read."""
        try:
            self._file.close()
        except OSError as error:
            raise _not_kept(self.path, error) from error

    def keep_last(self) -> None:
        """Rewrite the file so that of each object only the last line stays (rules R7 and R31)."""
        last: dict[str, int] = {}
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines):
                last[json.loads(line)["id"]] = number
        kept = set(last.values())
        rewritten = self.path.with_suffix(".once")
        with self.path.open("rb") as lines, rewritten.open("wb") as once:
            once.writelines(line for number, line in enumerate(lines) if number in kept)
        rewritten.replace(self.path)
        self.count = len(kept)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


def _not_kept(path: Path, error: OSError) -> HomeUnusable:
    return HomeUnusable(
        f"What was read could not be kept in {path.parent}: {error.strerror}. Nothing was changed.",
        hint="Free some space on that disk and run the sync again.",
    )
