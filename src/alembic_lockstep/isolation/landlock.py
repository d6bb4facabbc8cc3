"""Landlock: the kernel refuses writes outside of some folders, to this process and its children.

https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import stat

from alembic_lockstep.isolation import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GET_VERSION = 1
_PATH_BENEATH = 1

# Of linux/landlock.h: everything that changes a file or a folder.
_WRITE_FILE = 1 << 1
_OF_FOLDERS = sum(1 << bit for bit in range(4, 13))  # remove and make, of every kind
_REFER = 1 << 13  # since version 2
_TRUNCATE = 1 << 14  # since version 3
_OF_FILES = _WRITE_FILE | _TRUNCATE
_CONNECT_TCP = 1 << 1  # since version 4
_SCOPES = 3  # abstract Unix sockets and signals, since version 6

#: Devices to which programs write and which store nothing.
DEVICES = (
    *("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"),
    *("/dev/tty", "/dev/ptmx", "/dev/pts"),
)


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def version() -> int:
    """Return the version of the kernel's Landlock; `OSError` if it has none, or it is off."""
    return kernel.syscall(_CREATE_RULESET, None, 0, _GET_VERSION)


def restrict_writes(writable: Iterable[str], *, connects: bool = True) -> None:
    """Refuse this process and its children every write outside of these folders and files.

    That cannot be undone. Paths that do not exist are left out. Needs NO_NEW_PRIVS.

    Args:
        connects: Allow TCP connections; versions below 4 cannot refuse them.

    Raises:
        OSError: this kernel does not support it.
    """
    number = version()
    handled = _WRITE_FILE | _OF_FOLDERS
    handled |= _REFER if number >= 2 else 0
    handled |= _TRUNCATE if number >= 3 else 0
    network = 0 if connects or number < 4 else _CONNECT_TCP
    ruleset = _Ruleset(handled, network, _SCOPES if number >= 6 else 0)
    # Older kernels know the structure without its newer fields.
    size = 24 if number >= 6 else 16 if number >= 4 else 8
    descriptor = kernel.syscall(_CREATE_RULESET, ctypes.byref(ruleset), size, 0)
    try:
        for path in (*writable, *DEVICES):
            _allow(descriptor, path, handled)
        kernel.syscall(_RESTRICT_SELF, descriptor, 0)
    finally:
        os.close(descriptor)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # missing, so nothing can be written there
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(folder).st_mode)
        rule = _PathBeneath(rights if is_folder else rights & _OF_FILES, folder)
        kernel.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(folder)
