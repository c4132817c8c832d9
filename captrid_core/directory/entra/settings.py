"""What a connection to Microsoft Entra ID consists of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from captrid_core.directory.entra.clouds import addresses, checked_address

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_guid(text: str) -> bool:
    """Tell whether `text` is written as a GUID, as the ids of tenants, apps, secrets and groups are."""
    return _GUID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A client secret's value. It never shows in a repr."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A PEM text with a private key and its certificate. It never shows in a repr."""

    pem: str = field(repr=False)
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class EntraSettings:
    """One connection: which tenant, as which app, by which addresses.

    Args:
        tenant_id: The tenant's GUID or one of its domain names.
        client_id: The Application (client) ID of the app registration.
        credential: What the app signs in with.
        authority_url: The sign-in host without the tenant.
        graph_url: The Graph root with its version.
        ca_file: A PEM file with the only certificate authorities to trust, None for the usual ones.
    """

    tenant_id: str
    client_id: str
    credential: ClientSecret | ClientCertificate
    authority_url: str
    graph_url: str
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        """Trim what people paste, and refuse addresses that a secret must not be sent to."""
        for name, value in (
            ("tenant_id", self.tenant_id.strip()),
            ("client_id", self.client_id.strip()),
            ("authority_url", checked_address(self.authority_url, name="sign-in address")),
            ("graph_url", checked_address(self.graph_url, name="Graph address")),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def for_cloud(
        cls,
        cloud: str = "global",
        *,
        tenant_id: str,
        client_id: str,
        credential: ClientSecret | ClientCertificate,
        authority_url: str | None = None,
        graph_url: str | None = None,
        ca_file: Path | None = None,
    ) -> Self:
        """Return the settings for a national cloud; an address given outright wins over the cloud's.

        Raises:
            Invalid: There is no such cloud, or an address is not a plain https one.
        """
        authority, graph = addresses(cloud, authority_url=authority_url, graph_url=graph_url)
        return cls(tenant_id, client_id, credential, authority, graph, ca_file)
