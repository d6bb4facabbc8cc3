"""The forms in which an env.py connects to SQLite, and a migration that runs in each of them."""

from __future__ import annotations

import contextlib
import io
import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config

ENV = """
import asyncio

from alembic import context
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

config = context.config
url = make_url(config.attributes["url"]).set(drivername={driver!r})
is_async = "+" in url.drivername
engine = create_async_engine(url).sync_engine if is_async else create_engine(url)


@event.listens_for(engine, "connect")
def enforce(connection, _):
    {on_connect}
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = OFF")


{listener}


def run(connection):
    context.configure(connection=connection{options})
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        pragma = connection.exec_driver_sql("PRAGMA foreign_keys").scalar()
        config.attributes["foreign_keys"] = pragma


{start}
"""
SYNC = """\
with engine.{opened} as connection:
    run(connection)
engine.dispose()"""
ASYNC = """\
async def start():
    async with AsyncEngine(engine).connect() as connection:
        await connection.run_sync(run)
    await AsyncEngine(engine).dispose()


asyncio.run(start())"""
# https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#enabling-non-legacy-sqlite-transactional-modes-with-the-sqlite3-or-aiosqlite-driver
BEGINS = """
@event.listens_for(engine, "begin")
def begin(connection):
    connection.exec_driver_sql("BEGIN")
"""
MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "aaaaaaaaaaaa", None


{code}
"""
PLAIN = {
    "driver": "sqlite",
    "on_connect": "pass",
    "listener": "",
    "options": "",
    "start": SYNC.format(opened="connect()"),
}
TRANSACTIONAL = ", transactional_ddl=True"
FORMS: dict[str, dict[str, str]] = {
    "connect": PLAIN,
    "begin": {**PLAIN, "start": SYNC.format(opened="begin()")},
    "transactional_ddl": {**PLAIN, "options": TRANSACTIONAL},
    "an UPDATE before": PLAIN,
    "BEGIN by an event": {
        **PLAIN,
        "on_connect": "connection.isolation_level = None",
        "listener": BEGINS,
        "options": TRANSACTIONAL,
    },
    "async": {**PLAIN, "driver": "sqlite+aiosqlite", "start": ASYNC},
}
BEFORE = {"an UPDATE before": 'op.execute("UPDATE child SET note = note")'}


def upgrade(
    folder: Path, database: Path, code: str, form: str, report: dict[str, Any] | None = None
) -> Any:
    """Run a migration; return the connection's `PRAGMA foreign_keys` afterwards.

    Args:
        report: Gets it as `foreign_keys` even if the migration fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "env.py").write_text(ENV.format(**FORMS[form]))
    versions = folder / "versions"
    versions.mkdir(exist_ok=True)
    head, _, body = code.partition(":\n")
    if form in BEFORE:
        code = f"{head}:\n    {BEFORE[form]}\n{body}"
    (versions / "a.py").write_text(MIGRATION.format(code=code))
    config = Config(output_buffer=io.StringIO())
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes = {} if report is None else report
    config.attributes["url"] = f"sqlite:///{database}"
    with contextlib.redirect_stdout(io.StringIO()):
        command.upgrade(config, "head")
    return config.attributes["foreign_keys"]


def store(memory: Any, database: Path) -> None:
    """Copy the database of a connection to a file."""
    database.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(database)) as copy:
        memory.connection.driver_connection.backup(copy)


def load(database: Path, memory: Any) -> None:
    """Copy a file to the database of a connection."""
    with contextlib.closing(sqlite3.connect(database)) as copy:
        copy.backup(memory.connection.driver_connection)
