from __future__ import annotations

from typing import Any

import pytest

from captrid_core.sandbox import Sandbox

from .conftest import Cli

DEFAULT_MAPPING = {
    "employeeId": "employee_id",
    "givenName": "first_name",
    "surname": "last_name",
    "mail": "email",
    "jobTitle": "job_title",
    "department": "department",
}


def field(key: str, label: str, kind: str = "text", *options: str) -> dict[str, Any]:
    return {"key": key, "label": label, "type": kind, "required": False, "options": list(options)}


def mapping_of(cli: Cli, name: str = "Staff") -> dict[str, str]:
    return dict(cli.json("lists", "show", name)["sync"]["mapping"])


def types_of(cli: Cli, name: str = "Staff") -> dict[str, str]:
    return {one["key"]: one["type"] for one in cli.json("fields", name)}


def test_a_list_with_a_directory_is_created_by_the_auto_mapping(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)

    made = cli.json("lists", "create", "Staff", "--connection", "Entra", "--uid", "employeeId")

    assert made.pop("created_at").endswith("Z")
    assert made.pop("archived_at") is None
    assert made == {
        "id": "1",
        "name": "Staff",
        "uid_field": "employee_id",
        "connected": True,
        "total": 0,
        "active": 0,
        "synced": 0,
        "fields": [
            field("employee_id", "Employee id"),
            field("first_name", "First name"),
            field("last_name", "Last name"),
            field("email", "Email", "email"),
            field("job_title", "Job title"),
            field("department", "Department"),
        ],
        "sync": {
            "connection": "Entra",
            "connection_id": "1",
            "scope": "all_users",
            "group_id": None,
            "group": None,
            "nested": False,
            "uid": "employeeId",
            "mapping": DEFAULT_MAPPING,
            "exclude_guests": False,
            "exclude_disabled": False,
            "on_uid_change": "new-person",
            "max_deactivate_percent": 10.0,
            "max_deactivate_count": 5,
            "max_blank_percent": 25.0,
            "max_blank_count": 5,
            "tenant_id": None,
            "full_needed": "this is its first sync",
            "delta_link_at": None,
        },
        "last_run": None,
    }
    assert (
        cli.json("lists", "list") == [cli.json("lists", "show", "staff")] == [cli.json("lists", "show", "1")]
    )
    assert "never" in cli("lists", "list").out
    assert "All users" in cli("lists", "show", "Staff").out


def test_a_mapping_that_is_given_takes_the_place_of_the_automatic_one(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    cli(
        "lists", "create", "Staff", "--connection", "Entra", "--uid", "onPremisesSamAccountName",
        "--map", "mail=address", "--map", "employeeHireDate=hired", "--map", "manager/mail=boss",
        "--map", "onPremisesExtensionAttributes/extensionAttribute2=house",
        "--field", "house:dropdown=Wattle,Ironbark", "--field", "notes",
    )  # fmt: skip
    assert mapping_of(cli) == {
        "onPremisesSamAccountName": "on_premises_sam_account_name",
        "mail": "address",
        "employeeHireDate": "hired",
        "manager/mail": "boss",
        "onPremisesExtensionAttributes/extensionAttribute2": "house",
    }
    assert types_of(cli) == {
        "on_premises_sam_account_name": "text",
        "address": "email",
        "hired": "date",
        "boss": "email",
        "house": "dropdown",
        "notes": "text",
    }


@pytest.mark.parametrize(
    ("uid", "options", "mapping", "uid_field"),
    [
        ("mail", [], DEFAULT_MAPPING, "email"),
        ("employeeId", ["--map", "employeeId=staff_no"], {"employeeId": "staff_no"}, "staff_no"),
        ("id", ["--map", "mail=email"], {"id": "id", "mail": "email"}, "id"),
        ("createdDateTime", ["--map", "mail=email"], {"createdDateTime": "created_date_time", "mail": "email"},
         "created_date_time"),
    ],
)  # fmt: skip
def test_the_uid_fields_key_is_the_usual_one_unless_it_is_mapped(
    cli: Cli, sandbox: Sandbox, uid: str, options: list[str], mapping: dict[str, str], uid_field: str
) -> None:
    cli.connect(sandbox)
    made = cli.json("lists", "create", "Staff", "--connection", "Entra", "--uid", uid, *options)
    assert (made["uid_field"], made["sync"]["uid"], made["sync"]["mapping"]) == (uid_field, uid, mapping)
    assert types_of(cli)[uid_field] == ("email" if uid == "mail" else "text")


def test_a_group_is_the_scope_by_its_id_or_exact_name(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    group = next(one for one in cli.json("groups", "Entra") if one["members"])
    base = ["--connection", "Entra", "--uid", "employeeId", "--group"]

    by_name = cli.json("lists", "create", "A", *base, group["name"], "--nested")["sync"]
    by_id = cli.json("lists", "create", "B", *base, group["id"])["sync"]

    assert (by_name["scope"], by_name["group_id"], by_name["group"], by_name["nested"]) == (
        "group",
        group["id"],
        group["name"],
        True,
    )
    assert by_id == {**by_name, "nested": False}
    assert group["name"] in cli("lists", "show", "A").out
    assert cli.error("lists", "create", "C", *base, "no such group")["code"] == "group_not_found"
    assert [one["name"] for one in cli.json("lists", "list")] == ["A", "B"]


def test_all_settings_of_a_sync_can_be_given(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    made = cli.json(
        "lists", "create", "Staff", "--connection", "1", "--uid", "employeeId", "--exclude-guests",
        "--exclude-disabled", "--on-uid-change", "same-person", "--max-deactivate-percent", "7.5",
        "--max-deactivate-count", "3", "--max-blank-percent", "50", "--max-blank-count", "9",
    )["sync"]  # fmt: skip
    chosen = {name: made[name] for name in made if name.startswith(("exclude", "on_", "max_"))}
    assert chosen == {
        "exclude_guests": True,
        "exclude_disabled": True,
        "on_uid_change": "same-person",
        "max_deactivate_percent": 7.5,
        "max_deactivate_count": 3,
        "max_blank_percent": 50.0,
        "max_blank_count": 9,
    }


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--connection", "Nobody", "--uid", "employeeId"], "not_found"),
        (["--connection", "Entra", "--uid", "emploeeId"], "invalid"),
        (["--connection", "Entra", "--uid", "employeeId", "--map", "nonsense=a"], "invalid"),
        (["--connection", "Entra", "--uid", "employeeId", "--map", "mail=Not A Key"], "invalid"),
        (["--connection", "Entra", "--uid", "employeeId", "--map", "mail=a", "--map", "surname=a"], "invalid"),
        (["--connection", "Entra", "--uid", "employeeId", "--map", "mail=employee_id"], "invalid"),
        (["--uid-field", "age", "--field", "age:number"], "invalid"),
        (["--uid-field", "code", "--field", "a", "--field", "a"], "invalid"),
        (["--uid-field", "code", "--field", "a:dropdown="], "invalid"),
    ],
)  # fmt: skip
def test_what_does_not_hold_together_is_refused(
    cli: Cli, sandbox: Sandbox, options: list[str], code: str
) -> None:
    cli.connect(sandbox)
    assert cli.error("lists", "create", "Staff", *options)["code"] == code
    assert cli.json("lists", "list") == []


@pytest.mark.parametrize(
    "options",
    [
        ["--connection", "Entra", "--uid", "employeeId", "--map", "mail"],
        ["--connection", "Entra", "--uid", "employeeId", "--map", "mail=a", "--map", "mail=b"],
        ["--connection", "Entra", "--uid", "employeeId", "--uid-field", "code"],
        ["--connection", "Entra", "--uid", "employeeId", "--nested"],
        ["--uid-field", "code", "--map", "mail=email"],
    ],
)
def test_options_that_contradict_are_wrong_usage(cli: Cli, sandbox: Sandbox, options: list[str]) -> None:
    cli.connect(sandbox)
    cli("lists", "create", "Staff", *options, status=2)


def test_a_list_without_a_directory(by_hand: Cli) -> None:
    made = by_hand.json("lists", "show", "Guests")
    assert (made["uid_field"], made["connected"], made["sync"]) == ("code", False, None)
    assert by_hand.error("lists", "create", "guests", "--uid-field", "code")["code"] == "already_exists"
    assert by_hand.error("sync", "Guests")["code"] == "not_connected"
    assert by_hand.error("lists", "disconnect", "Guests")["code"] == "not_connected"
    assert by_hand.error("lists", "show", "Nobody")["code"] == "not_found"
    assert "not connected" in by_hand("lists", "show", "Guests").out


def test_fields_are_shown_and_added(by_hand: Cli) -> None:
    added = by_hand.json("fields", "add", "Guests", "colour:dropdown=Red, Green,Red")
    assert added == field("colour", "Colour", "dropdown", "Red", "Green")
    by_hand("fields", "add", "Guests", "born:date")
    by_hand("fields", "add", "Guests", "nick")

    assert by_hand.json("fields", "Guests") == [
        field("code", "Code"),
        field("name", "Name"),
        field("age", "Age", "number"),
        field("house", "House", "dropdown", "Red", "Blue"),
        added,
        field("born", "Born", "date"),
        field("nick", "Nick"),
    ]
    assert "dropdown: Red, Green" in by_hand("fields", "Guests").out
    assert by_hand.error("fields", "add", "Guests", "nick")["code"] == "already_exists"
    assert by_hand.error("fields", "add", "Guests", "Nick Name")["code"] == "invalid"
    assert by_hand.error("fields", "Nobody")["code"] == "not_found"


def test_configuring_keeps_what_is_not_given(staff: Cli) -> None:
    before = staff.json("lists", "show", "Staff")

    after = staff.json("lists", "configure", "Staff", "--max-deactivate-count", "7", "--exclude-guests")

    changed = {"max_deactivate_count": 7, "exclude_guests": True, "full_needed": "its filters changed"}
    assert after == {**before, "sync": {**before["sync"], **changed}}
    staff("lists", "configure", "Staff", status=2)
    again = staff.json("lists", "configure", "Staff", "--include-guests", "--max-deactivate-count", "5")
    assert again == {**before, "sync": {**before["sync"], "full_needed": "its filters changed"}}


def test_mappings_are_added_replaced_and_taken_away(staff: Cli) -> None:
    staff(
        "lists", "configure", "Staff",
        "--map", "employeeHireDate=hired", "--map", "mail=address", "--unmap", "jobTitle",
    )  # fmt: skip
    assert mapping_of(staff) == {
        "employeeId": "employee_id",
        "givenName": "first_name",
        "surname": "last_name",
        "mail": "address",
        "department": "department",
        "employeeHireDate": "hired",
    }
    assert types_of(staff)["hired"] == "date"
    assert "job_title" in types_of(staff)
    assert staff.error("lists", "configure", "Staff", "--unmap", "jobTitle")["code"] == "invalid"
    assert staff.error("lists", "configure", "Staff", "--unmap", "employeeId")["code"] == "invalid"
    assert staff.error("lists", "configure", "Staff", "--map", "mail=department")["code"] == "invalid"


def test_another_uid_feeds_the_same_uid_field(staff: Cli) -> None:
    sync = staff.json("lists", "configure", "Staff", "--uid", "mail")["sync"]
    assert (sync["uid"], sync["mapping"]["mail"]) == ("mail", "employee_id")
    assert "employeeId" not in sync["mapping"]


def test_a_list_is_connected_later_by_matching_names(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    cli(
        "lists", "create", "Guests", "--uid-field", "code",
        "--field", "first_name", "--field", "Department".lower(), "--field", "mobile", "--field", "notes",
    )  # fmt: skip
    cli("lists", "configure", "Guests", "--connection", "Entra", status=2)
    cli(
        "lists",
        "configure",
        "Guests",
        "--connection",
        "Entra",
        "--uid",
        "employeeId",
        "--unmap",
        "mail",
        status=2,
    )

    cli("lists", "configure", "Guests", "--connection", "Entra", "--uid", "employeeId")

    assert mapping_of(cli, "Guests") == {
        "employeeId": "code",
        "givenName": "first_name",
        "department": "department",
        "mobilePhone": "mobile",
    }
    assert cli.json("lists", "show", "Guests")["connected"] is True


def test_disconnecting_keeps_people_and_reconnecting_links_them(staff: Cli) -> None:
    """Rule R37."""
    created = staff.json("sync", "Staff")["created"]
    uid = staff.json("people", "Staff")[0]["uid"]
    assert staff.error("person", "set", "Staff", uid, "first_name=Zoe")["code"] == "field_locked"

    gone = staff.json("lists", "disconnect", "Staff")

    assert (gone["connected"], gone["total"], gone["synced"]) == (False, created, 0)
    assert staff.json("person", "set", "Staff", uid, "first_name=Zoe")["fields"]["first_name"] == "Zoe"
    assert staff.error("sync", "Staff")["code"] == "not_connected"

    again = staff.json("lists", "configure", "Staff")
    assert (again["connected"], again["sync"]["mapping"]) == (True, gone["sync"]["mapping"])
    run = staff.json("sync", "Staff")
    assert (run["created"], run["updated"], run["unchanged"]) == (0, 1, created - 1)


def test_a_list_whose_connection_is_gone_takes_another(staff: Cli, sandbox: Sandbox) -> None:
    staff("connections", "remove", "Entra", "--disconnect-lists")
    assert staff.error("lists", "configure", "Staff", "--exclude-guests")["code"] == "not_found"
    staff.connect(sandbox, name="Other")
    assert staff.json("lists", "configure", "Staff", "--connection", "Other")["sync"]["connection"] == "Other"


def test_a_group_can_be_taken_for_all_users_again(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    group = next(one for one in cli.json("groups", "Entra") if one["members"])
    cli(
        "lists",
        "create",
        "Staff",
        "--connection",
        "Entra",
        "--uid",
        "employeeId",
        "--group",
        group["id"],
        "--nested",
    )

    direct = cli.json("lists", "configure", "Staff", "--direct")["sync"]
    assert (direct["group_id"], direct["nested"]) == (group["id"], False)
    everyone = cli.json("lists", "configure", "Staff", "--all-users")["sync"]
    assert (everyone["scope"], everyone["group_id"], everyone["group"]) == ("all_users", None, None)
    cli("lists", "configure", "Staff", "--all-users", "--group", group["id"], status=2)
    cli("lists", "configure", "Staff", "--nested", status=2)


def test_a_list_is_renamed_archived_and_deleted(by_hand: Cli) -> None:
    by_hand("person", "add", "Guests", "code=g1")
    assert by_hand.json("lists", "rename", "Guests", "Visitors")["name"] == "Visitors"
    assert by_hand.error("lists", "delete", "Visitors", "--confirm", "Visitors")["code"] == "not_archived"

    assert by_hand.json("lists", "archive", "Visitors")["archived_at"].endswith("Z")

    assert by_hand.json("lists", "list") == []
    assert [one["name"] for one in by_hand.json("lists", "list", "--archived")] == ["Visitors"]
    assert by_hand.json("lists", "reinstate", "Visitors")["archived_at"] is None
    by_hand("lists", "archive", "Visitors")
    assert by_hand.json("lists", "delete", "Visitors", "--confirm", "Visitors") == {
        "deleted": "Visitors",
        "people": 1,
    }
    assert by_hand.error("lists", "show", "Visitors")["code"] == "not_found"


def test_an_archived_list_is_not_synced(staff: Cli) -> None:
    staff("sync", "Staff")
    staff("lists", "archive", "Staff")
    assert staff.error("sync", "Staff")["code"] == "not_connected"
    assert staff.error("lists", "configure", "Staff", "--all-users")["code"] == "invalid"
    staff("lists", "reinstate", "Staff")
    assert staff.json("lists", "configure", "Staff", "--all-users")["connected"]


def test_a_field_is_changed(by_hand: Cli) -> None:
    by_hand("person", "add", "Guests", "code=g1", "house=Red")
    changed = by_hand.json("fields", "change", "Guests", "house", "--label", "College house", "--required")
    assert (changed["label"], changed["required"], changed["type"]) == ("College house", True, "dropdown")
    assert by_hand.json("fields", "change", "Guests", "house:text", "--optional")["type"] == "text"
    assert by_hand.error("fields", "change", "Guests", "house:number")["code"] == "bad_value"


def test_a_field_that_the_directory_feeds_keeps_its_type(staff: Cli) -> None:
    assert staff.error("fields", "change", "Staff", "department:email")["code"] == "invalid"
