"""The databases of one run on a PostgreSQL server, whoever started that server."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from alembic_lockstep.dryrun.scratch.postgres_snapshots import (
    Snapshots,
    copy_settings,
    drop_statements,
)
from alembic_lockstep.dryrun.scratch.postgres_url import (
    database_url,
    explain,
    show,
    to_libpq,
)
from alembic_lockstep.errors import CouldNotJudge

if TYPE_CHECKING:
    from psycopg import Connection

#: "LOCK" in ASCII: the upper half of the key of our advisory locks; the lower is the run's token.
_LOCKS = 0x4C4F434B

#: A database is named after its run, and a run lives as long as somebody holds its lock. pg_locks
#: is read rather than the lock tried, as an advisory lock counts in one database only, and two
#: projects may name two databases of one server.
_ABANDONED = r"""
    SELECT datname FROM pg_database
    WHERE datname ~ '^lockstep_[0-9a-f]{8}_[0-9]+$' AND NOT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %s
        AND lpad(to_hex(objid::bigint), 8, '0') = substr(datname, 10, 8))
"""


class PostgresServer:
    """A connection that makes and drops this run's databases.

    Args:
        url: The server, in SQLAlchemy's spelling; its database is only connected to.
        setup: SQL statements to run in every new database.
        description: For people; the version and address if None.
        era: See `Snapshots`.

    Attributes:
        version: "15.4", the server's.
        snapshots: What this user keeps on this server.

    Raises:
        ConnectionError: the server does not answer, or not to us; never shows the password.
    """

    def __init__(
        self,
        url: str,
        *,
        setup: tuple[str, ...],
        description: str | None = None,
        era: str | None = None,
    ) -> None:
        self._url = to_libpq(url)
        self._setup = setup
        self._connection = _connect(self._url)
        self._token = secrets.token_hex(4)
        self._numbers = count(1)
        self._made: list[str] = []
        self._closed: Callable[[], None] = lambda: None
        self.description = description or self._describe()
        try:
            self.snapshots = Snapshots(self._connection, era)
            self._claim()
        except Exception as error:
            self._connection.close()
            raise ConnectionError(explain(error, self._url)) from None

    def when_closed(self, callback: Callable[[], None]) -> None:
        """Have something done after close, such as to stop the server."""
        self._closed = callback

    def create(self) -> str:
        """Make an empty database, set up as the settings want it; return its URL."""
        url = self._make_from("template0")  # template1 may hold what a site's admin put there
        if self._setup:
            self._set_up(url)
        return url

    def copy(self, url: str) -> str:
        """Make a copy of one of this run's databases, to which nobody may be connected."""
        new = self._make_from(_database(url))
        with self._explained("could not make a scratch database", ""):
            copy_settings(self._connection, _database(url), _database(new))
        return new

    def keep(self, url: str, name: str) -> bool:
        """Rename one of this run's databases to a snapshot, which nobody may connect to."""
        # Its old name stays among those to drop: if another run was faster, it is there still.
        return self.snapshots.keep(_database(url), name)

    def restore(self, name: str) -> str | None:
        """Make a copy of a snapshot."""
        with self._explained("could not make a scratch database", ""):
            new = self._new_name()
            if self.snapshots.restore(name, new):
                return database_url(self._connection, self._url, new)
        self._made.remove(new)
        return None

    def close(self) -> None:
        """Drop this run's databases and leave."""
        try:
            for name in self._made:
                self._drop(name)
            self._connection.close()
        finally:
            self._closed()

    def _claim(self) -> None:
        """Show that this run lives, before it owns anything; drop what dead ones left."""
        key = (_LOCKS << 32) | int(self._token, 16)
        self._connection.execute("SELECT pg_advisory_lock(%s::bigint)", [key])
        for (name,) in self._connection.execute(_ABANDONED, [_LOCKS]).fetchall():
            self._drop(name)
        self.snapshots.sweep()

    def _new_name(self) -> str:
        name = f"lockstep_{self._token}_{next(self._numbers)}"
        self._made.append(name)  # first, in case that Ctrl-C comes in between
        return name

    def _make_from(self, template: str) -> str:
        from psycopg.sql import SQL, Identifier

        name = self._new_name()
        statement = SQL("CREATE DATABASE {} TEMPLATE {}" + self.snapshots.strategy)
        fix = f"ALTER ROLE {self._connection.info.user} CREATEDB"
        with self._explained("could not make a scratch database", fix):
            self._connection.execute(statement.format(Identifier(name), Identifier(template)))
        return database_url(self._connection, self._url, name)

    def _set_up(self, url: str) -> None:
        import psycopg

        fix = '[tool.alembic-lockstep.scratch]\nsetup = ["CREATE EXTENSION …"]'
        for number, statement in enumerate(self._setup, 1):
            # The statement is not shown: it may make a role, with a password.
            failed = self._explained(f"statement {number} of scratch.setup failed", fix)
            # A role belongs to the server: another database's setup has made it already.
            with failed, suppress(psycopg.errors.DuplicateObject):
                _execute_in(url, statement)

    def _drop(self, name: str) -> None:
        import psycopg

        # Another run sweeping just now, another user's database, a server that is gone: a later
        # run will find what is still there.
        with suppress(psycopg.Error):
            for statement in drop_statements(self._connection.info.server_version, name):
                self._connection.execute(statement)

    def _describe(self) -> str:
        info = self._connection.info
        return f"PostgreSQL {info.server_version // 10000} at {info.host}:{info.port}"

    @contextmanager
    def _explained(self, what: str, fix: str) -> Iterator[None]:
        import psycopg

        try:
            yield
        except (psycopg.Error, ConnectionError) as error:
            message = explain(error, self._url)
            tried = (f"{self.description}: {message}",)
            raise CouldNotJudge(f"{what}: {message}", tried=tried, fix=fix) from None


def _connect(url: str) -> Connection:
    import psycopg

    # A host that swallows packets must not hang a commit.
    patience = dict(parse_qsl(urlsplit(url).query)).get("connect_timeout", "10")
    name = "alembic-lockstep"
    try:
        return psycopg.connect(
            url, autocommit=True, application_name=name, connect_timeout=patience
        )
    except psycopg.Error as error:
        raise ConnectionError(f"{show(url)}: {explain(error, url)}") from None


def _execute_in(url: str, statement: str) -> None:
    with _connect(url) as connection:
        connection.execute(statement.encode())  # as bytes: it is the user's, not ours to check


def _database(url: str) -> str:
    return urlsplit(url).path.lstrip("/")
