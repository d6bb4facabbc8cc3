"""The scratch server is not trusted: as whom a project connects, and what it leaves there."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from alembic_lockstep.scratch import mysql_installs

from .conftest import MakeProject
from .harness import (
    POSTGRESQL_URL,
    SCRATCH_SERVER,
    SERVER_OF_PRODUCTION,
    Listener,
    Project,
    force_postgres,
    machine_has_binaries,
    require,
    server_answers,
)
from .subfolder_project import HEAD, add_migration, assert_clean, assert_finding
from .subfolder_project import change_and_check as check

NEW, NEXT = "cdcdcdcdcdcd", "efefefefefef"


@pytest.fixture(params=["url", "binaries"])
def shop_by_server(request: pytest.FixtureRequest, make_project: MakeProject) -> Project:
    """The sample `subfolder` on PostgreSQL, private and by URL."""
    way: str = request.param
    require(server_answers() if way == "url" else machine_has_binaries(), f"PostgreSQL: {way}")
    project = make_project("subfolder", config_url=POSTGRESQL_URL, hook=None)
    force_postgres(project.environ, way)
    return project


def is_private(project: Project) -> bool:
    return "ALEMBIC_LOCKSTEP_SCRATCH" not in project.environ


@pytest.fixture
def name() -> Iterator[str]:
    """A name for something of the server's; afterwards nothing is called so."""
    name = f"test_{uuid4().hex[:8]}"
    yield name
    if server_answers():
        with psycopg.connect(SCRATCH_SERVER, autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}"'.encode())
            server.execute(f'DROP ROLE IF EXISTS "{name}"'.encode())


def on_server(question: str) -> set[str]:
    with psycopg.connect(SCRATCH_SERVER) as server:
        return {str(row[0]) for row in server.execute(question.encode())}


def roles() -> set[str]:
    return on_server("SELECT rolname FROM pg_roles")


def databases() -> set[str]:
    return on_server("SELECT datname FROM pg_database")


def executing(*statements: str) -> str:
    return "\n    ".join(f"op.execute({statement!r})" for statement in statements)


def autocommitting(statement: str) -> str:
    return f"with op.get_context().autocommit_block(): op.execute({statement!r})"


def test_the_project_is_no_superuser(shop_by_server: Project) -> None:
    assert_that = (
        "assert op.get_bind().exec_driver_sql(\"SELECT current_setting('is_superuser')\")"
        ".scalar() == 'off'"
    )
    add_migration(shop_by_server, NEW, upgrade=assert_that)
    result = check(shop_by_server)
    assert_clean(result)
    assert "ran as" not in result.stderr, result.stderr


@pytest.mark.parametrize("extension", ["citext", "hstore", "pg_trgm"])
def test_an_extension_that_anybody_may_make_needs_no_more(
    shop_by_server: Project, extension: str
) -> None:
    require(f"{extension}" in on_server("SELECT name FROM pg_available_extensions"), extension)
    add_migration(shop_by_server, NEW, upgrade=executing(f"CREATE EXTENSION {extension}"))
    result = check(shop_by_server)
    assert_clean(result)
    assert "ran as" not in result.stderr, result.stderr


def test_what_needs_a_superuser_is_run_again_as_one_and_said(shop_by_server: Project) -> None:
    add_migration(shop_by_server, NEW, upgrade=executing("CREATE EXTENSION file_fdw"))
    whom = (
        "a superuser of the scratch server"
        if is_private(shop_by_server)
        else "the user of scratch.urls"
    )
    said = f"ran as {whom}: CREATE EXTENSION file_fdw needs it"
    assert_clean(check(shop_by_server), said)
    # Known from the start now; and what the models lack is seen as before.
    shop_by_server.add_column()
    assert_finding(check(shop_by_server), said, "migration-mismatch")


def test_what_is_refused_and_swallowed_is_run_again(shop_by_server: Project) -> None:
    tolerant = (
        "from contextlib import suppress\n"
        "    with suppress(Exception), op.get_bind().begin_nested():\n"
        "        op.execute('CREATE EXTENSION file_fdw')"
    )
    add_migration(shop_by_server, NEW, upgrade=tolerant)
    assert_clean(check(shop_by_server), "CREATE EXTENSION file_fdw needs it")


def test_a_role_does_not_outlive_its_replay(shop_by_server: Project, name: str) -> None:
    statements = executing(f"CREATE ROLE {name}", f"GRANT SELECT ON customers TO {name}")
    add_migration(shop_by_server, NEW, upgrade=statements)
    assert_clean(check(shop_by_server), "3 revisions run")
    assert name not in roles()
    shop_by_server.git("commit", "--quiet", "-m", "A role")
    # Here tree and base are replayed, one after the other, both with the role.
    shop_by_server.add_column()
    assert_finding(check(shop_by_server), "missing-migration")
    assert_finding(shop_by_server.check("--no-cache"), "missing-migration")
    assert name not in roles()


def test_a_role_made_in_a_block_by_its_absence_does_not_outlive_its_replay(
    shop_by_server: Project, name: str
) -> None:
    block = (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') "
        f"THEN CREATE ROLE {name}; END IF; END $$"
    )
    add_migration(
        shop_by_server, NEW, upgrade=executing(block, f"GRANT SELECT ON customers TO {name}")
    )
    assert_clean(check(shop_by_server))
    assert name not in roles()
    assert_clean(check(shop_by_server, "--no-cache"))


def test_a_later_migration_finds_the_role_of_one_before_it(
    shop_by_server: Project, name: str
) -> None:
    add_migration(shop_by_server, NEW, upgrade=executing(f"CREATE ROLE {name}"))
    assert_clean(check(shop_by_server))
    shop_by_server.git("commit", "--quiet", "-m", "A role")
    add_migration(shop_by_server, NEXT, NEW, executing(f"GRANT SELECT ON customers TO {name}"))
    assert_clean(check(shop_by_server))
    assert name not in roles()


#: What a superuser may have a server do, in a folder that the server's account may write to.
BEYOND = (
    "COPY (SELECT 1) TO PROGRAM 'cat > {folder}/program'",
    "COPY (SELECT 1) TO '{folder}/copy'",
    "SELECT lo_export(4242, '{folder}/export')",
    "SELECT dblink_connect('host=127.0.0.1 port={port} dbname=prod')",
)


def test_a_private_server_writes_nothing_elsewhere_and_reaches_nobody(
    shop_by_server: Project, listener: Listener
) -> None:
    if not is_private(shop_by_server):
        pytest.skip("a server by URL is not ours to guard")
    require(sys.platform == "linux", "Linux")
    # Temporary files may be in /dev/shm, which the server has to write to.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        beyond = [sql.format(folder=folder, port=listener.port) for sql in BEYOND]
        upgrade = (
            "op.execute('CREATE EXTENSION dblink; SELECT lo_create(4242)')\n"
            f"    done = []\n    for sql in {beyond}:\n"
            "        try:\n            with op.get_bind().begin_nested(): op.execute(sql)\n"
            "            done.append(sql)\n        except Exception as error: print(error)\n"
            "    assert not done, done"
        )
        add_migration(shop_by_server, NEW, upgrade=upgrade)
        result = check(shop_by_server)
        assert not list(folder.iterdir())
    assert listener.contacts == 0
    assert_clean(result, "ran as a superuser of the scratch server")


def test_two_environments_at_a_time_may_make_a_role_of_one_name(
    shop_by_server: Project, name: str
) -> None:
    statements = executing(f"CREATE ROLE {name}", "SELECT pg_sleep(1)")
    add_migration(shop_by_server, NEW, upgrade=statements)
    shutil.copytree(shop_by_server.root / "service", shop_by_server.root / "depot")
    config = ["service/alembic.ini", "depot/alembic.ini"]
    shop_by_server.write(
        "pyproject.toml", f"[tool.alembic-lockstep]\nconfig = {json.dumps(config)}\n"
    )
    shop_by_server.stage(".")
    result = shop_by_server.check()
    assert_clean(result, "service/alembic.ini: 3 revisions", "depot/alembic.ini: 3 revisions")
    assert name not in roles()


def test_a_role_of_the_users_own_stays(shop_by_server: Project, name: str) -> None:
    if is_private(shop_by_server):
        pytest.skip("there are no others on a private server")
    with psycopg.connect(SCRATCH_SERVER, autocommit=True) as server:
        server.execute(f"CREATE ROLE {name}".encode())
    block = (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') "
        f"THEN CREATE ROLE {name}; END IF; CREATE ROLE {name}_too; END $$"
    )
    add_migration(shop_by_server, NEW, upgrade=executing(block))
    assert_clean(check(shop_by_server))
    assert name in roles()
    assert f"{name}_too" not in roles()


def test_what_nobody_can_prove_to_be_the_runs_is_left_and_said(
    shop_by_server: Project, name: str
) -> None:
    if is_private(shop_by_server):
        pytest.skip("all is the run's on a private server")
    hidden = f"DO $$ BEGIN EXECUTE 'CREATE ' || 'ROLE {name}'; END $$"
    add_migration(shop_by_server, NEW, upgrade=executing(hidden))
    assert_clean(
        check(shop_by_server),
        f"left on the scratch server, as it may be somebody else's: role {name}",
    )
    assert name in roles()


def test_another_database_does_not_outlive_its_replay(shop_by_server: Project, name: str) -> None:
    add_migration(shop_by_server, NEW, upgrade=autocommitting(f"CREATE DATABASE {name}"))
    assert_clean(check(shop_by_server))
    assert name not in databases()
    assert_clean(check(shop_by_server, "--no-cache"))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE CURRENT_USER SET statement_timeout TO 1",
        "ALTER ROLE ALL SET default_transaction_read_only TO on",
        "ALTER SYSTEM SET shared_preload_libraries TO nonesuch",
        "ALTER SYSTEM SET default_transaction_read_only TO on",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (connect = false)",
        "SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')",
        "SELECT pg_create_physical_replication_slot('standby')",
        "ALTER ROLE CURRENT_USER NOLOGIN",
        "ALTER ROLE CURRENT_USER PASSWORD 'another'",
    ],
)
def test_a_setting_of_a_private_server_does_not_outlive_its_replay(
    shop_by_server: Project, statement: str
) -> None:
    if not is_private(shop_by_server):
        pytest.skip("the server is others' too")
    block = re.sub(r"^(CREATE|ALTER SYSTEM|SELECT).*", "", statement)
    upgrade = executing(statement) if block else autocommitting(statement)
    add_migration(shop_by_server, NEW, HEAD, upgrade)
    first, again = check(shop_by_server), check(shop_by_server, "--no-cache")
    assert_clean(first)
    assert_clean(again)


def test_on_mysql_a_project_is_no_administrator(shop_on_mysql: Project) -> None:
    asked = "sorted(str(row[0]) for row in op.get_bind().exec_driver_sql('SHOW GRANTS'))"
    add_migration(
        shop_on_mysql,
        NEW,
        upgrade=f"for grant in {asked}: assert 'ON *.*' not in grant or 'GRANT USAGE' in grant",
    )
    result = check(shop_on_mysql)
    assert_clean(result)
    assert "ran as" not in result.stderr, result.stderr


def test_on_mysql_what_a_migration_makes_of_the_server_is_gone(shop_on_mysql: Project) -> None:
    everything = (
        "CREATE USER reporting IDENTIFIED BY 's3cret'",
        "CREATE DATABASE another",
        "SET GLOBAL max_connections = 77",
    )
    add_migration(shop_on_mysql, NEW, upgrade=executing(*everything))
    result = check(shop_on_mysql)
    assert_clean(result, "ran as an administrator of the scratch server: CREATE USER reporting")
    assert "s3cret" not in result.output
    assert_clean(check(shop_on_mysql, "--no-cache"))


#: The tool in a container whose filter lacks a system call: Landlock's has one number everywhere.
LACKING = """
import runpy, sys
from alembic_lockstep.isolation import kernel, seccomp
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
number = {call!r} == "Landlock" and 444 or {{"x86_64": 317, "aarch64": 277}}[kernel.MACHINE]
seccomp._load(seccomp._when(number, 0x00050001), 0)
runpy.run_module("alembic_lockstep", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("call", "said"),
    [("Landlock", "writes outside of its folders"), ("seccomp", "connections")],
)
@pytest.mark.parametrize("driver", ["postgresql+psycopg", "mysql+pymysql"])
def test_a_private_server_that_the_kernel_cannot_guard_is_said(
    make_project: MakeProject, driver: str, call: str, said: str
) -> None:
    require(sys.platform == "linux", "Linux")
    require(machine_has_binaries() and any(mysql_installs._servers()), "server binaries")
    url = f"{driver}://{SERVER_OF_PRODUCTION}"
    project = make_project("subfolder", config_url=url, hook=None)
    if driver.startswith("postgresql"):
        force_postgres(project.environ, "binaries")
    project.start_check = ("-c", LACKING.format(call=call))
    project.change_no_schema()
    project.stage(".")
    note = f"the scratch server is not guarded against {said} ({call}: "
    assert_clean(project.check(), note, "docs/isolation.md")
