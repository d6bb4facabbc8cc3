"""A seccomp filter that asks the supervisor before a process connects.

The kernel stops each call that names an address (and, under Landlock, each that changes a file's
mode, owner, times or attributes, which Landlock does not check) until the supervisor has read its
arguments. Calls that would undo the guard are refused at once. seccomp(2), seccomp_unotify(2)
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import struct
from itertools import chain

from alembic_lockstep.isolation import kernel
from alembic_lockstep.isolation.attempts import Contact, InodeChange, read_attempt
from alembic_lockstep.isolation.lean import socket, suppress
from alembic_lockstep.isolation.syscalls import ADDRESSED, PATHS, REFUSED, Machine, this_machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_SET_MODE_FILTER = 1
_SPEC_ALLOW, _NEW_LISTENER = 4, 8
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_CONTINUE = 1

_ALLOW, _NOTIFY, _ERROR = 0x7FFF0000, 0x7FC00000, 0x00050000
_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32 = 0x40000000
# Flags that no program combines: of the message that hands over the listener.
_UNASKED = socket.MSG_DONTWAIT | socket.MSG_EOR | socket.MSG_NOSIGNAL | socket.MSG_CONFIRM

_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class Notification:
    """A call that waits for the supervisor.

    Attributes:
        attempt: The access or change that it would make; None if it is harmless.
    """

    def __init__(self, number: int, attempt: Contact | InodeChange | None) -> None:
        self.number = number
        self.attempt = attempt


def install(*, watch_files: bool) -> int:
    """Install the filter for this process and its children; return the listener's descriptor.

    Args:
        watch_files: Also ask before changes of modes, owners, times and attributes.

    Raises:
        OSError: this kernel or machine does not support it, or an outer filter has a listener.
    """
    return _load(_questions(this_machine(), watch_files=watch_files), _SPEC_ALLOW | _NEW_LISTENER)


def refuse_contacts() -> None:
    """Refuse every connection that this process and its children begin from now on.

    Raises:
        OSError: this kernel or machine does not support it.
    """
    numbers = this_machine().numbers
    rules = (
        _when(numbers["connect"], _ERROR | errno.EACCES),
        _when_argument(numbers["sendto"], 4, 0, _ALLOW),  # without an address
        _when(numbers["sendto"], _ERROR | errno.EACCES),
        _refusals(numbers),
    )
    _load(chain(*rules), _SPEC_ALLOW)


def send(report: socket.socket, message: bytes, descriptors: Sequence[int]) -> None:
    """Send a message with descriptors past the filter, as no listener could answer yet."""
    rights = (
        socket.SOL_SOCKET,
        socket.SCM_RIGHTS,
        struct.pack(f"{len(descriptors)}i", *descriptors),
    )
    report.sendmsg([message], [rights] if descriptors else [], _UNASKED)


def take(report: socket.socket) -> tuple[bytes, list[int]]:
    """Receive the message and descriptors of `send`."""
    message, rights, _, _ = report.recvmsg(4096, socket.CMSG_LEN(struct.calcsize("i")))
    return message, [number for *_, data in rights for (number,) in struct.iter_unpack("i", data)]


def receive(listener: int) -> Notification | None:
    """Return the next call that waits; None if its process has ended meanwhile."""
    buffer = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINTR):
            return None
        raise
    number, process, _, call, _, _, *arguments = _NOTIFICATION.unpack(buffer)
    try:
        attempt: Contact | InodeChange | None = read_attempt(process, call, arguments)
    except OSError:  # it is refused
        attempt = Contact("an address that could not be read")
    return Notification(number, attempt)


def answer(listener: int, notification: Notification, error: int = 0) -> None:
    """Let a call continue, or make it fail with an errno."""
    flags = 0 if error else _CONTINUE
    with suppress(OSError):  # the process has ended meanwhile
        fcntl.ioctl(listener, _SEND, _ANSWER.pack(notification.number, 0, -error, flags))


def _load(rules: Iterable[bytes], flags: int) -> int:
    """Filter this process by rules; calls that match none are allowed."""
    code = b"".join([*_opening(), *rules, _step(_RETURN, _ALLOW)])
    program = _Program(len(code) // 8, code)
    number = this_machine().seccomp
    return kernel.syscall(number, _SET_MODE_FILTER, flags, ctypes.byref(program))


def _opening() -> Iterator[bytes]:
    """Yield the rules against other kinds of system calls, whose numbers differ."""
    yield _step(_LOAD, _ARCHITECTURE)
    yield from _when(this_machine().architecture, _ERROR | errno.ENOSYS, equal=False)
    yield _step(_LOAD, _NUMBER)
    if kernel.MACHINE == "x86_64":
        yield _step(_JUMP_GREATER_EQUAL, _X32, 0, 1)
        yield _step(_RETURN, _ERROR | errno.ENOSYS)


def _questions(machine: Machine, *, watch_files: bool) -> Iterator[bytes]:
    """Yield the rules for the project; the kernel caches which calls they always allow."""
    numbers = machine.numbers
    yield from _when_argument(numbers["sendmsg"], 2, _UNASKED, _ALLOW)
    names = [*ADDRESSED, *(PATHS if watch_files else ())]
    for name in (name for name in names if name in numbers):
        yield from _when(numbers[name], _NOTIFY)
    yield from _refusals(numbers)
    # Its operations bypass the filter; libraries do without it.
    yield from _when(numbers["io_uring_setup"], _ERROR | errno.ENOSYS)
    yield from _when_argument(numbers["socket"], 0, 17, _ERROR | errno.EPERM)  # AF_PACKET
    yield from _when_argument(numbers["socket"], 1, socket.SOCK_RAW, _ERROR | errno.EPERM, 0xF)
    yield from _when_argument(numbers["sendto"], 4, 0, _ALLOW)  # without an address
    yield from _when(numbers["sendto"], _NOTIFY)


def _refusals(numbers: Mapping[str, int]) -> Iterator[bytes]:
    """Yield the rules against calls that would undo the guard."""
    for name in REFUSED:
        yield from _when(numbers[name], _ERROR | errno.EPERM)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _when(number: int, action: int, *, equal: bool = True) -> Iterator[bytes]:
    """Yield the steps that return an action if the loaded value equals a number, or does not."""
    jumps = (0, 1) if equal else (1, 0)
    yield _step(_JUMP_EQUAL, number, *jumps)
    yield _step(_RETURN, action)


def _when_argument(
    number: int, index: int, value: int, action: int, mask: int = 0xFFFFFFFF
) -> Iterator[bytes]:
    """Yield the steps that return an action for a call if one argument has a value.

    Both halves are compared, as of a pointer; the number is loaded again at the end.
    """
    offset = _ARGUMENTS + 8 * index
    body = [
        _step(_LOAD, offset),
        _step(_AND, mask),
        _step(_JUMP_EQUAL, value, 0, 3),
        _step(_LOAD, offset + 4),
        _step(_JUMP_EQUAL, 0, 0, 1),
        _step(_RETURN, action),
        _step(_LOAD, _NUMBER),
    ]
    yield _step(_JUMP_EQUAL, number, 0, len(body))
    yield from body
