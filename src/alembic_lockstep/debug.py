"""What a run did, step by step, for whoever looks into it: `check -v`, `check --debug-log FILE`.

A line begins with the seconds since the run began. No line holds a variable's value or a password.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_began = time.perf_counter()
_logs: list[TextIO] = []


def write_to(stream: TextIO) -> None:
    """Write what follows to a stream, too."""
    _logs.append(stream)


def debug(line: str) -> None:
    """Write a line; without a log it costs nothing."""
    for log in _logs:
        log.write(f"{time.perf_counter() - _began:8.3f} {line}\n")
        log.flush()  # a run that is killed leaves what it did


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Write when a step ends, with the seconds that it took."""
    began = time.perf_counter()
    try:
        yield
    finally:
        debug(f"{step} ({time.perf_counter() - began:.3f} s)")
