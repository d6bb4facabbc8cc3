"""System calls for which Python has no function, and what is made of them."""

from __future__ import annotations

import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)

# Of linux/prctl.h.
PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

# Of linux/sched.h and linux/mount.h.
CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
_MOUNT_SETATTR = 442
_AT_RECURSIVE = 0x8000
_AT_FDCWD = -100

# Of linux/capability.h: CAP_SYS_ADMIN.
_CAN_ADMINISTER = 1 << 21

MACHINE = os.uname().machine


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library.

    Raises:
        OSError: it returned a negative number; with errno and the function's name.
    """
    result: int = getattr(_LIBC, name)(*map(_converted, arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def syscall(number: int, *arguments: object) -> int:
    """Make a system call by its number; raises as `call` does."""
    return call("syscall", number, *arguments)


def prctl(option: int, value: int = 0) -> None:
    """Set an attribute of this process; raises as `call` does."""
    call("prctl", option, value, 0, 0, 0)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount a file system; raises as `call` does, with the target."""
    try:
        call("mount", source, target, kind or None, flags, options or None)
    except OSError as error:
        raise OSError(error.errno, f"mount {kind or 'bind'}: {error.strerror}", target) from None


def make_read_only(path: str) -> None:
    """Refuse writes to a mount and all mounts below it."""
    attributes = (ctypes.c_uint64 * 4)(1, 0, 0, 0)  # set MOUNT_ATTR_RDONLY
    size = ctypes.sizeof(attributes)
    arguments = (_AT_FDCWD, path, _AT_RECURSIVE, ctypes.byref(attributes), size)
    try:
        syscall(_MOUNT_SETATTR, *arguments)
    except OSError:  # before Linux 5.12
        flags = MS_BIND | MS_REMOUNT | MS_RDONLY
        mount("none", path, flags=flags | MS_NOSUID | MS_NODEV)


def may_administer() -> bool:
    """Return whether this process has CAP_SYS_ADMIN, so that it needs no user namespace."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        effective = next(line for line in status if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) & _CAN_ADMINISTER)


def _converted(argument: object) -> object:
    if isinstance(argument, str):
        return os.fsencode(argument)
    # As unsigned long: the C library's functions take pointers and flags of that width.
    return ctypes.c_ulong(argument) if isinstance(argument, int) else argument
