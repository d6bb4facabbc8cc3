"""Scratch databases: empty, throwaway, of the dialect that the project uses."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Condition, RLock
from types import TracebackType

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch.registry import find_starter
from alembic_lockstep.scratch.server import (
    GuardedServer,
    Server,
    ServerSettings,
    SnapshotServer,
    WaitServer,
)
from alembic_lockstep.scratch.waits import distinct, lines_or_none

__all__ = ["ScratchServers", "Server", "ServerSettings", "SnapshotServer"]

#: Seconds that a replay waits for others to end, whose own limit is shorter.
_PATIENCE = 3600.0

#: A server's URL may name either dialect: which it is shows when it answers.
_SIBLINGS = {"mariadb": "mysql", "mysql": "mariadb"}


class Replay:
    """A replay that is going on.

    Attributes:
        is_crowded: Another one was going on at the same time, on the same servers.
    """

    def __init__(self) -> None:
        self.is_crowded = False


class ScratchServers:
    """The scratch servers of one run, each started when its dialect is first asked for.

    Several threads may use them at once; threads that use the same dialect wait for each other.

    Args:
        urls: Server URLs from the settings; the scheme names the dialect, a driver is ignored.
        setup: SQL statements to run in every new scratch database of a server dialect.
        directory: Private directory of this run; its ``scratch`` is wiped at the start.
        cache: Per-user cache directory.

    Attributes:
        needs: From dialects to the statement that needs more rights than a project has. An entry
            that is there when a server starts comes from an earlier run.
    """

    def __init__(
        self, *, urls: Sequence[str], setup: Sequence[str], directory: Path, cache: Path
    ) -> None:
        self._urls = {_dialect(url): url for url in reversed(urls)}  # the first of a dialect wins
        self._setup = tuple(setup)
        self._directory = directory.absolute()
        self._cache = cache.absolute()
        self._servers: dict[str, Server] = {}
        self._dialects: dict[str, str] = {}
        self._locks: dict[str, RLock] = {}
        self._prepared: dict[str, Future[str]] = {}
        self._threads = ThreadPoolExecutor()
        self._closed = False
        self._stack = ExitStack()
        self.needs: dict[str, str] = {}
        self._elevated: dict[str, str] = {}
        self._pinned: set[str] = set()
        self._replays: list[Replay] = []
        self._is_alone = False
        self._replaying = Condition()

    def __enter__(self) -> ScratchServers:
        # Left by a run that was killed: the slot is ours now.
        shutil.rmtree(self._directory / "scratch", ignore_errors=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # First, so that no thread can start a server that would never be stopped. A thread that
        # is starting one holds its lock.
        self._closed = True
        self._threads.shutdown(cancel_futures=True)
        with ExitStack() as held:
            for lock in list(self._locks.values()):
                held.enter_context(lock)
            self._servers.clear()
            self._dialects.clear()
            self._stack.__exit__(kind, error, traceback)

    def create(self, dialect: str) -> str:
        """Make an empty database of a dialect; return its URL without a driver part.

        Raises:
            CouldNotJudge: no server for this dialect could be started, or it refused.
        """
        prepared = self._prepared.pop(dialect, None)
        return prepared.result() if prepared else self._create(dialect)

    def prepare(self, dialect: str) -> None:
        """Begin to make what the next `create` returns; an error is raised by that call only."""
        if dialect not in self._prepared:
            self._prepared[dialect] = self._threads.submit(self._create, dialect)

    def copy(self, url: str) -> str:
        """Make a copy of the scratch database at url, to which no session may be connected."""
        dialect = self._dialects[url]
        with self._server(dialect) as server:
            return self._hand_out(dialect, server.copy(url))

    def keep(self, url: str, name: str) -> bool:
        """Make the scratch database at url the snapshot of a name (32 hexadecimal digits).

        No session may be connected to it. It is no scratch database any more, unless this returns
        False: this kind of server keeps none, or could not.
        """
        with self._server(self._dialects[url]) as server:
            return isinstance(server, SnapshotServer) and server.keep(url, name)

    def restore(self, dialect: str, name: str) -> str | None:
        """Make a database with a snapshot's content; return its URL, or None if there is none.

        Raises:
            CouldNotJudge: as `create`.
        """
        with self._server(dialect) as server:
            url = server.restore(name) if isinstance(server, SnapshotServer) else None
            return url and self._hand_out(dialect, url)

    def description(self, dialect: str) -> str:
        """Describe the server of a dialect for people; start it if need be."""
        with self._server(dialect) as server:
            return server.description

    @contextmanager
    def replay(self, *, goes_on: bool = False, alone: bool = False) -> Iterator[Replay]:
        """Count as a replay until exit; before it, remove what earlier ones left on the servers.

        Where another replay is running, such objects may be its own, and stay.

        Args:
            goes_on: The replay needs the databases, and all else, of the one before it.
            alone: Wait until no other replay is going on, and let none begin meanwhile.
        """
        replay = Replay()
        with self._replaying:
            self._replaying.wait_for(
                lambda: not self._is_alone and not (alone and self._replays), timeout=_PATIENCE
            )
            if not goes_on and not self._replays:
                self._clean()
            self._is_alone = alone
            self._replays.append(replay)
            for running in self._replays if len(self._replays) > 1 else ():
                running.is_crowded = True
        try:
            yield replay
        finally:
            with self._replaying:
                self._replays.remove(replay)
                self._is_alone = self._is_alone and not alone
                self._replaying.notify_all()

    def pin(self, urls: Collection[str]) -> None:
        """Keep databases that a later replay continues with."""
        self._pinned.update(urls)

    def elevate(self, dialect: str, need: str) -> bool:
        """Give the project more rights on the server of a dialect.

        Args:
            need: The statement that needs them.

        Returns:
            False where the project connects as the administrator already, or the server has no
            such rights to give.
        """
        with self._server(dialect) as server:
            if dialect in self._elevated:
                return True
            user = server.elevate() if isinstance(server, GuardedServer) else ""
            if user:
                self._elevated[dialect] = f"ran as {user}: {need} needs it"
            return bool(user)

    def is_elevated(self, dialect: str) -> bool:
        """Return whether the project has more rights than usual on the server of a dialect."""
        return dialect in self._elevated

    def mark(self, dialect: str) -> str:
        """Return the comment for what the project makes on a server besides its databases."""
        with self._server(dialect) as server:
            return server.mark() if isinstance(server, GuardedServer) else ""

    def is_shared(self, dialect: str) -> bool:
        """Return whether the settings name the server of a dialect: it may hold others' data."""
        return self._settings(dialect).url is not None

    def notes(self, dialect: str) -> list[str]:
        """Return what people should know of how the server of a dialect was used, a line each."""
        with self._server(dialect) as server:
            lines = server.notes() if isinstance(server, GuardedServer) else []
        return [*filter(None, [self._elevated.get(dialect)]), *lines]

    def waits(self) -> list[str]:
        """Describe which sessions wait for which on the servers of this run, a line each.

        Takes no lock: the thread that has a server may be the one that waits.
        """
        servers = [
            server for server in list(self._servers.values()) if isinstance(server, WaitServer)
        ]
        return distinct(line for server in servers for line in lines_or_none(server.waits))

    def _clean(self) -> None:
        needed = set(self._pinned)
        for prepared in list(self._prepared.values()):
            with suppress(CouldNotJudge):  # raised when it is asked for
                needed.add(prepared.result())
        for dialect in list(self._servers):
            with self._server(dialect) as server:
                if isinstance(server, GuardedServer):
                    server.clean(needed)

    def _create(self, dialect: str) -> str:
        with self._server(dialect) as server:
            return self._hand_out(dialect, server.create())

    def _hand_out(self, dialect: str, url: str) -> str:
        self._dialects[url] = dialect
        return url

    @contextmanager
    def _server(self, dialect: str) -> Iterator[Server]:
        """Lock the server of a dialect for this thread; start it if need be."""
        with self._locks.setdefault(dialect, RLock()):
            if self._closed:
                raise RuntimeError("the scratch servers of this run are closed")
            if dialect not in self._servers:
                server = find_starter(dialect)(self._settings(dialect))
                self._stack.callback(server.close)
                self._servers[dialect] = server
                if dialect in self.needs:
                    self.elevate(dialect, self.needs[dialect])
            yield self._servers[dialect]

    def _settings(self, dialect: str) -> ServerSettings:
        url = self._urls.get(dialect) or self._urls.get(_SIBLINGS.get(dialect, ""))
        return ServerSettings(
            url=url, setup=self._setup, directory=self._directory, cache=self._cache
        )


def _dialect(url: str) -> str:
    name = url.partition(":")[0].partition("+")[0].lower()
    return "postgresql" if name == "postgres" else name
