"""Namespaces: a view of the machine in which every write lands in a layer that is thrown away.

Each folder below `/` is covered by an overlay whose upper layer is in memory. Folders that are
written for real are bound on top. Mounts that another namespace's owner made are locked together,
so a folder that holds some cannot be covered as a whole: its entries are covered one by one.
https://docs.kernel.org/filesystems/overlayfs.html, user_namespaces(7), mount_namespaces(7)
"""

from __future__ import annotations

import os
import stat

from alembic_lockstep.isolation import kernel
from alembic_lockstep.isolation.lean import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: File systems that are interfaces of the kernel. `/proc`, `/sys` and `/dev` have their own.
_OF_THE_KERNEL = {
    *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts"),
    *("devtmpfs", "efivarfs", "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore"),
    *("rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs"),
}
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_SYSTEM = ("/dev", "/proc", "/sys")

#: With more mounts than this, Landlock is faster.
MOST_MOUNTS = 400

#: Capabilities that root loses (linux/capability.h): to mount, trace, load modules, configure the
#: network, make devices, set clocks. It keeps those about files, whose changes a layer catches.
_LOST = (9, 10, 12, 13, 14, 16, 17, 19, 20, 21, 22, 25, 26, 27, 30, 32, 33, 34, 35, 38, 39, 40)


class _Mount:
    """A line of mountinfo, proc_pid_mountinfo(5)."""

    def __init__(self, line: str) -> None:
        fields, _, rest = line.partition(" - ")
        path, options = fields.split(" ")[4:6]
        self.path = _unescaped(path)
        self.kind = rest.split(" ")[0]
        self.is_read_only = "ro" in options.split(",")


class _View:
    """The new root that is being built.

    Args:
        root: Its folder.
        layers: A folder in memory for the overlays' upper layers.
        mounts: The machine's mounts, by their paths.
        own: Folders of the user whose parent folders must be in the upper layers.
    """

    def __init__(
        self, root: str, layers: str, mounts: Mapping[str, _Mount], own: Iterable[str]
    ) -> None:
        self.root = root
        self._layers = layers
        self._mounts = mounts
        self._own = tuple(own)
        self._count = 0

    def build(self) -> None:
        """Cover all folders; `OSError` if that is not possible."""
        for name in sorted(os.listdir("/")):
            if f"/{name}" not in _SYSTEM:
                self._cover(f"/{name}")
        self._add_devices()
        self._bind("/sys", read_only=True)

    def write_through(self, path: str) -> None:
        """Show a folder or file as it is, to be written for real, or a socket to be reached.

        Mounts below it are shown, too: in a user namespace the kernel does not let the folder
        behind such a mount be uncovered (EINVAL).
        """
        if not os.path.lexists(self.root + path):  # a socket: `_bind_file` skips it
            os.close(os.open(self.root + path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        kernel.mount(path, self.root + path, flags=kernel.MS_BIND | kernel.MS_REC)

    def _cover(self, path: str) -> None:
        """Show a path so that writes to it are thrown away."""
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(path), self.root + path)
        elif not stat.S_ISDIR(status.st_mode):
            self._bind_file(path)
        elif (mount := self._mounts.get(path)) and mount.is_read_only:
            self._bind(path)
        elif any(mounted.startswith(f"{path}/") for mounted in self._mounts):
            self._cover_entries(path, status)
        elif mount and mount.kind in _OF_THE_KERNEL:
            self._bind(path, read_only=True)
        else:
            self._overlay(path, status)

    def _cover_entries(self, path: str, status: os.stat_result) -> None:
        os.mkdir(self.root + path)
        with suppress(PermissionError):  # the project cannot read it either
            for name in sorted(os.listdir(path)):
                with suppress(FileNotFoundError):  # deleted meanwhile
                    self._cover(f"{path}/{name}")
        os.chmod(self.root + path, stat.S_IMODE(status.st_mode))

    def _overlay(self, path: str, status: os.stat_result) -> None:
        self._note_mount()
        target, upper = self.root + path, f"{self._layers}/{self._count}"
        work = f"{upper}.work"
        for folder in (target, upper, work):
            os.mkdir(folder)
        # The project sees the upper folder's mode.
        os.chmod(upper, _mode_for_us(path, status))
        for own in self._own:
            if own.startswith(f"{path}/"):
                _copy_parents(path, own, upper)
        layers = f"lowerdir={_escaped(path)},upperdir={upper},workdir={work}"
        try:
            kernel.mount("overlay", target, "overlay", options=f"{layers},userxattr")
        except OSError:  # a file system that cannot lie below one, such as some FUSE
            os.rmdir(target)
            self._bind(path, read_only=True)

    def _bind(self, path: str, *, read_only: bool = False) -> None:
        self._note_mount()
        os.mkdir(self.root + path)
        kernel.mount(path, self.root + path, flags=kernel.MS_BIND | kernel.MS_REC)
        if read_only:
            kernel.make_read_only(self.root + path)

    def _bind_file(self, path: str) -> None:
        if not os.path.isfile(path):  # a socket or pipe, at which a process may listen
            return
        self._note_mount()
        os.close(os.open(self.root + path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        kernel.mount(path, self.root + path, flags=kernel.MS_BIND)
        kernel.make_read_only(self.root + path)

    def _add_devices(self) -> None:
        os.mkdir(f"{self.root}/dev")
        for name in _DEVICES:
            with suppress(OSError):  # a container may lack some
                target = f"{self.root}/dev/{name}"
                os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))
                kernel.mount(f"/dev/{name}", target, flags=kernel.MS_BIND)
        for name, target in {
            "fd": "/proc/self/fd",
            "stdin": "/proc/self/fd/0",
            "stdout": "/proc/self/fd/1",
            "stderr": "/proc/self/fd/2",
            "ptmx": "pts/ptmx",
        }.items():
            os.symlink(target, f"{self.root}/dev/{name}")
        os.mkdir(f"{self.root}/dev/pts")
        with suppress(OSError):
            options = "newinstance,ptmxmode=0666,mode=620"
            kernel.mount("devpts", f"{self.root}/dev/pts", "devpts", options=options)
        self._cover_shared_memory()

    def _cover_shared_memory(self) -> None:
        """Show /dev/shm, where a repository may lie and where semaphores are made."""
        path = "/dev/shm"  # noqa: S108
        if os.path.isdir(path) and not os.path.islink(path):
            self._cover(path)

    def _note_mount(self) -> None:
        self._count += 1
        if self._count > MOST_MOUNTS:
            raise OSError(f"more than {MOST_MOUNTS} mounts would be needed")


def prepare(base: str, writable: Iterable[str], own: Iterable[str]) -> str:
    """Build the view; the next child process is the first of a PID namespace.

    Args:
        base: An empty folder; mounts there are visible to this process only.
        writable: Folders, files and sockets to be shown as they are. Those that do not exist are
            left out.
        own: Folders of the user, in which an account without privileges can write as well.

    Returns:
        The view's root, for `enter`.

    Raises:
        OSError: the machine does not permit it. The process must then end.
    """
    user, group = os.geteuid(), os.getegid()
    spaces = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC
    if kernel.may_administer():
        own = ()
        kernel.call("unshare", spaces)
    else:
        kernel.call("unshare", spaces | kernel.CLONE_NEWUSER)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    mounts = _mounts()
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", base, "tmpfs", options="mode=700")
    root, layers = f"{base}/root", f"{base}/layers"
    for folder in (root, layers):
        os.mkdir(folder)
    kernel.mount("tmpfs", root, "tmpfs", options="mode=755")
    view = _View(root, layers, mounts, map(os.path.realpath, own))
    view.build()
    os.mkdir(f"{root}/proc")
    for path in filter(os.path.exists, map(os.path.realpath, writable)):
        view.write_through(path)
    return root


def enter(root: str) -> None:
    """Make the view the root of the namespace, in the first process of the PID namespace.

    /proc is mounted before the old root is unmounted: without privileges the kernel allows it only
    where another /proc is visible.
    """
    folder = os.getcwd()
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", f"{root}/proc", "proc", flags)
    os.chdir(root)
    kernel.call("pivot_root", ".", ".")
    kernel.call("umount2", ".", kernel.MNT_DETACH)
    os.chdir(folder)
    if os.geteuid() == 0:
        for path in ("/proc/sys", "/proc/sysrq-trigger"):
            if os.path.exists(path):
                kernel.mount(path, path, flags=kernel.MS_BIND)
                kernel.make_read_only(path)


def drop_capabilities() -> None:
    """Drop capabilities that undo the view from the next program; matters for root."""
    for number in _LOST:
        with suppress(OSError):  # unknown to this kernel
            kernel.prctl(kernel.PR_CAPBSET_DROP, number)


def _mounts() -> dict[str, _Mount]:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        return {mount.path: mount for mount in map(_Mount, lines)}


def _unescaped(path: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        path = path.replace(code, character)
    return path


def _escaped(path: str) -> str:
    """Escape the separators of an overlay's layers and options."""
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def _mode_for_us(path: str, status: os.stat_result) -> int:
    """Return the mode for our copy of a folder: as closed to us as the original."""
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid == os.geteuid():
        return mode
    rights = ((os.R_OK, 0o400), (os.W_OK, 0o200), (os.X_OK, 0o100))
    return (mode & 0o7077) | sum(bit for right, bit in rights if os.access(path, right))


def _copy_parents(top: str, own: str, upper: str) -> None:
    """Make the folders between the top of an overlay and a folder of ours in the upper layer.

    The kernel copies them when a file below is written, but not those of another account: a user
    namespace has only ours (EOVERFLOW). Folders that are in both layers are shown as one.
    """
    for name in own[len(top) + 1 :].split("/"):
        top, upper = f"{top}/{name}", f"{upper}/{name}"
        try:
            status = os.stat(top)
        except OSError:  # missing, or closed to us
            return
        with suppress(FileExistsError):  # a parent of two folders
            os.mkdir(upper)
        os.chmod(upper, _mode_for_us(top, status))


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
