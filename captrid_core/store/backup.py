"""Backups of a home: made beside whatever runs on it, verified, and put back whole.

An archive (.tar.gz, or .zip if its name ends so) holds a copy of the database, the encrypted
secrets, and a manifest with the size and digest of both and the number of rows of every table. The
key is left out unless it is asked for: an archive with it opens every secret.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import duckdb

from captrid_core.clock import iso
from captrid_core.errors import AlreadyExists, Busy, HomeUnusable, Invalid, NotFound, Refused
from captrid_core.store.database import Cursor, Database, literal, owner_lock, quote, scalar, transaction
from captrid_core.store.locks import FileLock
from captrid_core.store.migrate import newest_version
from captrid_core.store.whole_files import replacing, sync_folder

DATABASE: Final = "masterlists.duckdb"
SECRETS: Final = "secrets.json"
KEY: Final = "key"

_MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1
_PATIENCE: Final = 3.0
_CHUNK: Final = 1 << 20


class NotABackup(Refused):
    """The file is no backup of a home, or it is damaged."""

    code = "not_a_backup"
    default_hint = "Choose a file that `captrid backup` wrote, and check that it was copied whole."


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds."""

    made_at: str
    connections: int
    lists: int
    people: int
    runs: int
    key: bool


def back_up(home: Path, database: Database, file: Path, *, with_key: bool, at: datetime) -> Contents:
    """Write a backup of a home to `file`, and read it back.

    Raises:
        Invalid: The key is asked for but does not lie in the home.
        Busy, HomeUnusable: The home cannot be read, or the file not be written.
    """
    if with_key and not (home / KEY).is_file():
        raise Invalid(
            "The key does not lie in the home, so it cannot be backed up with it.",
            hint="Keep the key of CAPTRID_KEY where you keep other keys.",
        )
    with (
        replacing(file) as draft,
        tempfile.TemporaryDirectory(dir=draft.parent, prefix=".captrid-") as scratch,
    ):
        copy = Path(scratch) / DATABASE
        tables = _copy(database, copy)
        sources = {DATABASE: copy}
        for name in (SECRETS, *([KEY] if with_key else [])):
            if (home / name).is_file():
                sources[name] = home / name
        manifest = {
            "format": _FORMAT,
            "made_at": iso(at),
            "schema": newest_version(),
            "tables": tables,
            "files": {name: _digest_of(path) for name, path in sources.items()},
        }
        with _writing(draft, zipped=file.suffix.lower() == ".zip") as archive:
            archive.add(_MANIFEST, io.BytesIO(json.dumps(manifest, indent=1).encode()))
            for name, path in sources.items():
                with path.open("rb") as content:
                    archive.add(name, content)
        check = Path(scratch) / "check"
        check.mkdir()
        _unpack(draft, check)
    return _contents(manifest)


def restore(home: Path, file: Path, *, replace: bool) -> Contents:
    """Put a backup in place of what a home holds.

    A key in the backup becomes the home's; without one the home's own key stays.

    Args:
        home: The home, which nobody may be using.
        file: The backup.
        replace: Whether what the home holds may be replaced.

    Raises:
        NotFound, NotABackup: The file is not there, or it is not whole; nothing was changed.
        AlreadyExists: The home holds something, and `replace` is not set.
        Busy: Somebody uses the home.
        HomeUnusable: The home cannot be written.
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", hint="Check the file's path.")
    if not replace and any((home / name).exists() for name in (DATABASE, SECRETS)):
        raise AlreadyExists(
            f"The home {home} holds data already.",
            hint="Restore into another home with --home, or replace what is there with --replace.",
        )
    try:
        with _to_ourselves(home), tempfile.TemporaryDirectory(dir=home, prefix=".captrid-") as scratch:
            manifest = _unpack(file, Path(scratch))
            # the log of the old database must be gone before the new one comes
            (home / f"{DATABASE}.wal").unlink(missing_ok=True)
            for name in (DATABASE, SECRETS, KEY):
                unpacked = Path(scratch) / name
                if unpacked.exists():
                    unpacked.chmod(0o600)
                    unpacked.replace(home / name)
                elif name == SECRETS:
                    (home / name).unlink(missing_ok=True)
            for left_over in (home / "runs").glob("run-*"):
                left_over.unlink(missing_ok=True)
            sync_folder(home)
    except OSError as error:
        raise HomeUnusable(f"The home {home} cannot be written: {error.strerror or error}.") from error
    return _contents(manifest)


def _copy(database: Database, copy: Path) -> dict[str, int]:
    """Copy the database as one transaction sees it, and return how many rows each table has.

    A copy made by DuckDB itself: reading the file past it would drop its lock on it (POSIX locks
    end with the first descriptor that the process closes).
    """
    with database.session() as cursor:
        cursor.execute(f"ATTACH {literal(str(copy))} AS copied")
        try:
            with transaction(cursor):
                source = scalar(cursor, "SELECT current_database()")
                cursor.execute(f"COPY FROM DATABASE {quote(source)} TO copied")
                tables = _count_rows(cursor, source)
        finally:
            cursor.execute("DETACH copied")
    copy.chmod(0o600)
    _verify(copy, tables)
    return tables


def _count_rows(cursor: Cursor, database_name: str) -> dict[str, int]:
    names = cursor.execute(
        """SELECT table_name FROM duckdb_tables()
           WHERE database_name = ? AND NOT temporary AND NOT internal ORDER BY table_name""",
        [database_name],
    ).fetchall()
    return {
        name: int(scalar(cursor, f"SELECT count(*) FROM {quote(database_name)}.{quote(name)}"))
        for (name,) in names
    }


def _verify(copy: Path, tables: dict[str, int]) -> None:
    """Open the copy, read all of it, and compare the tables.

    Raises:
        NotABackup: It is not what it should be.
    """
    try:
        with duckdb.connect(str(copy), read_only=True) as connection:
            name = scalar(connection, "SELECT current_database()")
            found = _count_rows(connection, name)
            for table in found:
                scalar(connection, f"SELECT bit_xor(hash(t)) FROM {quote(table)} t")
    except duckdb.Error as error:
        raise NotABackup(f"The copy of the database does not open: {str(error).splitlines()[0]}") from error
    if found != tables:
        raise NotABackup("The copy of the database does not hold what the manifest says.")


def _unpack(file: Path, folder: Path) -> dict[str, Any]:
    """Unpack a backup, verify every part of it, and return its manifest.

    Raises:
        NotABackup: It is none, or not whole, or of a newer version.
    """
    try:
        with _reading(file) as archive:
            manifest: dict[str, Any] = json.loads(archive.open(_MANIFEST).read())
            if manifest["format"] > _FORMAT or manifest["schema"] > newest_version():
                raise NotABackup(
                    f"{file.name} was made by a newer version of CaptrID Directory Sync.",
                    hint="Restore it with the version that made it.",
                )
            # the names are ours: what else an archive holds, or where it wants to go, does not matter
            for name in (DATABASE, SECRETS, KEY):
                if name in manifest["files"]:
                    with archive.open(name) as packed, (folder / name).open("wb") as unpacked:
                        shutil.copyfileobj(packed, unpacked, _CHUNK)
                    if _digest_of(folder / name) != manifest["files"][name]:
                        raise NotABackup(f"{name} in {file.name} is not what was backed up.")
            _contents(manifest)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RuntimeError,  # what zipfile says of encrypted and of unknown kinds
        KeyError,
        TypeError,
        ValueError,
        OSError,
    ) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise NotABackup(f"{file.name} is no backup of a home, or it is damaged.") from error
    if not (folder / DATABASE).exists():
        raise NotABackup(f"{file.name} holds no database.")
    _verify(folder / DATABASE, manifest["tables"])
    return manifest


@contextmanager
def _to_ourselves(home: Path) -> Iterator[None]:
    """Keep everybody away from a home while the block lasts.

    Raises:
        Busy: Somebody uses it.
    """
    turns = [owner_lock(home / DATABASE), FileLock(home / "secrets.lock")]
    turns += [FileLock(path) for path in sorted((home / "runs").glob("list-*.lock"))]
    deadline = time.monotonic() + _PATIENCE
    with ExitStack() as locks:
        for lock in (server_lock(home), *turns):
            while not lock.try_acquire():
                # a dashboard stays; the others may be held for a moment only
                if lock not in turns or time.monotonic() > deadline:
                    raise _in_use(home, lock.holder())
                time.sleep(0.05)
            locks.enter_context(lock)
        yield


def _in_use(home: Path, holder: dict[str, Any]) -> Busy:
    process = f" (process {holder['process']})" if "process" in holder else ""
    return Busy(
        f"The home {home} is in use by {holder.get('command', 'a sync')}{process}.",
        hint="Stop the dashboard and wait for running syncs, then try again.",
    )


def server_lock(home: Path) -> FileLock:
    """Return the lock that a dashboard holds as long as it serves a home."""
    return FileLock(home / "server.lock")


def _contents(manifest: dict[str, Any]) -> Contents:
    tables = manifest["tables"]
    return Contents(
        made_at=str(manifest["made_at"]),
        connections=int(tables["connection"]),
        lists=int(tables["master_list"]),
        people=sum(count for name, count in tables.items() if name.startswith("people_")),
        runs=int(tables["run"]),
        key=KEY in manifest["files"],
    )


def _digest_of(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


class _Writing:
    """An archive that is being written, of either kind."""

    def __init__(self, archive: tarfile.TarFile | zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, name: str, content: IO[bytes]) -> None:
        if isinstance(self._archive, zipfile.ZipFile):
            with self._archive.open(name, "w", force_zip64=True) as member:
                shutil.copyfileobj(content, member, _CHUNK)
            return
        member_info = tarfile.TarInfo(name)
        member_info.size = content.seek(0, io.SEEK_END)
        member_info.mode = 0o600
        member_info.mtime = int(time.time())
        content.seek(0)
        self._archive.addfile(member_info, content)


@contextmanager
def _writing(path: Path, *, zipped: bool) -> Iterator[_Writing]:
    if zipped:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            yield _Writing(archive)
    else:
        with tarfile.open(path, "w:gz", compresslevel=3) as tarred:
            yield _Writing(tarred)


class _Reading:
    """An archive that is being read, of either kind."""

    def __init__(self, archive: tarfile.TarFile | zipfile.ZipFile) -> None:
        self._archive = archive

    def open(self, name: str) -> IO[bytes]:
        if isinstance(self._archive, zipfile.ZipFile):
            return self._archive.open(name)
        member = self._archive.extractfile(name)
        if member is None:
            raise KeyError(name)
        return member


@contextmanager
def _reading(path: Path) -> Iterator[_Reading]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield _Reading(archive)
    else:
        with tarfile.open(path, "r:gz") as tarred:
            yield _Reading(tarred)
