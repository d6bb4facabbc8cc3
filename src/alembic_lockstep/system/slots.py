"""Slots: numbered directories, each locked by at most one run.

They hold what is slow to make (a checkout with its bytecode, a database cluster). Two hooks that
run at once must neither share it nor wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_lockstep.errors import CouldNotJudge

if TYPE_CHECKING:
    from filelock import FileLock


@contextmanager
def acquire_slot(parent: Path) -> Iterator[Path]:
    """Yield the first free slot directory below parent (0, 1, 2 …), locked until exit.

    The directory is created on demand with mode 0700; it and its content stay afterwards. The
    lock is the kernel's, so it ends with the process, also on ``kill -9``.

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
    """Lock an existing slot until exit; yield False if another run holds it."""
    lock = _lock_of(slot)
    if not _is_acquired(lock):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def hold_lock(file: Path, *, seconds: float) -> Iterator[None]:
    """Hold a lock file until exit.

    Raises:
        CouldNotJudge: another process held it for `seconds`.
    """
    from filelock import Timeout

    lock = _lock(file)
    try:
        lock.acquire(timeout=seconds)
    except Timeout as error:
        raise CouldNotJudge(
            f"another process holds {file}", fix="Wait until the other check has ended."
        ) from error
    try:
        yield
    finally:
        lock.release()


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
    return _lock(slot.with_name(f"{slot.name}.lock"))


def _lock(file: Path) -> FileLock:
    from filelock import FileLock  # slow, and a cached verdict needs no slot

    # Not thread-local, so that another thread than the run's first may close it.
    return FileLock(file, thread_local=False)
