"""The user as which the project connects to its scratch databases on MySQL and MariaDB.

It has all rights in them and none elsewhere: no files, no other sessions, not the schema `mysql`.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alembic_lockstep.scratch.by_url import execute

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

#: The user of a private server, on the loopback address; by URL its name has the run's token.
PRIVATE = "lockstep_project"

_SYSTEM = ("mysql", "information_schema", "performance_schema", "sys")
_USERS = "SELECT user, host FROM mysql.user"
_PLUGINS = "SELECT name FROM mysql.plugin"
_FUNCTIONS = "SELECT name FROM mysql.func"


@dataclass(frozen=True)
class User:
    """A user of the server, with its password."""

    name: str
    host: str
    password: str

    @property
    def account(self) -> str:
        """Return its name as SQL writes it."""
        return _account(self.name, self.host)


def make_user(connection: Connection, name: str, host: str, databases: str) -> User:
    """Make the project's user with a new password; drop the user of that name first.

    Args:
        databases: A pattern of database names for GRANT, not quoted yet.
    """
    user = User(name, host, f"A1_{secrets.token_hex(16)}")
    execute(connection, f"DROP USER IF EXISTS {user.account}")
    execute(connection, f"CREATE USER {user.account} IDENTIFIED BY '{user.password}'")
    execute(connection, f"GRANT ALL ON `{databases}`.* TO {user.account}")
    return user


def give_all(connection: Connection, user: User) -> None:
    """Make the project's user of a private server an administrator, until `make_user`."""
    execute(connection, f"GRANT ALL ON *.* TO {user.account} WITH GRANT OPTION")


class Inventory:
    """The contents of a private server besides scratch databases, and how to restore them.

    Args:
        connection: The administrator's, before the project has run.
        own: Our users.
    """

    def __init__(self, connection: Connection, own: tuple[str, ...]) -> None:
        self._connection = connection
        self._own = {*own, "root", "mysql", "mariadb.sys", "mysql.sys", "mysql.session"}
        self._own.add("mysql.infoschema")
        self._variables = self._read_variables()

    def foreign(self) -> list[str]:
        """Return the statements that remove what was added."""
        statements = [f"DROP DATABASE {_quoted(name)}" for name in self._databases()]
        for name, host in execute(self._connection, _USERS):
            if name and name not in self._own:
                # MariaDB keeps roles among the users, without a host.
                drop = "DROP USER" if host else "DROP ROLE"
                statements.append(f"{drop} {_account(name, host) if host else _quoted(name)}")
        for (name,) in execute(self._connection, _PLUGINS):
            statements.append(f"UNINSTALL PLUGIN {_quoted(name)}")
        for (name,) in execute(self._connection, _FUNCTIONS):
            statements.append(f"DROP FUNCTION {_quoted(name)}")
        return [*statements, *self._changed_variables()]

    def remove(self) -> None:
        """Run these statements; those that fail are skipped."""
        from sqlalchemy.exc import SQLAlchemyError

        for statement in self.foreign():
            with suppress(SQLAlchemyError):
                execute(self._connection, statement)

    def _databases(self) -> list[str]:
        names = [str(name) for (name,) in execute(self._connection, "SHOW DATABASES")]
        return [name for name in names if name not in _SYSTEM and not name.startswith("lockstep_")]

    def _changed_variables(self) -> list[str]:
        now = self._read_variables()
        changed = [name for name, value in now.items() if self._variables.get(name) != value]
        return [f"SET GLOBAL {name} = {_literal(self._variables.get(name))}" for name in changed]

    def _read_variables(self) -> dict[str, Any]:
        rows = execute(self._connection, "SHOW GLOBAL VARIABLES")
        return {name: value for name, value in rows if not name.startswith(_RUNNING)}


#: Variables that change by themselves.
_RUNNING = ("gtid_", "innodb_buffer_pool_", "timestamp", "last_", "server_uuid", "wsrep_")


def _literal(value: Any) -> str:
    text = "" if value is None else str(value)
    if text.lstrip("-").replace(".", "", 1).isdigit():
        return text
    return "'{}'".format(text.replace("\\", "\\\\").replace("'", "''"))


def _account(name: str, host: str) -> str:
    return "@".join("'{}'".format(part.replace("'", "''")) for part in (name, host))


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
