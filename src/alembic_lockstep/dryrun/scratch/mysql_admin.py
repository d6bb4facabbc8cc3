"""The databases of one run on a MySQL or MariaDB server, whoever started that server."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import SQLAlchemyError

from alembic_lockstep.dryrun.scratch.by_url import Dialect, URLServer, execute, place, read_url
from alembic_lockstep.dryrun.scratch.mysql_copy import copy_database

_NAME = re.compile(r"lockstep_([0-9a-f]{8})_[0-9]+")
_DIALECT = Dialect(
    create=("CREATE DATABASE `{name}` CHARACTER SET utf8mb4",),
    drop=("DROP DATABASE IF EXISTS `{name}`",),
    names="SHOW DATABASES",
    example="mysql://root:password@127.0.0.1:3306",
    requires=("alembic-lockstep[mysql]",),
)


class MySQLServer(URLServer):
    """Makes and drops this run's databases; a run lives as long as somebody holds its lock.

    The parameters and errors are those of `URLServer`.
    """

    def __init__(self, url: str, *, setup: tuple[str, ...], description: str | None = None) -> None:
        super().__init__(url, _DIALECT, setup=setup, description=description)

    @property
    def is_mariadb(self) -> bool:
        """Whether it is MariaDB and not MySQL."""
        dialect: Any = self._connection.dialect
        return bool(dialect.is_mariadb)

    def copy(self, url: str) -> str:
        """Copy tables with their rows, sequences, views, triggers and routines; not events."""
        source, target = str(read_url(url).database), self._make()
        what = f"could not copy the scratch database {source}"
        with self._explained(what, ""), self._connect(target) as connection:
            copy_database(connection, source, str(target.database))
        return self._hand_out(target)

    def _read(self, url: str) -> URL:
        parsed = read_url(url)
        if parsed.get_backend_name() not in ("mysql", "mariadb"):
            raise ConnectionError("its URL begins with neither mysql: nor mariadb:")
        parsed = parsed.set(drivername="mysql+pymysql")
        # To a C client "localhost" means a Unix socket at a place that it was built with.
        if parsed.host in (None, "", "localhost") and "unix_socket" not in parsed.query:
            parsed = parsed.set(host="127.0.0.1")
        return parsed

    def _make_token(self) -> str:
        return secrets.token_hex(4)

    def _claim(self) -> None:
        # The lock goes with the connection, which has to outlast the longest dry run.
        execute(self._connection, "SET SESSION wait_timeout = 2147483")
        execute(self._connection, "SET SESSION lock_wait_timeout = 10")
        execute(self._connection, f"SELECT GET_LOCK('lockstep_{self._token}', 0)")
        ((self._user,),) = execute(self._connection, "SELECT CURRENT_USER()")

    def _abandoned(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            found = _NAME.fullmatch(name)
            if found and self._is_free(f"lockstep_{found[1]}"):
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
    """End who is connected to a database: an open transaction of theirs would block its drop."""
    for row in execute(connection, "SHOW PROCESSLIST"):
        if row[3] == database:
            with suppress(SQLAlchemyError):  # gone meanwhile
                execute(connection, f"KILL {int(row[0])}")


def _address(url: URL) -> str:
    socket = url.query.get("unix_socket")
    return str(socket) if socket else place(URL.create("x", host=url.host, port=url.port or 3306))
