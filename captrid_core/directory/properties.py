"""The directory properties of a user that can be mapped to fields of a Master List.

The table holds what `GET /users` returns in a collection with the application permissions
User.Read.All and GroupMember.Read.All alone ("user resource type", "List users"). Left out are
properties of single objects only (aboutMe, birthday, skills …), those that need a further
permission (signInActivity, employeeLeaveDateTime, customSecurityAttributes) and collections of
objects (assignedLicenses, identities …), which fit no field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Literal

from captrid_core.errors import Invalid

PropertyGroup = Literal[
    "Identity", "Contact", "Organisation", "Account", "On-Premises", "Extension Attributes", "Custom"
]
PropertyKind = Literal["text", "boolean", "number", "date", "datetime", "collection"]


@dataclass(frozen=True, slots=True)
class DirectoryProperty:
    """One mappable property: its path in a user object, what people call it, and what it holds."""

    path: str
    label: str
    group: PropertyGroup
    kind: PropertyKind = "text"


def _table(group: PropertyGroup, rows: str) -> list[DirectoryProperty]:
    """Read lines of `path | label | kind`; without a kind it is text."""
    found: list[DirectoryProperty] = []
    for row in rows.strip().splitlines():
        path, label, *kind = (cell.strip() for cell in row.split("|"))
        found.append(DirectoryProperty(path, label, group, kind[0] if kind else "text"))  # type: ignore[arg-type]
    return found


_EXTENSION_ATTRIBUTES = "\n".join(
    f"onPremisesExtensionAttributes/extensionAttribute{number} | Extension attribute {number}"
    for number in range(1, 16)
)

PROPERTIES: Final[tuple[DirectoryProperty, ...]] = (
    *_table(
        "Identity",
        """
        employeeId | Employee ID
        id | Object ID
        userPrincipalName | User principal name
        displayName | Display name
        givenName | Given name
        surname | Surname
        mailNickname | Mail nickname
        preferredLanguage | Preferred language
        ageGroup | Age group
        consentProvidedForMinor | Consent provided for minor
        legalAgeGroupClassification | Legal age group
        securityIdentifier | Security identifier (SID)
        """,
    ),
    *_table(
        "Contact",
        """
        mail | Email
        otherMails | Other emails | collection
        proxyAddresses | Proxy addresses | collection
        imAddresses | Instant messaging addresses | collection
        businessPhones | Business phones | collection
        mobilePhone | Mobile phone
        faxNumber | Fax number
        streetAddress | Street address
        city | City
        state | State or province
        postalCode | Postal code
        country | Country or region
        """,
    ),
    *_table(
        "Organisation",
        """
        jobTitle | Job title
        department | Department
        companyName | Company name
        officeLocation | Office location
        employeeType | Employee type
        employeeHireDate | Hire date | date
        employeeOrgData/division | Division
        employeeOrgData/costCenter | Cost centre
        manager/displayName | Manager’s name
        manager/mail | Manager’s email
        manager/id | Manager’s object ID
        """,
    ),
    *_table(
        "Account",
        """
        accountEnabled | Account enabled | boolean
        userType | User type
        creationType | Creation type
        createdDateTime | Created | datetime
        lastPasswordChangeDateTime | Last password change | datetime
        signInSessionsValidFromDateTime | Sign-in sessions valid from | datetime
        passwordPolicies | Password policies
        usageLocation | Usage location
        preferredDataLocation | Preferred data location
        externalUserState | Guest invitation state
        externalUserStateChangeDateTime | Guest invitation state changed | datetime
        """,
    ),
    *_table(
        "On-Premises",
        """
        onPremisesSyncEnabled | Synced from on-premises | boolean
        onPremisesSamAccountName | SAM account name
        onPremisesUserPrincipalName | On-premises user principal name
        onPremisesDomainName | On-premises domain
        onPremisesDistinguishedName | Distinguished name
        onPremisesImmutableId | Immutable ID
        onPremisesSecurityIdentifier | On-premises security identifier (SID)
        onPremisesLastSyncDateTime | Last on-premises sync | datetime
        """,
    ),
    *_table("Extension Attributes", _EXTENSION_ATTRIBUTES),
)

_BY_PATH: Final = {known.path: known for known in PROPERTIES}
_CUSTOM: Final = re.compile(r"extension_[0-9a-f]{32}_(?P<name>[A-Za-z_][A-Za-z0-9_]{0,99})", re.IGNORECASE)
_MANAGER: Final = "manager"


def parse_property(path: str) -> DirectoryProperty:
    """Return what is known of the property at `path`; directory extensions are taken as they come.

    Raises:
        Invalid: No mappable property goes by that path.
    """
    known = _BY_PATH.get(path)
    if known is not None:
        return known
    custom = _CUSTOM.fullmatch(path)
    if custom is not None:
        return DirectoryProperty(path, custom["name"], "Custom")
    near = _near(path)
    raise Invalid(
        f"“{path}” is no property that can be mapped.",
        hint=f"Did you mean {' or '.join(near)}?"
        if near
        else "Use a property's name as Microsoft Graph writes it, such as employeeId, "
        "onPremisesExtensionAttributes/extensionAttribute1 or manager/mail.",
    )


def select_and_expand(paths: Iterable[str]) -> tuple[tuple[str, ...], bool]:
    """Return the members to name in `$select`, `id` first, and whether the manager has to be expanded.

    Raises:
        Invalid: One of the paths is no mappable property.
    """
    members = {"id": None}  # a dict keeps the order and each member once
    expand = False
    for path in paths:
        member = parse_property(path).path.partition("/")[0]
        if member == _MANAGER:
            expand = True
        else:
            members[member] = None
    return tuple(members), expand


def value_at(user: dict[str, Any], path: str) -> Any:
    """Return what a user object holds at `path`, None where any step of it is missing."""
    value: Any = user
    for step in path.split("/"):
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _near(path: str) -> list[str]:
    """Return up to three known paths that `path` may have been meant to be, the likeliest first."""
    folded = {known.casefold(): known for known in _BY_PATH}
    for known in _BY_PATH:  # the last step alone is what people remember: extensionAttribute3, division
        if known.partition("/")[0] != _MANAGER:
            folded.setdefault(known.rpartition("/")[2].casefold(), known)
    wanted = path.strip().casefold()
    if wanted in folded:
        return [folded[wanted]]
    return list(dict.fromkeys(folded[hit] for hit in get_close_matches(wanted, folded, n=3, cutoff=0.6)))
