"""The debug log of a run's steps: `check -v`, `check --debug-log FILE`.

A line begins with the seconds since the run began. No line holds a variable's value or a password.
"""

from __future__ import annotations

import time
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

_began = time.perf_counter()
_logs: list[TextIO] = []


def write_to(stream: TextIO) -> None:
    """Add a stream that the following lines are written to."""
    _logs.append(stream)


def debug(line: str) -> None:
    """Write a line to all streams."""
    for log in _logs:
        log.write(f"{time.perf_counter() - _began:8.3f} {line}\n")
        log.flush()  # so that a killed run leaves its log


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Write when a step ends, with the seconds that it took."""
    began = time.perf_counter()
    try:
        yield
    finally:
        debug(f"{step} ({time.perf_counter() - began:.3f} s)")
