"""App registrations: who may sign in, with what, and what they may read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.x509 import Certificate, load_pem_x509_certificate

from captrid_core.sandbox.identifiers import Identifiers, Kind, key

DEFAULT_ROLES: Final = ("User.Read.All", "GroupMember.Read.All")
_FIRST_APP: Final = 100


@dataclass(slots=True)
class App:
    """An app registration with its service principal. Change its fields to see what a client makes of it.

    `roles` are the application permissions that an administrator consented to: those of tokens
    issued from now on.
    """

    client_id: str
    client_secret: str
    name: str
    roles: list[str] = field(default_factory=lambda: list(DEFAULT_ROLES))
    secret_expired: bool = False
    disabled: bool = False
    in_tenant: bool = True
    certificates: list[Certificate] = field(default_factory=list)


class Apps:
    """The app registrations of a tenant."""

    def __init__(self, identifiers: Identifiers) -> None:
        self._identifiers = identifiers
        self._apps: dict[str, App] = {}

    def register(
        self,
        name: str,
        *,
        roles: Iterable[str] = DEFAULT_ROLES,
        secret_expired: bool = False,
        disabled: bool = False,
        in_tenant: bool = True,
        certificates: Sequence[Certificate | bytes] = (),
    ) -> App:
        """Add an app registration; certificates are objects or PEM."""
        number = _FIRST_APP + 2 * len(self._apps)
        guid = self._identifiers.guid(key(Kind.OTHER, number))
        # Not a secret: the same for everybody who starts a sandbox with this seed.
        secret = f"sandbox-{self._identifiers.guid(key(Kind.OTHER, number + 1)).replace('-', '~')}"
        loaded = [c if isinstance(c, Certificate) else load_pem_x509_certificate(c) for c in certificates]
        app = App(guid, secret, name, list(roles), secret_expired, disabled, in_tenant, loaded)
        self._apps[guid] = app
        return app

    def find(self, client_id: str) -> App | None:
        """Return the app with this client id."""
        return self._apps.get(client_id.lower())
