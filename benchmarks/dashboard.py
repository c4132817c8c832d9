"""What a page of people costs: server CPU, bytes and time of each rerun, memory of each open session.

    python benchmarks/dashboard.py [--people 1000000] [--reruns 40] [--crowd-people 100000] [--crowd 20]

`captrid serve` runs as a process of its own. The visitors are here: they speak the dashboard's own
protocol over its web socket as a browser does, so that nothing but the server is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from websockets.asyncio.client import ClientConnection, connect

from captrid_core.directory.connections import ConnectionForm
from captrid_core.lists.model import Field, FieldType, MasterList, SyncConfiguration
from captrid_core.settings import Settings
from captrid_core.sync.runs import RunKind, RunStatus
from captrid_core.workspace import Workspace
from tests.browser.view import View, address

ROOT = Path(__file__).parents[1]
ACTOR = "benchmark"
THINKS = 1.0
"""Seconds that a visitor of the crowd looks at what came, on average."""
_SETTLES = 0.06
"""Seconds after a rerun in which the server clears up; they count as the rerun's."""

FIELDS = {
    "employee_id": ("employeeId", "CAST(1000000 + i AS VARCHAR)"),
    "first_name": (
        "givenName",
        "['Ada', 'Bo', 'Chloé', 'Dmitri', 'Eun-ji', 'Farah', 'Grace', 'Hēmi'][1 + h % 8]",
    ),
    "last_name": ("surname", "'Surname' || (h // 8) % 20000"),
    "email": ("mail", "'person.' || i || '@banksia.example'"),
    "position": ("jobTitle", "CASE WHEN i % 3 = 0 THEN 'Position ' || (h // 11) % 300 END"),
    "department": ("department", "'Department ' || (h // 13) % 60"),
    "office": ("officeLocation", "'Room ' || (h // 17) % 800"),
    "mobile": ("mobilePhone", "'+61 4' || lpad(CAST((h // 19) % 100000000 AS VARCHAR), 8, '0')"),
    "campus": ("city", "['Northern', 'Southern', 'Riverside'][1 + (h // 23) % 3]"),
    "locker": (None, "CASE WHEN i % 5 = 0 THEN 'L' || (h // 29) % 5000 END"),
    "points": (None, "CASE WHEN i % 4 = 0 THEN CAST((h // 31) % 1000 AS DOUBLE) END"),
    "joined_on": (None, "DATE '2015-01-01' + CAST((h // 37) % 4000 AS INTEGER)"),
}
"""The list's fields: the property that feeds each, and its value for the person i, of whom h is a hash."""

TYPES = {"email": FieldType.EMAIL, "points": FieldType.NUMBER, "joined_on": FieldType.DATE}


def furnish(home: Path, people: int) -> MasterList:
    """Make a home with one connected list of so many people, as after a first full sync."""
    with Workspace(Settings(home=home)) as workspace:
        form = ConnectionForm(
            "School Entra",
            "6f1c1e1e-0000-4000-8000-000000000001",
            "6f1c1e1e-0000-4000-8000-000000000002",
            secret="not used: nothing is synced",
        )
        connection = workspace.connections.add(form, test=None, actor=ACTOR)
        mapping = {path: key for key, (path, _) in FIELDS.items() if path}
        made = workspace.lists.create(
            "Everyone",
            uid_field="employee_id",
            fields=[Field(key, TYPES.get(key, FieldType.TEXT)) for key in FIELDS],
            sync=SyncConfiguration(connection.id, "employeeId", mapping),
            actor=ACTOR,
        )
        with workspace.runs.begin(made, asked=RunKind.FULL, kind=RunKind.FULL, actor=ACTOR) as run:
            values = ", ".join(f'{expression} AS "{key}"' for key, (_, expression) in FIELDS.items())
            with workspace.database.write() as cursor:
                cursor.execute(
                    f"""INSERT INTO {made.people_table} BY NAME
                        SELECT i AS _person_id, CAST(1000000 + i AS VARCHAR) AS _uid_key,
                               CAST(uuid() AS VARCHAR) AS _anchor, i % 20 > 0 AS _active, i % 1000 = 1 AS _by_staff,
                               i % 20 > 0 AND i % 1000 <> 1 AS _in_scope, 'directory' AS _origin,
                               TIMESTAMP '2026-01-01' AS _created_at, TIMESTAMP '2026-01-01' AS _updated_at, {values}
                        FROM (SELECT i, CAST(hash(i) // 4 AS BIGINT) AS h FROM range({people:d}) numbers(i))"""
                )
                cursor.execute(
                    f"""INSERT INTO change BY NAME
                        SELECT {made.id:d} AS list_id, {run.id:d} AS run_id, i AS person_id, 'created' AS action,
                               '{ACTOR}' AS actor, TIMESTAMP '2026-01-01' AS changed_at FROM range({people:d}) n(i)"""
                )
                counts = replace(run.counts, read=people, created=people)
                ended = replace(run, status=RunStatus.SUCCEEDED, counts=counts, finished_at=workspace.clock())
                workspace.runs.finish(ended, cursor=cursor)
    return made


@dataclass
class Server:
    """A dashboard that is being served."""

    url: str
    process: psutil.Process
    healthy_after: float

    def cpu(self) -> float:
        """Return the CPU seconds that it has taken so far, threads that are gone included, to the microsecond."""
        # Linux counts by process under this number; what psutil reads counts in steps of 10 ms
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def memory(self) -> float:
        """Return its resident memory in MB."""
        return float(self.process.memory_info().rss) / 2**20


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """Serve a home while the block lasts."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "captrid_core", "serve", "--port", "0", "--json"],
        env={**os.environ, "CAPTRID_HOME": str(home), "PYTHONPATH": str(ROOT)},
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        while not healthy(url):
            time.sleep(0.01)
        yield Server(url, psutil.Process(process.pid), time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(timeout=30)


def healthy(url: str) -> bool:
    """Tell whether the dashboard says that all is well."""
    try:
        with urllib.request.urlopen(f"{url}/api/healthz", timeout=5) as answer:
            return bool(json.load(answer) == {"status": "ok"})
    except urllib.error.URLError:
        return False


@dataclass(frozen=True)
class Rerun:
    """What one rerun took: server CPU and wall time in milliseconds, and bytes to the browser."""

    cpu: float
    wall: float
    size: int


class Visitor:
    """One browser session, without the browser."""

    def __init__(self, socket: ClientConnection, view: View) -> None:
        self._socket = socket
        self.view = view
        self.size = 0

    async def rerun(self) -> float:
        """Have the page drawn as the widgets are set; return how many milliseconds that took."""
        began = time.perf_counter()
        self.size = 0
        await self._socket.send(self.view.question())
        while True:
            data = await asyncio.wait_for(self._socket.recv(decode=False), 60)
            self.size += len(data)
            if self.view.take(data):
                if self.view.faults:
                    raise SystemExit(f"The page shows {self.view.faults}")
                return (time.perf_counter() - began) * 1000


async def arrive(server: Server, made: MasterList) -> Visitor:
    """Open the list's page in a new session."""
    socket = await connect(address(server.url), origin=server.url, subprotocols=["streamlit"], max_size=None)
    visitor = Visitor(socket, View("list", f"list={made.id}"))
    await visitor.rerun()
    return visitor


def steps(draw: random.Random, visitor: Visitor) -> Iterator[str]:
    """Do one thing after the other on the page, for ever, and say what it is."""
    words = [
        "ada",
        "surname1",
        "surname12",
        "department 7",
        "riverside",
        "1000",
        "chloé room",
        "@banksia",
        "zzz",
    ]
    columns = [key.replace("_", " ").capitalize() for key in FIELDS]
    for kind in itertools.cycle(("search", "page", "sort", "page", "status", "search", "page", "clear")):
        match kind:
            case "search":
                visitor.view.set("people_search", string_value=draw.choice(words))
            case "clear":
                visitor.view.set("people_search", string_value="")
            case "sort":
                visitor.view.set("people_sort", string_value=draw.choice(columns))
                visitor.view.set("people_descending", bool_value=draw.random() < 0.5)
            case "status":
                visitor.view.set("people_status", string_value=draw.choice(["Active", "Inactive", "All"]))
            case "page":
                if visitor.view.pages < 2:
                    continue
                visitor.view.set("people_page", int_value=draw.randint(1, min(visitor.view.pages, 40)))
        yield kind


async def alone(server: Server, made: MasterList, count: int) -> dict[str, list[Rerun]]:
    """Return what one visitor's reruns took, by what was done."""
    visitor = await arrive(server, made)
    found: dict[str, list[Rerun]] = {}
    for kind in itertools.islice(steps(random.Random(5), visitor), count):
        before = server.cpu()
        wall = await visitor.rerun()
        await asyncio.sleep(_SETTLES)
        found.setdefault(kind, []).append(Rerun((server.cpu() - before) * 1000, wall, visitor.size))
    return found


async def crowd(server: Server, made: MasterList, visitors: int, seconds: float) -> list[float]:
    """Return the milliseconds that reruns took while so many visitors were at work."""

    async def work(number: int) -> list[float]:
        draw = random.Random(number)
        visitor = await arrive(server, made)
        found = []
        until = time.perf_counter() + seconds
        for _ in steps(draw, visitor):
            await asyncio.sleep(draw.expovariate(1 / THINKS))
            if time.perf_counter() > until:
                return found
            found.append(await visitor.rerun())
        return found

    return [one for many in await asyncio.gather(*map(work, range(visitors))) for one in many]


async def sessions(server: Server, made: MasterList, count: int) -> float:
    """Return the MB of memory that each further open session takes."""
    kept = [await arrive(server, made) for _ in range(3)]
    before = server.memory()
    kept += [await arrive(server, made) for _ in range(count)]
    await asyncio.sleep(1)
    return (server.memory() - before) / count


def high(numbers: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(numbers, n=20, method="inclusive")[-1] if len(numbers) > 1 else numbers[0]


def show(people: int, found: dict[str, list[Rerun]]) -> None:
    """Print a line for each thing done, and one for all."""
    for kind, some in {**found, "all": list(itertools.chain(*found.values()))}.items():
        cpu, wall, size = ([getattr(one, name) for one in some] for name in ("cpu", "wall", "size"))
        print(
            f"{people:>9,} people, {kind:<6} {len(some):>3} times: CPU {statistics.median(cpu):>4.0f} /"
            f"{high(cpu):>5.0f} ms, wall {statistics.median(wall):>4.0f} /{high(wall):>5.0f} ms, "
            f"{statistics.median(size) / 1000:.0f} / {high(size) / 1000:.0f} kB (p50 / p95)",
            flush=True,
        )


async def visit(server: Server, made: MasterList, people: int, reruns: int) -> None:
    """Measure the first page, reruns and further sessions."""
    began = time.perf_counter()
    await arrive(server, made)
    first = time.perf_counter() - began
    print(f"{people:>9,} people, health after {server.healthy_after:.2f} s, first page {first:.2f} s later")
    show(people, await alone(server, made, reruns))
    further = await sessions(server, made, 20)
    print(f"{people:>9,} people, {further:.2f} MB for each further session, {server.memory():.0f} MB in all")


def main() -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--reruns", type=int, default=120)
    parser.add_argument("--crowd-people", type=int, default=100_000)
    parser.add_argument("--crowd", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    for people in options.people:
        with tempfile.TemporaryDirectory() as name:
            made = furnish(Path(name), people)
            with serving(Path(name)) as server:
                asyncio.run(visit(server, made, people, options.reruns))
    if options.crowd:
        with tempfile.TemporaryDirectory() as name:
            made = furnish(Path(name), options.crowd_people)
            with serving(Path(name)) as server:
                took = asyncio.run(crowd(server, made, options.crowd, options.seconds))
        print(
            f"{options.crowd_people:>9,} people, {options.crowd} visitors who think for {THINKS:g} s: wall "
            f"{statistics.median(took):.0f} / {high(took):.0f} ms (p50 / p95 of {len(took)} reruns)"
        )


if __name__ == "__main__":
    main()
