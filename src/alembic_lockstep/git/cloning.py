"""Copies of single files, sharing their blocks (reflinks) where the file system can."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: linux/fs.h, the same on all architectures that Python's wheels are made for.
_FICLONE = 0x40049409


def can_clone(source: Path, folder: Path) -> bool:
    """Tell whether a file could be cloned into a folder: btrfs, XFS, bcachefs."""
    target = folder / "clone"
    try:
        _clone(source, target)
    except OSError:
        return False
    finally:
        target.unlink(missing_ok=True)
    return True


def copy_file(source: str, target: str, status: os.stat_result) -> None:
    """Make a new file with a file's content, mode and modification time.

    The access time is 0: whatever reads the copy sets it (`dryrun/access.py`).

    Raises:
        OSError: the source cannot be read, or the disk is full.
    """
    try:
        _clone(Path(source), Path(target))
    except OSError:
        shutil.copyfile(source, target)
    os.chmod(target, stat.S_IMODE(status.st_mode) & 0o777 | stat.S_IWUSR)  # noqa: PTH101
    os.utime(target, ns=(0, status.st_mtime_ns))


def _clone(source: Path, target: Path) -> None:
    if fcntl is None:
        raise OSError("no such call here")
    with source.open("rb") as file, target.open("wb") as clone:
        fcntl.ioctl(clone.fileno(), _FICLONE, file.fileno())
