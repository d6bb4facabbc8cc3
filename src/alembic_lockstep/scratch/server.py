"""What every kind of scratch server offers, and what it is started from."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from alembic_lockstep.advice.lacks import scratch_server_advice
from alembic_lockstep.errors import CouldNotJudge

#: What to do about a statement of the setting that fails.
CORRECT_SETUP = "Correct the statement in scratch.setup, or remove it."


class Server(Protocol):
    """Makes the scratch databases of one dialect, for one run."""

    @property
    def description(self) -> str:
        """Name it for people: "SQLite", "PostgreSQL 15 at localhost:5432"."""
        ...

    def create(self) -> str:
        """Make an empty database; return its SQLAlchemy URL without a driver part."""
        ...

    def copy(self, url: str) -> str:
        """Make a copy of the scratch database at url, to which nobody may be connected."""
        ...

    def close(self) -> None:
        """Drop all that was made and stop all that was started."""
        ...


@runtime_checkable
class SnapshotServer(Server, Protocol):
    """A server that keeps databases from run to run. Not every kind does, nor has to."""

    def keep(self, url: str, name: str) -> bool:
        """Make the scratch database at url the snapshot of a name (32 hexadecimal digits).

        Nobody is connected to it. It is no scratch database of this run any more, unless False
        says that it could not be kept.
        """
        ...

    def restore(self, name: str) -> str | None:
        """Make a database with a snapshot's content; return its URL, as `create` does.

        None if there is no such snapshot, or it is damaged, and then it is gone.
        """
        ...


@runtime_checkable
class WaitServer(Server, Protocol):
    """A server that can tell which statements of this run wait for a lock, and who holds it."""

    def waits(self) -> list[str]:
        """Describe them, a line each; asked while the run is stuck, from any thread."""
        ...


@runtime_checkable
class GuardedServer(Server, Protocol):
    """A server that does not trust the project: it connects with no rights but those it needs."""

    def elevate(self) -> str:
        """Let the project do what its own user may not; say as whom it connects from now on.

        Empty where it connects as that one anyway. Databases have to be made anew.
        """
        ...

    def clean(self, needed: Collection[str]) -> None:
        """Remove what replays that are over have left on the server beside their databases.

        Args:
            needed: URLs of databases that another replay goes on with.
        """
        ...

    def mark(self) -> str:
        """Give the comment by which the project's own is told from others'; empty if all is."""
        ...

    def notes(self) -> list[str]:
        """Say what people should know of how the server was used and left, a line each."""
        ...


@dataclass(frozen=True)
class Settings:
    """What a server is started from.

    Attributes:
        url: The server that the settings name for this dialect, or None.
        setup: SQL statements to run in every new database (of dialects that have servers).
        directory: This run's private directory.
        cache: The per-user cache directory, for what is kept from run to run.
    """

    url: str | None
    setup: tuple[str, ...]
    directory: Path
    cache: Path


#: Where one can be started: an example would only fail again.
CORRECT_URL = (
    "Correct scratch.urls (or ALEMBIC_LOCKSTEP_SCRATCH, which beats it), with %XX for special "
    "characters of a password, or remove it: a private server is started then."
)


@contextmanager
def explained_for_url(fix: str) -> Iterator[None]:
    """Turn what is wrong with the named server into the one clear message."""
    try:
        yield
    except ConnectionError as error:
        raise CouldNotJudge(
            f"the scratch server of the settings cannot be used: {error}",
            tried=(f"server URL: {error}",),
            fix=scratch_server_advice(str(error)) or fix,
        ) from None
