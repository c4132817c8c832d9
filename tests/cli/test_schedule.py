"""Schedules, settings and notifications on the command line."""

from __future__ import annotations

from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace

from .conftest import Cli


def test_a_schedule_is_set_shown_and_taken_away(staff: Cli) -> None:
    assert staff.json("schedule", "Staff") == {
        "list": "Staff",
        "schedule": "off",
        "time_zone": None,
        "kind": None,
        "next": [],
        "failures": 0,
    }
    found = staff.json("schedule", "Staff", "30 6 * * 1-5", "--full")
    assert (found["schedule"], found["kind"], len(found["next"])) == ("30 6 * * 1-5", "full", 3)
    assert all(one.endswith("T06:30:00Z") for one in found["next"])
    assert staff.error("schedule", "Staff", "every day")["code"] == "invalid"
    assert staff.json("schedule", "Staff", "off")["schedule"] == "off"


def test_due_lists_are_synced_and_what_was_not_is_said(staff: Cli, sandbox: Sandbox) -> None:
    assert staff.json("sync", "--due") == []
    assert staff("sync", "--due").out == "Nothing is due.\n"
    staff("schedule", "Staff", "* * * * *")
    make_due(staff)
    (run,) = staff.json("sync", "--due")
    assert (run["status"], run["kind"], run["asked"]) == ("succeeded", "full", "delta")
    staff("lists", "disconnect", "Staff")
    make_due(staff)
    assert staff.json("sync", "--due") == [{"list": "Staff", "status": "skipped", "message": "disconnected"}]


def make_due(cli: Cli) -> None:
    with Workspace(Settings(home=cli.home)) as workspace, workspace.database.write() as cursor:
        cursor.execute("UPDATE schedule SET next_due = next_due - INTERVAL 1 HOUR")


def test_due_goes_by_itself(staff: Cli) -> None:
    assert staff("sync", "Staff", "--due", status=2).err
    assert staff("sync", status=2).err


def test_settings_are_changed_one_by_one(cli: Cli) -> None:
    assert cli.json("settings")["time_zone"] == "UTC"
    changed = cli.json("settings", "--time-zone", "Australia/Sydney", "--name", "Banksia College")
    assert (changed["name"], changed["time_zone"], changed["plan"]) == (
        "Banksia College",
        "Australia/Sydney",
        "business",
    )
    assert cli.error("settings", "--time-zone", "Sydney")["code"] == "invalid"
    assert cli.error("settings", "--grace-hours", "0")["code"] == "invalid"
    assert cli.json("settings") == changed


def test_a_test_of_what_is_off_is_refused(cli: Cli) -> None:
    assert cli.error("notifications", "test", "webhook")["code"] == "invalid"
    assert cli.json("notifications", "send") == {"waiting": 0}
