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
    Settings,
    explained_for_url,
)

SETTING = "[tool.alembic-lockstep.scratch]"
_NAME = re.compile(r"lockstep_([0-9a-f]{8})_[0-9a-f]{8}_[0-9]+")
#: Seconds after which a database of another run counts as left by one that was killed.
_DAY = 24 * 60 * 60


def in_database(server: URL, name: str, password: str) -> URL:
    """Where a scratch database is a database: the server's URL, with its name."""
    del password
    return server.set(database=name)


@dataclass(frozen=True)
class Dialect:
    """How an empty database comes and goes on the servers of one dialect.

    In `create` and `drop`, `{name}` stands for the scratch database's name (small letters, digits
    and underscores) and `{password}` for a password that is made up for it.

    Attributes:
        create: Statements, run in autocommit mode.
        drop: Likewise; they have to work while somebody is connected.
        names: Selects the names of all databases, or users, of the server.
        example: A server's URL, for messages.
        requires: What the hook's environment needs, for messages.
        locate: From the server's URL, a name and its password to a scratch database's URL.
    """

    create: tuple[str, ...]
    drop: tuple[str, ...]
    names: str
    example: str
    requires: tuple[str, ...]
    locate: Callable[[URL, str, str], URL] = in_database


def start_by_url(settings: Settings, dialect: Dialect) -> Server:
    """Use the server that the settings name.

    Raises:
        CouldNotJudge: they name none, or it does not answer.
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
    """Give the lines to paste that name a server of a dialect."""
    packages = ", ".join(f"'{one}'" for one in dialect.requires)
    return (
        f'{SETTING}\nurls = ["{dialect.example}"]\n'
        f"# and at the hook, in .pre-commit-config.yaml:\nadditional_dependencies: [{packages}]"
    )


class URLServer:
    """A connection that makes and drops this run's databases.

    Most dialects have no lock that tells whether a run still lives, so a database's name says when
    its run began, and what is older than a day is dropped by whoever comes.

    Args:
        url: The server; its driver is one of the hook's own environment.
        dialect: What to say to it.
        setup: SQL statements to run in every new database.
        description: For people; the version and address if None.

    Raises:
        ConnectionError: the server does not answer, or not to us; never shows the password.
    """

    def __init__(
        self, url: str, dialect: Dialect, *, setup: tuple[str, ...], description: str | None = None
    ) -> None:
        self._url = self._read(url)
        self._dialect = dialect
        self._setup = setup
        self._token = self._make_token()
        self._numbers = count(1)
        self._made: list[str] = []
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
        """Have something done after close, such as to stop the server."""
        self._closed = callback

    def create(self) -> str:
        """Make an empty database, set up as the settings want it; return its URL."""
        url = self._make()
        fix = CORRECT_SETUP
        for number, statement in enumerate(self._setup, 1):
            # The statement is not shown: it may make a user, with a password.
            what = f"statement {number} of scratch.setup failed"
            with self._explained(what, fix), self._connect(url) as connection:
                execute(connection, statement)
        return self._hand_out(url)

    def copy(self, url: str) -> str:
        """Not possible in general, so it says so."""
        del url
        raise CouldNotJudge(
            f"a scratch database on {self.description} cannot be copied, "
            "so the migrations cannot start from the base's models",
            fix=start_file_advice(),
        )

    def close(self) -> None:
        """Drop this run's databases and leave."""
        try:
            for name in self._made:
                self._drop(name)
            with suppress(SQLAlchemyError):
                # The server may not have noticed, when this run began, that another was killed.
                self._drop_abandoned()
                self._connection.close()
        finally:
            self._closed()

    def _read(self, url: str) -> URL:
        return read_url(url)

    def _make_token(self) -> str:
        return f"{int(time.time()):08x}_{secrets.token_hex(4)}"

    def _claim(self) -> None:
        """Show that this run lives, before it owns anything."""

    def _names(self) -> list[str]:
        return [str(name) for (name, *_) in execute(self._connection, self._dialect.names)]

    def _abandoned(self, names: Iterable[str]) -> Iterator[str]:
        """Yield those of the names that killed runs left."""
        for name in names:
            found = _NAME.fullmatch(name.lower())
            if found and int(found[1], 16) < time.time() - _DAY:
                yield name

    def _drop_abandoned(self) -> None:
        for name in self._abandoned(self._names()):
            self._drop(name)

    def _make(self) -> URL:
        name = f"lockstep_{self._token}_{next(self._numbers)}"
        password = f"A1_{secrets.token_hex(12)}"  # of all the kinds of letters that a server wants
        with self._explained("could not make a scratch database", self._fix_for_create()):
            self._made.append(name)  # first, in case that Ctrl-C comes in between
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
        """A scratch database's URL, for the project's driver."""
        plain = url.set(drivername=url.get_backend_name())
        return plain.render_as_string(hide_password=False)

    def _describe(self) -> str:
        version: Any = self._connection.dialect.server_version_info or ()
        words = (self._url.get_backend_name(), ".".join(map(str, version[:2])), "at")
        return " ".join([*filter(None, words), place(self._url)])

    def _connect(self, url: URL) -> Connection:
        try:
            engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
            return engine.connect()
        except Exception as error:  # each driver has its own, and one that is missing another
            raise ConnectionError(f"{place(self._url)}: {self._explain(error)}") from None

    def _explain(self, error: Exception) -> str:
        original = error.orig if isinstance(error, DBAPIError) else None
        reason = original if isinstance(original, Exception) else error
        return safe_message(reason, passwords(self._url), place(self._url))

    @contextmanager
    def _explained(self, what: str, fix: str) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, ConnectionError) as error:
            message = self._explain(error)
            tried = (f"{self.description}: {message}",)
            fix = scratch_server_advice(message, self._dialect.names[0]) or fix
            raise CouldNotJudge(f"{what}: {message}", tried=tried, fix=fix) from None


def execute(connection: Connection, statement: str) -> list[Any]:
    """Run a statement as it stands, whatever characters are in it; return its rows."""
    plain = connection.execution_options(no_parameters=True)
    result = plain.exec_driver_sql(statement)
    return list(result) if result.returns_rows else []


def read_url(url: str) -> URL:
    """Parse a server's URL.

    Raises:
        ConnectionError: it cannot be read. It is not shown then: any part may be the password's.
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


def place(url: URL) -> str:
    """Name a URL's server without the password: "user@host:3306/database"."""
    bare = URL.create("x", url.username, None, url.host, url.port, url.database)
    return bare.render_as_string().removeprefix("x://").rstrip("/") or url.get_backend_name()


def passwords(url: URL) -> Iterator[str]:
    """Yield what is secret in a URL, also inside an ODBC connection string."""
    yield str(url.password or "")
    for name, value in url.query.items():
        if re.search("(?i)pass|pwd", name):
            yield str(value)
        yield from re.findall(r"(?i)\b(?:PWD|PASSWORD)=([^;]*)", str(value))
