"""The vault: secrets of connections, encrypted, in a file of their own.

Each entry is sealed with AES-256-GCM, with its owner's name as associated data: an entry that is
moved to another owner, or changed by a bit, does not open. The key is 32 random bytes, given in
CAPTRID_KEY (base64) or kept in the home's key file, which only its owner may read. Several keys may
be given: the first seals, all open. That makes a rotation safe at any moment: the new key is put in
front first, then every entry is sealed anew, and only then the old key is taken away.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from captrid_core.errors import HomeUnusable, KeyMissing, KeyWrong
from captrid_core.store.locks import FileLock

_NONCE_BYTES = 12  # NIST SP 800-38D, the size that AES-GCM is made for
_KEY_BYTES = 32


class Vault:
    """The encrypted secrets of one home.

    Args:
        folder: The home.
        environment_key: The value of CAPTRID_KEY: one key or several, separated by commas.
    """

    def __init__(self, folder: Path, *, environment_key: str | None = None) -> None:
        self._file = folder / "secrets.json"
        self._key_file = folder / "key"
        self._lock_file = folder / "secrets.lock"
        self._environment_key = environment_key

    def put(self, owner: str, secret: str) -> None:
        """Store `secret` for `owner`, in place of an earlier one.

        Raises:
            KeyMissing, KeyWrong: The key is not there, or is none.
        """
        with self._locked():
            entries = self._entries()
            keys = self._keys(create=not entries)
            entries[owner] = _seal(keys[0], owner, secret)
            _write_private(self._file, json.dumps(entries, indent=1).encode())

    def get(self, owner: str) -> str:
        """Return the secret of `owner`.

        Raises:
            KeyMissing: There is no key.
            KeyWrong: No key opens the entry, or there is no entry.
        """
        entry = self._entries().get(owner)
        if entry is None:
            raise KeyWrong(
                "No secret is stored for this connection.", hint="Enter the secret in the connection."
            )
        return _open(self._keys(create=False), owner, entry)

    def owners(self) -> list[str]:
        """Return for whom secrets are stored."""
        return sorted(self._entries())

    def remove(self, owner: str) -> None:
        """Forget the secret of `owner`; harmless if there is none."""
        with self._locked():
            entries = self._entries()
            if entries.pop(owner, None) is not None:
                _write_private(self._file, json.dumps(entries, indent=1).encode())

    def rotate(self, *, after_step: Callable[[str], None] = lambda _step: None) -> int:
        """Seal every secret with a new key and return how many there are.

        With the key in the environment the new key is the first one given there; with the key file
        a new key is made. Killed at any moment, every secret still opens, and a further call ends
        the work.

        Args:
            after_step: Called after each step with its name; tests kill the process there.

        Raises:
            KeyMissing, KeyWrong: A secret cannot be opened; nothing was changed.
        """
        with self._locked():
            entries = self._entries()
            keys = self._keys(create=not entries)
            opened = {owner: _open(keys, owner, entry) for owner, entry in entries.items()}
            if self._environment_key is None:
                keys = [os.urandom(_KEY_BYTES), *keys]
                self._write_keys(keys)
                after_step("key added")
            sealed = {owner: _seal(keys[0], owner, secret) for owner, secret in opened.items()}
            _write_private(self._file, json.dumps(sealed, indent=1).encode())
            after_step("secrets sealed")
            if self._environment_key is None:
                self._write_keys(keys[:1])
                after_step("old key dropped")
            return len(sealed)

    def forget_all(self) -> int:
        """Drop every secret and start with a new key; for a home whose key is lost for good."""
        with self._locked():
            count = len(self._entries())
            _write_private(self._file, b"{}")
            if self._environment_key is None:
                self._write_keys([os.urandom(_KEY_BYTES)])
            return count

    def _entries(self) -> dict[str, dict[str, str]]:
        try:
            return dict(json.loads(self._file.read_bytes()))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise HomeUnusable(f"The vault {self._file} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise HomeUnusable(
                f"The vault {self._file} is damaged.",
                hint="Restore it from a backup, or enter the secrets again.",
            ) from error

    def _keys(self, *, create: bool) -> list[bytes]:
        if self._environment_key is not None:
            return _parse_keys(self._environment_key, "CAPTRID_KEY")
        try:
            mode = self._key_file.stat().st_mode
        except FileNotFoundError:
            if not create:
                raise KeyMissing(
                    f"There are stored secrets, but no key: {self._key_file} is missing."
                ) from None
            keys = [os.urandom(_KEY_BYTES)]
            self._write_keys(keys)
            return keys
        if stat.S_IMODE(mode) & 0o077:
            raise HomeUnusable(
                f"The key file {self._key_file} can be read by others.",
                hint=f"Make it private: chmod 600 {self._key_file}",
            )
        return _parse_keys(self._key_file.read_text(), str(self._key_file))

    def _write_keys(self, keys: list[bytes]) -> None:
        _write_private(
            self._key_file, ",".join(base64.b64encode(key).decode() for key in keys).encode() + b"\n"
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self._lock_file)
        deadline = time.monotonic() + 30
        while not lock.try_acquire():
            if time.monotonic() > deadline:
                raise HomeUnusable(f"{self._lock_file} has been locked for 30 seconds.")
            time.sleep(0.02)
        with lock:
            yield


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"captrid key id" + key).hexdigest()[:16]


def _seal(key: bytes, owner: str, secret: str) -> dict[str, str]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, secret.encode(), owner.encode())
    return {"key": _key_id(key), "sealed": base64.b64encode(nonce + sealed).decode()}


def _open(keys: list[bytes], owner: str, entry: dict[str, Any]) -> str:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    blob = base64.b64decode(entry["sealed"])
    for key in keys:
        if _key_id(key) == entry["key"]:
            try:
                return AESGCM(key).decrypt(blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], owner.encode()).decode()
            except InvalidTag:
                raise KeyWrong(
                    "A stored secret does not open: it was changed, or belongs to another connection.",
                    hint="Enter the connection's secret again.",
                ) from None
    raise KeyWrong("The key is not the one that the stored secrets were sealed with.")


def _parse_keys(text: str, source: str) -> list[bytes]:
    keys = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            key = base64.b64decode(part, validate=True)
        except (ValueError, binascii.Error):
            key = b""
        if len(key) != _KEY_BYTES:
            raise KeyWrong(
                f"{source} does not hold a key of {_KEY_BYTES} bytes in base64.",
                hint="Put the right key there; `openssl rand -base64 32` makes a new one.",
            )
        keys.append(key)
    if not keys:
        raise KeyMissing(f"{source} is empty.")
    return keys


def _write_private(path: Path, content: bytes) -> None:
    """Replace `path` atomically by a file that only its owner can read."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise HomeUnusable(f"{path} cannot be written: {error.strerror}.") from error
