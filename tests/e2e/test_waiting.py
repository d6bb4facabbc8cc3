"""What env.py holds open or locks: nothing of ours waits for it without a limit."""

from __future__ import annotations

import pytest

from .conftest import MakeProject
from .harness import (
    POSTGRESQL_URL,
    SERVER_OF_PRODUCTION,
    Project,
    force_postgres,
    require,
    server_answers,
)
from .subfolder_project import ENV, add_migration, assert_clean, assert_unjudged
from .subfolder_project import change_and_check as check
from .test_env_scripts import CONFIGURE
from .test_mysql import Make, guarded, servers  # noqa: F401 - fixtures

#: Seconds; more than any of these runs takes, less than a statement of ours may wait.
TIMEOUT = 15
COMMIT = "        connection.commit()\n"
IN_SHOP = CONFIGURE.replace("=target_metadata\n", '=target_metadata, version_table_schema="shop"\n')
RUN = "        with context.begin_transaction():\n            context.run_migrations()\n"
MAKE_SHOP = "CREATE SCHEMA IF NOT EXISTS shop"


def executes(statement: str, on: str = "connection") -> str:
    return f'        {on}.exec_driver_sql("{statement}")\n'


SECOND = "        other = connection.engine.connect()\n"
#: What stands before `context.configure()`, and whether env.py has to commit it itself.
SHAPES: dict[str, tuple[str, bool]] = {
    "the schema of the version table is made": (executes(MAKE_SHOP), True),
    "it is made in a transaction of its own": (
        f"        with connection.begin():\n    {executes(MAKE_SHOP)}",
        False,
    ),
    "a search path is set and the schema made": (
        executes("SET search_path TO public") + executes(MAKE_SHOP),
        True,
    ),
    "a table is locked": (
        "".join(
            map(executes, ("CREATE TABLE held (id INT)", "LOCK TABLE held", "DROP TABLE held"))
        ),
        True,
    ),
    "the schema is expected and a transaction is open": (executes("SELECT 1"), True),
    "the schema is expected and nothing is open": ("", False),
    "autocommit": ("        connection.execution_options(isolation_level='AUTOCOMMIT')\n", False),
    "a second engine has a transaction open": (
        SECOND + executes("CREATE TABLE IF NOT EXISTS held (id INT)", "other"),
        False,
    ),
}


@pytest.fixture
def on_postgresql(make_project: MakeProject) -> Project:
    require(server_answers(), "PostgreSQL server")
    url = POSTGRESQL_URL
    project = make_project("subfolder", config_url=url, hook=None)
    force_postgres(project.environ, "url")
    return impatient(project)


def impatient(project: Project) -> Project:
    project.write("pyproject.toml", f"[tool.alembic-lockstep]\ntimeout = {TIMEOUT}\n")
    project.stage("pyproject.toml")
    return project


@pytest.mark.parametrize("shape", SHAPES)
def test_an_open_transaction_of_env_py_hinders_nothing(on_postgresql: Project, shape: str) -> None:
    before, commits = SHAPES[shape]
    on_postgresql.replace(ENV, CONFIGURE, before + IN_SHOP)
    on_postgresql.replace(ENV, f"\n{RUN}", f"\n{RUN}{COMMIT if commits else ''}")
    assert_clean(check(on_postgresql), "2 revisions run")


def test_an_asynchronous_env_py_makes_the_schema_of_its_version_table(
    make_project: MakeProject,
) -> None:
    require(server_answers(), "PostgreSQL server")
    url = f"postgresql+asyncpg://{SERVER_OF_PRODUCTION}"
    project = impatient(make_project("async_settings", config_url=url, hook=None))
    force_postgres(project.environ, "url")
    configure = "    context.configure(connection=connection, target_metadata=target_metadata"
    statement = f'    connection.exec_driver_sql("{MAKE_SHOP}")\n{configure}'
    project.replace("alembic/env.py", configure, f'{statement}, version_table_schema="shop"')
    end = "await connection.run_sync(do_run_migrations)\n"
    project.replace("alembic/env.py", end, f"{end}        await connection.commit()\n")
    assert_clean(check(project))


def test_what_waits_for_a_second_engine_is_named(on_postgresql: Project) -> None:
    held = SECOND + executes(MAKE_SHOP, "other")
    on_postgresql.replace(ENV, CONFIGURE, held + IN_SHOP)
    result = check(on_postgresql)
    assert_unjudged(
        result,
        f'"{MAKE_SHOP}" waits for a lock that the session idle in transaction after '
        f'"{MAKE_SHOP}" holds',
    )
    assert "timeout = " not in result.stderr


def test_a_migration_that_waits_for_a_second_engine_is_named(on_postgresql: Project) -> None:
    from_env = SECOND + executes("CREATE TABLE IF NOT EXISTS held (id INT)", "other")
    from_env += "        other.commit()\n" + executes("LOCK TABLE held", "other")
    on_postgresql.replace(ENV, CONFIGURE, from_env + CONFIGURE)
    add_migration(on_postgresql, "cdcdcdcdcdcd", upgrade="op.execute('DROP TABLE held')")
    result = check(on_postgresql)
    assert_unjudged(
        result,
        '"DROP TABLE held" waits for a lock that the session idle in transaction after '
        '"LOCK TABLE held" holds',
    )
    assert "timeout = " not in result.stderr


def test_a_run_that_is_just_slow_is_told_of_the_setting(on_postgresql: Project) -> None:
    sleep = "op.execute('SELECT pg_sleep(600)')"
    add_migration(on_postgresql, "cdcdcdcdcdcd", upgrade=sleep)
    assert_unjudged(check(on_postgresql), f"longer than {TIMEOUT} seconds", "timeout = 900")


def test_lock_tables_on_mysql_hinder_nothing(guarded: Make) -> None:  # noqa: F811
    project = impatient(guarded("subfolder"))
    locked = executes("CREATE TABLE IF NOT EXISTS held (id INT)")
    locked += executes("LOCK TABLES held WRITE") + executes("UNLOCK TABLES")
    project.replace(ENV, CONFIGURE, locked + executes("DROP TABLE held") + CONFIGURE)
    project.replace(ENV, f"\n{RUN}", f"\n{RUN}{COMMIT}")
    assert_clean(check(project))
