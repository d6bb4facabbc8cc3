"""URLs of PostgreSQL servers: of the settings, of libpq and of scratch databases."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from alembic_lockstep.scratch.postgres_role import Role
from alembic_lockstep.scratch.secrecy import safe_message

if TYPE_CHECKING:
    from psycopg import Connection

#: Options that a connection knows better than its URL, which may leave them to PGHOST and so on.
_ADDRESS = {"host", "hostaddr", "port", "user", "password", "dbname"}
_UNREADABLE = (
    "its URL cannot be read (write postgresql://user:password@host:5432/database, "
    "with %-escapes for special characters)"
)


def to_libpq(url: str) -> str:
    """Return a URL of SQLAlchemy's without the driver.

    Raises:
        ConnectionError: it cannot be parsed. The message does not show it: where a slash in a
            password is not escaped, any part may belong to the password.
    """
    address = "postgresql:" + url.partition(":")[2]
    try:
        parts = urlsplit(address)
        readable = (
            bool(parts.port or parts.port is None)
            and "@" not in parts.path + parts.query + parts.fragment
        )
    except ValueError:
        readable = False
    if not readable or not address.startswith("postgresql://"):
        raise ConnectionError(_UNREADABLE)
    return address


def show(url: str) -> str:
    """Return a URL's server without the password: "user@host:5432/database"."""
    parts = urlsplit(url)
    host = dict(parse_qsl(parts.query)).get("host") or parts.hostname or "localhost"
    user = f"{unquote(parts.username)}@" if parts.username else ""
    return f"{user}{host}:{parts.port or 5432}{parts.path.rstrip('/')}"


def explain(error: Exception, url: str) -> str:
    """Return a driver's message about a URL, without the password."""
    parts = urlsplit(url)
    secret: str = parts.password or dict(parse_qsl(parts.query)).get("password", "")
    return safe_message(error, [secret], show(url))


def database_url(
    connection: Connection, server_url: str, name: str, role: Role | None = None
) -> str:
    """Return the URL of another database on the server of a connection.

    All of the address is spelt out, as not every driver knows libpq's defaults.

    Args:
        server_url: The URL whose options are taken over.
        role: The role that connects; the connection's own user if None.
    """
    info = connection.info
    role = role or Role(info.user, info.password)
    query = [pair for pair in parse_qsl(urlsplit(server_url).query) if pair[0] not in _ADDRESS]
    user = quote(role.name, safe="") + (
        f":{quote(role.password, safe='')}" if role.password else ""
    )
    host = f"[{info.host}]" if ":" in info.host else info.host
    if info.host.startswith("/"):  # a directory of Unix sockets
        host, query = "", [("host", info.host), ("port", str(info.port)), *query]
    else:
        host = f"{host}:{info.port}"
    return f"postgresql://{user}@{host}/{name}" + (f"?{urlencode(query)}" if query else "")
