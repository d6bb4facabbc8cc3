"""Replace `os.listdir` and `os.scandir` by calls on an overlay."""

from __future__ import annotations

import os
import stat
from typing import Any, Iterator, Optional

from .overlay import ViewPath
from .shadow_calls import Call, ShadowLook, name_of, naming, typed


class ListFolder(ShadowLook):
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
        """Return the folder's name if both layers have something to show; None for others."""
        if getattr(self._bypass, "now", False):
            return None
        try:
            if isinstance(path, int):
                folder = ViewPath(self._overlay.logical(name_of(path)), False)
            else:
                folder = self._location(os.curdir if path is None else path, {})
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


class ScanFolder(ListFolder):
    """`os.scandir`."""

    def _listed(self, folder: str, path: Any) -> Any:
        return ShadowEntries(folder, self._overlay.names(folder), path)


class ShadowEntries:
    """Iterator of `os.scandir` over names of the view."""

    def __init__(self, folder: str, names: Any, path: Any) -> None:
        prefix = os.curdir if path is None else "" if isinstance(path, int) else path
        self._entries = iter([ShadowEntry(folder, name, prefix) for name in names])

    def __iter__(self) -> Iterator[ShadowEntry]:
        return self._entries

    def __next__(self) -> ShadowEntry:
        return next(self._entries)

    def __enter__(self) -> ShadowEntries:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: no descriptor is open."""


class ShadowEntry:
    """`os.DirEntry` of the view."""

    def __init__(self, folder: str, name: str, prefix: Any) -> None:
        self._file = os.path.join(folder, name)
        self.name: Any = typed(name, prefix)
        self.path: Any = os.path.join(os.fspath(prefix), self.name) if prefix else self.name

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return its status."""
        return os.stat(self._file, follow_symlinks=follow_symlinks)

    def inode(self) -> int:
        """Return its inode number."""
        return self.stat(follow_symlinks=False).st_ino

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether it is a folder."""
        return stat.S_ISDIR(self._mode(follow_symlinks))

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether it is a file."""
        return stat.S_ISREG(self._mode(follow_symlinks))

    def is_symlink(self) -> bool:
        """Return whether it is a link."""
        return stat.S_ISLNK(self._mode(False))

    def is_junction(self) -> bool:
        """Return whether it is a junction, which only Windows has."""
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
