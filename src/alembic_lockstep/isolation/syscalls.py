"""Numbers and arguments of the system calls that the guard is about."""

from __future__ import annotations

import errno

from alembic_lockstep.isolation import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Machine:
    """System call numbers of a kind of machine, by their names. No dataclass: see `__init__.py`."""

    def __init__(self, seccomp: int, architecture: int, numbers: Mapping[str, int]) -> None:
        self.seccomp = seccomp
        self.architecture = architecture
        self.numbers = numbers


# From the kernel's syscall_64.tbl, and unistd.h of asm-generic.
# fmt: off
MACHINES = {
    "x86_64": Machine(317, 0xC000003E, {
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
    "aarch64": Machine(277, 0xC00000B7, {
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
# The index of the argument that is the folder's descriptor (None: there is none) and of the path's
# (None: the descriptor is that of the file itself).
PATHS: Mapping[str, tuple[int | None, int | None]] = {
    "chmod": (None, 0), "fchmod": (0, None), "fchmodat": (0, 1), "fchmodat2": (0, 1),
    "chown": (None, 0), "lchown": (None, 0), "fchown": (0, None), "fchownat": (0, 1),
    "utime": (None, 0), "utimes": (None, 0), "futimesat": (0, 1), "utimensat": (0, 1),
    "setxattr": (None, 0), "lsetxattr": (None, 0), "fsetxattr": (0, None),
    "removexattr": (None, 0), "lremovexattr": (None, 0), "fremovexattr": (0, None),
    "truncate": (None, 0),
}
# fmt: on
ADDRESSED = ("connect", "sendmsg", "sendmmsg")
REFUSED = (
    *("mount", "umount2", "pivot_root", "setns", "move_mount", "open_tree", "fsopen"),
    *("mount_setattr", "ptrace", "process_vm_writev", "pidfd_getfd", "bpf", "open_by_handle_at"),
    *("init_module", "finit_module", "delete_module", "reboot", "settimeofday", "clock_settime"),
    *("swapon", "swapoff"),
)


def this_machine() -> Machine:
    """Return the numbers of this machine; `OSError` if there are none."""
    machine = MACHINES.get(kernel.MACHINE)
    if machine is None:
        raise OSError(errno.ENOSYS, f"no system call numbers for {kernel.MACHINE}")
    return machine


def name_of(number: int) -> str:
    """Return the name of a system call of this machine."""
    return next(name for name, entry in this_machine().numbers.items() if entry == number)
