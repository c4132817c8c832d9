"""What was done, by whom, and how the list was: history, audit log and the past."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from captrid_core.sandbox import Sandbox

from .conftest import Cli


def test_a_persons_history_says_who_changed_what(staff: Cli, own_sandbox: Sandbox) -> None:
    staff("sync", "Staff")
    uid = staff.json("people", "Staff")[0]["uid"]
    staff("person", "deactivate", "Staff", uid)

    newest, oldest = staff.json("person", "history", "Staff", uid)

    assert (newest["action"], newest["run_id"]) == ("deactivated", None)
    assert (oldest["action"], oldest["run_id"]) == ("created", "1")
    assert newest["actor"] == oldest["actor"]
    assert "deactivated" in staff("person", "history", "Staff", uid).out
    assert staff.error("person", "history", "Staff", "nobody")["code"] == "not_found"


def test_the_audit_log_is_filtered(staff: Cli, own_sandbox: Sandbox) -> None:
    staff("sync", "Staff")
    uid = staff.json("people", "Staff")[0]["uid"]
    staff("person", "deactivate", "Staff", uid)
    staff("run", "undo", "1")

    newest, before, *_ = staff.json("audit")

    assert (newest["action"], newest["entity"], newest["entity_id"]) == ("run.undone", "run", "1")
    assert newest["details"] == {"undo": 2}
    assert before["action"] == "person.deactivated"
    assert [one["action"] for one in staff.json("audit", "--action", "person.")] == ["person.deactivated"]
    assert staff.json("audit", "--by", "Nobody") == []
    assert len(staff.json("audit", "--limit", "1")) == 1
    assert "run.undone" in staff("audit").out
    assert "Nothing yet." in staff("audit", "--by", "Nobody").out


def test_two_records_are_joined(staff: Cli, own_sandbox: Sandbox) -> None:
    staff("sync", "Staff")
    uid = staff.json("people", "Staff")[0]["uid"]
    staff("person", "add", "Staff", "employee_id=by-hand")

    assert staff.json("person", "join", "Staff", "by-hand", uid)["uid"] == uid
    assert staff.error("person", "join", "Staff", uid, uid)["code"] == "not_joinable"
    assert staff.error("person", "join", "Staff", uid, "by-hand")["code"] == "not_found"


def test_sql_asks_for_the_past(staff: Cli, own_sandbox: Sandbox) -> None:
    staff("sync", "Staff")
    uid = staff.json("people", "Staff")[0]["uid"]
    before = datetime.now(UTC).replace(tzinfo=None)
    staff("person", "deactivate", "Staff", uid)
    staff("fields", "add", "Staff", "added_later")

    with duckdb.connect(staff.home / "masterlists.duckdb", read_only=True) as home:
        active = "SELECT count(*) FILTER (_active), count(*) FROM"
        past = home.execute(f"{active} people_1_as_of(?)", [before]).fetchone()
        assert home.execute(f"{active} people_1").fetchone() == (past[0] - 1, past[1])
        assert home.execute(f"{active} people_1_as_of(TIMESTAMP '2020-01-01')").fetchone() == (0, 0)
        assert "added_later" in [
            column for column, *_ in home.execute("DESCRIBE FROM people_1_as_of(now()::TIMESTAMP)").fetchall()
        ]
