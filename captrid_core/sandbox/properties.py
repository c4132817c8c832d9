"""The properties of users and groups: their types, and which come without being asked for.

Types and nullability are those of the v1.0 schema (Microsoft Graph metadata, v1.0 CSDL); the
default sets and the single-object-only properties are those of "List users" in the Microsoft
Graph reference.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Type(StrEnum):
    """How a property's value looks in JSON."""

    STRING = "string"
    BOOLEAN = "boolean"
    MOMENT = "date and time"
    TEXTS = "strings"
    OBJECT = "object"
    OBJECTS = "objects"


def _names(names: str) -> tuple[str, ...]:
    return tuple(names.split())


def _table(kind: Type, names: str) -> dict[str, Type]:
    return dict.fromkeys(_names(names), kind)


USER: Final[dict[str, Type]] = {
    **_table(
        Type.STRING,
        "ageGroup city companyName consentProvidedForMinor country creationType department displayName "
        "employeeId employeeType externalUserState faxNumber givenName id jobTitle "
        "legalAgeGroupClassification mail mailNickname mobilePhone officeLocation "
        "onPremisesDistinguishedName onPremisesDomainName onPremisesImmutableId onPremisesSamAccountName "
        "onPremisesSecurityIdentifier onPremisesUserPrincipalName passwordPolicies postalCode "
        "preferredDataLocation preferredLanguage securityIdentifier state streetAddress surname "
        "usageLocation userPrincipalName userType",
    ),
    **_table(
        Type.BOOLEAN,
        "accountEnabled isManagementRestricted isResourceAccount onPremisesSyncEnabled showInAddressList",
    ),
    **_table(
        Type.MOMENT,
        "createdDateTime deletedDateTime employeeHireDate employeeLeaveDateTime "
        "externalUserStateChangeDateTime lastPasswordChangeDateTime onPremisesLastSyncDateTime "
        "signInSessionsValidFromDateTime",
    ),
    **_table(Type.TEXTS, "businessPhones imAddresses otherMails proxyAddresses"),
    **_table(Type.OBJECT, "employeeOrgData onPremisesExtensionAttributes passwordProfile signInActivity"),
    **_table(
        Type.OBJECTS,
        "assignedLicenses assignedPlans identities licenseAssignmentStates onPremisesProvisioningErrors "
        "provisionedPlans serviceProvisioningErrors",
    ),
}

GROUP: Final[dict[str, Type]] = {
    **_table(
        Type.STRING,
        "classification description displayName id mail mailNickname membershipRule "
        "membershipRuleProcessingState onPremisesDomainName onPremisesNetBiosName "
        "onPremisesSamAccountName onPremisesSecurityIdentifier preferredDataLocation preferredLanguage "
        "securityIdentifier theme uniqueName visibility",
    ),
    **_table(Type.BOOLEAN, "isAssignableToRole mailEnabled onPremisesSyncEnabled securityEnabled"),
    **_table(
        Type.MOMENT,
        "createdDateTime deletedDateTime expirationDateTime onPremisesLastSyncDateTime renewedDateTime",
    ),
    **_table(Type.TEXTS, "groupTypes proxyAddresses resourceBehaviorOptions resourceProvisioningOptions"),
    **_table(Type.OBJECTS, "assignedLabels assignedLicenses onPremisesProvisioningErrors"),
}

DEVICE: Final[dict[str, Type]] = {
    **_table(Type.STRING, "deviceId displayName id operatingSystem operatingSystemVersion"),
    **_table(Type.BOOLEAN, "accountEnabled"),
}

USER_DEFAULTS: Final = _names(
    "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage "
    "surname userPrincipalName id"
)
GROUP_DEFAULTS: Final = _names(
    "id deletedDateTime classification createdDateTime description displayName expirationDateTime "
    "groupTypes isAssignableToRole mail mailEnabled mailNickname membershipRule "
    "membershipRuleProcessingState onPremisesDomainName onPremisesLastSyncDateTime "
    "onPremisesNetBiosName onPremisesSamAccountName onPremisesSecurityIdentifier "
    "onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses renewedDateTime "
    "resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier theme "
    "visibility onPremisesProvisioningErrors"
)
DEVICE_DEFAULTS: Final = tuple(DEVICE)

# Answered for one user alone; in a collection Graph says 501 Not Implemented (List users).
SINGLE_USER_ONLY: Final = frozenset(
    _names(
        "aboutMe birthday hireDate interests mailboxSettings mySite pastProjects preferredName "
        "responsibilities schools skills"
    )
)

# Readable only with a further application permission (Microsoft Graph, user resource type).
FURTHER_PERMISSION: Final = {
    "employeeLeaveDateTime": "User-LifeCycleInfo.Read.All",
    "signInActivity": "AuditLog.Read.All",
}

# Filtered on only with ConsistencyLevel: eventual and $count=true ("Advanced query capabilities").
ADVANCED_ONLY: Final = frozenset(
    _names(
        "mobilePhone officeLocation onPremisesExtensionAttributes onPremisesSamAccountName postalCode "
        "preferredLanguage streetAddress"
    )
)

EXTENSION_ATTRIBUTES: Final = tuple(f"extensionAttribute{number}" for number in range(1, 16))

MEMBERS_OF_OBJECTS: Final = {
    "onPremisesExtensionAttributes": EXTENSION_ATTRIBUTES,
    "employeeOrgData": ("division", "costCenter"),
}

# extension_<appId without hyphens>_<name>: a directory extension, an open member of the user.
_DIRECTORY_EXTENSION = re.compile(r"extension_[0-9a-fA-F]{32}_\w+", re.ASCII)


def is_directory_extension(name: str) -> bool:
    """Tell whether a property name is that of a directory extension."""
    return _DIRECTORY_EXTENSION.fullmatch(name) is not None


def is_collection(kind: Type) -> bool:
    """Tell whether an unset property of this type is an empty list and not null."""
    return kind in {Type.TEXTS, Type.OBJECTS}
