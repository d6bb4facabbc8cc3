"""The cache: results of earlier runs, bounded in size; damaged entries count as absent.

An entry is a file, written under another name and renamed, so it exists whole or not at all, with
any number of writers, killed ones included. Its first line has a checksum of the rest and of the
entry's own name: a truncated, altered or misplaced entry is deleted. A cache that cannot be read
or written costs time, and is never an error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager, suppress

from alembic_lockstep import __version__
from alembic_lockstep.cache.digests import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import IO, Any

#: Part of entries' names. Change it with the content of entries, so that old ones are not read.
FORMAT = f"{__version__}-13"

#: Bytes of all entries together: some thousand records and a hundred SQLite snapshots of a large
#: project (1,000 small tables take 8 MB), yet less than what package installers keep.
LIMIT = 1 << 30
#: Number of all entries: each write lists them, which takes 2 µs for each.
ENTRIES = 4096
#: An entry may have this part of the limit: a larger one would evict all that is useful.
_SHARE = 4

#: Seconds between two updates of an entry's time of use.
_USE_INTERVAL = 60
#: Seconds after which an unfinished entry is that of a killed writer.
_ABANDONED = 60 * 60

#: Size of a part that does not exist.
_ABSENT = -1
_CHUNK = 1 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def cache_root() -> Path:
    """Return the user's cache folder, which holds private database servers, too."""
    from pathlib import Path

    return Path(cache_folder())


def cache_folder() -> str:
    """Return the path of the user's cache folder, without the imports of `platformdirs`."""
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if sys.platform == "linux" and "ANDROID_DATA" not in os.environ and os.path.isabs(folder):
        return os.path.join(folder, "alembic-lockstep")
    import platformdirs

    return platformdirs.user_cache_dir("alembic-lockstep", appauthor=False)


class _EntryFile:
    """A file of the cache, finished or not."""

    def __init__(self, path: str, name: str, size: int, used: float) -> None:
        self.path = path
        self.name = name
        self.size = size
        self.used = used

    @property
    def is_finished(self) -> bool:
        return not self.name.startswith(".")


class Cache:
    """Entries of several kinds below a folder: JSON documents, and packed files.

    Safe with any number of processes and threads.

    Args:
        root: The user's cache folder; entries are in a folder of their own there.
        limit: Bytes of all entries.
        entries: Number of all entries.
    """

    def __init__(self, root: Path | str, limit: int = LIMIT, entries: int = ENTRIES) -> None:
        self._root = str(root)
        self._folder = f"{root}/entries"
        self.limit = limit
        self._entries = entries

    def read(self, kind: str, name: str) -> Any | None:
        """Return an entry's content and record its use; None if it is absent or damaged."""
        path = self._path(kind, name)
        try:
            with open(path, "rb") as file:
                first, body = file.readline(), file.read()
                used = os.fstat(file.fileno()).st_mtime
        except OSError:
            return None
        if first != _first_line(kind, name, body):
            self.forget(kind, name)
            return None
        _note_use(path, used)
        return json.loads(body)

    def write(self, kind: str, name: str, content: Any) -> str:
        """Write or replace an entry; return why that is impossible, if it is, in words."""
        body = json.dumps(content, separators=(",", ":")).encode()
        if len(body) > self.limit // _SHARE:
            return f"a record of {len(body)} bytes is too large for the cache"
        try:
            with self._replacing(kind, name) as file:
                file.write(_first_line(kind, name, body) + body)
        except OSError as error:
            return f"the cache in {self._root} cannot be written: {error.strerror}"
        self._evict()
        return ""

    def write_files(self, kind: str, name: str, sources: Sequence[Path]) -> bool:
        """Write an entry that packs files, absent ones included; return whether that worked."""
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
        """Unpack an entry into new files and record its use; return whether that worked.

        No file is left if the entry is absent or damaged.
        """
        path = self._path(kind, name)
        try:
            with open(path, "rb") as file:
                used = os.fstat(file.fileno()).st_mtime
                _unpack(file, kind, name, targets)
        except OSError:  # absent; or the disk is full, and the entry still good
            _delete(targets)
            return False
        except (TypeError, ValueError):
            _delete(targets)
            self.forget(kind, name)
            return False
        _note_use(path, used)
        return True

    def names(self, kind: str, prefix: str = "") -> list[str]:
        """Return the names that begin with prefix, the most recently used first."""
        entries = sorted(self._list(kind, prefix), key=lambda entry: -entry.used)
        return [entry.name for entry in entries if entry.is_finished]

    def forget(self, kind: str, name: str) -> None:
        """Delete an entry, if it exists."""
        _delete([self._path(kind, name)])

    def usage(self) -> dict[str, tuple[int, int]]:
        """Return the number of entries and their bytes, for each kind."""
        sizes = {kind: [entry.size for entry in self._list(kind)] for kind in self._kinds()}
        return {kind: (len(numbers), sum(numbers)) for kind, numbers in sizes.items()}

    def clear(self) -> None:
        """Delete all entries."""
        _delete(entry.path for kind in self._kinds() for entry in self._list(kind))

    def _path(self, kind: str, name: str) -> str:
        return f"{self._folder}/{kind}/{name}"

    @contextmanager
    def _replacing(self, kind: str, name: str) -> Iterator[IO[bytes]]:
        """Yield a new file that replaces the entry, or is deleted if the caller fails."""
        os.makedirs(self._root, exist_ok=True)
        for folder in (self._folder, f"{self._folder}/{kind}"):
            with suppress(FileExistsError):
                os.mkdir(folder, mode=0o700)
        # The process's number is not unique: two containers may share a cache.
        new = self._path(kind, f".{os.getpid()}-{os.urandom(6).hex()}")
        try:
            with os.fdopen(os.open(new, _NEW, 0o600), "wb") as file:
                yield file
            os.replace(new, self._path(kind, name))
        finally:
            _delete([new])

    def _kinds(self) -> list[str]:
        try:
            return sorted(os.listdir(self._folder))
        except OSError:
            return []

    def _list(self, kind: str, prefix: str = "") -> Iterator[_EntryFile]:
        with suppress(OSError), os.scandir(f"{self._folder}/{kind}") as entries:
            for entry in entries:
                if not entry.name.startswith(prefix):
                    continue
                with suppress(FileNotFoundError):  # another run has just deleted it
                    status = entry.stat(follow_symlinks=False)
                    yield _EntryFile(entry.path, entry.name, status.st_size, status.st_mtime)

    def _evict(self) -> None:
        """Delete the least recently used entries, until the rest is within the limits."""
        entries = [entry for kind in self._kinds() for entry in self._list(kind)]
        oldest = time.time() - _ABANDONED
        _delete(entry.path for entry in entries if not entry.is_finished and entry.used < oldest)
        size, number = sum(entry.size for entry in entries), len(entries)
        if size <= self.limit and number <= self._entries:
            return
        finished = [entry for entry in entries if entry.is_finished]
        for entry in sorted(finished, key=lambda entry: entry.used):
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
    file.write(_first_line(kind, name, b"") + head)  # replaced below
    for source, size in zip(sources, sizes, strict=True):
        if size != _ABSENT:
            with source.open("rb") as content:
                _copy(content, file, size, checksum)
    file.seek(0)
    file.write(checksum.hexdigest().encode())


def _unpack(file: IO[bytes], kind: str, name: str, targets: Sequence[Path]) -> None:
    """Unpack an entry into files.

    Raises:
        TypeError, ValueError: the entry is damaged.
    """
    first, head = file.readline(100), file.readline(1000)
    checksum = _begin(kind, name, head)
    for target, size in zip(targets, json.loads(head), strict=True):
        if size != _ABSENT:
            with target.open("xb") as new:
                _copy(file, new, size, checksum)
    if first != checksum.hexdigest().encode() + b"\n" or file.read(1):
        raise ValueError("the checksum differs")


def _copy(source: IO[bytes], target: IO[bytes], size: int, checksum: blake2b) -> None:
    while size > 0:
        chunk = source.read(min(_CHUNK, size))
        if not chunk:
            raise ValueError("the file is shorter than it was")
        checksum.update(chunk)
        target.write(chunk)
        size -= len(chunk)


def _note_use(path: str, used: float) -> None:
    if time.time() - used > _USE_INTERVAL:
        with suppress(OSError):
            os.utime(path)


def _delete(paths: Iterable[Path | str]) -> None:
    for path in paths:
        with suppress(OSError):
            os.unlink(path)
