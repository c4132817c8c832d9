from __future__ import annotations

from typing import Any

from captrid_core.sandbox import Sandbox

from .conftest import Cli


def person(number: str, code: str, **other: Any) -> dict[str, Any]:
    fields = {"code": code, "name": None, "age": None, "house": None, **other.pop("fields", {})}
    return {
        "person_id": number,
        "uid": code,
        "status": "active",
        "origin": "manual",
        "managed": False,
        "exception": False,
        "fields": fields,
        **other,
    }


def test_people_are_added_listed_and_found(by_hand: Cli) -> None:
    added = by_hand.json("person", "add", "Guests", "code=g1", "name= Zoë = Ö ", "age=5", "house=Red")
    assert added == person("1", "g1", fields={"name": "Zoë = Ö", "age": 5, "house": "Red"})
    by_hand("person", "add", "Guests", "code=g2", "age=1.5")

    assert by_hand.json("people", "Guests") == [added, person("2", "g2", fields={"age": 1.5})]
    assert by_hand.json("people", "Guests", "--search", "zoë") == [added]
    assert by_hand.json("people", "Guests", "--limit", "1") == [added]
    assert "Zoë = Ö" in by_hand("people", "Guests").out
    assert by_hand("people", "Guests", "--search", "nobody").out == "Nobody.\n"


def test_what_does_not_fit_is_refused_and_nothing_is_written(by_hand: Cli) -> None:
    by_hand("person", "add", "Guests", "code=g1")
    before = by_hand.json("people", "Guests", "--status", "all")
    assert by_hand.error("person", "add", "Guests", "code=g1")["code"] == "duplicate_uid"
    assert by_hand.error("person", "add", "Guests", "code= ")["code"] == "missing_uid"
    assert by_hand.error("person", "add", "Guests", "code=g2", "age=five")["code"] == "bad_value"
    assert by_hand.error("person", "set", "Guests", "g1", "name=A", "house=Green")["code"] == "bad_value"
    assert by_hand.error("person", "set", "Guests", "g1", "nick=A")["code"] == "invalid"
    assert by_hand.error("person", "set", "Guests", "g9", "name=A")["code"] == "not_found"
    assert by_hand.error("people", "Nobody")["code"] == "not_found"
    assert by_hand.json("people", "Guests", "--status", "all") == before


def test_fields_are_set_and_made_blank(by_hand: Cli) -> None:
    by_hand("person", "add", "Guests", "code=g1", "name=Zoë", "age=5")
    set_ = by_hand.json("person", "set", "Guests", "g1", "age=", "name=Bo")
    assert set_ == person("1", "g1", fields={"name": "Bo"})
    assert "Saved." in by_hand("person", "set", "Guests", "g1", "name=Bo").out


def test_the_status_is_changed_by_hand(by_hand: Cli) -> None:
    by_hand("person", "add", "Guests", "code=g1")
    inactive = person("1", "g1", status="inactive")
    assert by_hand.json("person", "deactivate", "Guests", "g1") == inactive
    assert by_hand.json("people", "Guests") == []
    assert by_hand.json("people", "Guests", "--status", "inactive") == [inactive]
    assert by_hand.json("people", "Guests", "--status", "all") == [inactive]
    assert by_hand.json("person", "reactivate", "Guests", "g1") == person("1", "g1")
    assert by_hand.error("person", "release", "Guests", "g1")["code"] == "invalid"


def test_staff_outrank_the_sync_until_they_release(staff: Cli) -> None:
    """Rule R21."""
    staff("sync", "Staff")
    uid = staff.json("people", "Staff")[0]["uid"]

    by_staff = staff.json("person", "deactivate", "Staff", uid)

    assert (by_staff["status"], by_staff["exception"], by_staff["managed"]) == ("inactive", True, True)
    assert staff.json("sync", "Staff")["reactivated"] == 0
    assert "inactive (by hand)" in staff("people", "Staff", "--status", "inactive").out
    released = staff.json("person", "release", "Staff", uid)
    assert (released["status"], released["exception"]) == ("active", False)


def test_locked_fields_are_refused_and_local_ones_are_not(staff: Cli, own_sandbox: Sandbox) -> None:
    staff("fields", "add", "Staff", "notes")
    staff("sync", "Staff")
    before = staff.json("people", "Staff")[0]

    error = staff.error("person", "set", "Staff", before["uid"], "notes=late", "email=a@example.com")

    assert (error["code"], error["fields"]) == ("field_locked", ["email"])
    assert staff.json("people", "Staff")[0] == before
    assert staff.json("person", "set", "Staff", before["uid"], "notes=late")["fields"]["notes"] == "late"


def test_why_somebody_is_in_the_list_and_somebody_else_is_not(staff: Cli) -> None:
    staff("sync", "Staff")
    uid = staff.json("people", "Staff")[0]["uid"]

    found = staff.json("why", "Staff", uid)

    assert (found["uid"], found["candidates"]) == (uid, [])
    assert found["verdict"].endswith("is in “Staff”, as the directory says.")
    assert {one["good"] for one in found["steps"]} <= {"yes", "known"}
    assert "Nobody in the directory goes by" in staff("why", "Staff", "Nobody At All").out
    assert staff.error("why", "Nothing", "x")["code"] == "not_found"


def test_likely_duplicates_are_shown(by_hand: Cli) -> None:
    by_hand("person", "add", "Guests", "code=g1", "name=Zoë")
    by_hand("person", "add", "Guests", "code=g2", "name=ZOE")
    assert by_hand.json("duplicates", "Guests", "--field", "name") == {
        "total": 1,
        "groups": [
            {
                "value": "zoe",
                "people": [
                    {"list": "Guests", "person_id": "1", "uid": "g1"},
                    {"list": "Guests", "person_id": "2", "uid": "g2"},
                ],
            }
        ],
    }
    assert by_hand.error("duplicates", "Guests", "--field", "age")["code"] == "invalid"
