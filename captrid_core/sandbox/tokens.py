"""Opaque tokens: page tokens and delta tokens, sealed so that a changed one is recognised."""

from __future__ import annotations

import base64
import binascii
from hashlib import blake2b
from typing import Final, TypeVar

import msgspec

_SEAL_SIZE: Final = 9


class PageToken(msgspec.Struct, array_like=True, frozen=True):
    """Where the next page of a list begins."""

    run: int  # which run of the sandbox issued it
    path: str
    at: int
    issued: float


class DeltaToken(msgspec.Struct, array_like=True, frozen=True):
    """Where a round of a delta query stands, or (`final`) where the next round begins.

    A round reports what changed between positions `since` and `until` of the change log; the
    first one (`since` is -1) reports everything. `at` and `inner` are where its next page begins.
    """

    run: int
    kind: int
    final: bool
    issued: float
    since: int
    until: int
    at: int = 0
    inner: int = 0
    page: int = 1
    blank: bool = False
    minimal: bool = False
    size: int | None = None
    select: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None


Token = TypeVar("Token", PageToken, DeltaToken)


class Seal:
    """Makes tokens of positions and reads them again."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, token: PageToken | DeltaToken) -> str:
        """Return the token as text."""
        packed = msgspec.msgpack.encode(token)
        return base64.urlsafe_b64encode(self._mark(packed) + packed).decode().rstrip("=")

    def open(self, text: str, kind: type[Token]) -> Token | None:
        """Return what a text says, or None if it is no such token or was altered."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            mark, packed = raw[:_SEAL_SIZE], raw[_SEAL_SIZE:]
            return msgspec.msgpack.decode(packed, type=kind) if mark == self._mark(packed) else None
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            return None

    def _mark(self, packed: bytes) -> bytes:
        return blake2b(packed, digest_size=_SEAL_SIZE, key=self._secret).digest()
