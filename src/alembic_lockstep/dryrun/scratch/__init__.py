"""Scratch databases: empty, throwaway, of the dialect that the project uses."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from alembic_lockstep.dryrun.scratch.registry import find_starter
from alembic_lockstep.dryrun.scratch.server import Server, Settings

__all__ = ["ScratchServers", "Server", "Settings"]

#: A server's URL may say either: which it is shows when it answers.
_SIBLINGS = {"mariadb": "mysql", "mysql": "mariadb"}


class ScratchServers:
    """The scratch servers of one run, each started when its dialect is first asked for.

    Not for several threads at once.

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
        self._makers: dict[str, Server] = {}
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
        self._servers.clear()
        self._makers.clear()
        self._stack.__exit__(kind, error, traceback)

    def create(self, dialect: str) -> str:
        """Make an empty database of a dialect; return its URL without a driver part.

        Raises:
            CouldNotJudge: no server for this dialect could be started, or it refused.
        """
        server = self._server(dialect)
        url = server.create()
        self._makers[url] = server
        return url

    def copy(self, url: str) -> str:
        """Make a copy of the scratch database at url, to which nobody may be connected."""
        server = self._makers[url]
        new = server.copy(url)
        self._makers[new] = server
        return new

    def description(self, dialect: str) -> str:
        """Name the server of a dialect for people; starts it if need be."""
        return self._server(dialect).description

    def _server(self, dialect: str) -> Server:
        if dialect not in self._servers:
            server = find_starter(dialect)(self._settings(dialect))
            self._stack.callback(server.close)
            self._servers[dialect] = server
        return self._servers[dialect]

    def _settings(self, dialect: str) -> Settings:
        url = self._urls.get(dialect) or self._urls.get(_SIBLINGS.get(dialect, ""))
        return Settings(url, self._setup, self._directory, self._cache)


def _dialect(url: str) -> str:
    name = url.partition(":")[0].partition("+")[0].lower()
    return "postgresql" if name == "postgres" else name
