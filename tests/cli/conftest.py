"""The command line in this process, for speed, and as a process of its own, for signals and exit statuses."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from captrid_core.cli.main import run
from captrid_core.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
SECRET_VARIABLE = "THE_CLIENT_SECRET"


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        assert self.status == 1, self
        found = self.json["error"]
        assert found["message"]
        assert found["hint"]
        return dict(found)


@dataclass(frozen=True)
class Cli:
    """The command line of one home."""

    home: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __call__(self, *arguments: str, status: int | None = 0, stdin: str | None = None) -> Result:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        before = sys.stdin
        sys.stdin = io.StringIO(stdin or "")
        try:
            with redirect_stdout(out), redirect_stderr(err):
                ended = run(["--home", str(self.home), *arguments])
        finally:
            sys.stdin = before
        result = Result(ended, out.getvalue(), err.getvalue())
        assert status is None or ended == status, result
        return result

    def json(self, *arguments: str, status: int | None = 0) -> Any:
        """Run a command in this process and return what it prints as JSON."""
        return self(*arguments, "--json", status=status).json

    def error(self, *arguments: str) -> dict[str, Any]:
        """Run a command that is refused and return its error."""
        return self(*arguments, "--json", status=1).error

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command as a process."""
        process = subprocess.Popen(
            [sys.executable, "-m", "captrid_core", "--home", str(self.home), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """End what a test that failed has left running."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def process(self, *arguments: str, **environment: str) -> Result:
        """Run a command as a process."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=60)
        return Result(process.returncode, out, err)

    def connect(self, sandbox: Sandbox, *further: str, name: str = "Entra") -> None:
        """Add a connection to a sandbox, without testing it."""
        self("connections", "add", "--name", name, *addresses(sandbox), "--no-test", *further)


def addresses(sandbox: Sandbox) -> list[str]:
    """Return the options of a connection to a sandbox."""
    os.environ[SECRET_VARIABLE] = sandbox.client_secret
    return [
        *("--tenant-id", sandbox.tenant_id, "--client-id", sandbox.client_id),
        *("--client-secret-env", SECRET_VARIABLE, "--ca-file", str(sandbox.ca_file)),
        *("--authority-url", sandbox.authority_url, "--graph-url", sandbox.graph_url),
    ]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """Return the command line of a home that does not exist yet."""
    for variable in ("CAPTRID_HOME", "CAPTRID_KEY", "CAPTRID_MEMORY_LIMIT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CAPTRID_ACTOR", "tester")
    monkeypatch.setenv(SECRET_VARIABLE, "unset")
    made = Cli(tmp_path / "home")
    yield made
    made.end()


@pytest.fixture(scope="session")
def college() -> Iterator[Sandbox]:
    """Return a running sandbox that no test changes."""
    with Sandbox(users=60, seed=3, quirks=False).running() as running:
        yield running


@pytest.fixture
def sandbox(college: Sandbox) -> Iterator[Sandbox]:
    """Return the sandbox that no test changes, without faults."""
    college.faults.clear()
    yield college
    college.faults.clear()


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """Return a running sandbox that a test may change."""
    with Sandbox(users=24, seed=4, quirks=False, groups=False).running() as running:
        yield running


@pytest.fixture
def staff(cli: Cli, own_sandbox: Sandbox) -> Cli:
    """Return the command line of a home with the list “Staff”, connected and not synced yet."""
    cli.connect(own_sandbox)
    cli("lists", "create", "Staff", "--connection", "Entra", "--uid", "employeeId")
    return cli


@pytest.fixture
def by_hand(cli: Cli) -> Cli:
    """Return the command line of a home with the list “Guests”, which no directory feeds."""
    fields = [*("--field", "name"), *("--field", "age:number"), *("--field", "house:dropdown=Red,Blue")]
    cli("lists", "create", "Guests", "--uid-field", "code", *fields)
    return cli


def files_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield every file below a folder with its content."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()
