"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from captrid_core.errors import HomeUnusable


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a private file beside `path` to write to; it takes its place if the block ends well.

    Raises:
        HomeUnusable: It cannot be written there.
    """
    path = path.resolve()
    if path.is_dir():
        raise HomeUnusable(f"{path} is a folder.", hint="Name a file.")
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(descriptor)
        draft = Path(name)
        try:
            yield draft
            with draft.open("rb") as written:
                os.fsync(written.fileno())
            # people's data is nobody else's business, unless somebody decided so for this very file
            draft.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o600)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise HomeUnusable(
            f"{path} cannot be written: {error.strerror or error}.",
            hint="Check the folder, its permissions and the free space on its disk.",
        ) from error


def sync_folder(folder: Path) -> None:
    """Make sure that a renamed file is still there after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
