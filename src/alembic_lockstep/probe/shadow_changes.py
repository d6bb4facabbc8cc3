"""Replace Python's functions that change, make, rename and remove files by calls on an overlay."""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import Any

from .shadow_calls import Call, failure, naming, typed
from .unwrapped import is_folder, is_there


class Modify(Call):
    """Function that changes an existing file: `os.chmod`, `os.utime`, `os.truncate` …"""

    def __call__(self, path: Any, *arguments: Any, **options: Any) -> Any:
        """Change a copy."""
        target = self._target(path, options)
        if target is None:
            return self._call(self._machine_path(path, options), *arguments, **options)
        with self._overlay.lock:
            upper = self._overlay.copy(target)
            # The last link was followed already, if it was to be.
            return self._do(path, upper, *arguments, **options)


class Make(Call):
    """Function that makes something new: `os.mkdir`, `os.mkfifo`, `os.mknod`."""

    def __call__(self, path: Any, *arguments: Any, **options: Any) -> Any:
        """Make it in the upper layer."""
        target = self._target(path, options)
        if target is None:
            return self._call(self._machine_path(path, options), *arguments, **options)
        with self._overlay.lock:
            self._refuse_what_is_there(target, path)
            return self._do(path, self._overlay.prepare(target), *arguments, **options)


class Symlink(Call):
    """`os.symlink`."""

    def __call__(self, src: Any, dst: Any, *arguments: Any, **options: Any) -> Any:
        """Make the link in the upper layer."""
        self._overlay.forget_links()
        target = self._target(dst, options)
        if target is None:
            return self._call(src, self._machine_path(dst, options), *arguments, **options)
        options.pop("dir_fd", None)
        with self._overlay.lock, naming(src, dst):
            self._refuse_what_is_there(target, dst)
            return self._call(src, typed(self._overlay.prepare(target), src), *arguments, **options)


class Remove(Call):
    """`os.unlink`, `os.remove` and `os.rmdir`."""

    def __call__(self, path: Any, *arguments: Any, **options: Any) -> Any:
        """Remove it from the view."""
        target = self._target(path, options)
        if target is None:
            machine_path = self._machine_path(path, options)
            self._overlay.forget_links()
            return self._call(machine_path, *arguments, **options)
        with self._overlay.lock:
            self._check(target, path)
            upper = self._overlay.upper(target)
            if os.path.dirname(target) in self._overlay.touched and is_there(upper):
                self._do(path, upper)
            self._overlay.remove(target)
        return None

    def _check(self, target: str, path: Any) -> None:
        status = self._overlay.status(target)
        is_folder = status is not None and stat.S_ISDIR(status.st_mode)
        wants_folder = self.__name__ == "rmdir"  # type: ignore[attr-defined]
        if status is None:
            raise failure(errno.ENOENT, path)
        if is_folder and not wants_folder:
            raise failure(errno.EISDIR if sys.platform == "linux" else errno.EPERM, path)
        if wants_folder and not is_folder:
            raise failure(errno.ENOTDIR, path)
        if is_folder and self._overlay.names(target):
            raise failure(errno.ENOTEMPTY, path)


class Rename(Call):
    """`os.rename` and `os.replace`."""

    def __call__(self, src: Any, dst: Any, **options: Any) -> Any:
        """Rename in the view: the user's files are copied first."""
        self._overlay.forget_links()
        source, target = (
            self._target(src, options, "src_dir_fd"),
            self._target(dst, options, "dst_dir_fd"),
        )
        if source is None and target is None:
            src = self._machine_path(src, options, "src_dir_fd")
            return self._call(src, self._machine_path(dst, options, "dst_dir_fd"), **options)
        overlay = self._overlay
        with overlay.lock, naming(src, dst):
            old = source or self._location(src, options, "src_dir_fd").path
            new = target or self._location(dst, options, "dst_dir_fd").path
            self._check(old, new, src, dst)
            self._call(
                overlay.copy_all(old) if source else overlay.shown(old),
                overlay.prepare(new) if target else new,
            )
            if source:
                overlay.rename_copies(old, new)
                overlay.remove(old)
            if target and is_folder(overlay.upper(new)):
                overlay.removed.add(new)  # its own content only
        return None

    def _check(self, old: str, new: str, src: Any, dst: Any) -> None:
        there, status = self._overlay.status(old), self._overlay.status(new)
        if there is None:
            raise failure(errno.ENOENT, src, dst)
        if status is None:
            return
        if stat.S_ISDIR(status.st_mode) != stat.S_ISDIR(there.st_mode):
            wrong = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.ENOTDIR
            raise failure(wrong, src, dst)
        if stat.S_ISDIR(status.st_mode) and self._overlay.names(new):
            raise failure(errno.ENOTEMPTY, src, dst)


class Link(Call):
    """`os.link`, of a copy: a second name of the user's file would be a way to it."""

    def __call__(self, src: Any, dst: Any, **options: Any) -> Any:
        """Link a copy."""
        source, target = (
            self._target(src, options, "src_dir_fd"),
            self._target(dst, options, "dst_dir_fd"),
        )
        if source is None and target is None:
            src = self._machine_path(src, options, "src_dir_fd")
            return self._call(src, self._machine_path(dst, options, "dst_dir_fd"), **options)
        overlay = self._overlay
        with overlay.lock, naming(src, dst):
            if target:
                self._refuse_what_is_there(target, dst)
            new = target or self._location(dst, options, "dst_dir_fd").path
            return self._call(
                overlay.copy(source) if source else self._location(src, options, "src_dir_fd").path,
                overlay.prepare(new) if target else new,
            )
