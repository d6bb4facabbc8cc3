"""What Python itself writes outside of the writable folders lands in a copy.

Python's own functions are replaced by objects that look up each name in an `Overlay`. What is not
covered here (a function that a module bound before, `io.FileIO`, compiled code) goes on to the
machine, where a kernel guard or the audit hook refuses it (guard.py).

Objects and no functions: as the attribute of a class they must not become methods, which what is
built in does not either.
"""

from __future__ import annotations

import builtins
import errno
import functools
import os
import stat
import sys
import threading
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, Optional, Set

from .overlay import WRITES, Overlay, Place, getcwd, is_folder, is_there, readlink

SUPPORTS = ("dir_fd", "effective_ids", "fd", "follow_symlinks")
# Modules whose own names for the functions stay: ours, and those that the others are made of.
LEFT_ALONE = ("alembic_lockstep_probe", "posix", "importlib.", "_frozen_importlib")
# Modules of the standard library whose classes and defaults have bound the functions, too.
BINDING = ("tempfile", "glob", "pathlib", "pathlib._local", "pathlib._abc", "pathlib._os")
MODES = {"r": 0, "w": os.O_CREAT | os.O_TRUNC, "x": os.O_CREAT | os.O_EXCL}
MODES["a"] = os.O_CREAT | os.O_APPEND
# fcntl's, on macOS: the name of an open file.
F_GETPATH = 50


class Call:
    """One of Python's functions on files, by the view of an overlay."""

    def __init__(
        self, call: Callable[..., Any], overlay: Overlay, aside: Any, follow: bool
    ) -> None:
        wrapper: Any = self
        functools.update_wrapper(wrapper, call)
        self._call = call
        self._overlay = overlay
        self._aside = aside
        self._follow = follow

    def _place(self, path: Any, options: Dict[str, Any], key: str = "dir_fd") -> Place:
        """Resolve a path; OSError if it is relative to a folder that has no name."""
        descriptor = options.get(key)
        folder = getcwd() if descriptor is None else name_of(descriptor)
        follow = self._follow and options.get("follow_symlinks", True)
        return self._overlay.resolve(os.fsdecode(path), folder, follow)

    def _target(self, path: Any, options: Dict[str, Any], key: str = "dir_fd") -> Optional[str]:
        """Return the name in the view if what is written there has to land in the upper layer."""
        if isinstance(path, int) or not os.fspath(path):
            return None
        try:
            place = self._place(path, options, key)
        except OSError:  # the kernel or the audit hook decides
            return None
        return place.path if self._overlay.is_outside(place.path) else None

    def _refuse_what_is_there(self, target: str, path: Any) -> None:
        if self._overlay.status(target) is not None:
            raise failure(errno.EEXIST, path)

    def _do(self, path: Any, shown: str, *arguments: Any, **options: Any) -> Any:
        """Call on another path, with errors that name the one that was asked for."""
        options = {name: one for name, one in options.items() if name != "dir_fd"}
        with naming(path):
            return self._call(typed(shown, path), *arguments, **options)


class Look(Call):
    """`os.stat` and its like: sees the view."""

    def __call__(self, path: Any, *arguments: Any, **options: Any) -> Any:
        """Look at the upper layer's file where there is one."""
        shown = self._shown(path, options) if self._overlay.touched else None
        if shown is None:
            return self._call(path, *arguments, **options)
        return self._do(path, shown, *arguments, **options)

    def _shown(self, path: Any, options: Dict[str, Any]) -> Optional[str]:
        """Return the other path to look at; None where the given one is right."""
        if isinstance(path, int) or getattr(self._aside, "now", False) or not os.fspath(path):
            return None
        try:
            place = self._place(path, options)
        except OSError:
            return None
        shown = self._overlay.shown(place.path)
        return shown if place.is_moved or shown != place.path else None


class Open(Look):
    """`os.open`."""

    def __call__(
        self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: Optional[int] = None
    ) -> int:
        """Open a copy if it is opened to be written to."""
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
        """Return what to open in a path's place; None where the path is right."""
        target = self._target(path, options) if flags & WRITES else None
        if target is None:
            shown = self._shown(path, options) if self._overlay.touched else None
            if shown is not None:
                self._overlay.note_read(self._overlay.logical(shown))
            elif flags & WRITES and options.get("dir_fd") is not None:
                return self._place(path, options).path  # the audit event has no folder
            return shown
        overlay = self._overlay
        with overlay.lock:
            status = overlay.status(target)
            if status is None or flags & (os.O_CREAT | os.O_EXCL) == os.O_CREAT | os.O_EXCL:
                if status is not None:
                    raise failure(errno.EEXIST, path)
                return overlay.prepare(target)
            if not flags & (os.O_WRONLY | os.O_TRUNC):
                overlay.note_read(target)
            return overlay.copy(target, content=not flags & os.O_TRUNC)


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
        if opener is not None:  # whose own call is seen, and the file's name not opened
            descriptor = opener(file, flags)
            return named(self._call(descriptor, mode, *arguments, **options), file)
        shown = self._opens.opened(file, flags, {})
        if shown is None:
            return self._call(file, mode, *arguments, **options)
        with naming(file):
            return named(self._call(shown, mode, *arguments, **options), file)


class Change(Call):
    """A function that changes what is there: `os.chmod`, `os.utime`, `os.truncate` …"""

    def __call__(self, path: Any, *arguments: Any, **options: Any) -> Any:
        """Change a copy."""
        target = self._target(path, options)
        if target is None:
            return self._call(path, *arguments, **options)
        with self._overlay.lock:
            upper = self._overlay.copy(target)
            # The last link was followed already, if it was to be.
            return self._do(path, upper, *arguments, **options)


class Make(Call):
    """A function that makes something new: `os.mkdir`, `os.mkfifo`, `os.mknod`."""

    def __call__(self, path: Any, *arguments: Any, **options: Any) -> Any:
        """Make it in the upper layer."""
        target = self._target(path, options)
        if target is None:
            return self._call(path, *arguments, **options)
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
            return self._call(src, dst, *arguments, **options)
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
            self._overlay.forget_links()
            return self._call(path, *arguments, **options)
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
        """Rename in the view: what is the user's is copied first."""
        self._overlay.forget_links()
        source, target = (
            self._target(src, options, "src_dir_fd"),
            self._target(dst, options, "dst_dir_fd"),
        )
        if source is None and target is None:
            return self._call(src, dst, **options)
        overlay = self._overlay
        with overlay.lock, naming(src, dst):
            old = source or self._place(src, options, "src_dir_fd").path
            new = target or self._place(dst, options, "dst_dir_fd").path
            self._check(old, new, src, dst)
            self._call(
                overlay.copy_all(old) if source else overlay.shown(old),
                overlay.prepare(new) if target else new,
            )
            if source:
                overlay.moved(old, new)
                overlay.remove(old)
            if target and is_folder(overlay.upper(new)):
                overlay.gone.add(new)  # its own content only
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
    """`os.link`: a second name of the user's file would be a way to it."""

    def __call__(self, src: Any, dst: Any, **options: Any) -> Any:
        """Link a copy."""
        source, target = (
            self._target(src, options, "src_dir_fd"),
            self._target(dst, options, "dst_dir_fd"),
        )
        if source is None and target is None:
            return self._call(src, dst, **options)
        overlay = self._overlay
        with overlay.lock, naming(src, dst):
            if target:
                self._refuse_what_is_there(target, dst)
            new = target or self._place(dst, options, "dst_dir_fd").path
            return self._call(
                overlay.copy(source) if source else self._place(src, options, "src_dir_fd").path,
                overlay.prepare(new) if target else new,
            )


class List(Look):
    """`os.listdir`."""

    def __call__(self, path: Any = None, *arguments: Any) -> Any:
        """List both layers' names."""
        folder = self._folder(path) if self._overlay.touched else None
        if folder is None:
            return self._call(path, *arguments) if path is not None else self._call()
        with naming(path):
            return self._listed(folder, path)

    def _listed(self, folder: str, path: Any) -> Any:
        return [typed(name, path) for name in self._overlay.names(folder)]

    def _folder(self, path: Any) -> Optional[str]:
        """Return the folder of which both layers have something to show; None for others."""
        if getattr(self._aside, "now", False):
            return None
        try:
            if isinstance(path, int):
                folder = Place(self._overlay.logical(name_of(path)), False)
            else:
                folder = self._place(os.curdir if path is None else path, {})
        except OSError:
            return None
        overlay = self._overlay
        if (
            folder.is_moved
            or folder.path in overlay.touched
            or overlay.shown(folder.path) != (folder.path)
        ):
            return folder.path
        return None


class Scan(List):
    """`os.scandir`."""

    def _listed(self, folder: str, path: Any) -> Any:
        return Entries(folder, self._overlay.names(folder), path)


class Entries:
    """The iterator of `os.scandir` over names of the view."""

    def __init__(self, folder: str, names: Any, path: Any) -> None:
        prefix = os.curdir if path is None else "" if isinstance(path, int) else path
        self._entries = iter([Entry(folder, name, prefix) for name in names])

    def __iter__(self) -> Iterator[Entry]:
        return self._entries

    def __next__(self) -> Entry:
        return next(self._entries)

    def __enter__(self) -> Entries:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: no descriptor is open."""


class Entry:
    """An `os.DirEntry` of the view."""

    def __init__(self, folder: str, name: str, prefix: Any) -> None:
        self._place = os.path.join(folder, name)
        self.name: Any = typed(name, prefix)
        self.path: Any = os.path.join(os.fspath(prefix), self.name) if prefix else self.name

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return its status."""
        return os.stat(self._place, follow_symlinks=follow_symlinks)

    def inode(self) -> int:
        """Return its number."""
        return self.stat(follow_symlinks=False).st_ino

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Tell whether it is a folder."""
        return stat.S_ISDIR(self._mode(follow_symlinks))

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Tell whether it is a file."""
        return stat.S_ISREG(self._mode(follow_symlinks))

    def is_symlink(self) -> bool:
        """Tell whether it is a link."""
        return stat.S_ISLNK(self._mode(False))

    def is_junction(self) -> bool:
        """Tell whether it is a junction, which only Windows has."""
        return False

    def _mode(self, follow_symlinks: bool) -> int:
        try:
            return self.stat(follow_symlinks=follow_symlinks).st_mode
        except FileNotFoundError:
            return 0


class GetCwd(Call):
    """`os.getcwd` and `os.getcwdb`."""

    def __call__(self) -> Any:
        """Return the folder's name in the view."""
        folder = self._call()
        return typed(self._overlay.logical(os.fsdecode(folder)), folder)


# What each function is replaced by, and whether it follows the last link.
CALLS: Dict[str, Any] = {
    **dict.fromkeys(("stat", "access", "chdir", "statvfs", "getxattr", "listxattr"), (Look, True)),
    **dict.fromkeys(("lstat", "readlink"), (Look, False)),
    "open": (Open, True),
    **dict.fromkeys(("truncate", "chmod", "chown", "utime", "chflags"), (Change, True)),
    **dict.fromkeys(("setxattr", "removexattr"), (Change, True)),
    **dict.fromkeys(("lchmod", "lchown", "lchflags"), (Change, False)),
    **dict.fromkeys(("mkdir", "mkfifo", "mknod"), (Make, False)),
    **dict.fromkeys(("unlink", "remove", "rmdir"), (Remove, False)),
    **dict.fromkeys(("rename", "replace"), (Rename, False)),
    "link": (Link, False),
    "symlink": (Symlink, False),
    "listdir": (List, True),
    "scandir": (Scan, True),
    **dict.fromkeys(("getcwd", "getcwdb"), (GetCwd, False)),
}


class Shadow:
    """Puts an overlay under Python's functions, for good."""

    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay
        self._aside = threading.local()

    def install(self) -> None:
        """Replace the functions wherever a module has them already."""
        calls: Dict[int, Call] = {}
        for name, (kind, follow) in CALLS.items():
            call = getattr(os, name, None)
            if call is not None:
                calls[id(call)] = kind(call, self.overlay, self._aside, follow)
                _support(call, calls[id(call)])
        opens: Any = calls[id(os.open)]
        calls[id(builtins.open)] = OpenFile(builtins.open, opens, self.overlay)
        for owner in _owners():
            for name, value in list(vars(owner).items()):
                _replace(owner, name, value, calls)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Show this thread the machine's files meanwhile."""
        self._aside.now = True
        try:
            yield
        finally:
            self._aside.now = False


def _owners() -> Iterator[Any]:
    yield builtins
    for name, module in list(sys.modules.items()):
        if isinstance(module, type(sys)) and not name.startswith(LEFT_ALONE):
            yield module
            if name in BINDING:
                yield from (one for one in vars(module).values() if isinstance(one, type))


def _replace(owner: Any, name: str, value: Any, calls: Dict[int, Call]) -> None:
    if id(value) in calls:
        setattr(owner, name, calls[id(value)])
    elif isinstance(value, staticmethod) and id(value.__func__) in calls:
        call: Any = calls[id(value.__func__)]
        setattr(owner, name, staticmethod(call))
    elif isinstance(owner, type) and getattr(value, "__defaults__", None):
        value.__defaults__ = tuple(calls.get(id(one), one) for one in value.__defaults__)


def _support(call: Any, wrapped: Call) -> None:
    for what in SUPPORTS:
        supporting: Set[Any] = getattr(os, f"supports_{what}")
        if call in supporting:
            supporting.add(wrapped)


def name_of(descriptor: int) -> str:
    """Return the name of an open file or folder; OSError if it has none."""
    if sys.platform == "darwin":
        import fcntl

        return os.fsdecode(fcntl.fcntl(descriptor, F_GETPATH, bytes(1024)).rstrip(b"\0"))
    return readlink(f"/proc/self/fd/{descriptor}")


def flags_of(mode: str) -> int:
    """Return the flags with which `open` opens a file; wrong modes it refuses itself."""
    flags = MODES.get(next((one for one in mode if one in MODES), "r"), 0)
    access = os.O_RDWR if "+" in mode else os.O_WRONLY if flags else os.O_RDONLY
    return flags | access | getattr(os, "O_CLOEXEC", 0)


def named(file: Any, name: Any) -> Any:
    """Give an open file the name under which the project knows it."""
    raw = getattr(file, "buffer", file)
    raw = getattr(raw, "raw", raw)
    raw.name = os.fspath(name)
    return file


def typed(path: str, like: Any) -> Any:
    """Return the path as bytes if the other one is."""
    return os.fsencode(path) if isinstance(like, bytes) else path


def failure(code: int, path: Any, other: Any = None) -> OSError:
    """Return the error that the kernel would have answered with."""
    if other is None:
        return OSError(code, os.strerror(code), path)
    return OSError(code, os.strerror(code), path, None, other)


@contextmanager
def naming(path: Any, other: Any = None) -> Iterator[None]:
    """Have errors name what the project asked for."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            error.filename = path
        if error.filename2 is not None:
            error.filename2 = other
        raise
