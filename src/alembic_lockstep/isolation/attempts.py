"""Read from a process that waits in a system call what the call would do.

The arguments are read from the memory of the process, which another of its threads could change
meanwhile: the guard is for what a project does by itself, not for deliberate attacks.
"""

from __future__ import annotations

import ctypes
import os
import struct

from alembic_lockstep.isolation.lean import socket
from alembic_lockstep.isolation.syscalls import PATHS, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Contact:
    """A call that would reach an address: `host:port`, the path of a Unix socket, or `@name`."""

    def __init__(self, address: str, *, is_path: bool = False) -> None:
        self.address = address
        self.is_path = is_path


class InodeChange:
    """A call that would change a file's inode: mode, owner, times, attributes or size."""

    def __init__(self, call: str, path: str) -> None:
        self.call = call
        self.path = path


def read_attempt(process: int, call: int, arguments: Sequence[int]) -> Contact | InodeChange | None:
    """Return what a call would do; None if that is harmless.

    Args:
        process: The caller.
        call: The number of the system call.

    Raises:
        OSError: the caller has ended, or its memory cannot be read.
    """
    name = name_of(call)
    if name in PATHS:
        return InodeChange(name, _path(process, name, arguments))
    if name == "connect":
        return _contact(process, arguments[1], arguments[2])
    if name == "sendto":
        return _contact(process, arguments[4], arguments[5])
    # struct msghdr begins with the address and its length; sendmmsg has several, one in 64 bytes.
    count = min(arguments[2], 1024) if name == "sendmmsg" else 1
    for index in range(count):
        address, length = struct.unpack("=QI", _memory(process, arguments[1] + 64 * index, 12))
        contact = _contact(process, address, length) if address else None
        if contact:
            return contact
    return None


def _contact(process: int, address: int, length: int) -> Contact | None:
    """Read a socket address; None where it has no peer. sys/socket.h, unix(7)"""
    if length < 2:
        return None
    raw = _memory(process, address, min(length, 128))
    (family,) = struct.unpack_from("=H", raw)
    if family in (socket.AF_UNSPEC, socket.AF_NETLINK):
        return None
    if family == socket.AF_UNIX:
        return _unix(process, raw[2:])
    if family == socket.AF_INET and len(raw) >= 8:
        host = socket.inet_ntop(socket.AF_INET, raw[4:8])
    elif family == socket.AF_INET6 and len(raw) >= 24:
        host = socket.inet_ntop(socket.AF_INET6, raw[8:24]).removeprefix("::ffff:")
    else:
        return Contact(f"an address of the family {family}")
    return Contact(f"{host}:{int.from_bytes(raw[2:4], 'big')}")


def _unix(process: int, name: bytes) -> Contact:
    if not name or name[0] == 0:
        return Contact("@" + os.fsdecode(name[1:].rstrip(b"\0")))
    path = os.fsdecode(name.partition(b"\0")[0])
    folder = os.readlink(f"/proc/{process}/cwd")
    return Contact(os.path.normpath(os.path.join(folder, path)), is_path=True)


def _path(process: int, name: str, arguments: Sequence[int]) -> str:
    """Return the absolute path that a call would change, with its folder's links resolved."""
    folder_index, path_index = PATHS[name]
    folder = f"/proc/{process}/cwd"
    if folder_index is not None:
        descriptor = ctypes.c_int(arguments[folder_index]).value
        folder = folder if descriptor == -100 else f"/proc/{process}/fd/{descriptor}"
    path = "" if path_index is None else _text(process, arguments[path_index])
    if not path:  # of the descriptor itself
        return os.readlink(folder)
    head, tail = os.path.split(os.path.join(os.readlink(folder), path))
    return os.path.join(os.path.realpath(head), tail)


def _text(process: int, address: int) -> str:
    """Read a path from the memory of a process; the pages behind its end may not be there."""
    if not address:  # futimens(2) has no path
        return ""
    text = b""
    while b"\0" not in text and len(text) < 4096:
        rest = 4096 - (address + len(text)) % 4096
        text += _memory(process, address + len(text), rest)
    return os.fsdecode(text.partition(b"\0")[0])


def _memory(process: int, address: int, length: int) -> bytes:
    descriptor = os.open(f"/proc/{process}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, length, address)
    finally:
        os.close(descriptor)
