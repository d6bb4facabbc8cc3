"""Watch a check: everything of the user's is as it was, and no process is left behind.

A program cannot set back a file's ctime: whatever changes content, name, mode or owner shows there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

#: Seconds in which a process that was killed has gone.
PATIENCE = 5.0
#: In a git directory: ours, and where git keeps objects; what is staged is written to a tree.
OURS = {"alembic-lockstep", "objects"}


@contextmanager
def watched(root: Path, home: Path, allowed: Collection[str]) -> Iterator[None]:
    """Assert that nothing of the user's changes below the folders, and no process stays.

    Args:
        root: The repository's working tree.
        home: The home folder of whoever runs the check; the cache and temporary files are ours.
        allowed: What the setting allow-write names.
    """
    left_out = {root / path for path in allowed}
    left_out |= {home / name for name in (".cache", "pre-commit", "tmp")}
    before = {folder: states(folder, left_out) for folder in (root, home)}
    yield
    for folder, earlier in before.items():
        changed = dict(earlier.items() ^ states(folder, left_out).items())
        assert not changed, f"changed, or changed back: {sorted(changed)}"
    assert not _stay(home), f"left running: {_processes(home)}"


def states(top: Path, left_out: Collection[Path] = ()) -> dict[str, tuple[int, ...]]:
    """Return the inode, size, mode and ctime of everything below a folder.

    Of folders only inode and mode: git makes and removes lock files in its own.
    """
    by_path: dict[str, tuple[int, ...]] = {}
    folders = [top]
    while folders:
        folder = folders.pop()
        for entry in os.scandir(folder):
            path = Path(entry.path)
            status = entry.stat(follow_symlinks=False)
            is_ours = entry.name in OURS and ".git" in path.parts
            if is_ours or path in left_out:
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(path)
                by_path[entry.path] = (status.st_ino, status.st_mode)
            else:
                # A further name, as uv gives to what it installs again, changes a file's ctime.
                changed = status.st_ctime_ns if status.st_nlink == 1 else status.st_mtime_ns
                by_path[entry.path] = (status.st_ino, status.st_size, status.st_mode, changed)
    return by_path


def _stay(home: Path) -> bool:
    """Tell whether a process that a check started stays."""
    deadline = time.monotonic() + PATIENCE
    while _processes(home):
        if time.monotonic() > deadline:
            return True
        time.sleep(0.02)
    return False


def _processes(home: Path) -> list[str]:
    """Return the commands of the processes that were started with this home folder."""
    mark = b"\0HOME=" + os.fsencode(home) + b"\0"
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in b"\0" + (process / "environ").read_bytes():
                commands.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # noqa: PERF203 - it has ended, or is not ours
            continue
    return [command for command in commands if command]
