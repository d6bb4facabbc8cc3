"""The cache: what earlier runs found out, bounded, and never believed when damaged.

An entry is one file, written under another name and renamed, so it is there whole or not at all,
whoever else writes and however a writer ends. Its first line has a checksum of the rest and of the
entry's own name: a truncated, altered or misplaced entry is deleted and counts as absent. That a
cache cannot be read or written costs time, and is never an error.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, NamedTuple

from alembic_lockstep import __version__

#: Part of the names of entries that others than their writer read; another one for other content.
FORMAT = f"{__version__}-5"

#: Bytes of all entries together: some thousand records and a hundred SQLite snapshots of a large
#: project (1,000 small tables take 8 MB), yet less than what package installers keep.
LIMIT = 1 << 30
#: How many entries there may be: each write looks at all of them, which takes 2 µs for one.
ENTRIES = 4096
#: One entry may have this part of the limit: a larger one would push out all that is useful.
_SHARE = 4

#: Seconds. Use is noted no more often than that.
_USED = 60
#: Seconds after which an unfinished entry counts as left by a writer that was killed.
_LEFT = 60 * 60

#: Of a part that does not exist.
_ABSENT = -1
_CHUNK = 1 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def cache_root() -> Path:
    """Give the user's cache folder; private database servers live there, too."""
    import platformdirs  # here: who knows the folder need not pay for the import

    return platformdirs.user_cache_path("alembic-lockstep", appauthor=False)


class _Entry(NamedTuple):
    """A file of the cache, finished or not. Strings, as thousands are looked at in a row."""

    path: str
    name: str
    size: int
    used: float

    @property
    def is_finished(self) -> bool:
        return not self.name.startswith(".")


class Cache:
    """The entries of all kinds below a folder: JSON documents, and files kept as they are.

    Safe with any number of processes and threads.

    Args:
        root: The user's cache folder; entries are in a folder of their own there.
        limit: Bytes of all entries.
        entries: Number of all entries.
    """

    def __init__(self, root: Path, limit: int = LIMIT, entries: int = ENTRIES) -> None:
        self._root = root
        self._folder = root / "entries"
        self.limit = limit
        self._entries = entries

    def read(self, kind: str, name: str) -> Any | None:
        """Give an entry's content, and note that it was used; None if absent or damaged."""
        path = self._folder / kind / name
        try:
            with path.open("rb") as file:
                first, body = file.readline(), file.read()
                used = os.fstat(file.fileno()).st_mtime
        except OSError:
            return None
        if first != _first_line(kind, name, body):
            self.forget(kind, name)
            return None
        _note_use(path, used)
        return json.loads(body)

    def write(self, kind: str, name: str, content: Any) -> None:
        """Write an entry, or replace it; where that is impossible, nothing happens."""
        body = json.dumps(content, separators=(",", ":")).encode()
        if len(body) > self.limit // _SHARE:
            return
        with suppress(OSError), self._replacing(kind, name) as file:
            file.write(_first_line(kind, name, body) + body)
        self._evict()

    def write_files(self, kind: str, name: str, sources: Sequence[Path]) -> bool:
        """Write an entry that holds some files, or that they do not exist; tell whether it did."""
        try:
            sizes = [_size(source) for source in sources]
            if sum(sizes) > self.limit // _SHARE:
                return False
            with self._replacing(kind, name) as file:
                _pack(file, kind, name, sources, sizes)
        except (OSError, ValueError):
            return False
        self._evict()
        return True

    def read_files(self, kind: str, name: str, targets: Sequence[Path]) -> bool:
        """Make new files from an entry, and note that it was used; tell whether it was there.

        If it was not, or was damaged, no file is left.
        """
        path = self._folder / kind / name
        try:
            with path.open("rb") as file:
                used = os.fstat(file.fileno()).st_mtime
                _unpack(file, kind, name, targets)
        except OSError:  # absent; or the disk is full, and the entry as good as before
            _delete(targets)
            return False
        except (TypeError, ValueError):
            _delete(targets)
            self.forget(kind, name)
            return False
        _note_use(path, used)
        return True

    def names(self, kind: str, prefix: str = "") -> list[str]:
        """Give the names that begin with prefix, those used most recently first."""
        found = sorted(self._list(kind), key=lambda entry: -entry.used)
        names = (one.name for one in found if one.is_finished)
        return [name for name in names if name.startswith(prefix)]

    def forget(self, kind: str, name: str) -> None:
        """Delete an entry, if it is there."""
        _delete([self._folder / kind / name])

    def usage(self) -> dict[str, tuple[int, int]]:
        """Give the number of entries and their bytes, for each kind."""
        listed = {kind: list(self._list(kind)) for kind in self._kinds()}
        return {kind: (len(all_), sum(one.size for one in all_)) for kind, all_ in listed.items()}

    def clear(self) -> None:
        """Delete all entries."""
        _delete(entry.path for kind in self._kinds() for entry in self._list(kind))

    @contextmanager
    def _replacing(self, kind: str, name: str) -> Iterator[IO[bytes]]:
        """Open a new file that takes the entry's name if all goes well, and else is gone."""
        self._root.mkdir(parents=True, exist_ok=True)
        for folder in (self._folder, self._folder / kind):
            folder.mkdir(mode=0o700, exist_ok=True)
        # The number alone is not enough: two containers may share a cache.
        new = self._folder / kind / f".{os.getpid()}-{os.urandom(6).hex()}"
        try:
            with os.fdopen(os.open(new, _NEW, 0o600), "wb") as file:
                yield file
            new.replace(self._folder / kind / name)
        finally:
            _delete([new])

    def _kinds(self) -> list[str]:
        try:
            return sorted(one.name for one in self._folder.iterdir())
        except OSError:
            return []

    def _list(self, kind: str) -> Iterator[_Entry]:
        with suppress(OSError), os.scandir(self._folder / kind) as found:
            for one in found:
                with suppress(FileNotFoundError):  # another run has deleted it just now
                    status = one.stat(follow_symlinks=False)
                    yield _Entry(one.path, one.name, status.st_size, status.st_mtime)

    def _evict(self) -> None:
        """Delete what was not used for longest, until the rest is within the limits."""
        entries = [entry for kind in self._kinds() for entry in self._list(kind)]
        left = time.time() - _LEFT
        _delete(one.path for one in entries if not one.is_finished and one.used < left)
        size, number = sum(one.size for one in entries), len(entries)
        if size <= self.limit and number <= self._entries:
            return
        finished = [one for one in entries if one.is_finished]
        for entry in sorted(finished, key=lambda one: one.used):
            if size <= self.limit and number <= self._entries:
                return
            _delete([entry.path])
            size, number = size - entry.size, number - 1


def _begin(kind: str, name: str, body: bytes) -> blake2b:
    return blake2b(f"{kind}/{name}\n".encode() + body, digest_size=16)


def _first_line(kind: str, name: str, body: bytes) -> bytes:
    return _begin(kind, name, body).hexdigest().encode() + b"\n"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return _ABSENT


def _pack(
    file: IO[bytes], kind: str, name: str, sources: Sequence[Path], sizes: Sequence[int]
) -> None:
    head = json.dumps(sizes).encode() + b"\n"
    checksum = _begin(kind, name, head)
    file.write(_first_line(kind, name, b"") + head)  # the checksum's place
    for source, size in zip(sources, sizes, strict=True):
        if size != _ABSENT:
            with source.open("rb") as content:
                _copy(content, file, size, checksum)
    file.seek(0)
    file.write(checksum.hexdigest().encode())


def _unpack(file: IO[bytes], kind: str, name: str, targets: Sequence[Path]) -> None:
    """Make the files of an entry; TypeError or ValueError if they are not what was once kept."""
    first, head = file.readline(100), file.readline(1000)
    checksum = _begin(kind, name, head)
    for target, size in zip(targets, json.loads(head), strict=True):
        if size != _ABSENT:
            with target.open("xb") as new:
                _copy(file, new, size, checksum)
    if first != checksum.hexdigest().encode() + b"\n" or file.read(1):
        raise ValueError("the checksum is another")


def _copy(source: IO[bytes], target: IO[bytes], size: int, checksum: blake2b) -> None:
    while size > 0:
        chunk = source.read(min(_CHUNK, size))
        if not chunk:
            raise ValueError("the file is shorter than it was")
        checksum.update(chunk)
        target.write(chunk)
        size -= len(chunk)


def _note_use(path: Path, used: float) -> None:
    if time.time() - used > _USED:
        with suppress(OSError):
            os.utime(path)


def _delete(paths: Iterable[Path | str]) -> None:
    for path in paths:
        with suppress(OSError):
            Path(path).unlink()
