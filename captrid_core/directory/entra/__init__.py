"""Microsoft Entra ID as a directory: sign-in with MSAL, reading with Microsoft Graph.

`EntraDirectory` is loaded when it is first asked for, and MSAL when it first signs in, so that
commands which need no directory do not wait for either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from captrid_core.directory.entra.clouds import CLOUDS, Cloud
from captrid_core.directory.entra.settings import ClientCertificate, ClientSecret, EntraSettings

if TYPE_CHECKING:
    from captrid_core.directory.entra.adapter import EntraDirectory

__all__ = ["CLOUDS", "ClientCertificate", "ClientSecret", "Cloud", "EntraDirectory", "EntraSettings"]


def __getattr__(name: str) -> Any:
    if name == "EntraDirectory":
        from captrid_core.directory.entra.adapter import EntraDirectory

        return EntraDirectory
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
