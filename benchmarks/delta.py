"""What a delta costs: requests and CPU, by the number of changes and by the size of the directory.

    python benchmarks/delta.py [--users 10000 100000 1000000] [--changes 0 10 100 1000] [--repeat 3]

The directory is the sandbox, in this process; the sync is a process of its own, `captrid sync --delta`,
and its CPU is what the system says of it, less that of a process that only opens the home.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from captrid_core.sandbox import Sandbox

HERE = Path(__file__).parent
FIELDS = "employeeId,givenName,surname,mail,jobTitle,department,officeLocation,mobilePhone"


def captrid(home: Path, *arguments: str, secret: str | None = None) -> tuple[dict[str, Any], Any]:
    """Run a command in a process of its own; return the system's account of it, and its answer."""
    command = [sys.executable, str(HERE / "measure.py"), str(Path(sys.executable).with_name("captrid"))]
    ended = subprocess.run(
        [*command, *arguments, "--json"],
        env={**os.environ, "CAPTRID_HOME": str(home)},
        input=secret,
        capture_output=True,
        text=True,
        check=True,
    )
    account = json.loads(ended.stderr.splitlines()[-1])
    if account["exit"]:
        raise SystemExit(f"captrid {' '.join(arguments)} failed:\n{ended.stdout}\n{ended.stderr}")
    return account, json.loads(ended.stdout)


def connect(sandbox: Sandbox, home: Path) -> None:
    """Set a list up in an empty home."""
    captrid(
        home,
        *(
            "connections",
            "add",
            "--name",
            "Sandbox",
            "--client-secret-stdin",
            "--ca-file",
            str(sandbox.ca_file),
        ),
        *("--tenant-id", sandbox.tenant_id, "--client-id", sandbox.client_id),
        *("--authority-url", sandbox.authority_url, "--graph-url", sandbox.graph_url),
        secret=sandbox.client_secret,
    )
    mapping = itertools.chain(*(("--map", f"{path}={path.lower()}") for path in FIELDS.split(",")))
    captrid(home, "lists", "create", "Everyone", "--connection", "Sandbox", "--uid", "employeeId", *mapping)


def measure(users: int, changes: list[int], repeat: int) -> None:
    """Print a line for each number of changes in a directory of one size."""
    with tempfile.TemporaryDirectory() as name, Sandbox(users=users, quirks=False).running() as sandbox:
        home = Path(name)
        connect(sandbox, home)
        _, run = captrid(home, "sync", "Everyone", "--full")
        assert run["created"] > 0.9 * users, run
        # spread over the list, so that they lie in all its parts
        known = (user for user in sandbox.directory.users() if user.get("employeeId"))
        some = list(itertools.islice(known, 0, None, max(1, users // max(*changes, 1) * 9 // 10)))
        turn = itertools.count()
        for count in changes:
            found = []
            for _ in range(repeat):
                department = f"Department {next(turn)}"
                for user in some[:count]:
                    sandbox.directory.update_user(user["id"], department=department)
                sandbox.requests.clear()
                account, run = captrid(home, "sync", "Everyone", "--delta")
                assert (run["kind"], run["updated"]) == ("delta", count), run
                asked = len(sandbox.requests)
                opened, _ = captrid(home, "lists", "list")
                found.append((account["cpu"], account["cpu"] - opened["cpu"], account["memory"], asked))
            cpu, beyond, memory, asked = (statistics.median(column) for column in zip(*found, strict=True))
            print(
                f"{users:>9,} people, {count:>5,} changes: {asked:>3.0f} requests, {cpu:.2f} s of CPU, "
                f"{beyond:.2f} s beyond process start, {memory:.0f} MB (medians of {repeat})",
                flush=True,
            )


def main() -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--changes", type=int, nargs="+", default=[0, 10, 100, 1000])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    for users in options.users:
        measure(users, options.changes, options.repeat)


if __name__ == "__main__":
    main()
