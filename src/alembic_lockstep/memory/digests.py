"""What a file is known by."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

# Larger files in bytes are known by size and time, smaller ones by their content.
_LARGE = 1 << 20
THERE = "there"
# Nanoseconds by which the times of files may lag behind the clock: the kernel's tick.
_COARSE = 20_000_000


def digest(what: object) -> str:
    """A digest of anything that JSON can hold."""
    text = json.dumps(what, sort_keys=True).encode("utf-8", "surrogateescape")
    return blake2b(text, digest_size=8).hexdigest()


def content_of(path: Path, *, is_read: bool) -> str:
    """A digest of what a file holds, if that was read; "" if there is none."""
    if not is_read or not path.is_file():  # a folder, or what could be read for ever
        return THERE if os.path.lexists(path) else ""
    try:
        if path.stat().st_size > _LARGE:
            return stamp_of(str(path))
        return blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ""


def have_changed(paths: Iterable[str], since: int) -> bool:
    """Whether a file was changed since a moment (`time.time_ns()`), whatever its time says."""
    return any(_changed_at(path) > since - _COARSE for path in paths)


def _changed_at(path: str) -> int:
    try:
        status = os.stat(path)  # noqa: PTH116 - of thousands of files
    except OSError:
        return 0
    # The first import of a module changes its folder, too: bytecode is put there.
    return 0 if stat.S_ISDIR(status.st_mode) else status.st_ctime_ns


def stamp_of(path: str) -> str:
    """Size and modification time, of a folder the names in it; "" if there is nothing."""
    try:
        status = os.stat(path)  # noqa: PTH116 - of thousands of files
        if stat.S_ISDIR(status.st_mode):
            return digest(sorted(set(os.listdir(path)) - {"__pycache__"}))  # noqa: PTH208
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
