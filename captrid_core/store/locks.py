"""Locks that die with their process, so that a crash never leaves one behind.

They are advisory locks of the operating system on small files of the home (`flock`), seen by every
process that shares the home.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any


class FileLock:
    """An exclusive or shared lock on one file, held by one object.

    The file's content may tell others who holds it: see `holder`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def try_acquire(self, *, shared: bool = False, note: dict[str, Any] | None = None) -> bool:
        """Take the lock if it is free, and say whether it was.

        Args:
            shared: Take it together with other shared holders.
            note: What to leave in the file for those who find it taken.
        """
        if self._descriptor is not None:
            return False
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        if note is not None:
            self.note(note)
        return True

    def note(self, note: dict[str, Any]) -> None:
        """Leave word in the file for those who find it taken; the lock must be held."""
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(note).encode(), 0)

    def release(self) -> None:
        """Give the lock back; harmless if it is not held."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def holder(self) -> dict[str, Any]:
        """Return the note of whoever holds or last held the lock; empty if there is none."""
        try:
            return dict(json.loads(self._path.read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
