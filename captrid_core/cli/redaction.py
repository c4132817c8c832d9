"""Secrets that this process knows, and texts without them."""

from __future__ import annotations

import re
from typing import Final

_SHORTEST: Final = 6
_TOKEN: Final = re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]+){1,2}")
_BEARER: Final = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")
_NAMED: Final = re.compile(
    r"""(?i)\b((?:client_)?secret|client_assertion|password|authorization)(["']?\s*[=:]\s*["']?)[^\s"'&]+"""
)


class Redactor:
    """Takes known secrets, and what looks like one, out of texts that leave the process."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def add(self, secret: str | None) -> None:
        """Remember a secret, and each line of one that has several."""
        for part in (secret or "").splitlines():
            if len(part.strip()) >= _SHORTEST and not part.startswith("-----"):
                self._known.add(part.strip())

    def clean(self, text: str) -> str:
        """Return the text without known secrets."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, "…")
        return text

    def clean_log(self, text: str) -> str:
        """Return the text without known secrets and without anything that looks like one."""
        return _NAMED.sub(r"\1\2…", _BEARER.sub("…", _TOKEN.sub("…", self.clean(text))))
