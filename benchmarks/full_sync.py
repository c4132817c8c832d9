"""How much a full sync costs, against the floor: CPU and wall seconds, peak memory, whole process.

    python benchmarks/full_sync.py [--users 10000 100000 1000000] [--repeat 3] [--latency] [--throttle]

Each repetition runs floor, initial sync, floor, repeated sync (1 % changed) one after the other
against `server.py`; the ratio is taken within the repetition, then the median over repetitions.
The numbers that each sync reports are compared with the truth; a wrong result has no time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from captrid_core.directory.connections import ConnectionForm
from captrid_core.lists.model import SyncConfiguration
from captrid_core.settings import load_settings
from captrid_core.sync.mapping import new_field
from captrid_core.workspace import Workspace

HERE = Path(__file__).parent
TENANT = "6f1c1e1e-0000-4000-8000-000000000001"
PAGE = 999
MAPPED = [
    "employeeId", "userPrincipalName", "displayName", "givenName", "surname",
    "mail", "jobTitle", "department", "officeLocation", "mobilePhone", "accountEnabled",
]  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What one process cost."""

    wall: float
    cpu: float
    memory: float  # MB
    output: str


class Graph:
    """A running server."""

    def __init__(self, port: int, ca_file: Path) -> None:
        self.root = f"https://127.0.0.1:{port}"
        self.ca_file = ca_file

    def control(self, **values: object) -> dict[str, int]:
        """Tell the server something and return its counters."""
        query = "&".join(f"{name}={value}" for name, value in values.items())
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with urllib.request.urlopen(f"{self.root}/control?{query}", context=context) as reply:
            return json.load(reply)


@contextmanager
def graph(users: int, folder: Path) -> Iterator[Graph]:
    """Start a server with that many users."""
    ca_file = folder / "ca.pem"
    command = [sys.executable, str(HERE / "server.py"), str(users), str(ca_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            server = Graph(port, ca_file)
            for _ in range(2):
                server.control()
            yield server
        finally:
            process.kill()


def measure(command: list[str]) -> Cost:
    """Run a process to its end, and return the system's own account of it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(HERE / "measure.py"), *command],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    account = json.loads(done.stderr.splitlines()[-1])
    if account["exit"] not in (0, 3):
        raise SystemExit(f"{' '.join(command)} failed: {done.stdout}{done.stderr}")
    return Cost(account["wall"], account["cpu"], account["memory"], done.stdout)


def floor(server: Graph, folder: Path) -> Cost:
    """Run the floor."""
    database = folder / "floor.duckdb"
    database.unlink(missing_ok=True)
    url = f"{server.root}/v1.0/users"
    return measure([sys.executable, str(HERE / "floor.py"), url, str(server.ca_file), str(database)])


def prepare(server: Graph, home: Path) -> None:
    """Make a home with a connection and a list."""
    with Workspace(load_settings(home)) as workspace:
        form = ConnectionForm(
            name="Bench",
            tenant_id=TENANT,
            client_id=TENANT,
            secret="made-up",
            authority_url=server.root,
            graph_url=f"{server.root}/v1.0",
            ca_file=str(server.ca_file),
        )
        connection = workspace.connections.add(form, test=None, actor="bench")
        fields = [new_field(path) for path in MAPPED]
        workspace.lists.create(
            "Everyone",
            uid_field="employee_id",
            fields=fields,
            sync=SyncConfiguration(
                connection.id,
                "employeeId",
                {path: field.key for path, field in zip(MAPPED, fields, strict=True)},
            ),
            actor="bench",
        )


def sync(home: Path, expected: dict[str, int]) -> Cost:
    """Run a full sync and check its numbers."""
    cost = measure(
        [sys.executable, "-m", "captrid_core", "--home", str(home), "sync", "Everyone", "--full", "--json"]
    )
    run = json.loads(cost.output)
    found = {name: run[name] for name in expected}
    if found != expected or run["status"] != "succeeded":
        raise SystemExit(f"wrong result: {run['status']} {run['message']} {found}, expected {expected}")
    return cost


def truths(users: int) -> tuple[dict[str, int], dict[str, int]]:
    """Return what the initial and the repeated sync must report."""
    marks = max(users // 100, 3)
    few = marks // 10
    updated = marks - 2 * few
    initial = {"created": users, "updated": 0, "deactivated": 0, "unchanged": 0, "skipped": 0}
    repeated = {
        "created": few,
        "updated": updated,
        "deactivated": few,
        "unchanged": users - few - updated,
        "skipped": 0,
    }
    return initial, repeated


def repetition(server: Graph, users: int, folder: Path) -> dict[str, Cost]:
    """Run floor and syncs once, interleaved."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    prepare(server, home)
    initial, repeated = truths(users)
    costs = {}
    server.control(data="before")
    costs["floor of initial"] = floor(server, folder)
    costs["initial"] = sync(home, initial)
    server.control(data="after")
    costs["floor of repeated"] = floor(server, folder)
    costs["repeated"] = sync(home, repeated)
    return costs


def table(users: int, repetitions: list[dict[str, Cost]]) -> None:
    """Print the medians."""
    for name in ("initial", "repeated"):
        ours = [costs[name] for costs in repetitions]
        floors = [costs[f"floor of {name}"] for costs in repetitions]
        ratio = statistics.median(o.cpu / f.cpu for o, f in zip(ours, floors, strict=True))
        middle = {
            kind: statistics.median(getattr(cost, kind) for cost in ours)
            for kind in ("wall", "cpu", "memory")
        }
        floor_cpu = statistics.median(cost.cpu for cost in floors)
        floor_memory = statistics.median(cost.memory for cost in floors)
        print(
            f"| {users:>9,} | {name:8} | {middle['wall']:6.2f} | {middle['cpu']:6.2f} | {floor_cpu:6.2f} "
            f"| {ratio:5.2f} | {middle['memory']:5.0f} | {floor_memory:5.0f} "
            f"| {middle['cpu'] / users * 1e6:6.2f} |",
            flush=True,
        )


def latency(server: Graph, users: int, folder: Path) -> None:
    """Print how much a sync adds to the pages' own time when each takes 100 ms."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    prepare(server, home)
    server.control(data="before", latency=0.1)
    cost = sync(home, truths(users)[0])
    pages = -(-users // PAGE)
    print(
        f"\n100 ms a page, {users:,} people, {pages} pages: wall {cost.wall:.2f} s, "
        f"{cost.wall - pages * 0.1:.2f} s more than the pages"
    )
    server.control(latency=0.0)


def throttle(server: Graph, users: int, folder: Path) -> None:
    """Print what happens when every fourth page is answered 429."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    prepare(server, home)
    server.control(data="before", throttle_every=4, retry_after=1)
    cost = sync(home, truths(users)[0])
    counters = server.control(throttle_every=0)
    print(
        f"\nevery fourth page 429 with Retry-After 1, {users:,} people: right result, wall {cost.wall:.2f} s, "
        f"{counters['pages']} requests for pages, {counters['too_early']} of them before Retry-After had passed"
    )


def main() -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--latency", action="store_true")
    parser.add_argument("--throttle", action="store_true")
    options = parser.parse_args()
    print(
        "|    people | sync     | wall s |  CPU s | floor CPU s | CPU ratio | MB | floor MB | CPU µs a person |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for users in options.users:
        with tempfile.TemporaryDirectory() as name, graph(users, Path(name)) as server:
            table(users, [repetition(server, users, Path(name)) for _ in range(options.repeat)])
            if options.latency:
                latency(server, users, Path(name))
            if options.throttle:
                throttle(server, users, Path(name))


if __name__ == "__main__":
    main()
