"""Keep Python's functions on files as they were before the shadow replaced them.

Calls of these are not the project's.
"""

from __future__ import annotations

import os
import stat

os_open, os_read, os_write, os_close = os.open, os.read, os.write, os.close
lstat, readlink, listdir = os.lstat, os.readlink, os.listdir
mkdir, symlink, chmod, utime, getcwd = os.mkdir, os.symlink, os.chmod, os.utime, os.getcwd

CHUNK = 1 << 20


def pour(path: str, target: int) -> None:
    """Copy the content of a file to an open one."""
    source = os_open(path, os.O_RDONLY)
    try:
        chunk = os_read(source, CHUNK)
        while chunk:
            while chunk:
                chunk = chunk[os_write(target, chunk) :]
            chunk = os_read(source, CHUNK)
    finally:
        os_close(source)


def is_there(path: str) -> bool:
    """Return whether the machine has something of this name."""
    try:
        lstat(path)
    except OSError:
        return False
    return True


def is_folder(path: str) -> bool:
    """Return whether the machine has a folder of this name, not a link to one."""
    try:
        return stat.S_ISDIR(lstat(path).st_mode)
    except OSError:
        return False
