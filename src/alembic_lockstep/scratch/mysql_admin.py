"""The databases of one run on a MySQL or MariaDB server, private or named by the settings."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any

from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import SQLAlchemyError

from alembic_lockstep.scratch.by_url import (
    Dialect,
    URLServer,
    execute,
    read_url,
    server_address,
)
from alembic_lockstep.scratch.mysql_copy import copy_database
from alembic_lockstep.scratch.mysql_user import (
    PRIVATE,
    Inventory,
    User,
    give_all,
    make_user,
)
from alembic_lockstep.scratch.waits import MYSQL, of_mysql

_USER = re.compile(r"lockstep_[0-9a-f]{8}")
_NAME = re.compile(r"lockstep_([0-9a-f]{8})_[0-9]+")
#: Seconds that a statement of ours waits for a lock of the project's.
_PATIENCE = 10
_DIALECT = Dialect(
    create=("CREATE DATABASE `{name}` CHARACTER SET utf8mb4",),
    drop=("DROP DATABASE IF EXISTS `{name}`",),
    names="SHOW DATABASES",
    example="mysql://root:password@127.0.0.1:3306",
    requires=("alembic-lockstep[mysql]",),
)


class MySQLServer(URLServer):
    """Makes and drops this run's databases; a run lives as long as a session holds its lock.

    The parameters and errors are those of `URLServer`.
    """

    def __init__(
        self,
        url: str,
        *,
        setup: tuple[str, ...],
        description: str | None = None,
        is_private: bool = False,
        own_notes: tuple[str, ...] = (),
    ) -> None:
        self._own_notes = own_notes
        self._is_private = is_private
        self._project: User | None = None
        self._inventory: Inventory | None = None
        self._is_elevated = False
        self._has_begun = False
        self._why_no_user = ""
        super().__init__(url, _DIALECT, setup=setup, description=description)

    @property
    def is_mariadb(self) -> bool:
        """Return whether the server is MariaDB and not MySQL."""
        dialect: Any = self._connection.dialect
        return bool(dialect.is_mariadb)

    def create(self) -> str:
        """Make an empty database and run `scratch.setup` in it; return its URL."""
        self._begin()
        return super().create()

    def elevate(self) -> str:
        """Give the project more rights; return as which user it connects from now on."""
        self._begin()
        if self._project is None:
            return ""
        self._is_elevated = True
        if self._is_private:
            with self._explained("could not give the project's user more rights"):
                give_all(self._connection, self._project)
            return "an administrator of the scratch server"
        return "the user of scratch.urls"

    def clean(self, needed: Collection[str]) -> None:
        """Remove what ended replays left on a private server."""
        if self._inventory is None:
            return
        with self._explained("could not look at what is on the scratch server"):
            if not self._inventory.foreign():
                return
        names = {str(read_url(url).database) for url in needed}
        for name in [name for name in self._created if name not in names]:
            self._drop(name)
            self._created.remove(name)
        self._inventory.remove()

    def mark(self) -> str:
        """Return an empty comment: users and databases have none here."""
        return ""

    def notes(self) -> list[str]:
        """Return how a private server runs, and why the project has no user of its own."""
        return [*self._own_notes, *filter(None, [self._why_no_user])]

    def waits(self) -> list[str]:
        """Describe waiting sessions over a new connection: the other one may be waiting itself."""
        like = rf"lockstep\_{self._token}\_%"
        with self._connect(self._url) as connection:
            return of_mysql(execute(connection, MYSQL.format(like)))

    def close(self) -> None:
        """Drop this run's databases and user, and leave."""
        with suppress(SQLAlchemyError):
            if self._inventory:
                self._inventory.remove()
            elif self._project:
                execute(self._connection, f"DROP USER IF EXISTS {self._project.account}")
        super().close()

    def _begin(self) -> None:
        """Make the project's user before the first database."""
        if self._has_begun:
            return
        self._has_begun = True
        if self._is_private:
            host, pattern = "127.0.0.1", r"lockstep\_%"
            with self._explained("could not make the project's user on the scratch server"):
                self._project = make_user(self._connection, PRIVATE, host, pattern)
                self._inventory = Inventory(self._connection, (PRIVATE, str(self._url.username)))
                self._inventory.remove()
        else:
            self._project = self._user_by_url()

    def _user_by_url(self) -> User | None:
        """Make a user for this run and connect as it once; None, with a note, if that fails."""
        name, pattern = f"lockstep_{self._token}", rf"lockstep\_{self._token}\_%"
        try:
            user = make_user(self._connection, name, "%", pattern)
            self._connect(self._url.set(username=name, password=user.password)).close()
        except (SQLAlchemyError, ConnectionError) as error:
            self._why_no_user = (
                "the project connected as the user of scratch.urls, for a user of its own "
                f"cannot be used there: {self._explain(error)}"
            )
            with suppress(SQLAlchemyError):
                execute(self._connection, f"DROP USER IF EXISTS '{name}'@'%'")
            return None
        return user

    def _hand_out(self, url: URL) -> str:
        user = self._project
        if user is None or (self._is_elevated and not self._is_private):
            return super()._hand_out(url)
        return super()._hand_out(url.set(username=user.name, password=user.password))

    def _connect(self, url: URL) -> Connection:
        connection = super()._connect(url)
        for name in ("lock_wait_timeout", "innodb_lock_wait_timeout"):
            execute(connection, f"SET SESSION {name} = {_PATIENCE}")
        return connection

    def copy(self, url: str) -> str:
        """Copy tables with their rows, sequences, views, triggers and routines; not events."""
        source, target = str(read_url(url).database), self._make()
        problem = f"could not copy the scratch database {source}"
        with self._explained(problem), self._connect(target) as connection:
            copy_database(connection, source, str(target.database))
        return self._hand_out(target)

    def _read(self, url: str) -> URL:
        parsed = read_url(url)
        if parsed.get_backend_name() not in ("mysql", "mariadb"):
            raise ConnectionError("its URL begins with neither mysql: nor mariadb:")
        parsed = parsed.set(drivername="mysql+pymysql")
        # To a C client "localhost" means a Unix socket at a path that it was built with.
        if parsed.host in (None, "", "localhost") and "unix_socket" not in parsed.query:
            parsed = parsed.set(host="127.0.0.1")
        return parsed

    def _make_token(self) -> str:
        return secrets.token_hex(4)

    def _claim(self) -> None:
        # The lock goes with the connection, which has to outlast the longest dry run.
        execute(self._connection, "SET SESSION wait_timeout = 2147483")
        execute(self._connection, f"SELECT GET_LOCK('lockstep_{self._token}', 0)")
        ((self._user,),) = execute(self._connection, "SELECT CURRENT_USER()")

    def _drop_abandoned_users(self) -> None:
        """Drop the users of killed runs, where this run may read them."""
        with suppress(SQLAlchemyError):
            query = r"SELECT user, host FROM mysql.user WHERE user LIKE 'lockstep\_________'"
            for name, host in execute(self._connection, query):
                if _USER.fullmatch(str(name)) and self._is_free(str(name)):
                    execute(self._connection, f"DROP USER IF EXISTS '{name}'@'{host}'")

    def _abandoned(self, names: Iterable[str]) -> Iterator[str]:
        if not self._is_private:
            self._drop_abandoned_users()
        for name in names:
            match = _NAME.fullmatch(name)
            if match and self._is_free(f"lockstep_{match[1]}"):
                yield name

    def _is_free(self, lock: str) -> bool:
        ((free,),) = execute(self._connection, f"SELECT IS_FREE_LOCK('{lock}')")
        return bool(free)

    def _fix_for_create(self) -> str:
        account = "@".join(f"'{part}'" for part in str(self._user).rsplit("@", 1))
        return rf"GRANT ALL ON `lockstep\_%`.* TO {account}"

    def _drop(self, name: str) -> None:
        with suppress(SQLAlchemyError):
            _disconnect_others(self._connection, name)
        super()._drop(name)

    def _describe(self) -> str:
        version: Any = self._connection.dialect.server_version_info
        name = "MariaDB" if self.is_mariadb else "MySQL"
        return f"{name} {'.'.join(map(str, version[:2]))} at {_address(self._url)}"


def _disconnect_others(connection: Connection, database: str) -> None:
    """End the sessions of a database: an open transaction would block its drop."""
    for row in execute(connection, "SHOW PROCESSLIST"):
        if row[3] == database:
            with suppress(SQLAlchemyError):  # gone meanwhile
                execute(connection, f"KILL {int(row[0])}")


def _address(url: URL) -> str:
    socket = url.query.get("unix_socket")
    return (
        str(socket)
        if socket
        else server_address(URL.create("x", host=url.host, port=url.port or 3306))
    )
