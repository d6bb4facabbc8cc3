"""The databases of one run on a PostgreSQL server, whoever started that server."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from alembic_lockstep.advice.lacks import scratch_server_advice
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch.postgres_cluster import Cluster, Thing, release
from alembic_lockstep.scratch.postgres_role import (
    Role,
    drop_role_by_url,
    make_private_role,
    make_role_by_url,
    set_password,
    set_superuser,
)
from alembic_lockstep.scratch.postgres_snapshots import (
    Snapshots,
    copy_settings,
    drop_statements,
)
from alembic_lockstep.scratch.postgres_url import (
    database_url,
    explain,
    show,
    to_libpq,
)
from alembic_lockstep.scratch.server import CORRECT_SETUP
from alembic_lockstep.scratch.waits import POSTGRES, of_postgres

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


#: Options of the administrator's connection to a private server: what a killed run's project has
#: set for all roles must not hinder its removal, which has to last though the server is not shut
#: down but ended.
_STEADY = " ".join(
    f"-c {setting}"
    for setting in (
        "default_transaction_read_only=off",
        "statement_timeout=0",
        "role=none",
        "synchronous_commit=on",
    )
)

#: What we wait for behind the project's locks, and no longer.
_PATIENCE = "SET lock_timeout = '30s'"


class PostgresServer:
    """A connection that makes and drops this run's databases.

    Args:
        url: The server, in SQLAlchemy's spelling; its database is only connected to.
        setup: SQL statements to run in every new database.
        description: For people; the version and address if None.
        era: See `Snapshots`.
        own_notes: What people should know of how a private server runs.

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
        own_notes: tuple[str, ...] = (),
    ) -> None:
        self._own_notes = own_notes
        self._url = to_libpq(url)
        self._setup = setup
        self._connection = _connect(self._url, _STEADY if era is not None else "")
        self._token = secrets.token_hex(4)
        self._numbers = count(1)
        self._made: list[str] = []
        self._closed: Callable[[], None] = lambda: None
        self._is_private = era is not None
        self._project: Role | None = None
        self._is_elevated = False
        self._why_no_role = ""
        self._has_begun = False
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
        self._begin()
        url = self._make_from("template0")  # template1 may hold what a site's admin put there
        if self._connection.info.server_version < 150000:
            self._give_public(url)
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
        # What is the server's and was made with it would not be there when it is restored.
        return not self._foreign() and self.snapshots.keep(_database(url), name)

    def restore(self, name: str) -> str | None:
        """Make a copy of a snapshot."""
        with self._explained("could not make a scratch database", ""):
            self._begin()
            new = self._new_name()
            if self.snapshots.restore(name, new):
                return self._url_of(new)
        self._made.remove(new)
        return None

    def elevate(self) -> str:
        """Let the project do what its own role may not; say as whom it connects from now on."""
        self._begin()
        if self._is_private and self._project:
            self._is_elevated = True
            with self._explained("could not give the project's role more rights", ""):
                set_superuser(self._connection, self._project, is_superuser=True)
            return "a superuser of the scratch server"
        self._is_elevated = True
        return "the user of scratch.urls" if self._project else ""

    def clean(self, needed: Collection[str]) -> None:
        """Remove what replays that are over have left on the server, their databases first.

        Args:
            needed: URLs of databases that another replay goes on with.
        """
        if not self._foreign():
            return
        names = {_database(url) for url in needed}
        for name in [name for name in self._made if name not in names]:
            self._drop(name)
            self._made.remove(name)
        self._cluster.remove()

    def clear(self) -> int:
        """Drop what this user keeps here from run to run; give the number of snapshots."""
        number = self.snapshots.clear()
        drop_role_by_url(self._connection)
        return number

    def mark(self) -> str:
        """What the probe writes on what the project makes beside its databases; often nothing."""
        return self._cluster.mark

    def notes(self) -> list[str]:
        """Say in what the server runs or was left otherwise than it should be, a line each."""
        if self._is_private:
            return list(self._own_notes)
        left = [str(one) for one, mark in self._foreign().items() if not mark]
        lines = [self._why_no_role] if self._why_no_role else []
        if left and (self._is_elevated or self._project is None):
            lines.append(
                f"left on the scratch server, as it may be somebody else's: {', '.join(left)}"
            )
        return lines

    def waits(self) -> list[str]:
        """Ask by a connection of its own: the other may be what waits."""
        with _connect(self._url) as connection:
            rows = connection.execute(POSTGRES, [f"^lockstep_{self._token}_"]).fetchall()
        return of_postgres(rows)

    def close(self) -> None:
        """Drop this run's databases and what came with them, and leave."""
        import psycopg

        try:
            for name in self._made:
                self._drop(name)
            with suppress(psycopg.Error):  # a server that is gone
                self._cluster.remove()
                # The server may not have noticed, when this run began, that another was killed.
                self._drop_abandoned()
                if self._is_elevated and self._is_private and self._project:
                    set_superuser(self._connection, self._project, is_superuser=False)
            self._connection.close()
        finally:
            self._closed()

    def _claim(self) -> None:
        """Show that this run lives, before it owns anything; drop what dead ones left."""
        key = (_LOCKS << 32) | int(self._token, 16)
        self._connection.execute("SELECT pg_advisory_lock(%s::bigint)", [key])
        self._drop_abandoned()
        self.snapshots.sweep()
        self._cluster = Cluster(self._connection, self._token, is_private=self._is_private)
        if not self._is_private:
            self._cluster.remove_abandoned(_LOCKS)

    def _drop_abandoned(self) -> None:
        """Drop what runs that were killed have left."""
        for (name,) in self._connection.execute(_ABANDONED, [_LOCKS]).fetchall():
            self._drop(name)

    def _begin(self) -> None:
        """Make the project's role, when the first database is asked for, and drop old snapshots."""
        if self._has_begun:
            return
        self._has_begun = True
        with self._explained("could not make the project's role on the scratch server", ""):
            if self._is_private:
                self._project = make_private_role(self._connection)
            else:
                self._project = self._role_by_url()
            self.snapshots.owner = self._owner
            self.snapshots.sweep()
            if self._is_private:
                self._cluster.remove()

    def _role_by_url(self) -> Role | None:
        """Make the role and see whether it gets in; None, and why, if it cannot be used."""
        import psycopg

        try:
            role = make_role_by_url(self._connection)
            for attempt in (1, 2):
                with suppress(ConnectionError) if attempt == 1 else nullcontext():
                    name = self._connection.info.dbname
                    _connect(database_url(self._connection, self._url, name, role)).close()
                    return role
                set_password(self._connection, role)
        except (psycopg.Error, ConnectionError) as error:
            why = explain(error, self._url)
            self._why_no_role = (
                "the project connected as the user of scratch.urls, for a role of its own "
                f"cannot be used there: {why}"
            )
        return None

    def _foreign(self) -> dict[Thing, str | None]:
        with self._explained("could not look at what is on the scratch server", ""):
            return self._cluster.foreign()

    @property
    def _owner(self) -> str:
        return self._project.name if self._project else self._connection.info.user

    def _url_of(self, name: str) -> str:
        connects = None if self._is_elevated and not self._is_private else self._project
        return database_url(self._connection, self._url, name, connects)

    def _give_public(self, url: str) -> None:
        """Make the schema `public` the owner's of the database, as it is since PostgreSQL 15."""
        import psycopg
        from psycopg.sql import SQL, Identifier

        statement = SQL("ALTER SCHEMA public OWNER TO {}").format(Identifier(self._owner))
        with suppress(psycopg.Error), _connect(self._as_ourselves(url)) as connection:
            connection.execute(statement)

    def _as_ourselves(self, url: str) -> str:
        return database_url(self._connection, self._url, _database(url))

    def _new_name(self) -> str:
        name = f"lockstep_{self._token}_{next(self._numbers)}"
        self._made.append(name)  # first, in case that Ctrl-C comes in between
        return name

    def _make_from(self, template: str) -> str:
        from psycopg.sql import SQL, Identifier

        name = self._new_name()
        statement = SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}" + self.snapshots.strategy)
        names = Identifier(name), Identifier(template), Identifier(self._owner)
        user = Identifier(self._connection.info.user).as_string(self._connection)
        fix = f"Let it, as an administrator of that server:\nALTER ROLE {user} CREATEDB"
        with self._explained("could not make a scratch database", fix, only="permission denied"):
            self._connection.execute(statement.format(*names))
        return self._url_of(name)

    def _set_up(self, url: str) -> None:
        import psycopg

        fix = CORRECT_SETUP
        for number, statement in enumerate(self._setup, 1):
            # The statement is not shown: it may make a role, with a password.
            failed = self._explained(f"statement {number} of scratch.setup failed", fix)
            # A role belongs to the server: another database's setup has made it already.
            with failed, suppress(psycopg.errors.DuplicateObject):
                try:
                    _execute_in(url, statement)
                except psycopg.errors.InsufficientPrivilege:
                    _execute_in(self._as_ourselves(url), statement)

    def _drop(self, name: str) -> None:
        import psycopg

        # Another run sweeping just now, another user's database, a server that is gone: a later
        # run will find what is still there.
        statements = list(drop_statements(self._connection.info.server_version, name))
        try:
            for statement in statements:
                self._connection.execute(statement)
        except psycopg.Error:
            with suppress(psycopg.Error, ConnectionError):
                release(_connect(database_url(self._connection, self._url, name)))
                for statement in statements:
                    self._connection.execute(statement)

    def _describe(self) -> str:
        info = self._connection.info
        return f"PostgreSQL {info.server_version // 10000} at {info.host}:{info.port}"

    @contextmanager
    def _explained(self, what: str, fix: str, *, only: str = "") -> Iterator[None]:
        """Turn what the server refuses into one message.

        Args:
            only: The words of the server for which `fix` is the cure; whatever it says if empty.
        """
        import psycopg

        try:
            yield
        except (psycopg.Error, ConnectionError) as error:
            message = explain(error, self._url)
            tried = (f"{self.description}: {message}",)
            fix = scratch_server_advice(message) or (fix if only in message else "")
            raise CouldNotJudge(f"{what}: {message}", tried=tried, fix=fix) from None


def _connect(url: str, options: str = "") -> Connection:
    import psycopg

    # A host that swallows packets must not hang a commit.
    patience = dict(parse_qsl(urlsplit(url).query)).get("connect_timeout", "10")
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            application_name="alembic-lockstep",
            connect_timeout=patience,
            options=options or None,
        )
        connection.execute(_PATIENCE)
    except psycopg.Error as error:
        raise ConnectionError(f"{show(url)}: {explain(error, url)}") from None
    return connection


def _execute_in(url: str, statement: str) -> None:
    with _connect(url) as connection:
        connection.execute(statement.encode())  # as bytes: it is the user's, not ours to check


def _database(url: str) -> str:
    return urlsplit(url).path.lstrip("/")
