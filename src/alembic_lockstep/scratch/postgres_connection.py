"""Connect to PostgreSQL servers, without a password in any error."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from alembic_lockstep.scratch.postgres_url import explain, show

if TYPE_CHECKING:
    from psycopg import Connection

#: Options of the administrator's connection to a private server: settings that a killed run's
#: project made for all roles must not hinder their removal, which has to be on disk when the server
#: is killed.
STEADY = " ".join(
    f"-c {setting}"
    for setting in (
        "default_transaction_read_only=off",
        "statement_timeout=0",
        "role=none",
        "synchronous_commit=on",
    )
)

#: How long our statements wait for the project's locks.
_PATIENCE = "SET lock_timeout = '30s'"


def connect(url: str, options: str = "") -> Connection:
    """Open a connection in autocommit mode.

    Raises:
        ConnectionError: the server does not answer or refuses us; never shows the password.
    """
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


def execute_in(url: str, statement: str) -> None:
    """Execute a user's statement over a connection of its own."""
    with connect(url) as connection:
        connection.execute(statement.encode())  # as bytes: it is not ours to check
