"""The catalogue of properties that can be mapped."""

from __future__ import annotations

import pytest

from captrid_core.directory.properties import (
    PROPERTIES,
    DirectoryProperty,
    parse_property,
    select_and_expand,
    value_at,
)
from captrid_core.errors import Invalid

EXTENSION = "extension_0123456789abcdef0123456789abcdef_houseColour"


def test_the_catalogue_has_each_property_once_in_the_groups_that_people_know():
    assert len({known.path for known in PROPERTIES}) == len(PROPERTIES)
    assert len({known.label for known in PROPERTIES}) == len(PROPERTIES)
    assert list(dict.fromkeys(known.group for known in PROPERTIES)) == [
        "Identity",
        "Contact",
        "Organisation",
        "Account",
        "On-Premises",
        "Extension Attributes",
    ]
    kinds = {"text", "boolean", "number", "date", "datetime", "collection"}
    assert {known.kind for known in PROPERTIES} <= kinds


@pytest.mark.parametrize(
    ("path", "group", "kind"),
    [
        ("employeeId", "Identity", "text"),
        ("mail", "Contact", "text"),
        ("businessPhones", "Contact", "collection"),
        ("department", "Organisation", "text"),
        ("employeeHireDate", "Organisation", "date"),
        ("employeeOrgData/costCenter", "Organisation", "text"),
        ("manager/displayName", "Organisation", "text"),
        ("accountEnabled", "Account", "boolean"),
        ("createdDateTime", "Account", "datetime"),
        ("onPremisesSamAccountName", "On-Premises", "text"),
        ("onPremisesExtensionAttributes/extensionAttribute15", "Extension Attributes", "text"),
    ],
)
def test_a_known_property_has_a_group_and_a_kind(path, group, kind):
    known = parse_property(path)

    assert (known.path, known.group, known.kind) == (path, group, kind)


def test_a_directory_extension_is_custom():
    assert parse_property(EXTENSION) == DirectoryProperty(EXTENSION, "houseColour", "Custom", "text")


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("employeeID", "employeeId"),
        ("employeId", "employeeId"),
        ("extensionAttribute3", "onPremisesExtensionAttributes/extensionAttribute3"),
        ("division", "employeeOrgData/division"),
        (" mail ", "mail"),
        ("manager/email", "manager/mail"),
    ],
)
def test_a_misspelt_property_is_answered_with_the_likely_one(path, near):
    with pytest.raises(Invalid) as caught:
        parse_property(path)

    assert near in caught.value.hint


@pytest.mark.parametrize(
    "path",
    [
        "",
        "aboutMe",
        "signInActivity",
        "onPremisesExtensionAttributes",
        "manager",
        "extension_12_x",
        "mail/x",
        "a&$top=1",
    ],
)
def test_what_a_full_read_cannot_return_is_no_mappable_property(path):
    with pytest.raises(Invalid):
        parse_property(path)


def test_members_are_selected_once_and_the_manager_is_expanded():
    paths = [
        "mail",
        "id",
        "manager/mail",
        "onPremisesExtensionAttributes/extensionAttribute1",
        "onPremisesExtensionAttributes/extensionAttribute2",
        "manager/id",
        EXTENSION,
    ]

    assert select_and_expand(paths) == (("id", "mail", "onPremisesExtensionAttributes", EXTENSION), True)
    assert select_and_expand([]) == (("id",), False)


def test_a_value_is_found_at_its_path():
    user = {"mail": "a", "manager": None, "employeeOrgData": {"division": "North"}}

    assert value_at(user, "mail") == "a"
    assert value_at(user, "employeeOrgData/division") == "North"
    assert value_at(user, "manager/mail") is None
    assert value_at(user, "mail/x") is None
    assert value_at(user, "surname") is None
