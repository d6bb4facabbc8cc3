"""Scratch databases on a server by URL, of any dialect, made and dropped through SQLAlchemy."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy.engine import URL, Connection, create_engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from alembic_lockstep.advice.lacks import scratch_server_advice
from alembic_lockstep.advice.start_file import start_file_advice
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch.secrecy import safe_message
from alembic_lockstep.scratch.server import (
    CORRECT_SETUP,
    Server,
    ServerSettings,
    explained_for_url,
)

SETTING = "[tool.alembic-lockstep.scratch]"
_NAME = re.compile(r"lockstep_([0-9a-f]{8})_[0-9a-f]{8}_[0-9]+")
#: Seconds after which a database of another run counts as left by one that was killed.
_DAY = 24 * 60 * 60


def in_database(server: URL, name: str, password: str) -> URL:
    """Return the server's URL with the name of a scratch database, which is a database there."""
    del password
    return server.set(database=name)


@dataclass(frozen=True)
class Dialect:
    """The statements that make and drop an empty database on the servers of one dialect.

    In `create` and `drop`, `{name}` stands for the scratch database's name (small letters, digits
    and underscores) and `{password}` for a random password.

    Attributes:
        create: Statements, run in autocommit mode.
        drop: Statements that work even while a session is connected.
        names: Selects the names of all databases, or users, of the server.
        example: A server's URL, for messages.
        requires: Packages that the hook's environment needs, for messages.
        locate: Returns a scratch database's URL from the server's URL, a name and its password.
    """

    create: tuple[str, ...]
    drop: tuple[str, ...]
    names: str
    example: str
    requires: tuple[str, ...]
    locate: Callable[[URL, str, str], URL] = in_database


def start_by_url(settings: ServerSettings, dialect: Dialect) -> Server:
    """Connect to the server that the settings name.

    Raises:
        CouldNotJudge: the settings name none, or it does not answer.
    """
    fix = how_to_name(dialect)
    if settings.url is None:
        name = dialect.example.partition(":")[0].partition("+")[0]
        raise CouldNotJudge(
            f"scratch databases of the dialect {name!r} need a server to make them on",
            tried=("server URL: none in the settings",),
            fix=fix,
        )
    with explained_for_url(fix):
        return URLServer(settings.url, dialect, setup=settings.setup)


def how_to_name(dialect: Dialect) -> str:
    """Return the lines to paste that name a server of a dialect."""
    packages = ", ".join(f"'{package}'" for package in dialect.requires)
    return (
        f'{SETTING}\nurls = ["{dialect.example}"]\n'
        f"# and at the hook, in .pre-commit-config.yaml:\nadditional_dependencies: [{packages}]"
    )


class URLServer:
    """A connection that makes and drops this run's databases.

    Most dialects have no lock that shows whether a run still lives, so a database's name holds the
    time when its run began, and each run drops databases that are older than a day.

    Args:
        url: The server; its driver is one of the hook's own environment.
        dialect: The statements for it.
        setup: SQL statements to run in every new database.
        description: For people; the version and address if None.

    Raises:
        ConnectionError: the server does not answer or refuses us; never shows the password.
    """

    def __init__(
        self, url: str, dialect: Dialect, *, setup: tuple[str, ...], description: str | None = None
    ) -> None:
        self._url = self._read(url)
        self._dialect = dialect
        self._setup = setup
        self._token = self._make_token()
        self._numbers = count(1)
        self._created: list[str] = []
        self._closed: Callable[[], None] = lambda: None
        self._connection = self._connect(self._url)
        try:
            self.description = description or self._describe()
            self._claim()
            self._drop_abandoned()
        except Exception as error:
            self._connection.close()
            raise ConnectionError(self._explain(error)) from None

    def when_closed(self, callback: Callable[[], None]) -> None:
        """Call something after close, such as what stops the server."""
        self._closed = callback

    def create(self) -> str:
        """Make an empty database and run `scratch.setup` in it; return its URL."""
        url = self._make()
        fix = CORRECT_SETUP
        for number, statement in enumerate(self._setup, 1):
            # The statement is not shown: it may make a user, with a password.
            problem = f"statement {number} of scratch.setup failed"
            with self._explained(problem, fix), self._connect(url) as connection:
                execute(connection, statement)
        return self._hand_out(url)

    def copy(self, url: str) -> str:
        """Raise `CouldNotJudge`: not every dialect can copy a database."""
        del url
        raise CouldNotJudge(
            f"a scratch database on {self.description} cannot be copied, "
            "so the migrations cannot start from the base's models",
            fix=start_file_advice(),
        )

    def close(self) -> None:
        """Drop this run's databases and leave."""
        try:
            for name in self._created:
                self._drop(name)
            with suppress(SQLAlchemyError):
                # When this run began, the server may not have noticed yet that another was killed.
                self._drop_abandoned()
                self._connection.close()
        finally:
            self._closed()

    def _read(self, url: str) -> URL:
        return read_url(url)

    def _make_token(self) -> str:
        return f"{int(time.time()):08x}_{secrets.token_hex(4)}"

    def _claim(self) -> None:
        """Show that this run lives, before it owns a database."""

    def _names(self) -> list[str]:
        return [str(name) for (name, *_) in execute(self._connection, self._dialect.names)]

    def _abandoned(self, names: Iterable[str]) -> Iterator[str]:
        """Yield those of the names that killed runs left."""
        for name in names:
            match = _NAME.fullmatch(name.lower())
            if match and int(match[1], 16) < time.time() - _DAY:
                yield name

    def _drop_abandoned(self) -> None:
        for name in self._abandoned(self._names()):
            self._drop(name)

    def _make(self) -> URL:
        name = f"lockstep_{self._token}_{next(self._numbers)}"
        password = f"A1_{secrets.token_hex(12)}"  # has all kinds of characters that servers require
        with self._explained("could not make a scratch database", self._fix_for_create()):
            self._created.append(name)  # first: Ctrl-C may come in between
            for statement in self._dialect.create:
                execute(self._connection, statement.format(name=name, password=password))
        return self._dialect.locate(self._url, name, password)

    def _fix_for_create(self) -> str:
        return f"Let the user of scratch.urls run:\n{self._dialect.create[0]}"

    def _drop(self, name: str) -> None:
        # Another run sweeping just now, another user's database, a server that is gone: a later
        # run will find what is still there.
        with suppress(SQLAlchemyError):
            for statement in self._dialect.drop:
                execute(self._connection, statement.format(name=name, password=""))

    def _hand_out(self, url: URL) -> str:
        """Return a scratch database's URL, for the project's driver."""
        plain = url.set(drivername=url.get_backend_name())
        return plain.render_as_string(hide_password=False)

    def _describe(self) -> str:
        version: Any = self._connection.dialect.server_version_info or ()
        words = (self._url.get_backend_name(), ".".join(map(str, version[:2])), "at")
        return " ".join([*filter(None, words), server_address(self._url)])

    def _connect(self, url: URL) -> Connection:
        try:
            engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
            return engine.connect()
        except Exception as error:  # each driver raises its own; a missing driver, ImportError
            raise ConnectionError(f"{server_address(self._url)}: {self._explain(error)}") from None

    def _explain(self, error: Exception) -> str:
        original = error.orig if isinstance(error, DBAPIError) else None
        reason = original if isinstance(original, Exception) else error
        return safe_message(reason, passwords(self._url), server_address(self._url))

    @contextmanager
    def _explained(self, problem: str, fix: str = "") -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, ConnectionError) as error:
            message = self._explain(error)
            tried = (f"{self.description}: {message}",)
            fix = scratch_server_advice(message, self._dialect.names[0]) or fix
            raise CouldNotJudge(f"{problem}: {message}", tried=tried, fix=fix) from None


def execute(connection: Connection, statement: str) -> list[Any]:
    """Run a statement as it is, without parameters; return its rows."""
    plain = connection.execution_options(no_parameters=True)
    result = plain.exec_driver_sql(statement)
    return list(result) if result.returns_rows else []


def read_url(url: str) -> URL:
    """Parse a server's URL.

    Raises:
        ConnectionError: it cannot be read. The message does not show it: any part may belong to
            the password.
    """
    try:
        parsed = make_url(url)
        if "@" in f"{parsed.host}{parsed.database}":
            raise ValueError("an @ in the password that is not escaped")
    except (SQLAlchemyError, ValueError):
        raise ConnectionError(
            "its URL cannot be read (write dialect://user:password@host:port/database, "
            "with %-escapes for special characters)"
        ) from None
    return parsed


def server_address(url: URL) -> str:
    """Return a URL's server without the password: "user@host:3306/database"."""
    bare = URL.create("x", url.username, None, url.host, url.port, url.database)
    return bare.render_as_string().removeprefix("x://").rstrip("/") or url.get_backend_name()


def passwords(url: URL) -> Iterator[str]:
    """Yield the secrets in a URL, also those inside an ODBC connection string."""
    yield str(url.password or "")
    for name, value in url.query.items():
        if re.search("(?i)pass|pwd", name):
            yield str(value)
        yield from re.findall(r"(?i)\b(?:PWD|PASSWORD)=([^;]*)", str(value))
