"""A database and its twin in this process: compares migrations with models without a check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.dialects import mysql, postgresql, sqlite

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import Operation, operations
from alembic_lockstep.probe.database_facts import OperationFacts
from alembic_lockstep.probe.default_comparison import compare_by_autogenerate
from alembic_lockstep.probe.operations import flatten
from alembic_lockstep.probe.redirect import Redirect
from alembic_lockstep.probe.twin.autogenerate_filters import AutogenerateFilters
from alembic_lockstep.probe.twin.merge import merge
from alembic_lockstep.probe.twin.opinion import compare_with_twin
from alembic_lockstep.probe.twin.rebuilds import with_rebuilds
from alembic_lockstep.probe.way_back import way_back
from alembic_lockstep.scratch import ScratchServers, mysql_installs

from .harness import SCRATCH_SERVER, reachable_directory, require, server_answers

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
#: The schema that models may have tables in, beside the default one; of PostgreSQL only.
SCHEMA = "Back Office"


@pytest.fixture(scope="module")
def servers() -> Iterator[ScratchServers]:
    urls = [SCRATCH_SERVER] if server_answers() else []
    with (
        reachable_directory() as folder,
        ScratchServers(urls=urls, setup=[], directory=folder / "run", cache=folder) as servers,
    ):
        yield servers


@pytest.fixture(scope="module", params=list(DRIVERS))
def bench(request: pytest.FixtureRequest, servers: ScratchServers) -> Iterator[Bench]:
    """One on each dialect's server."""
    if request.param == "postgresql":
        require(server_answers(), "PostgreSQL server")
    elif request.param == "mariadb":
        require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
    new = Bench(request.param, servers)
    yield new
    new.close()


@dataclass(frozen=True)
class Opinions:
    """Differences: those of both comparisons together, and those of each."""

    merged: list[Operation]
    autogenerate: list[Operation]
    twin: list[Operation]
    failure: str
    unmade: dict[str, str]


class Bench(Redirect):
    """A database for migrations, and its twin; both are emptied and used again."""

    def __init__(self, dialect: str, servers: ScratchServers) -> None:
        self.dialect = dialect
        self.twins_made = 0
        self.setup: list[str] = []
        kind = dialect.replace("mariadb", "mysql")
        urls = [sa.make_url("sqlite://")] * 2  # to each engine another one
        if dialect != "sqlite":
            urls = [sa.make_url(servers.create(kind)) for _ in range(2)]
        urls = [url.set(drivername=DRIVERS[dialect]) for url in urls]
        self.engine, self.twin = (sa.create_engine(url) for url in urls)
        self._in_twin = False
        sa.event.listen(self.engine, "do_connect", self._open)

    def _open(self, _dialect: Any, _record: Any, _cargs: Any, parameters: dict[str, Any]) -> None:
        if self._in_twin and self.dialect != "sqlite":
            name = "dbname" if self.dialect == "postgresql" else "database"
            parameters[name] = self.twin.url.database

    @contextmanager
    def to_twin(self) -> Iterator[None]:
        self.twins_made += 1
        self._clear(self.twin)
        self._in_twin = True
        try:
            yield
        finally:
            self._in_twin = False

    @contextmanager
    def empty(self) -> Iterator[sa.Connection]:
        """A connection to an empty database, into which nothing has migrated yet."""
        self._clear(self.engine)
        try:
            with self.engine.connect() as connection:
                yield connection
        finally:
            self.engine.dispose()

    def close(self) -> None:
        self.engine.dispose()
        self.twin.dispose()

    def _clear(self, engine: sa.Engine) -> None:
        statements = self._clearing(str(engine.url.database))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in [*statements, *self.setup]:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def _clearing(self, name: str) -> list[str]:
        if self.dialect == "postgresql":
            schemas = ("public", f'"{SCHEMA}"', "other")
            drops = [f"DROP SCHEMA IF EXISTS {schema} CASCADE" for schema in schemas]
            return [*drops, *(f"CREATE SCHEMA {schema}" for schema in schemas)]
        if self.dialect == "mariadb":
            return [f"{verb} `{name}`" for verb in ("DROP DATABASE", "CREATE DATABASE", "USE")]
        return []

    def ask(self, connection: sa.Connection, metadata: sa.MetaData, **options: Any) -> Opinions:
        """Compare a migrated database with the models as the probe does."""
        return self._compare(connection, metadata, **options)[0]

    def ask_both_ways(
        self, connection: sa.Connection, metadata: sa.MetaData
    ) -> tuple[list[Operation], list[Operation]]:
        """Return the operations of a migration to the models, and those of its way back."""
        opinions, back = self._compare(connection, metadata, both_ways=True)
        return opinions.merged, back

    def _compare(
        self,
        connection: sa.Connection,
        metadata: sa.MetaData,
        *,
        both_ways: bool = False,
        **options: Any,
    ) -> tuple[Opinions, list[Operation]]:
        context = self._context(connection, target_metadata=metadata, **options)
        script = compare_by_autogenerate(context)
        rendering = AutogenContext(context, autogenerate=True)
        assert script.upgrade_ops is not None
        operations_found = flatten(script.upgrade_ops, rendering)
        twin = compare_with_twin(context, [metadata], self, 0, {}, both_ways=both_ways)
        merged = merge(operations_found, twin, AutogenerateFilters(rendering, [metadata]).includes)
        merged = with_rebuilds(merged, connection, [metadata])
        downgrades = script.downgrade_ops_list if both_ways else []
        back = way_back(downgrades, rendering, twin, [metadata])
        connection.rollback()  # only to read began a transaction
        opinions = Opinions(
            _operations(merged),
            _operations(operations_found),
            _operations(twin["operations"]),
            twin["failure"],
            twin["unmade"],
        )
        return opinions, _operations(back)

    def autogenerate(self, connection: sa.Connection, metadata: sa.MetaData) -> str:
        """The `upgrade()` that Alembic itself writes."""
        context = self._context(connection, target_metadata=metadata)
        script = produce_migrations(context, metadata)
        assert script.upgrade_ops is not None
        body = render_python_code(
            script.upgrade_ops,
            render_as_batch=self.dialect == "sqlite",
            migration_context=context,
        )
        connection.rollback()
        return f"def upgrade():\n    {body}\n"

    def _context(self, connection: sa.Connection, **options: Any) -> MigrationContext:
        usual = {
            "compare_type": True,
            "include_schemas": self.dialect == "postgresql",
            "render_as_batch": self.dialect == "sqlite",
            "sqlalchemy_module_prefix": "sa.",
            "alembic_module_prefix": "op.",
            "user_module_prefix": None,
            "render_item": None,
        }
        return MigrationContext.configure(connection, opts={**usual, **options})

    def migrate(self, connection: sa.Connection, metadata: sa.MetaData, code: str) -> None:
        """Run a migration's `upgrade()` as Alembic does: in one transaction if that can be."""
        names: dict[str, Any] = {
            "op": Operations(self._context(connection, target_metadata=metadata)),
            "sa": sa,
            "postgresql": postgresql,
            "mysql": mysql,
            "sqlite": sqlite,
        }
        exec(compile(code, "<migration>", "exec"), names)
        with connection.begin():
            names["upgrade"]()


def _operations(facts: list[OperationFacts]) -> list[Operation]:
    return operations(Observation(databases=({"name": "", "operations": facts},)))
