from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from captrid_core.cli.output import Output
from captrid_core.cli.progress import ProgressLine
from captrid_core.sandbox import Sandbox
from captrid_core.settings import load_settings
from captrid_core.sync.runs import Progress
from captrid_core.workspace import Workspace

from .conftest import Cli

TIMES = ("started_at", "finished_at", "seconds")


def run_of(number: str | None, **other: Any) -> dict[str, Any]:
    """Return a run as it is printed, without its times."""
    return {
        "run_id": number,
        "list": "Staff",
        "asked": "full",
        "kind": "full",
        "status": "succeeded",
        "dry_run": False,
        "read": 24,
        "created": 0,
        "updated": 0,
        "reactivated": 0,
        "deactivated": 0,
        "unchanged": 0,
        "skipped": 0,
        "errors": [],
        "warnings": [],
        "message": None,
        "holds": [],
        "actor": "tester",
        **other,
    }


def timeless(run: dict[str, Any]) -> dict[str, Any]:
    assert run["started_at"].endswith("Z")
    return {name: value for name, value in run.items() if name not in TIMES}


def leave(sandbox: Sandbox, count: int) -> None:
    sandbox.directory.leave(count)


def test_a_sync_prints_its_run(staff: Cli) -> None:
    result = staff("sync", "Staff", "--json")
    assert timeless(result.json) == run_of("1", created=24)
    assert result.json["seconds"] > 0
    assert result.err.splitlines() == [
        "Signing in …",
        "Reading …",
        "Comparing …",
        "Applying …",
    ]
    again = staff("sync", "Staff", "--quiet")
    assert again.err == ""
    assert again.out.splitlines()[0].startswith("Run 2 of “Staff” (delta): succeeded in ")
    assert "Unchanged    24" in staff("sync", "Staff", "--full").out


def test_a_sync_is_a_delta_where_one_is_possible(staff: Cli, own_sandbox: Sandbox) -> None:
    assert staff.json("lists", "show", "Staff")["sync"]["delta_link_at"] is None
    staff.json("sync", "Staff")
    assert staff.json("lists", "show", "Staff")["sync"]["delta_link_at"].endswith("Z")
    own_sandbox.directory.hire(3)
    own_sandbox.directory.leave(1)
    shown = staff.json("sync", "Staff", "--dry-run")
    run = staff.json("sync", "Staff")
    assert (run["asked"], run["kind"], run["status"]) == ("delta", "delta", "succeeded")
    assert (run["read"], run["created"], run["deactivated"]) == (3, 3, 1)
    assert [shown[name] for name in ("kind", "read", "created", "deactivated")] == ["delta", 3, 3, 1]
    assert staff.json("sync", "Staff", "--full")["unchanged"] == 26


def test_a_delta_that_is_not_possible_runs_a_full_sync_and_says_so(staff: Cli) -> None:
    """Rule R28."""
    run = staff.json("sync", "Staff", "--delta")
    assert timeless(run) == run_of(
        "1",
        asked="delta",
        created=24,
        message="A full sync was run instead of a delta, because this is its first sync.",
    )


def test_a_preview_writes_nothing_and_shows_every_change(staff: Cli, own_sandbox: Sandbox) -> None:
    """Rule R35."""
    first = staff.json("sync", "Staff", "--dry-run")
    changes = first.pop("changes")
    assert timeless(first) == run_of(None, dry_run=True, created=24)
    assert len(changes) == 24
    assert changes[0] == {
        "action": "created",
        "person_id": None,
        "uid": changes[0]["uid"],
        "field": None,
        "old": None,
        "new": None,
        "reason": None,
    }
    assert staff.json("people", "Staff") == []
    assert staff.json("runs", "Staff") == []

    staff("sync", "Staff")
    person = staff.json("people", "Staff")[0]
    user = next(one for one in own_sandbox.directory.users() if one["employeeId"] == person["uid"])
    own_sandbox.directory.update_user(user["id"], department="Year 13")

    preview = staff.json("sync", "Staff", "--dry-run")["changes"]
    expected = [
        {
            "action": "updated",
            "person_id": person["person_id"],
            "uid": person["uid"],
            "field": "department",
            "old": person["fields"]["department"],
            "new": "Year 13",
            "reason": None,
        }
    ]
    assert preview == expected
    assert "Year 13" in staff("sync", "Staff", "--dry-run").out
    staff("sync", "Staff")
    assert staff.json("run", "show", "2")["changes"] == expected
    assert "Year 13" in staff("run", "show", "2").out


def test_the_history_is_newest_first(staff: Cli) -> None:
    runs = [staff.json("sync", "Staff") for _ in range(3)]
    assert staff.json("runs", "Staff") == runs[::-1]
    assert staff.json("runs", "Staff", "--limit", "1") == runs[2:]
    assert staff.json("run", "show", "2") == {**runs[1], "changes": []}
    assert [line.split()[0] for line in staff("runs", "Staff").out.splitlines()] == ["Run", "3", "2", "1"]
    assert staff.error("run", "show", "9")["code"] == "not_found"
    assert staff.error("runs", "Nobody")["code"] == "not_found"
    assert staff.error("sync", "Nobody")["code"] == "not_found"


def test_a_held_run_exits_3_and_is_applied(staff: Cli, own_sandbox: Sandbox) -> None:
    """Rules R24 and R26."""
    staff("sync", "Staff")
    leave(own_sandbox, 6)

    preview = staff.json("sync", "Staff", "--dry-run", status=3)
    assert (preview["status"], preview["deactivated"], len(preview["changes"])) == ("held", 6, 6)
    held = staff.json("sync", "Staff", status=3)
    assert (held["status"], held["holds"], held["deactivated"]) == ("held", ["many_leavers"], 6)
    assert "captrid run apply 2" in staff("sync", "Staff", status=3).out.replace("apply 3", "apply 2")
    assert len(staff.json("people", "Staff")) == 24
    assert staff.error("run", "apply", "2")["code"] == "not_held"  # the newer one has taken its place

    applied = staff.json("run", "apply", "3")
    assert (applied["status"], applied["deactivated"]) == ("succeeded", 6)
    assert len(staff.json("people", "Staff")) == 18
    assert staff.json("check", status=0)[3]["ok"] is True


def test_a_held_run_is_discarded(staff: Cli, own_sandbox: Sandbox) -> None:
    staff("sync", "Staff")
    leave(own_sandbox, 6)
    staff("sync", "Staff", status=3)

    discarded = staff.json("run", "discard", "2")

    assert discarded["status"] == "discarded"
    assert len(staff.json("run", "show", "2")["changes"]) == 6
    assert staff.error("run", "apply", "2")["code"] == "not_held"
    assert staff.error("run", "discard", "2")["code"] == "not_held"
    assert len(staff.json("people", "Staff")) == 24


@pytest.mark.parametrize(
    ("fault", "code"),
    [("wrong_secret", "secret_wrong"), ("html_page", "not_a_directory"), ("throttle", "throttled")],
)
def test_a_failed_run_exits_1_and_says_why(staff: Cli, own_sandbox: Sandbox, fault: str, code: str) -> None:
    staff("sync", "Staff")
    own_sandbox.faults.add(fault, retry_after=1000)

    run = staff.json("sync", "Staff", status=1)

    assert (run["run_id"], run["status"], run["created"]) == ("2", "failed", 0)
    assert run["error"]["code"] == code
    assert run["error"]["message"] == run["message"]
    assert run["error"]["hint"]
    assert staff.json("run", "show", "2") == {**run, "changes": []}
    plain = staff("sync", "Staff", status=1)
    assert str(run["error"]["hint"]) in plain.out
    assert staff.json("sync", "Staff", "--dry-run", status=1)["error"]["code"] == code
    assert len(staff.json("people", "Staff")) == 24


def test_another_tenant_is_refused(staff: Cli, own_sandbox: Sandbox) -> None:
    """Rule R27."""
    staff("sync", "Staff")
    with Sandbox(users=10, seed=9).running() as other:
        options = [
            "--tenant-id",
            other.tenant_id,
            "--client-id",
            other.client_id,
            "--ca-file",
            str(other.ca_file),
        ]
        options += ["--authority-url", other.authority_url, "--graph-url", other.graph_url]
        edited = staff(
            "connections",
            "edit",
            "Entra",
            *options,
            "--client-secret-stdin",
            "--json",
            stdin=other.client_secret,
        )
        assert edited.json["warnings"][0]["lists"] == ["Staff"]
        assert staff.json("sync", "Staff", status=1)["error"]["code"] == "tenant_changed"
        assert len(staff.json("people", "Staff")) == 24


def start_hanging(cli: Cli, sandbox: Sandbox, match: str) -> subprocess.Popen[str]:
    """Start a sync in a process and return it when it sits in a request that nobody answers."""
    fault = sandbox.faults.add("hang", match=match)
    process = cli.start("sync", "Staff", "--json")
    deadline = time.monotonic() + 20
    while not [one for one in sandbox.faults.listing() if one["kind"] == fault.kind and one["struck"]]:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("match", ["token", r"/users\?"])
def test_a_signal_cancels_a_sync(
    staff: Cli, own_sandbox: Sandbox, match: str, number: signal.Signals
) -> None:
    """Rule R4."""
    process = start_hanging(staff, own_sandbox, match)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    own_sandbox.faults.clear()

    assert process.returncode == 1
    assert "Traceback" not in err
    cancelled = run_of(
        "1",
        read=0,
        status="cancelled",
        message="The sync was cancelled. Nothing was changed.",
        error={
            "code": "cancelled",
            "message": "The sync was cancelled. Nothing was changed.",
            "hint": "Start it again when you like.",
        },
    )
    assert timeless(json.loads(out)) == cancelled
    assert staff.json("people", "Staff", "--status", "all") == []
    assert [one for one in (staff.home / "runs").iterdir() if one.name.startswith("run-")] == []
    assert staff.json("sync", "Staff")["created"] == 24


def test_another_command_cancels_a_sync_and_a_second_one_is_refused(staff: Cli, own_sandbox: Sandbox) -> None:
    """Rules R3 and R4."""
    process = start_hanging(staff, own_sandbox, r"/users\?")

    refused = staff.error("sync", "Staff")
    assert (refused["code"], refused["run_id"], refused["actor"]) == ("sync_running", "1", "tester")
    assert staff.json("runs", "Staff")[0]["status"] == "running"
    assert staff.json("lists", "list")[0]["last_run"]["status"] == "running"
    cancelled = staff.json("run", "cancel", "1")

    out, _ = process.communicate(timeout=10)
    own_sandbox.faults.clear()
    assert process.returncode == 1
    assert '"status": "cancelled"' in out
    assert cancelled["status"] == "cancelled"
    assert "error" not in cancelled
    assert staff.error("run", "cancel", "1")["code"] == "not_found"


def test_a_killed_sync_blocks_nobody(staff: Cli, own_sandbox: Sandbox) -> None:
    """Rule R3."""
    process = start_hanging(staff, own_sandbox, r"/users\?")
    process.kill()
    process.communicate()
    own_sandbox.faults.clear()

    assert staff.json("runs", "Staff")[0]["status"] == "interrupted"
    assert all(one["ok"] for one in staff.json("check"))
    assert staff.json("sync", "Staff")["created"] == 24


def test_commands_take_turns_with_a_server_on_the_same_home(staff: Cli) -> None:
    with Workspace(load_settings(staff.home), linger=60) as server:
        assert [one.name for one in server.lists.all()] == ["Staff"]
        done = staff.process("sync", "Staff", "--json")
        assert (done.status, done.json["created"]) == (0, 24)
        assert server.lists.counts(server.lists.get("Staff")).active == 24
        assert staff.process("people", "Staff", "--json").json[0]["managed"] is True


def test_progress_is_one_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    line = ProgressLine(Output(as_json=False))
    line(Progress(1, "signing in"))
    line(Progress(1, "reading", read=1200, about=5000, waiting="Microsoft Graph asked for patience"))
    line.done()
    line.done()
    assert terminal.getvalue() == (
        "\rSigning in …\x1b[K"
        "\rReading 1,200 of about 5,000 people: Microsoft Graph asked for patience\x1b[K"
        "\r\x1b[K"
    )
