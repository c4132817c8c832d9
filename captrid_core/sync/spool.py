"""The spool: what a run has read so far, one directory object a line, in a file.

Memory stays bounded whatever the directory's size, and the database is not needed while reading.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from captrid_core.directory.port import ChangePage, Page
from captrid_core.errors import HomeUnusable


class _Identified(msgspec.Struct):
    id: str


_ID: Final = msgspec.json.Decoder(_Identified)


class Spool:
    """The file that one run reads into; a context manager that removes it in the end.

    Attributes:
        path: The file.
        count: How many objects were read.
        absences: Ids of objects that were looked for in vain, and why they are not in scope.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.absences: list[tuple[str, str]] = []
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise HomeUnusable(f"{path} cannot be written: {error.strerror}.") from error
        path.chmod(0o600)

    def add(self, page: Page | ChangePage) -> None:
        """Append a page; one that restarts the read drops what came before it.

        Raises:
            HomeUnusable: The disk is full, or the home cannot be written.
        """
        try:
            if isinstance(page, Page) and page.restarts:
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

    def add_later(self, page: Page | ChangePage) -> None:
        """Append what had to be asked after the file was finished.

        Raises:
            HomeUnusable: The disk is full, or the home cannot be written.
        """
        try:
            with self.path.open("ab") as file:
                file.write(page.ndjson)
        except OSError as error:
            raise _not_kept(self.path, error) from error

    def clear(self) -> None:
        """Forget everything, to begin anew.

        Raises:
            HomeUnusable: The home cannot be written.
        """
        self.finish()
        try:
            self._file = self.path.open("wb")
        except OSError as error:
            raise _not_kept(self.path, error) from error
        self.count = 0
        self.absences = []

    def keep_last(self) -> None:
        """Rewrite the finished file so that of each object only the last line stays (rules R7 and R31)."""
        self.merge(lambda _earlier, later: later)

    def merge(self, merged: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]) -> None:
        """Rewrite the finished file so that each object has one line, made by `merged` from its earlier and later ones.

        Raises:
            HomeUnusable: The disk is full.
        """
        seen: set[str] = set()
        repeated: dict[str, dict[str, Any]] = {}
        with self.path.open("rb") as lines:
            for line in lines:
                object_id = _ID.decode(line).id
                if object_id in seen:
                    repeated[object_id] = {}
                seen.add(object_id)
        self.count = len(seen)
        if not repeated:
            return
        rewritten = self.path.with_suffix(".once")
        try:
            with self.path.open("rb") as lines, rewritten.open("wb") as once:
                for line in lines:
                    object_id = _ID.decode(line).id
                    if object_id not in repeated:
                        once.write(line)
                    else:
                        news = msgspec.json.decode(line)
                        earlier = repeated[object_id]
                        repeated[object_id] = merged(earlier, news) if earlier else news
                once.writelines(msgspec.json.encode(one) + b"\n" for one in repeated.values())
            rewritten.replace(self.path)
        except OSError as error:
            raise _not_kept(self.path, error) from error

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
