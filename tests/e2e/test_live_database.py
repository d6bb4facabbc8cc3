"""Live databases are read in sessions that change nothing; each obstacle is one message."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from alembic_lockstep.doctor.database_address import DatabaseAddress
from alembic_lockstep.doctor.database_reading import read_live_database
from alembic_lockstep.doctor.live_database import open_live_database
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.rows import StatementError, open_rows_database
from alembic_lockstep.scratch import ScratchServers, mysql_installs

from .harness import SCRATCH_SERVER, fingerprints, require, server_answers
from .rows_bench import servers

__all__ = ["servers"]

TABLES = (
    "CREATE TABLE games (id INTEGER PRIMARY KEY)",
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
    "INSERT INTO alembic_version VALUES ('aaaa')",
)
NAME = f"lockstep_test_{os.getpid()}"


@pytest.fixture
def postgresql() -> Iterator[str]:
    import psycopg

    require(server_answers(), "PostgreSQL server")
    with psycopg.connect(SCRATCH_SERVER, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {NAME}".encode())
        admin.execute(f"CREATE ROLE {NAME} LOGIN PASSWORD 's3cret'".encode())
        try:
            url = SCRATCH_SERVER.removesuffix("postgres") + NAME
            with psycopg.connect(url, autocommit=True) as connection:
                for statement in TABLES:
                    connection.execute(statement.encode())
            yield url
        finally:
            admin.execute(f"DROP DATABASE {NAME} WITH (FORCE)".encode())
            admin.execute(f"DROP ROLE {NAME}".encode())


@pytest.fixture
def mysql(servers: ScratchServers) -> str:
    require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
    url = servers.create("mysql")
    with open_rows_database(url) as database:
        for statement in TABLES:
            database.run(statement)
    return url


@pytest.fixture
def sqlite(tmp_path: Path) -> Path:
    file = tmp_path / "a file.db"
    with sqlite3.connect(file) as connection:
        for statement in TABLES:
            connection.execute(statement)
    connection.close()
    return file


def failure_of(url: str) -> CouldNotJudge:
    with pytest.raises(CouldNotJudge) as failure:
        read_live_database(DatabaseAddress.parse(url))
    assert failure.value.message.endswith("; nothing was changed")
    assert "s3cret" not in failure.value.message + failure.value.fix
    return failure.value


def assert_read_only(url: str) -> None:
    address = DatabaseAddress.parse(url)
    facts = read_live_database(address)
    assert (facts.version_table, facts.revisions) == ("alembic_version", ("aaaa",))
    assert facts.tables == ["games"]
    with open_live_database(address) as database, pytest.raises(StatementError):
        database.run("INSERT INTO games VALUES (1)")
    with open_live_database(address) as database:
        assert database.query("SELECT count(*) FROM games")[0][0] == 0


def test_a_session_on_sqlite_cannot_write(sqlite: Path) -> None:
    before = fingerprints(sqlite)
    assert_read_only(f"sqlite:///{sqlite}")
    assert fingerprints(sqlite) == before


def test_a_session_on_postgresql_cannot_write(postgresql: str) -> None:
    assert_read_only(postgresql.replace("postgresql:", "postgresql+asyncpg:") + "?ssl=prefer")


def test_a_session_on_mysql_cannot_write(mysql: str) -> None:
    assert_read_only(mysql.replace("mysql:", "mysql+asyncmy:") + "?charset=utf8mb4&pool=1")


def test_a_file_with_a_write_ahead_log_stays_alone(sqlite: Path) -> None:
    with sqlite3.connect(sqlite) as connection:
        connection.execute("PRAGMA journal_mode = wal")
    connection.close()
    before = fingerprints(sqlite)
    read_live_database(DatabaseAddress.parse(f"sqlite:///{sqlite}"))
    assert fingerprints(sqlite) == before


def test_a_locked_file(sqlite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alembic_lockstep.doctor.live_database._LOCK", 0.1)
    with sqlite3.connect(sqlite) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert "database is locked" in failure_of(f"sqlite:///{sqlite}").message
    connection.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "app.db").write_text("s3cret\n" * 1000)
    assert "file is not a database" in failure_of(f"sqlite:///{tmp_path}/app.db").message


def test_a_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("_CONNECT", "_STATEMENT"):
        monkeypatch.setattr(f"alembic_lockstep.doctor.live_database.{limit}", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "timeout" in failure_of(f"postgresql://app:s3cret@127.0.0.1:{port}/shop").message
        assert "timed out" in failure_of(f"mysql://app:s3cret@127.0.0.1:{port}/shop").message


def test_a_wrong_password(mysql: str) -> None:
    url = make_url(mysql).set(password="s3cret").render_as_string(hide_password=False)
    assert "Access denied for user " in failure_of(url).message


def test_missing_privileges(postgresql: str) -> None:
    import psycopg

    reader = postgresql.replace("postgres@", f"{NAME}:s3cret@")
    failure = failure_of(reader)
    assert "permission denied for table alembic_version" in failure.message
    with psycopg.connect(postgresql) as connection:
        connection.execute(failure.fix.encode())
    assert read_live_database(DatabaseAddress.parse(reader)).revisions == ("aaaa",)
