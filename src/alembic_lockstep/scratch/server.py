"""The interface of scratch servers, and the settings that they are started with."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from alembic_lockstep.advice.lacks import scratch_server_advice
from alembic_lockstep.errors import CouldNotJudge

#: The fix for a statement of `scratch.setup` that fails.
CORRECT_SETUP = "Correct the statement in scratch.setup, or remove it."


class Server(Protocol):
    """Makes the scratch databases of one dialect, for one run."""

    @property
    def description(self) -> str:
        """Return its name for people: "SQLite", "PostgreSQL 15 at localhost:5432"."""
        ...

    def create(self) -> str:
        """Make an empty database; return its SQLAlchemy URL without a driver part."""
        ...

    def copy(self, url: str) -> str:
        """Make a copy of the scratch database at url, to which no session may be connected."""
        ...

    def close(self) -> None:
        """Drop all that was made and stop all that was started."""
        ...


@runtime_checkable
class SnapshotServer(Server, Protocol):
    """A server that keeps databases from run to run; optional."""

    def keep(self, url: str, name: str) -> bool:
        """Make the scratch database at url the snapshot of a name (32 hexadecimal digits).

        No session is connected to it. It is no scratch database of this run any more, unless this
        returns False: it could not be kept.
        """
        ...

    def restore(self, name: str) -> str | None:
        """Make a database with a snapshot's content; return its URL, as `create` does.

        None if there is no such snapshot, or it is damaged, and is deleted.
        """
        ...


@runtime_checkable
class WaitServer(Server, Protocol):
    """A server that can list which statements of this run wait for a lock, and its holder."""

    def waits(self) -> list[str]:
        """Describe them, a line each; called while the run is stuck, from any thread."""
        ...


@runtime_checkable
class GuardedServer(Server, Protocol):
    """A server on which the project connects with few rights."""

    def elevate(self) -> str:
        """Give the project more rights; return as which user it connects from now on.

        Empty where it connects as that user already. Databases have to be made again.
        """
        ...

    def clean(self, needed: Collection[str]) -> None:
        """Remove what ended replays left on the server, besides their databases.

        Args:
            needed: URLs of databases that another replay continues with.
        """
        ...

    def mark(self) -> str:
        """Return the comment that marks the project's objects; empty if all are its own."""
        ...

    def notes(self) -> list[str]:
        """Return what people should know of how the server was used and left, a line each."""
        ...


@dataclass(frozen=True)
class ServerSettings:
    """The settings that a server is started with.

    Attributes:
        url: The server that the settings name for this dialect, or None.
        setup: SQL statements to run in every new database (of dialects that have servers).
        directory: This run's private directory.
        cache: The per-user cache directory, which outlives the run.
    """

    url: str | None
    setup: tuple[str, ...]
    directory: Path
    cache: Path


#: The fix where a private server can be started: an example URL would only fail again.
CORRECT_URL = (
    "Correct scratch.urls (or ALEMBIC_LOCKSTEP_SCRATCH, which beats it), with %XX for special "
    "characters of a password, or remove it: a private server is started then."
)


@contextmanager
def explained_for_url(fix: str) -> Iterator[None]:
    """Raise `CouldNotJudge` for a `ConnectionError` of the server that the settings name."""
    try:
        yield
    except ConnectionError as error:
        raise CouldNotJudge(
            f"the scratch server of the settings cannot be used: {error}",
            tried=(f"server URL: {error}",),
            fix=scratch_server_advice(str(error)) or fix,
        ) from None
