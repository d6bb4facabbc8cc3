#!/usr/bin/env python3
"""Measure what the kernel's guards cost a start of the project's Python.

``python benchmarks/guard.py [REPETITIONS]``: the same process with and without each guard that this
machine has, interleaved, from its start to its end; milliseconds, and what a guard adds. Minima
are what the guard takes, medians what a loaded machine makes of it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from alembic_lockstep.config import Settings
from alembic_lockstep.dryrun.policy import policy_for
from alembic_lockstep.isolation.cell import Cell, Policy

COMMAND = (sys.executable, "-c", "import sqlite3, json; input()")
GUARDS = ("none", "namespaces", "landlock")


def main(repetitions: int) -> None:
    """Print a line for each guard."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        policies = {
            name: None if name == "none" else policy_for(Path(folder), Settings(guard=name))
            for name in GUARDS
        }
        for _ in range(repetitions + 1):  # the first of each warms up
            for name, policy in policies.items():
                times[name].append(_start_to_end(policy))
    bare = times["none"][1:]
    for name in GUARDS:
        taken = times[name][1:]
        least, median = min(taken), statistics.median(taken)
        print(
            f"{name:<12} min {least:6.1f} (+{least - min(bare):.1f})"
            f"   median {median:6.1f} (+{median - statistics.median(bare):.1f})"
        )


def _start_to_end(policy: Policy | None) -> float:
    """Return the milliseconds that a process takes behind a guard."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        cell = Cell.start(COMMAND, environ={}, folder="/", log=log, policy=policy)
        assert policy is None or cell.guard.files in policy.guards, cell.guard
        assert cell.process.stdin is not None
        cell.process.stdin.write(b"\n")
        cell.process.stdin.close()
        cell.end()
        taken = (time.perf_counter() - began) * 1000
        cell.close()
    return taken


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25)
