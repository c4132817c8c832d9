"""How long an undo takes, against the deciding and writing of the run that it undoes.

    python benchmarks/undo.py [--users 100000] [--repeat 3]

The run creates everybody, so that undoing it touches everybody. Both are timed in one process, from
the moment when the last page has been read.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from full_sync import graph, prepare

from captrid_core.settings import Settings
from captrid_core.sync.runs import Progress
from captrid_core.workspace import Workspace


def once(users: int) -> tuple[float, float]:
    """Return the CPU seconds of applying a run that created `users` people, and of undoing it."""
    with tempfile.TemporaryDirectory() as name, graph(users, Path(name)) as server:
        home = Path(name) / "home"
        prepare(server, home)
        server.control(data="before")
        compared_at: list[float] = []

        def listen(progress: Progress) -> None:
            if progress.phase == "comparing" and not compared_at:
                compared_at.append(time.process_time())

        with Workspace(Settings(home=home)) as workspace:
            (made,) = workspace.lists.all()
            run = workspace.runner.sync(made.id, actor="benchmark", listener=listen)
            applied_at = time.process_time()
            assert run.id is not None
            assert run.counts.created == users
            undone = workspace.runner.undo(run.id, actor="benchmark")
            assert undone.counts.deactivated == users
            return applied_at - compared_at[0], time.process_time() - applied_at


def main() -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    found = [once(options.users) for _ in range(options.repeat)]
    apply, undo = (statistics.median(column) for column in zip(*found, strict=True))
    ratio = statistics.median(undone / applied for applied, undone in found)
    print(
        f"{options.users:,} people: apply {apply:.2f} s of CPU, undo {undo:.2f} s, ratio {ratio:.2f} (medians)"
    )


if __name__ == "__main__":
    main()
