"""Commands that serve until they are stopped: each as a process, as people start it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from captrid_core.demo import SandboxNotStarted, prepared
from captrid_core.sandbox import Sandbox
from captrid_core.settings import load_settings

from .conftest import Cli, Result, files_below

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@contextmanager
def serving(cli: Cli, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """Start a command that serves, and give it with what it prints; it is killed if nothing else ends it."""
    process = cli.start(*arguments, "--json")
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, process.communicate()
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


def stop(process: subprocess.Popen[str], number: signal.Signals) -> Result:
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return Result(process.returncode, out, err)


def answers(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/api/healthz", timeout=10) as answer:
        return bool(json.load(answer)["status"] == "ok")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_sandbox_prints_what_a_connection_needs(cli: Cli, number: signal.Signals) -> None:
    with serving(cli, "sandbox", "--port", "0", "--users", "12", "--seed", "5") as (process, details):
        assert set(details) == {
            "authority_url",
            "graph_url",
            "ca_file",
            "tenant_id",
            "client_id",
            "client_secret",
        }
        cli(
            "connections", "add", "--name", "Entra", "--tenant-id", details["tenant_id"],
            "--client-id", details["client_id"], "--client-secret-stdin", "--ca-file", details["ca_file"],
            "--authority-url", details["authority_url"], "--graph-url", details["graph_url"],
            stdin=details["client_secret"],
        )  # fmt: skip
        assert cli.json("connections", "test", "Entra")["users"] == 12
        ended = stop(process, number)
    assert (ended.status, ended.out) == (0, "")
    assert "Traceback" not in ended.err
    assert not (cli.home / "sandbox.json").exists()
    assert not [
        path for path, content in files_below(cli.home) if details["client_secret"].encode() in content
    ]


def test_a_running_sandbox_is_told_to_change_and_to_misbehave(cli: Cli) -> None:
    with serving(cli, "sandbox", "--port", "0", "--users", "24") as (_, details):
        assert (cli.home / "sandbox.json").stat().st_mode & 0o077 == 0
        done = cli.json("sandbox", "change", "--hire", "3", "--leave", "2", "--move", "4", "--rename", "1")
        assert {name: len(ids) for name, ids in done.items()} == {
            "hire": 3,
            "leave": 2,
            "move": 4,
            "rename": 1,
        }
        assert cli.json("sandbox", "state")["users"] == 25
        assert cli.json("sandbox", "change", "--also", json.dumps({"delete": done["move"][0]})) == {
            "delete": [done["move"][0]]
        }
        assert (
            done["move"][1] in cli("sandbox", "change", "--also", json.dumps({"delete": done["move"][1]})).out
        )

        fault = cli.json(
            "sandbox", "fault", "throttle", "--match", "users", "--times", "2", "--retry-after", "0"
        )
        assert (fault["kind"], fault["match"], fault["times"], fault["retry_after"]) == (
            "throttle",
            "users",
            2,
            0,
        )
        assert len(cli.json("sandbox", "state")["faults"]) == 1
        assert cli.json("sandbox", "fault", "--clear") == {"faults": []}
        assert cli.json("sandbox", "state")["faults"] == []
        assert cli.error("sandbox", "fault", "nonsense")["code"] == "invalid"
        assert cli.error("sandbox", "change", "--also", '{"delete": "nobody"}')["code"] == "invalid"
        for wrong in (["change"], ["change", "--also", "[1"], ["fault"], ["fault", "hang", "--clear"]):
            cli("sandbox", *wrong, status=2)

        taken = cli.process("sandbox", "--json", "--port", details["authority_url"].rsplit(":", 1)[1])
        assert taken.error["code"] == "invalid"
        assert "Address already in use" in taken.error["message"]
        assert cli.json("sandbox", "state")["users"] == 23  # the one that runs is still found
    assert cli.error("sandbox", "state")["code"] == "no_sandbox"
    (cli.home / "sandbox.json").unlink()
    assert cli.error("sandbox", "state")["code"] == "no_sandbox"


@pytest.mark.parametrize("number", SIGNALS)
def test_the_dashboard_is_served_until_it_is_stopped(cli: Cli, number: signal.Signals) -> None:
    with serving(cli, "serve", "--port", "0") as (process, details):
        assert set(details) == {"url"}
        assert answers(details["url"])
        assert cli.json("lists", "list") == []
        again = cli.error("serve", "--port", "0")
        assert (again["code"], f"process {process.pid}" in again["message"]) == ("busy", True)
        ended = stop(process, number)
    assert (ended.status, ended.out) == (0, "")
    assert "Traceback" not in ended.err


def test_the_dashboard_refuses_a_port_that_is_taken(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        error = cli.error("serve", "--port", str(taken.getsockname()[1]))
    assert error["code"] == "invalid"


def test_the_demo_sets_everything_up_and_finds_it_again(cli: Cli) -> None:
    """The sandbox ends with the demo, however that ends."""
    with serving(cli, "demo", "--port", "0", "--no-browser") as (process, details):
        assert answers(details.pop("url"))
        assert details == {
            "sandbox": details["sandbox"],
            "connection": "Banksia College (sandbox)",
            "list": "Staff and students",
        }
        first = cli.json("lists", "show", "Staff and students")
        assert first["total"] == first["active"] == first["synced"] > 1000
        assert first["last_run"]["status"] == "succeeded"
        assert cli.json("sandbox", "state")["users"] == 1200
        ended = stop(process, signal.SIGINT)
    assert (ended.status, "Traceback" in ended.err) == (0, False)
    assert cli.error("sandbox", "state")["code"] == "no_sandbox"

    started = time.monotonic()
    with serving(cli, "demo", "--port", "0") as (process, again):
        assert time.monotonic() - started < 20
        assert again["sandbox"] == details["sandbox"]
        assert cli.json("lists", "show", "Staff and students") == first
        run = cli.json("sync", "Staff and students")
        assert (run["created"], run["unchanged"]) == (0, first["active"])
        child = json.loads((cli.home / "sandbox.json").read_text())["process"]
        process.kill()
        process.wait()
    deadline = time.monotonic() + 10
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(child, 0)
            time.sleep(0.05)
        pytest.fail("The sandbox outlived the demo.")


def test_the_demo_mends_its_connection_when_the_port_is_taken(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "home", environment={})
    told: list[str] = []
    with prepared(settings, tell=told.append, users=24) as first:
        pass
    port = int(first.sandbox_url.rsplit(":", 1)[1])
    with socket.create_server(("127.0.0.1", port)), prepared(settings, tell=told.append) as second:
        assert second.sandbox_url != first.sandbox_url
        cli = Cli(settings.home)
        assert cli.json("connections", "list")[0]["authority_url"] == second.sandbox_url
        assert cli.json("sync", second.master_list)["unchanged"] == 24
    assert told == [
        "Starting the sandbox directory …",
        "Connecting to it …",
        "Creating the Master List “Staff and students” …",
        "Running the first full sync …",
        "Synced 24 people.",
        "Starting the sandbox directory …",
        "Connecting to it anew …",
    ]


def test_a_demo_without_a_sandbox_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(tmp_path / "home", environment={})
    monkeypatch.setattr("sys.executable", "/bin/false")
    with (
        pytest.raises(SandboxNotStarted, match="ended before it served"),
        prepared(settings, tell=lambda _text: None),
    ):
        pass


def test_the_same_seed_has_the_same_secret() -> None:
    """The control commands work the secret out instead of storing it."""
    assert Sandbox(1, 5, groups=False).client_secret == Sandbox(300, 5).client_secret
