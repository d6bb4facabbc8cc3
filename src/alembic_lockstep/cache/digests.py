"""Digests and stamps that identify a file's content."""

from __future__ import annotations

import json
import os
import re
import stat

from alembic_lockstep.system.regular import CLOCK_TICK

__all__ = [
    "THERE", "blake2b", "changed_since", "content_of", "deleted_since", "digest", "stamp_of",
]  # fmt: skip

try:
    from _blake2 import blake2b  # what `hashlib` has, without OpenSSL
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Bytes above which a file is identified by size and time instead of its content.
_LARGE = 1 << 20
INSTALLED = re.compile(r"[/\\](?:site|dist)-packages([/\\]|$)")
# Content of a folder, and of a file that was not read.
THERE = "there"


def digest(value: object) -> str:
    """Return a digest of a JSON value."""
    text = json.dumps(value, sort_keys=True).encode("utf-8", "surrogateescape")
    return blake2b(text, digest_size=8).hexdigest()


def content_of(path: Path | str, *, is_read: bool) -> str:
    """Return a digest of a file's content, `THERE` if it was not read; "" if it is absent."""
    if not is_read or not os.path.isfile(path):  # a folder, or a device that never ends
        return THERE if os.path.lexists(path) else ""
    try:
        if os.path.getsize(path) > _LARGE:
            return stamp_of(str(path))
        with open(path, "rb") as file:
            return blake2b(file.read(), digest_size=16).hexdigest()
    except OSError:
        return ""


def changed_since(paths: Iterable[str], since: int) -> str:
    """Return a file that was changed since a moment (`time.time_ns()`), by its ctime; or ""."""
    return next((path for path in paths if _changed_at(path) > since - CLOCK_TICK), "")


def deleted_since(paths: Iterable[str], since: int) -> str:
    """Return a path that is gone and may have been deleted since a moment; "" if none was."""
    return next(
        (path for path in paths if not os.path.lexists(path) and _emptied_at(path) > since), ""
    )


def _emptied_at(path: str) -> int:
    """Return when the nearest folder that exists above a path was changed, and a tick."""
    folder = os.path.dirname(path)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return os.stat(folder).st_ctime_ns + CLOCK_TICK


def _changed_at(path: str) -> int:
    try:
        status = os.stat(path)
    except OSError:
        return 0
    # The first import of a module changes its folder, too: bytecode is written there.
    return 0 if stat.S_ISDIR(status.st_mode) else status.st_ctime_ns


def stamp_of(path: str) -> str:
    """Return size and times of a file, of a folder a digest of its names; "" if absent.

    The time of a file's last change cannot be set, but that of an installed one with hard links
    changes when another environment links to it, too; who replaces it makes another inode.
    """
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            return digest(sorted(set(os.listdir(path)) - {"__pycache__"}))
    except OSError:
        return ""
    is_shared = status.st_nlink > 1 and INSTALLED.search(path)
    version = f"inode {status.st_ino}" if is_shared else status.st_ctime_ns
    return f"{status.st_size} {status.st_mtime_ns} {version}"
