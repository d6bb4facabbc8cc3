"""The arguments of a driver's `connect()`: the project's own, and those of its database."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from .dsn import is_memory

PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521}
# Connect arguments of address, user and credentials; the others (timeouts, type codecs, session
# settings) are the project's and stay. Of libpq, asyncpg, pg8000, PyMySQL, mysqlclient,
# aiomysql, asyncmy, and the connectors of MariaDB and of MySQL.
# fmt: off
TARGET_ARGUMENTS = {
    "host", "hostaddr", "hosts", "port", "user", "username",
    "password", "passwd", "password1", "password2", "password3", "database", "dbname", "db", "dsn",
    "service", "servicefile", "passfile", "unix_socket", "unix_sock", "named_pipe", "uri",
    "require_auth", "requirepeer", "channel_binding", "target_session_attrs", "load_balance_hosts",
    "direct_tls", "source_address", "bind_address", "failover",
    "read_default_file", "read_default_group", "default_file", "default_group",
    "option_files", "option_groups",
    "auth_plugin", "auth_plugin_map", "plugin_dir", "server_public_key",
}
TARGET_PREFIXES = ("ssl", "tls", "gss", "krb", "kerberos", "oauth", "oci_", "scram_", "wallet_")
TARGET_FILES = ("unix_socket", "unix_sock", "read_default_file", "default_file")
# A driver's own pool would hand out a connection to another target.
POOL_PREFIX = "pool_"
# fmt: on


def is_project_target(name: str) -> bool:
    """Return whether an argument leads to the project's own database."""
    return name in TARGET_ARGUMENTS or name.startswith((*TARGET_PREFIXES, POOL_PREFIX))


def connect_arguments(dialect: Any, url: Any) -> Any:
    """Return the positional and the keyword arguments that lead to a URL."""
    arguments, keywords = dialect.create_connect_args(url)
    if dialect.driver == "pg8000" and str(keywords.get("host")).startswith("/"):
        # Other drivers read libpq's spelling of a Unix socket, a directory and a port.
        keywords = {**keywords, "host": None, "unix_sock": socket_address(dialect, url)}
    return arguments, keywords


def socket_address(dialect: Any, url: Any) -> str:
    """Return the address that a socket of the driver's will have for the guard."""
    unix = url.query.get("unix_socket") or url.query.get("unix_sock")
    if unix:
        return str(unix)
    host, port = url.host or url.query.get("host"), url.port or url.query.get("port")
    if not host:
        return str(url.database)
    if str(host).startswith("/"):  # a directory of sockets
        return f"{host}/.s.PGSQL.{port or 5432}"
    return f"{host}:{port or PORTS.get(dialect.name, '')}"


def create_empty_file(name: Any) -> None:
    """Make the empty file that SQLite would have made where the project connects to one.

    An application may set its mode next. It is the checkout's, or a copy that is thrown away.
    """
    if isinstance(name, str) and not is_memory(name) and not name.startswith("file:"):
        with suppress(OSError):
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644))


def skip_disk_sync(dialect: Any, connection: Any) -> None:
    """Make SQLite not wait for the disk, which takes most of its time: the file is temporary.

    Not where a password comes before all else (SQLCipher), or a transaction is open already.
    """
    if dialect.name == "sqlite" and dialect.driver in ("pysqlite", "aiosqlite"):
        cursor = connection.cursor()
        with suppress(dialect.dbapi.Error):
            cursor.execute("PRAGMA synchronous = OFF")
        cursor.close()
