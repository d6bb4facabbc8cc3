"""Times of whole processes, interleaved, and their peaks of resident memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Contestant:
    """Processes that are timed together, one after the other, without a shell.

    Attributes:
        commands: What is run.
        prepare: What has to be done before, outside of the time.
        codes: The exit codes that are right.
    """

    commands: Sequence[Sequence[str]]
    cwd: Path
    environ: Mapping[str, str]
    prepare: Callable[[], None] = nothing
    codes: tuple[int, ...] = (0,)


@dataclass
class Times:
    """What was measured of one contestant.

    Attributes:
        seconds: By the wall.
        processor: Seconds of processor time, with that of descendants that a process waited for.
        peaks: Bytes at the peak of its largest process, or descendant that it waited for.
    """

    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)

    @property
    def median(self) -> float:
        """In seconds."""
        return statistics.median(self.seconds)

    @property
    def peak(self) -> float:
        """The median of the peaks, in megabytes."""
        return statistics.median(self.peaks) / 1_000_000

    @property
    def by_processor(self) -> Times:
        """The same with processor time in place of that by the wall."""
        return Times(self.processor, self.processor, self.peaks)


def race(
    contestants: Mapping[str, Contestant], repetitions: int, *, warm_ups: int = 1
) -> dict[str, Times]:
    """Run all in turn, again and again.

    The first rounds are not counted: they fill the file cache, and the tool's.
    """
    times = {name: Times() for name in contestants}
    for number in range(-warm_ups, repetitions):
        for name, contestant in contestants.items():
            contestant.prepare()
            seconds, processor, peak = _run(contestant)
            if number >= 0:
                times[name].seconds.append(seconds)
                times[name].processor.append(processor)
                times[name].peaks.append(peak)
    return times


def _run(contestant: Contestant) -> tuple[float, float, int]:
    with tempfile.TemporaryFile() as said:
        processor, peak = 0.0, 0
        started = time.perf_counter()
        for command in contestant.commands:
            code, used, size = _wait(command, contestant, said.fileno())
            processor, peak = processor + used, max(peak, size)
            if code not in contestant.codes:
                said.seek(0)
                text = said.read().decode(errors="replace")
                sys.exit(f"{' '.join(command)} ended with {code}:\n{text[-4000:]}")
        return time.perf_counter() - started, processor, peak


def _wait(command: Sequence[str], contestant: Contestant, output: int) -> tuple[int, float, int]:
    """Run a process to its end; give its exit code, processor time and the bytes at its peak.

    The kernel counts what it was before `exec` too: that is this process, so it is kept small.
    """
    process = subprocess.Popen(
        command,
        cwd=contestant.cwd,
        env=contestant.environ,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit
