"""Slots: numbered directories, each held by one run at a time.

What is slow to make (a checkout with its bytecode, a database cluster) is kept from run to run,
yet two hooks that run at once must neither share it nor wait for each other.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock


@contextmanager
def acquire_slot(parent: Path) -> Iterator[Path]:
    """Yield the first free slot directory below parent (0, 1, 2 …), locked until exit.

    The directory is created on demand with mode 0700 and is kept afterwards, with what was put
    there. The lock is the kernel's, so it dies with the process, also on ``kill -9``.

    Raises:
        OSError: parent cannot be created or written.
    """
    parent.mkdir(parents=True, exist_ok=True)
    lock, slot = _lock_first_free(parent)
    try:
        slot.mkdir(mode=0o700, exist_ok=True)
        yield slot
    finally:
        lock.release()


@contextmanager
def hold_slot(slot: Path) -> Iterator[bool]:
    """Lock a slot that exists, until exit; False if another run holds it."""
    lock = _lock_of(slot)
    if not _is_acquired(lock):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def empty(folder: Path) -> Path:
    """Remove what a run left in a folder, whatever its modes, and return it, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        folder.chmod(0o700)
        for root, _, _ in os.walk(folder):  # a folder's mode is set before its names are read
            for entry in os.scandir(root):
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, 0o700)  # noqa: PTH101 - a name of any kind
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True)
    return folder


def _lock_first_free(parent: Path) -> tuple[FileLock, Path]:
    for number in count():
        slot = parent / str(number)
        lock = _lock_of(slot)
        if _is_acquired(lock):
            return lock, slot
    raise AssertionError("count() has no end")


def _is_acquired(lock: FileLock) -> bool:
    from filelock import Timeout

    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    return True


def _lock_of(slot: Path) -> FileLock:
    from filelock import FileLock  # here: the answer at once holds no slot

    # Not thread-local, so that a run may be closed by another thread than the one it began in.
    return FileLock(slot.with_name(f"{slot.name}.lock"), thread_local=False)
