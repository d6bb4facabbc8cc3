"""Keep a copy-on-write view of the machine's files.

Files that are made or changed outside of the writable folders land below another folder, the
`root`, under the same absolute name. As in an overlay file system there are two layers: the upper
one is `root`, the lower one the user's files. A set has the names of removed files. Nothing here
ever writes to the lower layer.

Paths in this module are absolute; only the last component may be a link.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Set

from . import unwrapped
from .unwrapped import is_folder, is_there

MOST_LINKS = 40
# Bytes that one call may have copied: above that it is refused.
COPY_LIMIT = 1 << 28
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Devices, and the streams that have a name there.
DEVICES = "/dev/"
IN_MEMORY = ("/dev/shm", "/dev/mqueue")  # noqa: S108 - nothing is written there
KERNEL = "/proc/"


class ViewPath(NamedTuple):
    """Target of a name in the view; `is_moved` if the kernel would not get there by itself."""

    path: str
    is_moved: bool


class TooLargeError(PermissionError):
    """Raised for a file that is too large to be copied."""


class Overlay:
    """View of two layers, and the operations that change the view.

    Attributes:
        root: The upper layer.
        touched: Folders in which something was made, changed or removed. Empty: the view is
            the machine's files.
        removed: Names of the lower layer that the view no longer has.
        quiet: Makes a context whose opened files are not recorded as read by the project.
        read: Called with the user's file whose copy is read.
    """

    def __init__(
        self,
        root: str,
        writable: Iterable[str],
        quiet: Callable[[], AbstractContextManager[None]] = nullcontext,
        read: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.root = os.path.realpath(root)
        self._writable = tuple(os.path.realpath(folder) for folder in writable)
        self.touched: Set[str] = set()
        self.removed: Set[str] = set()
        self.lock = threading.RLock()
        self._quiet = quiet
        self._read = read
        self._folders: Dict[str, ViewPath] = {}
        # From copies that were not read yet to the user's files.
        self._copied: Dict[str, str] = {}

    # Names.

    def resolve(self, path: str, folder: str, follow: bool = True) -> ViewPath:
        """Follow all links of a name; of the last component only with `follow`."""
        name = os.path.join(self.logical(folder), path)
        head, tail = os.path.split(name.rstrip(os.sep) or os.sep)
        if tail in ("", os.curdir, os.pardir):
            head, tail = os.path.join(head, tail), ""
        if head not in self._folders:
            self._folders[head] = self._walk(ViewPath(os.sep, False), head, True)
        location = self._folders[head]
        location = self._walk(location, tail, follow) if tail else location
        return ViewPath(
            self.logical(location.path), location.is_moved or _is_below(folder, self.root)
        )

    def _walk(self, start: ViewPath, path: str, follow: bool) -> ViewPath:
        names, links = path.split(os.sep)[::-1], 0
        here, is_moved = start
        while names:
            name = names.pop()
            if name in ("", os.curdir):
                continue
            step = os.path.dirname(here) if name == os.pardir else os.path.join(here, name)
            target = self._link(step) if (names or follow) and links < MOST_LINKS else ""
            if target:
                links += 1
                is_moved = is_moved or self.shown(step) != step
                names += target.split(os.sep)[::-1]
                here = os.sep if target.startswith(os.sep) else here
            else:
                here = step
        return ViewPath(here, is_moved)

    def _link(self, path: str) -> str:
        try:
            return unwrapped.readlink(self.shown(path))
        except OSError:  # no link
            return ""

    def logical(self, path: str) -> str:
        """Return the name in the view of a path that may lie in the upper layer."""
        return path[len(self.root) :] or os.sep if _is_below(path, self.root) else path

    def is_outside(self, path: str) -> bool:
        """Return whether writes there have to land in the upper layer."""
        if any(_is_below(path, folder) for folder in self._writable):
            return False
        if path.startswith(DEVICES):
            return path.startswith(IN_MEMORY)
        return not path.startswith(KERNEL)

    def upper(self, path: str) -> str:
        """Return the path's place in the upper layer."""
        return self.root + path

    def shown(self, path: str) -> str:
        """Return the file of the machine that the view has under this name."""
        if os.path.dirname(path) in self.touched and is_there(self.upper(path)):
            return self.upper(path)
        return self.upper(path) if self._is_hidden(path) else path

    def _is_hidden(self, path: str) -> bool:
        """Return whether the lower layer's file was removed, or a folder that it lies in."""
        while self.removed:
            if path in self.removed:
                return True
            folder = os.path.dirname(path)
            if folder == path:
                break
            path = folder
        return False

    def status(self, path: str) -> Optional[os.stat_result]:
        """Return the status of the view's file, of a link itself; None without a file."""
        try:
            return unwrapped.lstat(self.shown(path))
        except OSError:
            return None

    def names(self, path: str) -> List[str]:
        """List a folder of the view."""
        names = {}
        upper = self.upper(path)
        if not self._is_hidden(path) and is_folder(path):
            lower = unwrapped.listdir(path)
            names = {name: None for name in lower if os.path.join(path, name) not in self.removed}
        elif not is_folder(upper):
            unwrapped.listdir(upper)  # raises the right error
        if is_folder(upper):
            names.update(dict.fromkeys(unwrapped.listdir(upper)))
        return list(names)

    # Changes.

    def make_folder(self, path: str) -> None:
        """Make a folder of the view in the upper layer; ignore other paths."""
        upper = self.upper(path)
        if path == os.sep or is_there(upper):
            return
        self.make_folder(os.path.dirname(path))
        if self._is_hidden(path) or not is_folder(path):
            return  # writing below it will fail
        status = unwrapped.lstat(path)
        self._touch(path)
        unwrapped.mkdir(upper)
        unwrapped.chmod(upper, stat.S_IMODE(status.st_mode) | stat.S_IRWXU)
        unwrapped.utime(upper, ns=(status.st_atime_ns, status.st_mtime_ns))

    def prepare(self, path: str) -> str:
        """Return the path of something new in the upper layer; make its folder."""
        self.make_folder(os.path.dirname(path))
        self._touch(path)
        return self.upper(path)

    def copy(self, path: str, content: bool = True) -> str:
        """Copy the view's file to the upper layer, unless it is there; return its path.

        Raises:
            OSError: It cannot be read, is too large, or is neither file, folder nor link.
        """
        upper = self.upper(path)
        if is_there(upper):
            return upper
        self.prepare(path)
        status = self.status(path)
        if status is None:
            return upper
        if stat.S_ISDIR(status.st_mode):
            self.make_folder(path)
        elif stat.S_ISLNK(status.st_mode):
            unwrapped.symlink(unwrapped.readlink(path), upper)
        elif not stat.S_ISREG(status.st_mode):
            raise PermissionError(errno.EACCES, "neither a file nor a folder", path)
        else:
            self._copy_file(path, status, content)
        return upper

    def _copy_file(self, path: str, status: os.stat_result, content: bool) -> None:
        if content and status.st_size > COPY_LIMIT:
            raise TooLargeError(errno.EACCES, "too large to be copied for a dry run", path)
        upper = self.upper(path)
        with self._quiet():
            target = unwrapped.os_open(upper, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                if content:
                    self._copied[path] = path
                    unwrapped.pour(path, target)
            finally:
                unwrapped.os_close(target)
        unwrapped.chmod(upper, stat.S_IMODE(status.st_mode))
        unwrapped.utime(upper, ns=(status.st_atime_ns, status.st_mtime_ns))

    def copy_database(self, name: str) -> str:
        """Return the path under which SQLite may open a file: of a copy, with a copy of its log."""
        path = self.resolve(name, unwrapped.getcwd()).path
        if not self.is_outside(path):
            return path
        with self.lock:
            for end in ("-wal", "-journal"):
                if self.status(path + end) is not None:
                    self.copy(path + end)
            upper = self.copy(path)
            for file in (path, path + "-wal", path + "-journal"):
                self.note_read(file)
            return upper

    def copy_all(self, path: str) -> str:
        """Copy a file or folder of the view with all its content; return its path."""
        left = [COPY_LIMIT]
        self._weigh(path, left)
        self._copy_below(path)
        return self.upper(path)

    def _weigh(self, path: str, left: List[int]) -> None:
        status = self.status(path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            for name in self.names(path):
                self._weigh(os.path.join(path, name), left)
        elif status is not None:
            left[0] -= status.st_size
        if left[0] < 0:
            raise TooLargeError(errno.EACCES, "too large to be copied for a dry run", path)

    def _copy_below(self, path: str) -> None:
        status = self.status(path)
        self.copy(path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            for name in self.names(path):
                self._copy_below(os.path.join(path, name))

    def note_read(self, path: str) -> None:
        """Report the user's file if its copy is read."""
        origin = self._copied.pop(path, None) if self._copied else None
        if origin:
            self._read(origin)

    def remove(self, path: str) -> None:
        """Remove from the view what the upper layer no longer has."""
        self._touch(path)
        self._copied.pop(path, None)
        if is_there(path):
            self.removed.add(path)

    def rename_copies(self, source: str, target: str) -> None:
        """Note that the upper layer's `source` is now its `target`."""
        for path in [copied for copied in self._copied if _is_below(copied, source)]:
            self._copied[target + path[len(source) :]] = self._copied.pop(path)

    def forget_links(self) -> None:
        """Forget resolved links: one may have been made or removed, also in a writable folder."""
        self._folders.clear()

    def _touch(self, path: str) -> None:
        self.touched.add(os.path.dirname(path))
        self._folders.clear()


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
