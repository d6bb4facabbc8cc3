"""Scratch databases: empty, throwaway, of the dialect that the project uses."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from types import TracebackType

from alembic_lockstep.dryrun.scratch.registry import find_starter
from alembic_lockstep.dryrun.scratch.server import Server, Settings, SnapshotServer

__all__ = ["ScratchServers", "Server", "Settings", "SnapshotServer"]

#: A server's URL may say either: which it is shows when it answers.
_SIBLINGS = {"mariadb": "mysql", "mysql": "mariadb"}


class ScratchServers:
    """The scratch servers of one run, each started when its dialect is first asked for.

    Several threads may use it at once; those that want the same dialect wait for each other.

    Args:
        urls: Server URLs from the settings; the scheme tells the dialect, a driver is ignored.
        setup: SQL statements to run in every new scratch database of a server dialect.
        directory: Private directory of this run; its ``scratch`` is wiped at the start.
        cache: Per-user cache directory.
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

    def __enter__(self) -> ScratchServers:
        # What lies there was left by a run that was killed: the slot is ours now.
        shutil.rmtree(self._directory / "scratch", ignore_errors=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # First, so that no thread can start a server that nobody would stop. One that is at it
        # holds its lock.
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
        """Begin to make what the next `create` returns. If nobody asks for it, nothing is said."""
        if dialect not in self._prepared:
            self._prepared[dialect] = self._threads.submit(self._create, dialect)

    def copy(self, url: str) -> str:
        """Make a copy of the scratch database at url, to which nobody may be connected."""
        dialect = self._dialects[url]
        with self._server(dialect) as server:
            return self._hand_out(dialect, server.copy(url))

    def keep(self, url: str, name: str) -> bool:
        """Make the scratch database at url the snapshot of a name (32 hexadecimal digits).

        Nobody may be connected to it. It is no scratch database any more, unless False says that
        this kind of server keeps none, or could not.
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
        """Name the server of a dialect for people; starts it if need be."""
        with self._server(dialect) as server:
            return server.description

    def _create(self, dialect: str) -> str:
        with self._server(dialect) as server:
            return self._hand_out(dialect, server.create())

    def _hand_out(self, dialect: str, url: str) -> str:
        self._dialects[url] = dialect
        return url

    @contextmanager
    def _server(self, dialect: str) -> Iterator[Server]:
        """Give the server of a dialect to one thread, started if need be."""
        with self._locks.setdefault(dialect, RLock()):
            if self._closed:
                raise RuntimeError("the scratch servers of this run are closed")
            if dialect not in self._servers:
                server = find_starter(dialect)(self._settings(dialect))
                self._stack.callback(server.close)
                self._servers[dialect] = server
            yield self._servers[dialect]

    def _settings(self, dialect: str) -> Settings:
        url = self._urls.get(dialect) or self._urls.get(_SIBLINGS.get(dialect, ""))
        return Settings(url, self._setup, self._directory, self._cache)


def _dialect(url: str) -> str:
    name = url.partition(":")[0].partition("+")[0].lower()
    return "postgresql" if name == "postgres" else name
