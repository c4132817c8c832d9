"""Object ids: GUIDs that a seed decides, and that lead back to what they name.

A directory of a million people keeps no table of ids: an id is made from the object's number when
it is asked for, and taken apart again when a client sends it back.
"""

from __future__ import annotations

from enum import IntEnum
from hashlib import blake2b


class Kind(IntEnum):
    """The kinds of objects; each has a range of numbers of its own."""

    USER = 0
    GROUP = 1
    DEVICE = 2
    OTHER = 3


_RANGE_BITS = 40
_TAIL_BITS = 48
_VARIANTS = "89ab"


def key(kind: Kind, number: int) -> int:
    """Return the key of the `number`-th object of a kind: one number space for the whole directory."""
    return (int(kind) << _RANGE_BITS) | number


def kind_of(object_key: int) -> Kind:
    """Return what kind of object a key names."""
    return Kind(object_key >> _RANGE_BITS)


class Identifiers:
    """Turns keys into GUIDs and back.

    The last 48 bits of a GUID carry the key, masked by the other bits, which are a keyed hash of
    it: ids look random, differ from seed to seed, and are recognised without a table. Ids that a
    caller chose are kept in a table of their own.
    """

    def __init__(self, seed: int) -> None:
        self._secret = blake2b(f"banksia college {seed}".encode(), digest_size=32).digest()
        self._chosen: dict[int, str] = {}
        self._chosen_keys: dict[str, int] = {}

    def choose(self, object_key: int, guid: str) -> None:
        """Give the object of a key an id of the caller's choice.

        Raises:
            ValueError: Another object has that id.
        """
        guid = guid.lower()
        if self.key(guid) is not None:
            raise ValueError(f"The id {guid} is taken.")
        self._chosen[object_key] = guid
        self._chosen_keys[guid] = object_key

    def guid(self, object_key: int) -> str:
        """Return the id of the object with this key."""
        if self._chosen and object_key in self._chosen:
            return self._chosen[object_key]
        head = self._head(object_key)
        tail = f"{object_key ^ self._mask(head):012x}"
        return f"{head[:8]}-{head[8:12]}-{head[12:16]}-{head[16:]}-{tail}"

    def key(self, guid: str) -> int | None:
        """Return the key that an id carries, or None if this directory never gave out such an id."""
        guid = guid.lower()
        if guid in self._chosen_keys:
            return self._chosen_keys[guid]
        text = guid.replace("-", "")
        try:
            head, tail = text[:20], int(text[20:], 16)
        except ValueError:
            return None
        if len(text) != 32:
            return None
        found = tail ^ self._mask(head)
        if found >> (_RANGE_BITS + 2) or self.guid(found) != guid:
            return None
        return found

    def _head(self, object_key: int) -> str:
        digest = blake2b(object_key.to_bytes(6, "big"), digest_size=10, key=self._secret).hexdigest()
        return f"{digest[:12]}4{digest[13:16]}{_VARIANTS[int(digest[16], 16) & 3]}{digest[17:]}"

    def _mask(self, head: str) -> int:
        return int(blake2b(head.encode(), digest_size=_TAIL_BITS // 8, key=self._secret).hexdigest(), 16)
