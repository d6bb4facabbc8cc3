"""Databases of each dialect to put rows into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from alembic_lockstep.rows import RowsDatabase, TableName, open_rows_database
from alembic_lockstep.scratch import ScratchServers, mysql_installs

from .harness import SCRATCH_SERVER, reachable_directory, require, server_answers
from .twin_bench import SCHEMA

DIALECTS = ("sqlite", "postgresql", "mysql")
#: How each dialect counts a key.
COUNTED = {
    "sqlite": "INTEGER PRIMARY KEY",
    "postgresql": "SERIAL PRIMARY KEY",
    "mysql": "INTEGER AUTO_INCREMENT PRIMARY KEY",
}


@pytest.fixture(scope="module")
def servers() -> Iterator[ScratchServers]:
    urls = [SCRATCH_SERVER] if server_answers() else []
    with (
        reachable_directory() as folder,
        ScratchServers(urls=urls, setup=[], directory=folder / "run", cache=folder) as servers,
    ):
        yield servers


@pytest.fixture(scope="module")
def databases(servers: ScratchServers) -> Iterator[Databases]:
    with ExitStack() as stack:
        yield Databases(servers, stack)


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class Databases:
    """Two databases of each dialect, emptied and used again."""

    def __init__(self, servers: ScratchServers, stack: ExitStack) -> None:
        self._servers = servers
        self._stack = stack
        self._urls: dict[tuple[str, int], str] = {}
        self._open: dict[tuple[str, int], RowsDatabase] = {}

    def make(self, dialect: str, sql: str, number: int = 0) -> RowsDatabase:
        """An empty database with the tables of a script, in which {key} makes counted keys."""
        if dialect == "postgresql":
            require(server_answers(), "PostgreSQL server")
        elif dialect == "mysql":
            require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
        url = self._urls.get((dialect, number)) or self._servers.create(dialect)
        self._urls[dialect, number] = url
        if dialect == "sqlite":
            Path(url.removeprefix("sqlite:///")).unlink(missing_ok=True)
        if (dialect, number) in self._open:
            self._open[dialect, number].close()
        database = open_rows_database(url)
        self._open[dialect, number] = database
        self._stack.callback(database.close)
        for statement in _clearing(dialect, database):
            database.run(statement)
        run(database, sql)
        return database

    def url(self, dialect: str) -> sa.URL:
        """The URL of the database that was made last, without a driver."""
        return sa.make_url(self._urls[dialect, 0])


def run(database: RowsDatabase, sql: str) -> None:
    """Run the statements of a script, each of which ends with a semicolon and a line."""
    for statement in sql.replace("{key}", COUNTED[database.dialect]).split(";\n"):
        if statement.strip("; \n"):
            database.run(statement.strip().rstrip(";"))


def _clearing(dialect: str, database: RowsDatabase) -> list[str]:
    if dialect == "postgresql":
        return [
            "DROP SCHEMA IF EXISTS other CASCADE",
            f'DROP SCHEMA IF EXISTS "{SCHEMA}" CASCADE',
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public",
        ]
    if dialect == "mysql":
        ((name,),) = database.query("SELECT DATABASE()")
        return [f"DROP DATABASE `{name}`", f"CREATE DATABASE `{name}`", f"USE `{name}`"]
    return []


def table(name: str, schema: str = "") -> TableName:
    return TableName(schema, name)


def column(database: RowsDatabase, name: str, source: str = "t") -> list[object]:
    """All values of a column, those of equal ones too."""
    return [row[0] for row in database.query(f"SELECT {name} FROM {source}")]
