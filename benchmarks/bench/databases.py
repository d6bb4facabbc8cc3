"""The databases that the tool's rivals get, and what the tool may have left on a server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Protocol

_PROGRAM = Path(__file__).with_name("server.py")


class Databases(Protocol):
    """One database, made anew again and again.

    Attributes:
        url: Of that database, without a driver.
    """

    url: str

    def renew(self) -> None:
        """Make the database an empty one."""
        ...

    def forget_snapshots(self) -> None:
        """Drop from the server what the tool keeps there."""
        ...


class SQLiteFile:
    """A file, which the first connection makes. Snapshots are in the tool's own folder."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.url = f"sqlite:///{file}"

    def renew(self) -> None:
        """Remove the file."""
        self._file.unlink(missing_ok=True)

    def forget_snapshots(self) -> None:
        """Nothing is elsewhere."""


class PostgresServer:
    """A server, through a process in the tool's environment, which has the driver."""

    def __init__(self, programs: Path, folder: Path, url: str) -> None:
        self._process = subprocess.Popen(
            # Isolated: this folder's modules are none of that process's business.
            [str(programs / "python"), "-I", str(_PROGRAM), str(folder), url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        answer = self._answer()
        self.url, self.description = answer["url"], answer["description"]

    def database(self, name: str) -> PostgresDatabase:
        """Give a database of this server."""
        return PostgresDatabase(self, name)

    def ask(self, *words: str) -> None:
        """Have something done, and wait until it is."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        self._answer()

    def close(self) -> None:
        """Drop the databases; a private server ends."""
        self._process.communicate()

    def _answer(self) -> dict[str, str]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("the PostgreSQL server cannot be used: see above")
        answer: dict[str, str] = json.loads(line)
        return answer


class PostgresDatabase:
    """One database of a server."""

    def __init__(self, postgres: PostgresServer, name: str) -> None:
        self._postgres, self._name = postgres, name
        self.url = postgres.url.rpartition("/")[0] + f"/{name}"

    def renew(self) -> None:
        """Drop and create it."""
        self._postgres.ask("renew", self._name)

    def forget_snapshots(self) -> None:
        """Drop what the tool keeps on a server of the benchmark's own."""
        self._postgres.ask("forget")
