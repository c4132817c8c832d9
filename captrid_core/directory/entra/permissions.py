"""What the app was granted, read from its token, and what each permission includes.

An access token is meant for Graph alone; its content is used here only to say early and plainly
what is missing. Graph itself would answer the members of a group without User.Read.All with 200
and nulls ("List group members"), which must never be taken for people's data.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

from captrid_core.errors import ConsentMissing, PermissionMissing

READ_USERS: Final = "User.Read.All"
READ_GROUPS: Final = "GroupMember.Read.All"

_DIRECTORY: Final = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
# Which application permissions allow what a smaller one does ("Microsoft Graph permissions reference").
_INCLUDED_IN: Final[dict[str, frozenset[str]]] = {
    READ_USERS: frozenset({READ_USERS, "User.ReadWrite.All"}) | _DIRECTORY,
    READ_GROUPS: frozenset(
        {READ_GROUPS, "GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"},
    )
    | _DIRECTORY,
}


@dataclass(frozen=True, slots=True)
class Grant:
    """Whom a token speaks for: the tenant, and the application permissions; None where it does not say."""

    tenant_id: str | None
    permissions: tuple[str, ...] | None

    def require(self, permission: str) -> None:
        """Refuse to go on without `permission` or a greater one that includes it.

        A token that cannot be read passes: then Graph's own answer decides.

        Raises:
            ConsentMissing: No permission was granted at all.
            PermissionMissing: Others were, but not this one.
        """
        if self.permissions is None:
            return
        if not self.permissions:
            raise ConsentMissing(
                "The sign-in worked, but the app has no application permission that is consented to."
            )
        if not self.covers(permission):
            raise PermissionMissing(permission)

    def covers(self, permission: str) -> bool:
        """Tell whether `permission`, or one that includes it, is among those granted."""
        return bool(_INCLUDED_IN.get(permission, {permission}) & set(self.permissions or ()))


def read_grant(token: str) -> Grant:
    """Return what `token` says of itself, without verifying it: it is for showing, not for trusting."""
    claims = _claims(token)
    if claims is None:
        return Grant(tenant_id=None, permissions=None)
    tenant = claims.get("tid")
    roles = claims.get("roles", [])
    return Grant(
        tenant_id=tenant if isinstance(tenant, str) else None,
        permissions=tuple(sorted(str(role) for role in roles)) if isinstance(roles, list) else None,
    )


def _claims(token: str) -> dict[str, Any] | None:
    """Return the middle part of a JWT, or None for a token that is no readable JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    return claims if isinstance(claims, dict) else None
