"""SQLite scratch databases: files."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

from alembic_lockstep.cache.store import Cache
from alembic_lockstep.scratch.server import ServerSettings

#: The folder of snapshots in the cache.
SNAPSHOTS = "sqlite-snapshots"

_PREFIX = "sqlite:///"
#: With a write-ahead log, what was committed last may be in a file next to the database.
_PARTS = ("", "-wal", "-journal")


class SQLiteServer:
    """Files below the run's private directory, which exist once they are written to."""

    description = "SQLite"

    def __init__(self, settings: ServerSettings) -> None:
        self._directory = settings.directory / "scratch"
        self._directory.mkdir(parents=True, exist_ok=True)
        self._numbers = count()
        self._cache = Cache(settings.cache)

    def create(self) -> str:
        """Return the URL of a file that does not exist yet: to SQLite, an empty database."""
        return _PREFIX + str(self._directory / f"{next(self._numbers)}.db")

    def copy(self, url: str) -> str:
        """Copy the file and its log files."""
        # Not sqlite3's backup: the project's driver may be one that encrypts.
        new = self.create()
        for source, target in zip(_files(url), _files(new), strict=True):
            if source.exists():
                shutil.copyfile(source, target)
        return new

    def keep(self, url: str, name: str) -> bool:
        """Move the file and its log files into the cache."""
        is_stored = self._cache.write_files(SNAPSHOTS, name, _files(url))
        if is_stored:
            for file in _files(url):
                file.unlink(missing_ok=True)
        return is_stored

    def restore(self, name: str) -> str | None:
        """Copy a snapshot out of the cache."""
        new = self.create()
        return new if self._cache.read_files(SNAPSHOTS, name, _files(new)) else None

    def close(self) -> None:
        """Delete every file."""
        shutil.rmtree(self._directory, ignore_errors=True)


def _files(url: str) -> list[Path]:
    return [Path(url.removeprefix(_PREFIX) + part) for part in _PARTS]
