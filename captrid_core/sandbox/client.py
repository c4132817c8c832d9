"""Telling a sandbox that runs in another process to change or to misbehave."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from captrid_core.sandbox.control import SECRET_HEADER


class SandboxControl:
    """The control routes of the sandbox at `base_url` (https://host:port), as methods.

    Methods raise `requests.RequestException` where the sandbox cannot be reached, and
    `ValueError` where it refuses.
    """

    def __init__(
        self, base_url: str, ca_file: Path | str, client_secret: str, *, timeout: float = 30
    ) -> None:
        self._base = base_url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        # REQUESTS_CA_BUNDLE would win over `verify`, and no proxy leads to this machine.
        self._session.trust_env = False
        self._session.verify = str(ca_file)
        self._session.headers[SECRET_HEADER] = client_secret

    def change(self, **changes: Any) -> dict[str, list[str]]:
        """Change the directory, `change(hire=3, leave=2)` for instance, and return the ids by change."""
        done: dict[str, list[str]] = self._ask("POST", "changes", changes)
        return done

    def hire(self, count: int = 1) -> list[str]:
        """Take on new people and return their ids."""
        return self.change(hire=count).get("hire", [])

    def leave(self, count: int = 1) -> list[str]:
        """Let people leave and return their ids."""
        return self.change(leave=count).get("leave", [])

    def move(self, count: int = 1) -> list[str]:
        """Move people to other departments and return their ids."""
        return self.change(move=count).get("move", [])

    def rename(self, count: int = 1) -> list[str]:
        """Rename people and return their ids."""
        return self.change(rename=count).get("rename", [])

    def names(self, ids: list[str]) -> list[str]:
        """Return the display names of users, live or in the recycle bin."""
        names: list[str] = self._ask("POST", "names", ids)
        return names

    def update(self, user_id: str, **properties: Any) -> None:
        """Change properties of a user."""
        self.change(update={"id": user_id, "properties": properties})

    def add_fault(self, kind: str, **parameters: Any) -> dict[str, Any]:
        """Switch on a fault and return it as it is."""
        fault: dict[str, Any] = self._ask("POST", "faults", {"kind": kind, **parameters})
        return fault

    def clear_faults(self) -> None:
        """Switch all faults off."""
        self._ask("DELETE", "faults")

    def state(self) -> dict[str, Any]:
        """Return how many users and groups there are, the length of the change log, and the faults."""
        state: dict[str, Any] = self._ask("GET", "state")
        return state

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: str, what: str, body: Any = None) -> Any:
        answer = self._session.request(
            method, f"{self._base}/sandbox/{what}", json=body, timeout=self._timeout
        )
        if answer.status_code == 204:
            return None
        value = answer.json()
        if not answer.ok:
            raise ValueError(value["error"]["message"])
        return value
