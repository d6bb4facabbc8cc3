"""The table in docs/what-is-compared.md: what `alembic check` sees, and what the gate sees.

LOCKSTEP_WRITE=1 has the table written instead of compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import alembic
import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from sqlalchemy.engine.mock import MockConnection

from alembic_lockstep.probe.database_facts import OperationFacts
from alembic_lockstep.probe.operations import flatten
from alembic_lockstep.probe.twin.dialects import find_dialect
from alembic_lockstep.probe.twin.merge import merge
from alembic_lockstep.probe.twin.opinion import compare_schemas
from alembic_lockstep.probe.twin.schema import DatabaseSchema
from alembic_lockstep.scratch import ScratchServers, mysql_installs

from .harness import SCRATCH_SERVER, reachable_directory, require, server_answers
from .kinds import KINDS, NOT_STORED, PAGE, UNKNOWN, Kind, Make, Seen, gate_cells, page_with

# What env.py's `context.configure()` sets by itself.
OPTIONS = {
    "sqlalchemy_module_prefix": "sa.",
    "alembic_module_prefix": "op.",
    "user_module_prefix": None,
    "render_item": None,
    "render_as_batch": True,
}
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}

Operations = list[OperationFacts]


@pytest.fixture(params=DRIVERS)
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    dialect: str = request.param
    if dialect == "postgresql":
        require(server_answers(), "PostgreSQL server")
    elif dialect == "mariadb":
        require(any(mysql_installs._servers()), "server binaries of MariaDB")
    with (
        reachable_directory() as folder,
        ScratchServers(
            urls=[SCRATCH_SERVER], setup=[], directory=folder / "run", cache=folder
        ) as servers,
    ):
        if dialect == "mariadb":
            require("MariaDB" in servers.description("mariadb"), "MariaDB")
        url = "sqlite://" if dialect == "sqlite" else servers.create(dialect)
        engine = sa.create_engine(sa.make_url(url).set(drivername=DRIVERS[dialect]))
        if dialect == "postgresql":
            with engine.connect() as connection:  # from 18 on it stores one kind more
                version = connection.dialect.server_version_info
            require(version is not None and version < (18,), "PostgreSQL before 18")
        yield engine
        engine.dispose()


# Autogenerate warns of what it does not compare.
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sqlalchemy.exc.SAWarning")
def test_what_is_seen_is_what_the_table_says(engine: sa.Engine) -> None:
    judge = Judge(engine)
    judged = {kind.name: judge(kind) for kind in KINDS}
    assert [wrong for judgement in judged.values() for wrong in judgement.wrong] == []
    page = page_with(
        engine.dialect.name, {k: judgement.cells for k, judgement in judged.items()}, KINDS
    )
    if os.environ.get("LOCKSTEP_WRITE") == "1":
        PAGE.write_text(page)
    written = PAGE.read_text()
    assert gate_cells(written) == gate_cells(page)
    if f"Alembic {alembic.__version__}" in written:  # what another one sees is its own business
        assert written == page


@dataclass
class Judged:
    """The table's cells for a kind of change, and faults of the comparison."""

    cells: Seen
    wrong: list[str]


class Judge:
    """Judges kinds of change in one dialect."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._unchanged: dict[tuple[str, ...], Compared] = {}

    def __call__(self, kind: Kind) -> Judged:
        if self._engine.dialect.name in kind.lacks:
            stored = is_stored(self._engine, kind)
            return Judged(NOT_STORED, [f"{kind.name}: stored all the same"] if stored else [])
        try:
            return self._judge(kind)
        except sa.exc.SQLAlchemyError as error:
            return Judged(UNKNOWN, [f"{kind.name}: {error}"])

    def _judge(self, kind: Kind) -> Judged:
        same = self._compare_unchanged(kind.before)
        with filled(self._engine, kind.after) as connection:
            wanted = read(connection)
        with filled(self._engine, kind.before) as connection:
            outcome = compare(connection, kind.after(), wanted)
            for statement in outcome.cure:
                connection.exec_driver_sql(statement.replace("%", "%%"))
            cured = compare(connection, kind.after(), wanted) if outcome.cure else same
        wrong = [f"{kind.name}: alarm without a change: {alarm}" for alarm in same.ours[1]]
        wrong += [f"{kind.name}: alarm after the cure: {alarm}" for alarm in cured.ours[1]]
        cells = map(_word, outcome.theirs, same.theirs, cured.theirs)
        ours = _word(outcome.ours[0]) + ("" if outcome.is_curable else ", without a fix")
        return Judged((*cells, ours), wrong)

    def _compare_unchanged(self, make: Make) -> Compared:
        key = tuple(statements(self._engine, make))
        if key not in self._unchanged:
            with filled(self._engine, make) as connection:
                wanted = read(connection)
            with filled(self._engine, make) as connection:
                self._unchanged[key] = compare(connection, make(), wanted)
        return self._unchanged[key]


def _word(operations: Operations, *quiet: Operations) -> str:
    """Return the word for an alarm; one that comes without a change, too, does not count."""
    if not operations:
        return "no"
    return "always" if any(quiet) else "yes"


@dataclass
class Compared:
    """The comparisons of a database with models.

    Attributes:
        theirs: What `alembic check` says; the same with `compare_server_default`.
        ours: What the gate says; the same with `compare_server_default`.
        cure: The twin's statements.
        is_curable: Whether it has some for all that it says.
    """

    theirs: list[Operations]
    ours: list[Operations]
    cure: list[str]
    is_curable: bool


def compare(connection: sa.Connection, metadata: sa.MetaData, wanted: DatabaseSchema) -> Compared:
    dialect = find_dialect(connection.dialect.name)
    assert dialect is not None
    opinion = compare_schemas(connection.dialect.name, dialect, dialect.read(connection), wanted)
    most = autogenerate(connection, metadata, defaults=True)
    # Without defaults it finds no more.
    theirs = [most and autogenerate(connection, metadata, defaults=False), most]
    ours = [merge(operation, opinion, lambda _: True) for operation in theirs]
    twin = merge([], opinion, lambda _: True)  # in the order in which cures are run
    cures = dict.fromkeys(tuple(operation["sql"]) for operation in twin)
    return Compared(theirs, ours, [*chain.from_iterable(cures)], all(cures))


def autogenerate(connection: sa.Connection, metadata: sa.MetaData, *, defaults: bool) -> Operations:
    schemas = any(table.schema for table in metadata.tables.values())
    own_options = {"compare_server_default": defaults, "include_schemas": schemas}
    options = {**OPTIONS, "target_metadata": metadata, **own_options}
    context = MigrationContext.configure(connection, opts=options)
    (upgrade,) = produce_migrations(context, metadata).upgrade_ops_list
    return flatten(upgrade, AutogenContext(context, autogenerate=True))


def read(connection: sa.Connection) -> DatabaseSchema:
    dialect = find_dialect(connection.dialect.name)
    assert dialect is not None
    return dialect.read(connection)


@contextmanager
def filled(engine: sa.Engine, make: Make) -> Iterator[sa.Connection]:
    """A database as these models make it; it is gone afterwards."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("CREATE SCHEMA other")
        try:
            make().create_all(connection)
            yield connection
        finally:
            connection.rollback()  # on PostgreSQL of all that was made
            if engine.dialect.name == "mariadb":
                name = engine.url.database
                for statement in (f"DROP DATABASE {name}", f"CREATE DATABASE {name}"):
                    connection.exec_driver_sql(statement)
                connection.exec_driver_sql(f"USE {name}")
    if engine.dialect.name == "sqlite":
        engine.dispose()


def is_stored(engine: sa.Engine, kind: Kind) -> bool:
    """Return whether SQLAlchemy's SQL differs after the change, and the server takes it."""
    try:
        if statements(engine, kind.before) == statements(engine, kind.after):
            return False
        for make in (kind.before, kind.after):
            with filled(engine, make):
                pass
    except sa.exc.SQLAlchemyError:
        return False
    return True


def statements(engine: sa.Engine, make: Make) -> list[str]:
    said: list[str] = []

    def note(statement: Any, *_: Any, **__: Any) -> None:
        said.append(str(statement.compile(dialect=engine.dialect)))

    make().create_all(MockConnection(engine.dialect, note), checkfirst=False)
    return said
