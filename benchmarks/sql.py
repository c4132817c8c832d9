"""What publishing costs a sync, that readers always see a whole run, and what the example queries cost.

    python benchmarks/sql.py [--users 100000] [--syncs 20] [--people 1000000] [--part syncs queries]

`syncs`: `captrid sync --full` as processes of their own, one after another, each with other departments. Every second one runs
beside a process that asks the published file without pause, and is followed by `captrid publish`, as the server
publishes after a run; the others run alone. Every answer must be the state after a whole run.

`queries`: the examples of the SQL page on a list of a million people with a year of daily runs, made with SQL; the
CPU is that of the query's own process.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb

from benchmarks.delta import captrid, connect
from captrid_core.insight.sql_examples import examples
from captrid_core.lists.model import Field
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace

QUESTION = """SELECT (SELECT max(run_id) FROM runs), count(*), count(DISTINCT department), min(department),
    (SELECT max(run_id) FROM changes) FROM list_1"""


def watch(path: Path, stop: Event, begun: Event, answers: multiprocessing.Queue[object]) -> None:
    """Ask the published file again and again; hand back how often, and every answer that there was."""
    seen: set[tuple[object, ...]] = set()
    asked, error = 0, None
    while not stop.is_set() and error is None:
        try:
            with duckdb.connect(str(path), read_only=True, config={"threads": "1"}) as file:
                seen |= set(file.execute(QUESTION).fetchall())
            asked += 1
            begun.set()
        except duckdb.Error as failed:
            error = str(failed)
    answers.put((asked, seen, error))


@contextmanager
def watched(path: Path, whole: set[tuple[object, ...]]) -> Iterator[list[int]]:
    """Ask the file without pause while the block lasts; each answer must be one of `whole` as it is in the end."""
    context = multiprocessing.get_context("spawn")
    stop, begun, answers = context.Event(), context.Event(), context.Queue()
    reader = context.Process(target=watch, args=(path, stop, begun, answers))
    reader.start()
    begun.wait(60)
    count: list[int] = []
    yield count
    stop.set()
    asked, seen, error = answers.get(timeout=60)
    reader.join()
    assert error is None, error
    assert seen <= whole, f"half a run was seen: {seen - whole}"
    count.append(asked)


def measure_syncs(users: int, syncs: int) -> dict[str, float]:
    """Run syncs with and without publishing and a reader beside them; return the figures."""
    with tempfile.TemporaryDirectory() as name, Sandbox(users=users, quirks=False).running() as sandbox:
        home = Path(name)
        connect(sandbox, home)
        captrid(home, "sync", "Everyone", "--full")
        _, published = captrid(home, "publish")
        some = [user["id"] for user in list(sandbox.directory.users())[: max(1, users // 100)]]
        whole = {answer(Path(published["file"]))}
        alone, beside, publishing, total = [], [], [], 0
        for turn in range(syncs * 2):
            for user in some:
                sandbox.directory.update_user(user, department=f"!{turn:04d}")
            if turn % 2 == 0:
                account, _ = captrid(home, "sync", "Everyone", "--full")
                alone.append(account)
                captrid(home, "publish")
                whole.add(answer(Path(published["file"])))
                continue
            with watched(Path(published["file"]), whole) as asked:
                beside.append(captrid(home, "sync", "Everyone", "--full")[0])
                publishing.append(captrid(home, "publish")[0])
                whole.add(answer(Path(published["file"])))
            total += asked[0]
    return {
        "answers": total,
        "cpu_alone": statistics.median(one["cpu"] for one in alone),
        "cpu_beside": statistics.median(one["cpu"] for one in beside),
        "wall_alone": statistics.median(one["wall"] for one in alone),
        "wall_beside": statistics.median(one["wall"] for one in beside),
        "cpu_publish": statistics.median(one["cpu"] for one in publishing),
    }


def answer(path: Path) -> tuple[object, ...]:
    """Return what the published file answers now."""
    with duckdb.connect(str(path), read_only=True) as file:
        return tuple(file.execute(QUESTION).fetchall()[0])


def measure_queries(people: int, *, days: int = 365, changes: int = 1000) -> None:
    """Print what publishing and each example query cost on a large list."""
    with (
        tempfile.TemporaryDirectory() as name,
        Workspace(Settings(home=Path(name), memory_limit="1GB")) as home,
    ):
        fields = [Field("code"), Field("name"), Field("department"), Field("room")]
        made = home.lists.create("Everyone", uid_field="code", fields=fields, actor="benchmark")
        fill(home, people, days, changes)
        begun, before = time.perf_counter(), time.process_time()
        path = home.published.publish(actor="benchmark").path
        print(
            f"{people:,} people, {days * changes + people:,} changes: published in {time.perf_counter() - begun:.1f} s, "
            f"{time.process_time() - before:.1f} s of CPU, {path.stat().st_size / 1e6:.0f} MB",
            flush=True,
        )
        for title, query in examples([made]).items():
            cpu, seconds, rows = [], [], 0
            for _ in range(3):
                used = resource.getrusage(resource.RUSAGE_CHILDREN)
                found = home.sql.run(query, actor="benchmark")
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu.append(after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime)
                seconds.append(found.seconds)
                rows = len(found.rows)
            print(
                f"{title:>20}: {statistics.median(cpu):.2f} s of CPU, {statistics.median(seconds):.2f} s, {rows:,} rows",
                flush=True,
            )


def fill(home: Workspace, people: int, days: int, changes: int) -> None:
    """Make people, runs and changes as a year of daily runs leaves them."""
    with home.database.write() as cursor:
        cursor.execute(
            """INSERT INTO people_1 SELECT i, 'u' || i, uuid()::VARCHAR, i % 50 <> 0, false, true, 'directory',
                   now()::TIMESTAMP - INTERVAL 366 DAY, now()::TIMESTAMP, 'u' || i, 'Name ' || hash(i) % 100000,
                   'Department ' || hash(i) % 60, CASE WHEN i % 20 > 0 THEN 'Room ' || hash(i) % 800 END
               FROM range(?) t(i)""",
            [people],
        )
        cursor.execute(
            """INSERT INTO run (run_id, list_id, list_name, asked, kind, status, actor, started_at, finished_at, created,
                   updated, deactivated)
               SELECT d + 1, 1, 'Everyone', 'delta', 'delta', 'succeeded', 'cron',
                   now()::TIMESTAMP - INTERVAL 1 DAY * (? - d), now()::TIMESTAMP - INTERVAL 1 DAY * (? - d), 0, 900, 50
               FROM range(?) t(d)""",
            [days, days, days],
        )
        cursor.execute(
            "INSERT INTO change SELECT 1, 1, i, 'created', NULL, NULL, NULL, NULL, 'cron', now()::TIMESTAMP - INTERVAL 366 DAY "
            "FROM range(?) t(i)",
            [people],
        )
        cursor.execute(
            """INSERT INTO change SELECT 1, d + 1, hash(d, n) % ?,
                   CASE n % 20 WHEN 0 THEN 'deactivated' WHEN 1 THEN 'created' ELSE 'updated' END,
                   CASE WHEN n % 20 > 1 THEN ['name', 'department', 'room'][1 + n % 3] END,
                   'old ' || n, 'new ' || n, CASE n % 20 WHEN 0 THEN 'out_of_scope' END, 'cron',
                   now()::TIMESTAMP - INTERVAL 1 DAY * (? - d)
               FROM range(?) d(d), range(?) n(n)""",
            [people, days, days, changes],
        )


def main() -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--syncs", type=int, default=20)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--part", nargs="+", choices=["syncs", "queries"], default=["syncs", "queries"])
    options = parser.parse_args()
    os.environ.setdefault("CAPTRID_ACTOR", "benchmark")
    if "syncs" in options.part:
        print(json.dumps(measure_syncs(options.users, options.syncs)), flush=True)
    if "queries" in options.part:
        measure_queries(options.people)


if __name__ == "__main__":
    main()
