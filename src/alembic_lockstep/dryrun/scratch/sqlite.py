"""SQLite scratch databases: files."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

from alembic_lockstep.dryrun.scratch.server import Settings

_PREFIX = "sqlite:///"
#: With a write-ahead log, what was committed last may be in a file beside the database.
_PARTS = ("", "-wal", "-journal")


class SQLiteServer:
    """Hands out files below the run's private directory; they exist once they are written to."""

    description = "SQLite"

    def __init__(self, settings: Settings) -> None:
        self._directory = settings.directory / "scratch"
        self._directory.mkdir(parents=True, exist_ok=True)
        self._numbers = count()

    def create(self) -> str:
        """Name a file that does not exist yet: to SQLite, an empty database."""
        return _PREFIX + str(self._directory / f"{next(self._numbers)}.db")

    def copy(self, url: str) -> str:
        """Copy the file and what belongs to it."""
        # Not sqlite3's backup: the project's driver may be one that encrypts.
        new = self.create()
        for part in _PARTS:
            source = Path(url.removeprefix(_PREFIX) + part)
            if source.exists():
                shutil.copyfile(source, new.removeprefix(_PREFIX) + part)
        return new

    def close(self) -> None:
        """Delete every file."""
        shutil.rmtree(self._directory, ignore_errors=True)
