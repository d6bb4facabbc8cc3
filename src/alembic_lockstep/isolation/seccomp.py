"""A seccomp filter that asks the supervisor before a process reaches anybody.

The kernel stops each call that names an address (and, under Landlock, each that changes a file's
mode, owner, times or attributes, which Landlock does not look at) until the supervisor has looked
at its arguments. What undoes the guard is refused outright. seccomp(2), seccomp_unotify(2)

The arguments are read from the memory of the process, which another of its threads could change
meanwhile: the guard is against what a project does, not against who attacks it on purpose.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
from itertools import chain

from alembic_lockstep.isolation import kernel
from alembic_lockstep.isolation.lean import socket, suppress

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
# Flags that no program gives together: of the message that hands over the listener.
_UNASKED = socket.MSG_DONTWAIT | socket.MSG_EOR | socket.MSG_NOSIGNAL | socket.MSG_CONFIRM

_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")


class _Machine:
    """System call numbers of a kind of machine, by their names. No dataclass: see `__init__.py`."""

    def __init__(self, seccomp: int, architecture: int, numbers: Mapping[str, int]) -> None:
        self.seccomp = seccomp
        self.architecture = architecture
        self.numbers = numbers


# From the kernel's syscall_64.tbl, and unistd.h of asm-generic.
# fmt: off
_MACHINES = {
    "x86_64": _Machine(317, 0xC000003E, {
        "socket": 41, "connect": 42, "sendto": 44, "sendmsg": 46, "sendmmsg": 307,
        "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260,
        "fchmodat": 268, "fchmodat2": 452, "utime": 132, "utimes": 235, "futimesat": 261,
        "utimensat": 280, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190,
        "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199, "truncate": 76,
        "io_uring_setup": 425, "mount": 165, "umount2": 166, "pivot_root": 155, "setns": 308,
        "move_mount": 429, "open_tree": 428, "fsopen": 430, "mount_setattr": 442, "ptrace": 101,
        "process_vm_writev": 311, "pidfd_getfd": 438, "bpf": 321, "open_by_handle_at": 304,
        "init_module": 175, "finit_module": 313, "delete_module": 176, "reboot": 169,
        "settimeofday": 164, "clock_settime": 227, "swapon": 167, "swapoff": 168,
    }),
    "aarch64": _Machine(277, 0xC00000B7, {
        "socket": 198, "connect": 203, "sendto": 206, "sendmsg": 211, "sendmmsg": 269,
        "fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "fchownat": 54, "fchown": 55,
        "utimensat": 88, "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14,
        "lremovexattr": 15, "fremovexattr": 16, "truncate": 45,
        "io_uring_setup": 425, "mount": 40, "umount2": 39, "pivot_root": 41, "setns": 268,
        "move_mount": 429, "open_tree": 428, "fsopen": 430, "mount_setattr": 442, "ptrace": 117,
        "process_vm_writev": 271, "pidfd_getfd": 438, "bpf": 280, "open_by_handle_at": 265,
        "init_module": 105, "finit_module": 273, "delete_module": 106, "reboot": 142,
        "settimeofday": 170, "clock_settime": 112, "swapon": 224, "swapoff": 225,
    }),
}
# Which argument is the folder's descriptor (None: there is none) and which is the path (None: the
# descriptor is that of the file itself).
_PATHS: Mapping[str, tuple[int | None, int | None]] = {
    "chmod": (None, 0), "fchmod": (0, None), "fchmodat": (0, 1), "fchmodat2": (0, 1),
    "chown": (None, 0), "lchown": (None, 0), "fchown": (0, None), "fchownat": (0, 1),
    "utime": (None, 0), "utimes": (None, 0), "futimesat": (0, 1), "utimensat": (0, 1),
    "setxattr": (None, 0), "lsetxattr": (None, 0), "fsetxattr": (0, None),
    "removexattr": (None, 0), "lremovexattr": (None, 0), "fremovexattr": (0, None),
    "truncate": (None, 0),
}
# fmt: on
_ADDRESSED = ("connect", "sendmsg", "sendmmsg")
_REFUSED = (
    *("mount", "umount2", "pivot_root", "setns", "move_mount", "open_tree", "fsopen"),
    *("mount_setattr", "ptrace", "process_vm_writev", "pidfd_getfd", "bpf", "open_by_handle_at"),
    *("init_module", "finit_module", "delete_module", "reboot", "settimeofday", "clock_settime"),
    *("swapon", "swapoff"),
)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class Contact:
    """A call that would reach an address: `host:port`, the path of a Unix socket, or `@name`."""

    def __init__(self, address: str, *, is_path: bool = False) -> None:
        self.address = address
        self.is_path = is_path


class Change:
    """A call that would change what a file's inode says."""

    def __init__(self, call: str, path: str) -> None:
        self.call = call
        self.path = path


class Notification:
    """A call that waits for the supervisor.

    Attributes:
        attempt: What it would do; None if that is harmless.
    """

    def __init__(self, number: int, attempt: Contact | Change | None) -> None:
        self.number = number
        self.attempt = attempt


def install(*, watch_files: bool) -> int:
    """Filter from now on this process and its children; return the listener's descriptor.

    Args:
        watch_files: Also ask before changes of modes, owners, times and attributes.

    Raises:
        OSError: this kernel or machine cannot, or an outer filter has a listener already.
    """
    return _load(_questions(_machine(), watch_files=watch_files), _SPEC_ALLOW | _NEW_LISTENER)


def refuse_contacts() -> None:
    """Refuse from now on, to this process and its children, every connection that they begin.

    Raises:
        OSError: this kernel or machine cannot.
    """
    numbers = _machine().numbers
    rules = (
        _when(numbers["connect"], _ERROR | errno.EACCES),
        _when_argument(numbers["sendto"], 4, 0, _ALLOW),  # without an address
        _when(numbers["sendto"], _ERROR | errno.EACCES),
        _refusals(numbers),
    )
    _load(chain(*rules), _SPEC_ALLOW)


def send(report: socket.socket, message: bytes, descriptors: Sequence[int]) -> None:
    """Send a message with descriptors, past the filter: nobody could answer yet."""
    rights = (
        socket.SOL_SOCKET,
        socket.SCM_RIGHTS,
        struct.pack(f"{len(descriptors)}i", *descriptors),
    )
    report.sendmsg([message], [rights] if descriptors else [], _UNASKED)


def take(report: socket.socket) -> tuple[bytes, list[int]]:
    """Take what `send` has sent."""
    message, rights, _, _ = report.recvmsg(4096, socket.CMSG_LEN(struct.calcsize("i")))
    return message, [number for *_, data in rights for (number,) in struct.iter_unpack("i", data)]


def receive(listener: int) -> Notification | None:
    """Take the next call that waits; None if its process has gone meanwhile."""
    buffer = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINTR):
            return None
        raise
    number, process, _, call, _, _, *arguments = _NOTIFICATION.unpack(buffer)
    try:
        attempt = _attempt(process, _name(call), arguments)
    except OSError:  # gone, or its memory cannot be read: it is refused
        attempt = Contact("an address that could not be read")
    return Notification(number, attempt)


def answer(listener: int, notification: Notification, error: int = 0) -> None:
    """Let a call go on, or have it fail with an errno."""
    flags = 0 if error else _CONTINUE
    with suppress(OSError):  # the process has gone meanwhile
        fcntl.ioctl(listener, _SEND, _ANSWER.pack(notification.number, 0, -error, flags))


def _machine() -> _Machine:
    machine = _MACHINES.get(kernel.MACHINE)
    if machine is None:
        raise OSError(errno.ENOSYS, f"no system call numbers for {kernel.MACHINE}")
    return machine


def _load(rules: Iterable[bytes], flags: int) -> int:
    """Filter this process by rules; what none of them is about is allowed."""
    code = b"".join([*_opening(), *rules, _step(_RETURN, _ALLOW)])
    program = _Program(len(code) // 8, code)
    number = _machine().seccomp
    return kernel.syscall(number, _SET_MODE_FILTER, flags, ctypes.byref(program))


def _opening() -> Iterator[bytes]:
    """Yield what refuses other kinds of system calls, whose numbers mean something else."""
    yield _step(_LOAD, _ARCHITECTURE)
    yield from _when(_machine().architecture, _ERROR | errno.ENOSYS, equal=False)
    yield _step(_LOAD, _NUMBER)
    if kernel.MACHINE == "x86_64":
        yield _step(_JUMP_GREATER_EQUAL, _X32, 0, 1)
        yield _step(_RETURN, _ERROR | errno.ENOSYS)


def _questions(machine: _Machine, *, watch_files: bool) -> Iterator[bytes]:
    """Yield the rules for the project; the kernel remembers which calls they always allow."""
    numbers = machine.numbers
    yield from _when_argument(numbers["sendmsg"], 2, _UNASKED, _ALLOW)
    asked = [*_ADDRESSED, *(_PATHS if watch_files else ())]
    for name in (name for name in asked if name in numbers):
        yield from _when(numbers[name], _NOTIFY)
    yield from _refusals(numbers)
    # Its operations pass the filter by; libraries do without where there is none.
    yield from _when(numbers["io_uring_setup"], _ERROR | errno.ENOSYS)
    yield from _when_argument(numbers["socket"], 0, 17, _ERROR | errno.EPERM)  # AF_PACKET
    yield from _when_argument(numbers["socket"], 1, socket.SOCK_RAW, _ERROR | errno.EPERM, 0xF)
    yield from _when_argument(numbers["sendto"], 4, 0, _ALLOW)  # without an address
    yield from _when(numbers["sendto"], _NOTIFY)


def _refusals(numbers: Mapping[str, int]) -> Iterator[bytes]:
    """Yield the rules against what would undo the guard."""
    for name in _REFUSED:
        yield from _when(numbers[name], _ERROR | errno.EPERM)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _when(number: int, action: int, *, equal: bool = True) -> Iterator[bytes]:
    """Yield what returns an action where the loaded value is a number, or is another one."""
    jumps = (0, 1) if equal else (1, 0)
    yield _step(_JUMP_EQUAL, number, *jumps)
    yield _step(_RETURN, action)


def _when_argument(
    number: int, index: int, value: int, action: int, mask: int = 0xFFFFFFFF
) -> Iterator[bytes]:
    """Yield what returns an action for a call one of whose arguments has a value.

    Both halves are looked at, as of a pointer; the number is loaded again at the end.
    """
    place = _ARGUMENTS + 8 * index
    body = [
        _step(_LOAD, place),
        _step(_AND, mask),
        _step(_JUMP_EQUAL, value, 0, 3),
        _step(_LOAD, place + 4),
        _step(_JUMP_EQUAL, 0, 0, 1),
        _step(_RETURN, action),
        _step(_LOAD, _NUMBER),
    ]
    yield _step(_JUMP_EQUAL, number, 0, len(body))
    yield from body


def _name(number: int) -> str:
    numbers = _MACHINES[kernel.MACHINE].numbers
    return next(name for name, known in numbers.items() if known == number)


def _attempt(process: int, name: str, arguments: Sequence[int]) -> Contact | Change | None:
    if name in _PATHS:
        return Change(name, _path(process, name, arguments))
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
    """Read a socket address; None where it names nobody. sys/socket.h, unix(7)"""
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
    """Return the path that a call is about, absolute, its folder's links resolved."""
    folder_index, path_index = _PATHS[name]
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
