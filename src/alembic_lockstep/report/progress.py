"""Show which revision of how many runs, on a terminal; nothing elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CLEAR_LINE = "\r\x1b[2K"


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function of (revision, number, total); its line is cleared afterwards."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _revision, _number, _total: None
        return
    _show("Starting the project …")
    try:
        yield lambda revision, number, total: _show(
            f"Upgrading a scratch database: revision {number} of {total} ({revision})"
        )
    finally:
        _show("")


def _show(text: str) -> None:
    width = shutil.get_terminal_size().columns - 1  # a longer line could not be cleared
    sys.stderr.write(CLEAR_LINE + text[:width])
    sys.stderr.flush()
