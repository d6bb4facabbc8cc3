"""The databases of one run on a PostgreSQL server: their names, how they are made and dropped."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from alembic_lockstep.scratch.postgres_cluster import release
from alembic_lockstep.scratch.postgres_connection import connect
from alembic_lockstep.scratch.postgres_url import database_url

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

#: "LOCK" in ASCII: the upper half of the key of our advisory locks; the lower is the run's token.
LOCKS = 0x4C4F434B

#: A database is named after its run, and a run lives as long as a session holds its lock. pg_locks
#: is read rather than the lock tried, as an advisory lock counts in one database only, and two
#: projects may name two databases of one server.
_ABANDONED = r"""
    SELECT datname FROM pg_database
    WHERE datname ~ '^lockstep_[0-9a-f]{8}_[0-9]+$' AND NOT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %s
        AND lpad(to_hex(objid::bigint), 8, '0') = substr(datname, 10, 8))
"""
_SETTINGS = """
    SELECT rolname, unnest(setconfig) FROM pg_db_role_setting
    JOIN pg_database d ON d.oid = setdatabase LEFT JOIN pg_roles r ON r.oid = setrole
    WHERE datname = %s
"""


class Databases:
    """The databases of one run.

    Args:
        connection: In autocommit mode; holds the run's lock.
        url: The server's URL, with which databases are connected to.

    Attributes:
        token: 8 hexadecimal digits that are in the databases' names.
        names: The databases to drop at the end.
    """

    def __init__(self, connection: Connection, url: str) -> None:
        self._connection = connection
        self._url = url
        self._numbers = count(1)
        self.token = secrets.token_hex(4)
        self.names: list[str] = []

    def claim(self) -> None:
        """Show that this run lives, before it owns a database; drop those of killed runs."""
        key = (LOCKS << 32) | int(self.token, 16)
        self._connection.execute("SELECT pg_advisory_lock(%s::bigint)", [key])
        self.drop_abandoned()

    def new_name(self) -> str:
        """Return the name of a database that is to be made, and is dropped at the end."""
        name = f"lockstep_{self.token}_{next(self._numbers)}"
        self.names.append(name)  # first: Ctrl-C may come in between
        return name

    def create(self, name: str, *, template: str, owner: str, strategy: str) -> None:
        """Make a database as a copy of another one."""
        from psycopg.sql import SQL, Identifier

        names = Identifier(name), Identifier(template), Identifier(owner)
        statement = SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}" + strategy)
        self._connection.execute(statement.format(*names))

    def give_public(self, name: str, owner: str) -> None:
        """Make a role the owner of a database's schema `public`, as it is since PostgreSQL 15."""
        import psycopg
        from psycopg.sql import SQL, Identifier

        statement = SQL("ALTER SCHEMA public OWNER TO {}").format(Identifier(owner))
        url = database_url(self._connection, self._url, name)
        with suppress(psycopg.Error), connect(url) as connection:
            connection.execute(statement)

    def drop(self, name: str) -> None:
        """Drop a database, if that is possible."""
        import psycopg

        # Another run sweeping just now, another user's database, a server that is gone: a later
        # run will drop what is still there.
        statements = list(drop_statements(self._connection.info.server_version, name))
        try:
            for statement in statements:
                self._connection.execute(statement)
        except psycopg.Error:
            with suppress(psycopg.Error, ConnectionError):
                release(connect(database_url(self._connection, self._url, name)))
                for statement in statements:
                    self._connection.execute(statement)

    def drop_abandoned(self) -> None:
        """Drop the databases of runs that were killed."""
        for (name,) in self._connection.execute(_ABANDONED, [LOCKS]).fetchall():
            self.drop(name)


def copy_settings(connection: Connection, template: str, new: str) -> None:
    """Give a database what ALTER DATABASE … SET gave its template: CREATE DATABASE does not.

    A migration may set the search path for those that come after it.
    """
    for role, entry in connection.execute(_SETTINGS, [template]).fetchall():
        name, _, value = entry.partition("=")
        with connection.transaction():
            # Taken from the session, as the value may be a list, which is not quoted as a whole.
            connection.execute("SELECT set_config(%s, %s, true)", [name, value])
            connection.execute(_setting(role, new, name))


def _setting(role: str | None, database: str, name: str) -> Composed:
    from psycopg.sql import SQL, Identifier

    alter = SQL("ALTER DATABASE {}").format(Identifier(database))
    if role is not None:
        alter = SQL("ALTER ROLE {} IN DATABASE {}").format(Identifier(role), Identifier(database))
    return alter + SQL(" SET {} FROM CURRENT").format(Identifier(*name.split(".")))


def drop_statements(server_version: int, name: str) -> Iterator[Composed]:
    """Yield the statements that drop a database, also while a session is connected."""
    from psycopg.sql import SQL, Identifier, Literal

    drop = SQL("DROP DATABASE IF EXISTS {}").format(Identifier(name))
    if server_version >= 130000:
        yield drop + SQL(" WITH (FORCE)")
        return
    others = SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
    yield others.format(Literal(name))
    yield drop
