"""Record what Python raises no audit event for: `os.stat` and its like, and a folder's entries."""

from __future__ import annotations

import errno
import functools
import importlib.machinery
import os
import sys
from typing import Any, Callable, Optional, Set

STAT_CALLS = ("stat", "lstat", "access", "readlink")
SUPPORTS = ("dir_fd", "effective_ids", "fd", "follow_symlinks")
# Functions of the standard library that ask whether a file exists, and of which kind it is.
EXISTENCE = {"exists", "lexists", "isfile", "isdir", "islink"}
EXISTENCE |= {"is_file", "is_dir", "is_symlink"}
PATH_MODULES = ("genericpath", "posixpath", "pathlib")
PATHLIB_STATS = {"stat", "lstat"}
# Questions to `os.DirEntry`.
ENTRY_QUESTIONS = {
    "stat": "looked",
    "inode": "looked",
    "is_dir": "existing",
    "is_file": "existing",
    "is_symlink": "existing",
}
NOT_THERE = {errno.ENOENT, errno.ENOTDIR}
# Is told a path, the descriptor of its folder, and the kind of `Names` that it belongs to.
Look = Callable[[Any, Optional[int], str], None]


def record_calls(look: Look, is_recording: Callable[[], bool], imported: Set[str]) -> None:
    """Replace the functions by recorded ones, for good.

    Args:
        is_recording: Returns whether this thread's calls are noted.
        imported: Gets the last components of the names of modules that are looked for in folders.
    """
    for name in STAT_CALLS:
        call = getattr(os, name)
        _replace(call, RecordedCall(call, look, is_recording))
    _replace(os.scandir, RecordedScan(os.scandir, look, is_recording))
    _replace(os.open, RecordedOpen(os.open, look, is_recording))
    _note_modules(imported)


class RecordedCall:
    """`os.stat` or one of its like, which notes every name.

    An object and not a function: as the attribute of a class it must not become a method, as a
    built-in function does not either.
    """

    def __init__(
        self, call: Callable[..., Any], look: Look, is_recording: Callable[[], bool]
    ) -> None:
        functools.update_wrapper(self, call)
        self._call = call
        self._look = look
        self._is_recording = is_recording

    def __call__(self, path: Any, *arguments: Any, **options: Any) -> Any:
        """Call the function and note the path."""
        if not self._is_recording():  # our own calls are many
            return self._call(path, *arguments, **options)
        try:
            result = self._call(path, *arguments, **options)
        except OSError as error:
            kind = "absent" if error.errno in NOT_THERE else "looked"
            self._look(path, options.get("dir_fd"), kind)
            raise
        kind = "existing" if _asks_for_existence(sys._getframe(1)) else "looked"
        self._look(path, options.get("dir_fd"), kind)
        return result


class RecordedOpen(RecordedCall):
    """`os.open`, whose audit event does not say from which folder a name is taken."""

    def __call__(self, path: Any, *arguments: Any, **options: Any) -> Any:
        """Open the file; note a path below a folder's descriptor."""
        if options.get("dir_fd") is not None:
            return super().__call__(path, *arguments, **options)
        return self._call(path, *arguments, **options)


class RecordedEntry:
    """`os.DirEntry`, which notes what is asked about the file beyond its name."""

    def __init__(self, entry: Any, look: Look, folder: Optional[int]) -> None:
        self._entry = entry
        self._look = look
        self._folder = folder

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the entry; a question about its file is noted."""
        if name in ENTRY_QUESTIONS:
            self._look(self._entry.path, self._folder, ENTRY_QUESTIONS[name])
        return getattr(self._entry, name)

    def __fspath__(self) -> Any:
        """Return the path of the file."""
        return self._entry.path

    def __repr__(self) -> str:
        """Return the entry's own."""
        return repr(self._entry)


class RecordedScan(RecordedCall):
    """`os.scandir`, whose entries note what they are asked."""

    def __call__(self, path: Any = ".", *arguments: Any, **options: Any) -> Any:
        """List a folder."""
        scan = self._call(path, *arguments, **options)
        return RecordedEntries(scan, self._look, path if isinstance(path, int) else None)


class RecordedEntries:
    """The iterator that `os.scandir` returns."""

    def __init__(self, scan: Any, look: Look, folder: Optional[int]) -> None:
        self._scan = scan
        self._look = look
        self._folder = folder

    def __iter__(self) -> RecordedEntries:
        """Return itself."""
        return self

    def __next__(self) -> RecordedEntry:
        """Return the next entry."""
        return RecordedEntry(next(self._scan), self._look, self._folder)

    def __enter__(self) -> RecordedEntries:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the folder."""
        self.close()

    def close(self) -> None:
        """Close the folder."""
        self._scan.close()


def _note_modules(imported: Set[str]) -> None:
    """Note the names of modules that are looked for in a folder, by whomever."""
    finder: Any = importlib.machinery.FileFinder
    find_spec = finder.find_spec

    @functools.wraps(find_spec)
    def note_and_find(self: Any, name: str, *arguments: Any) -> Any:
        imported.add(name.rpartition(".")[2])
        return find_spec(self, name, *arguments)

    finder.find_spec = note_and_find


def _replace(call: Any, recorded: Any) -> None:
    # Up to Python 3.10 pathlib has bound them when it was imported.
    for owner in (os, getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)):
        for name, value in list(vars(owner).items()) if owner else ():
            if value is call:
                setattr(owner, name, recorded)
    for feature in SUPPORTS:
        supporting: Set[Any] = getattr(os, f"supports_{feature}")
        if call in supporting:
            supporting.add(recorded)


def _asks_for_existence(frame: Any) -> bool:
    """Return whether the result of `os.stat` tells its caller only what kind of file there is.

    A log that is only written to is asked for in this way.
    """
    while frame.f_code.co_name in PATHLIB_STATS and is_of(frame, "pathlib"):
        frame = frame.f_back
    is_path_module = any(is_of(frame, name) for name in PATH_MODULES)
    return frame.f_code.co_name in EXISTENCE and is_path_module


def is_of(frame: Any, module: str) -> bool:
    """Return whether a frame is of a module or of one below it."""
    return bool(frame.f_globals.get("__name__", "").partition(".")[0] == module)
