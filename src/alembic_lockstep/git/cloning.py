"""Copies of single files, sharing their blocks (reflinks) where the file system can."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path
from typing import IO

if sys.platform.startswith("linux"):
    import fcntl

#: linux/fs.h, the same on all architectures that Python's wheels are made for.
_FICLONE = 0x40049409
_CHUNK = 1 << 20


def can_clone(source: Path, folder: Path) -> bool:
    """Return whether a file could be cloned into a folder: btrfs, XFS, bcachefs."""
    target = folder / "clone"
    try:
        with source.open("rb") as file, target.open("wb") as clone:
            return _clone(file, clone)
    except OSError:  # the source cannot be read
        return False
    finally:
        target.unlink(missing_ok=True)


def copy_file(source: str, target: str, status: os.stat_result) -> bool:
    """Copy a file with its mode and modification time; return False if it cannot be read.

    The copy's access time is 0, and reading sets it (`dryrun/access.py`).

    Raises:
        OSError: the copy could not be written.
    """
    try:
        file = open(source, "rb")  # noqa: SIM115, PTH123 - closed below; one of thousands
    except OSError:
        return False
    with file, open(target, "xb") as copy:  # noqa: PTH123
        if not _clone(file, copy):
            shutil.copyfileobj(file, copy, _CHUNK)
    os.chmod(target, stat.S_IMODE(status.st_mode) & 0o777 | stat.S_IWUSR)  # noqa: PTH101
    os.utime(target, ns=(0, status.st_mtime_ns))
    return True


def _clone(source: IO[bytes], target: IO[bytes]) -> bool:
    """Let a new file share the blocks of another; return whether the file system can."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
    except OSError:
        return False
    return True
