"""Replace Python's functions that look at and open files by calls on an overlay.

Objects and not functions: as the attribute of a class they must not become methods, as built-in
functions do not either.
"""

from __future__ import annotations

import errno
import functools
import os
import sys
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, Optional

from .overlay import WRITES, Overlay, ViewPath
from .unwrapped import getcwd, readlink

MODES = {"r": 0, "w": os.O_CREAT | os.O_TRUNC, "x": os.O_CREAT | os.O_EXCL}
MODES["a"] = os.O_CREAT | os.O_APPEND
# fcntl's, on macOS: the name of an open file.
F_GETPATH = 50


class Call:
    """Function of Python on files, applied to the view of an overlay."""

    def __init__(
        self, call: Callable[..., Any], overlay: Overlay, bypass: Any, follow: bool
    ) -> None:
        wrapper: Any = self
        functools.update_wrapper(wrapper, call)
        self._call = call
        self._overlay = overlay
        self._bypass = bypass
        self._follow = follow

    def _location(self, path: Any, options: Dict[str, Any], key: str = "dir_fd") -> ViewPath:
        """Resolve a path; raise OSError if it is relative to a folder that has no name."""
        name, descriptor, folder = os.fsdecode(path), options.get(key), os.sep
        if not name.startswith(os.sep):
            folder = getcwd() if descriptor is None else name_of(descriptor)
        follow = self._follow and options.get("follow_symlinks", True)
        return self._overlay.resolve(name, folder, follow)

    def _target(self, path: Any, options: Dict[str, Any], key: str = "dir_fd") -> Optional[str]:
        """Return the name in the view if writes there have to land in the upper layer."""
        if isinstance(path, int) or not os.fspath(path):
            return None
        try:
            location = self._location(path, options, key)
        except OSError:  # the kernel or the audit hook decides
            return None
        return location.path if self._overlay.is_outside(location.path) else None

    def _machine_path(self, path: Any, options: Dict[str, Any], key: str = "dir_fd") -> Any:
        """Return a path of the machine, also where a link of the overlay leads there."""
        if not self._overlay.touched or isinstance(path, int) or not os.fspath(path):
            return path
        try:
            location = self._location(path, options, key)
        except OSError:
            return path
        return typed(location.path, os.fspath(path)) if location.is_moved else path

    def _refuse_what_is_there(self, target: str, path: Any) -> None:
        if self._overlay.status(target) is not None:
            raise failure(errno.EEXIST, path)

    def _do(self, path: Any, shown: str, *arguments: Any, **options: Any) -> Any:
        """Call on another path, with errors that name the project's."""
        options = {name: value for name, value in options.items() if name != "dir_fd"}
        with naming(path):
            return self._call(typed(shown, path), *arguments, **options)


class ShadowLook(Call):
    """`os.stat` and its like, on the view."""

    def __call__(self, path: Any, *arguments: Any, **options: Any) -> Any:
        """Look at the upper layer's file where there is one."""
        shown = self._shown(path, options) if self._overlay.touched else None
        if shown is None:
            return self._call(path, *arguments, **options)
        return self._do(path, shown, *arguments, **options)

    def _shown(self, path: Any, options: Dict[str, Any]) -> Optional[str]:
        """Return the other path to look at; None where the path itself is right."""
        if isinstance(path, int) or getattr(self._bypass, "now", False) or not os.fspath(path):
            return None
        try:
            location = self._location(path, options)
        except OSError:
            return None
        shown = self._overlay.shown(location.path)
        return shown if location.is_moved or shown != location.path else None


class Open(ShadowLook):
    """`os.open`."""

    def __call__(
        self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: Optional[int] = None
    ) -> int:
        """Open a copy if the file is to be written to."""
        options: Dict[str, Any] = {"dir_fd": dir_fd}
        if hasattr(os, "O_NOFOLLOW") and flags & os.O_NOFOLLOW:
            options["follow_symlinks"] = False
        shown = self.opened(path, flags, options)
        if shown is None:
            descriptor: int = self._call(path, flags, mode, dir_fd=dir_fd)
            return descriptor
        with naming(path):
            opened: int = self._call(typed(shown, path), flags, mode)
        return opened

    def opened(self, path: Any, flags: int, options: Dict[str, Any]) -> Optional[str]:
        """Return the path to open instead; None where the path itself is right."""
        target = self._target(path, options) if flags & WRITES else None
        if target is None:
            shown = self._shown(path, options) if self._overlay.touched else None
            if shown is not None:
                self._overlay.note_read(self._overlay.logical(shown))
            elif flags & WRITES and options.get("dir_fd") is not None:
                return self._location(path, options).path  # the audit event has no folder
            return shown
        overlay = self._overlay
        with overlay.lock:
            status = overlay.status(target)
            if status is None or flags & (os.O_CREAT | os.O_EXCL) == os.O_CREAT | os.O_EXCL:
                if status is not None:
                    raise failure(errno.EEXIST, path)
                return overlay.prepare(target)
            upper = overlay.copy(target, content=not flags & os.O_TRUNC)
            if not flags & (os.O_WRONLY | os.O_TRUNC):
                overlay.note_read(target)
            return upper


class OpenFile(Call):
    """`open`."""

    def __init__(self, call: Callable[..., Any], opens: Open, overlay: Overlay) -> None:
        super().__init__(call, overlay, None, True)
        self._opens = opens

    def __call__(self, file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        """Open a file, or its copy under the file's name."""
        opener = options.pop("opener", None) or (arguments[5] if len(arguments) > 5 else None)
        if isinstance(file, int) or not isinstance(mode, str):
            return self._call(file, mode, *arguments, **options)
        arguments, flags = arguments[:5], flags_of(mode)
        if opener is not None:  # its own call is replaced; the file's name is not opened here
            descriptor = opener(file, flags)
            return named(self._call(descriptor, mode, *arguments, **options), file)
        shown = self._opens.opened(file, flags, {})
        if shown is None:
            return self._call(file, mode, *arguments, **options)
        with naming(file):
            return named(self._call(shown, mode, *arguments, **options), file)


def name_of(descriptor: int) -> str:
    """Return the name of an open file or folder; raise OSError if it has none."""
    if sys.platform == "darwin":
        import fcntl

        return os.fsdecode(fcntl.fcntl(descriptor, F_GETPATH, bytes(1024)).rstrip(b"\0"))
    return readlink(f"/proc/self/fd/{descriptor}")


def flags_of(mode: str) -> int:
    """Return the flags with which `open` opens a file; it refuses wrong modes itself."""
    flags = MODES.get(next((letter for letter in mode if letter in MODES), "r"), 0)
    access = os.O_RDWR if "+" in mode else os.O_WRONLY if flags else os.O_RDONLY
    return flags | access | getattr(os, "O_CLOEXEC", 0)


def named(file: Any, name: Any) -> Any:
    """Set the name of an open file to the project's own."""
    raw = getattr(file, "buffer", file)
    raw = getattr(raw, "raw", raw)
    raw.name = os.fspath(name)
    return file


def typed(path: str, like: Any) -> Any:
    """Return the path as bytes if the other one is."""
    return os.fsencode(path) if isinstance(like, bytes) else path


def failure(code: int, path: Any, second_path: Any = None) -> OSError:
    """Return the error that the kernel would have raised."""
    if second_path is None:
        return OSError(code, os.strerror(code), path)
    return OSError(code, os.strerror(code), path, None, second_path)


@contextmanager
def naming(path: Any, second_path: Any = None) -> Iterator[None]:
    """Make errors name the project's paths."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            error.filename = path
        if error.filename2 is not None:
            error.filename2 = second_path
        raise
