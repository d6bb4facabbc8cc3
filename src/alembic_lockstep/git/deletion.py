"""Deleting files that a project may have left in any state."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path


def delete(path: Path) -> None:
    """Delete a file, a link or a folder with its content; an absent path is no error.

    Folders that the project made read-only are deleted too.

    Raises:
        OSError: another user owns it.
    """
    try:
        _delete(path)
    except PermissionError:
        _make_writable(path)
        _delete(path)


def empty(folder: Path) -> Path:
    """Delete and recreate a folder with mode 0700; return it."""
    delete(folder)
    folder.mkdir(mode=0o700, parents=True)
    return folder


def _delete(path: Path) -> None:
    with suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _make_writable(path: Path) -> None:
    """Let the owner list and change a folder and all folders below it."""
    if path.is_symlink() or not path.is_dir():
        return
    path.chmod(0o700)
    for folder, names, _ in os.walk(path):
        for name in names:
            inner = Path(folder, name)
            if not inner.is_symlink():
                inner.chmod(0o700)
