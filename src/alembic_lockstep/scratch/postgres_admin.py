"""A PostgreSQL scratch server, private or named by the settings, as the project is given it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from urllib.parse import urlsplit

from alembic_lockstep.advice.lacks import scratch_server_advice
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch.postgres_cluster import Cluster, ServerObject
from alembic_lockstep.scratch.postgres_connection import STEADY, connect, execute_in
from alembic_lockstep.scratch.postgres_databases import LOCKS, Databases, copy_settings
from alembic_lockstep.scratch.postgres_role import (
    Role,
    drop_role_by_url,
    make_private_role,
    make_role_by_url,
    set_password,
    set_superuser,
)
from alembic_lockstep.scratch.postgres_snapshots import Snapshots
from alembic_lockstep.scratch.postgres_url import database_url, explain, to_libpq
from alembic_lockstep.scratch.server import CORRECT_SETUP
from alembic_lockstep.scratch.waits import POSTGRES, of_postgres


class PostgresServer:
    """A server on which this run makes databases for the project, as a role with few rights.

    Args:
        url: The server, as SQLAlchemy writes it; its database is only connected to.
        setup: SQL statements to run in every new database.
        description: For people; the version and address if None.
        era: See `Snapshots`.
        own_notes: How a private server runs, for people, a line each.

    Attributes:
        version: "15.4", the server's.
        snapshots: Those of this user on this server.

    Raises:
        ConnectionError: the server does not answer or refuses us; never shows the password.
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
        self._connection = connect(self._url, STEADY if era is not None else "")
        self._databases = Databases(self._connection, self._url)
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
        """Call something after close, such as what stops the server."""
        self._closed = callback

    def create(self) -> str:
        """Make an empty database and run `scratch.setup` in it; return its URL."""
        self._begin()
        url = self._make_from("template0")  # template1 may hold objects of the site's administrator
        if self._connection.info.server_version < 150000:
            self._databases.give_public(_database(url), self._owner)
        if self._setup:
            self._set_up(url)
        return url

    def copy(self, url: str) -> str:
        """Make a copy of one of this run's databases, to which no session may be connected."""
        new = self._make_from(_database(url))
        with self._explained("could not make a scratch database"):
            copy_settings(self._connection, _database(url), _database(new))
        return new

    def keep(self, url: str, name: str) -> bool:
        """Rename one of this run's databases to a snapshot, which accepts no connections."""
        # Its old name stays among those to drop: if another run was faster, it is still there.
        # Objects of the server that were made with it would be missing when it is restored.
        return not self._foreign() and self.snapshots.keep(_database(url), name)

    def restore(self, name: str) -> str | None:
        """Make a copy of a snapshot."""
        with self._explained("could not make a scratch database"):
            self._begin()
            new = self._databases.new_name()
            if self.snapshots.restore(name, new):
                return self._url_of(new)
        self._databases.names.remove(new)
        return None

    def elevate(self) -> str:
        """Give the project more rights; return as which role it connects from now on."""
        self._begin()
        if self._is_private and self._project:
            self._is_elevated = True
            with self._explained("could not give the project's role more rights"):
                set_superuser(self._connection, self._project, is_superuser=True)
            return "a superuser of the scratch server"
        self._is_elevated = True
        return "the user of scratch.urls" if self._project else ""

    def clean(self, needed: Collection[str]) -> None:
        """Remove what ended replays left on the server, their databases first.

        Args:
            needed: URLs of databases that another replay continues with.
        """
        if not self._foreign():
            return
        names = {_database(url) for url in needed}
        for name in [name for name in self._databases.names if name not in names]:
            self._databases.drop(name)
            self._databases.names.remove(name)
        self._cluster.remove()

    def clear(self) -> int:
        """Drop what outlives this user's runs; return the number of snapshots."""
        number = self.snapshots.clear()
        drop_role_by_url(self._connection)
        return number

    def mark(self) -> str:
        """Return the comment for what the project makes besides its databases; may be empty."""
        return self._cluster.mark

    def notes(self) -> list[str]:
        """Return how the server runs or was left otherwise than it should be, a line each."""
        if self._is_private:
            return list(self._own_notes)
        left = [str(thing) for thing, mark in self._foreign().items() if not mark]
        lines = [self._why_no_role] if self._why_no_role else []
        if left:
            lines.append(
                f"left on the scratch server, as it may be somebody else's: {', '.join(left)}"
            )
        return lines

    def waits(self) -> list[str]:
        """Describe waiting sessions over a new connection: the other one may be waiting itself."""
        with connect(self._url) as connection:
            rows = connection.execute(POSTGRES, [f"^lockstep_{self._databases.token}_"]).fetchall()
        return of_postgres(rows)

    def close(self) -> None:
        """Drop this run's databases and what was made with them, and leave."""
        import psycopg

        try:
            for name in self._databases.names:
                self._databases.drop(name)
            with suppress(psycopg.Error):  # a server that is gone
                self._cluster.remove()
                # When this run began, the server may not have noticed yet that another was killed.
                self._databases.drop_abandoned()
                if self._is_elevated and self._is_private and self._project:
                    set_superuser(self._connection, self._project, is_superuser=False)
            self._connection.close()
        finally:
            self._closed()

    def _claim(self) -> None:
        """Show that this run lives, before it owns anything; drop what killed runs left."""
        self._databases.claim()
        self.snapshots.sweep()
        self._cluster = Cluster(
            self._connection, self._databases.token, is_private=self._is_private
        )
        if not self._is_private:
            self._cluster.remove_abandoned(LOCKS)

    def _begin(self) -> None:
        """Make the project's role before the first database, and drop old snapshots."""
        if self._has_begun:
            return
        self._has_begun = True
        with self._explained("could not make the project's role on the scratch server"):
            if self._is_private:
                self._project = make_private_role(self._connection)
            else:
                self._project = self._role_by_url()
            self.snapshots.owner = self._owner
            self.snapshots.sweep()
            if self._is_private:
                self._cluster.remove()

    def _role_by_url(self) -> Role | None:
        """Make the role and connect as it once; None, with a note, if it cannot be used."""
        import psycopg

        try:
            role = make_role_by_url(self._connection)
            for attempt in (1, 2):
                with suppress(ConnectionError) if attempt == 1 else nullcontext():
                    name = self._connection.info.dbname
                    connect(database_url(self._connection, self._url, name, role)).close()
                    return role
                set_password(self._connection, role)
        except (psycopg.Error, ConnectionError) as error:
            why = explain(error, self._url)
            self._why_no_role = (
                "the project connected as the user of scratch.urls, for a role of its own "
                f"cannot be used there: {why}"
            )
        return None

    def _foreign(self) -> dict[ServerObject, str | None]:
        """Return objects of the server that the project may have made, with their comments."""
        with self._explained("could not look at what is on the scratch server"):
            foreign = self._cluster.foreign()
        if self._is_private or self._is_elevated or self._project is None:
            return foreign
        # The role has no rights to make others than those that the probe marked.
        mark = self._cluster.mark
        return {thing: comment for thing, comment in foreign.items() if comment == mark}

    @property
    def _owner(self) -> str:
        return self._project.name if self._project else self._connection.info.user

    def _url_of(self, name: str) -> str:
        role = None if self._is_elevated and not self._is_private else self._project
        return database_url(self._connection, self._url, name, role)

    def _as_ourselves(self, url: str) -> str:
        return database_url(self._connection, self._url, _database(url))

    def _make_from(self, template: str) -> str:
        from psycopg.sql import Identifier

        name = self._databases.new_name()
        user = Identifier(self._connection.info.user).as_string(self._connection)
        fix = f"Let it, as an administrator of that server:\nALTER ROLE {user} CREATEDB"
        with self._explained("could not make a scratch database", fix, only="permission denied"):
            self._databases.create(
                name,
                template=template,
                owner=self._owner,
                strategy=self.snapshots.strategy,
            )
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
                    execute_in(url, statement)
                except psycopg.errors.InsufficientPrivilege:
                    execute_in(self._as_ourselves(url), statement)

    def _describe(self) -> str:
        info = self._connection.info
        return f"PostgreSQL {info.server_version // 10000} at {info.host}:{info.port}"

    @contextmanager
    def _explained(self, problem: str, fix: str = "", *, only: str = "") -> Iterator[None]:
        """Raise `CouldNotJudge` for an error of the server.

        Args:
            only: The part of the server's message to which `fix` applies; any message if empty.
        """
        import psycopg

        try:
            yield
        except (psycopg.Error, ConnectionError) as error:
            message = explain(error, self._url)
            tried = (f"{self.description}: {message}",)
            fix = scratch_server_advice(message) or (fix if only in message else "")
            raise CouldNotJudge(f"{problem}: {message}", tried=tried, fix=fix) from None


def _database(url: str) -> str:
    return urlsplit(url).path.lstrip("/")
