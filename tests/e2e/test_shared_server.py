"""A scratch server by URL, which others use, too: what a migration would do to it beyond the run.

What can be taken back is; what cannot is not run, and the message says what to remove.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import create_engine, make_url

from alembic_lockstep.scratch import ScratchServers, mysql_installs

from .conftest import MakeProject
from .harness import MYSQL_URL, SCRATCH_SERVER, Project, reachable_directory, require
from .subfolder_project import add_migration, assert_clean, assert_unjudged
from .subfolder_project import change_and_check as check
from .test_mysql import by_socket
from .test_privileges import NEW, autocommitting, executing

UNSHARED = "Remove scratch.urls (or the variable ALEMBIC_LOCKSTEP_SCRATCH)"

#: Of PostgreSQL's shared catalogues, without what is ours and what other tests make meanwhile.
STATE = (
    "SELECT name, setting FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf'",
    "SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE 'test_%'",
    "SELECT roname FROM pg_replication_origin WHERE roname LIKE 'test_%'",
    "SELECT spcname FROM pg_tablespace WHERE spcname = '{name}'",
    "SELECT rolname, rolcanlogin, rolpassword, shobj_description(oid, 'pg_authid')"
    " FROM pg_authid WHERE rolname = '{name}'",
    "SELECT datname, datacl, shobj_description(oid, 'pg_database')"
    " FROM pg_database WHERE datname = '{name}'",
    "SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting"
    " WHERE setrole = '{name}'::regrole OR (setrole = 0 AND setdatabase IN"
    " (0, (SELECT oid FROM pg_database WHERE datname = '{name}')))",
    "SELECT roleid, member FROM pg_auth_members WHERE '{name}'::regrole IN (roleid, member)",
    "SELECT subname FROM pg_subscription WHERE subname = '{name}'",
)


@pytest.fixture
def name() -> Iterator[str]:
    """A role and a database of somebody else's, both called so."""
    name = f"test_{uuid4().hex[:8]}"
    with psycopg.connect(SCRATCH_SERVER, autocommit=True) as server:
        server.execute(f"CREATE ROLE {name}".encode())
        server.execute(f"CREATE DATABASE {name}".encode())
        yield name
        for statement in (
            f"DROP DATABASE IF EXISTS {name}",
            f"DROP OWNED BY {name}",
            f"DROP ROLE IF EXISTS {name}",
            "ALTER SYSTEM RESET deadlock_timeout",
            "ALTER ROLE ALL RESET deadlock_timeout",
        ):
            with suppress(psycopg.Error):
                server.execute(statement.encode())


def read_state(name: str) -> list[list[str]]:
    with psycopg.connect(SCRATCH_SERVER) as server:
        asked = (statement.replace("{name}", name) for statement in STATE)
        return [sorted(map(str, server.execute(query.encode()))) for query in asked]


#: Statements that would change a PostgreSQL server for others, and what is said to be refused.
ON_POSTGRESQL = {
    "ALTER SYSTEM SET deadlock_timeout TO '2s'": "ALTER SYSTEM",
    "DROP DATABASE {name}": "DROP DATABASE {name}",
    'DROP DATABASE IF EXISTS "{name}"': "DROP DATABASE {name}",
    "ALTER DATABASE {name} SET deadlock_timeout TO '2s'": "ALTER DATABASE {name}",
    "GRANT CREATE ON DATABASE {name} TO {name}": "a change of rights on database {name}",
    "COMMENT ON DATABASE {name} IS 'ours'": "COMMENT ON DATABASE {name}",
    "DROP ROLE IF EXISTS nonesuch, {name}": "DROP ROLE {name}",
    "ALTER USER {name} LOGIN PASSWORD 's3cret'": "ALTER ROLE {name}",
    "ALTER ROLE ALL SET deadlock_timeout TO '2s'": "ALTER ROLE all",
    "GRANT pg_read_all_data TO {name}": "a change of the members of pg_read_all_data",
    "DROP OWNED BY {name}": "DROP ROLE {name}",
    "DO $$ BEGIN EXECUTE 'ALTER ROLE {name} LOGIN'; END $$": "ALTER ROLE {name}",
    "/* both */ SELECT 1; ALTER ROLE {name} LOGIN": "ALTER ROLE {name}",
    "SELECT pg_create_physical_replication_slot('test_s')": "pg_create_physical_replication_slot",
    "SELECT pg_replication_origin_create('test_o')": "pg_replication_origin_create",
    "CREATE SUBSCRIPTION test_s CONNECTION 'host=db' PUBLICATION p": "CREATE SUBSCRIPTION",
    "COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'": "COPY (SELECT 1) TO PROGRAM",
    "COPY customers TO '/tmp/customers'": "COPY customers TO",
    "DO $$ BEGIN EXECUTE 'COPY customers TO PROGRAM ''cat'''; END $$": "COPY customers TO PROGRAM",
    "SELECT lo_export(1, '/tmp/customers')": "lo_export",
    "SELECT * FROM dblink('host=db', 'SELECT 1') AS t(n int)": "dblink",
}
#: The same for MySQL and MariaDB.
ON_MYSQL = {
    "CREATE USER reporting IDENTIFIED BY 's3cret'": "CREATE USER",
    "CREATE DATABASE another": "CREATE DATABASE another",
    "DROP DATABASE IF EXISTS somebodys": "DROP DATABASE IF EXISTS somebodys",
    "SET GLOBAL max_connections = 77": "SET GLOBAL",
    "SET @@GLOBAL.max_connections = 77": "@@GLOBAL.max_connections",
    "GRANT SELECT ON customers TO root@localhost": "GRANT",
    "SELECT 1 INTO OUTFILE '/tmp/out.txt'": "INTO OUTFILE",
}
#: Executes all, each of which has to be refused, and fails as the last of them does.
TRY_ALL = """\
refused = {}
    with op.get_context().autocommit_block():
        for sql in STATEMENTS:
            try:
                op.execute(sql)
            except PermissionError as error:
                refused[sql] = str(error).partition("refused ")[2].partition(": ")[0]
                last = error
    assert refused == STATEMENTS, refused
    raise last\
"""


def try_all(statements: dict[str, str], name: str = "") -> str:
    filled = {
        sql.replace("{name}", name): said.replace("{name}", name)
        for sql, said in statements.items()
    }
    return TRY_ALL.replace("STATEMENTS", repr(filled))


def test_what_would_change_the_server_for_others_is_not_run(
    shop_on_postgresql: Project, name: str
) -> None:
    add_migration(shop_on_postgresql, NEW, upgrade=try_all(ON_POSTGRESQL, name))
    before = read_state(name)
    result = check(shop_on_postgresql)
    assert_unjudged(result, "alembic-lockstep refused dblink", "for all who use it", UNSHARED)
    assert "s3cret" not in result.stderr.partition("could not judge")[2]
    assert read_state(name) == before


def test_what_only_speaks_of_such_a_change_is_run(shop_on_postgresql: Project, name: str) -> None:
    texts = (
        f"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP ROLE {name}; END $$",
        f"SELECT 'ALTER SYSTEM; DROP DATABASE {name}'",
        f"SELECT 1 -- ALTER ROLE {name} LOGIN",
        "DROP ROLE IF EXISTS nonesuch",
        "ALTER TABLE customers ADD role text",
        "ALTER TABLE customers DROP role",
        f"GRANT SELECT ON customers TO {name}",
    )
    add_migration(shop_on_postgresql, NEW, upgrade=executing(*texts))
    assert_clean(check(shop_on_postgresql))


def test_a_project_may_change_what_it_has_made(shop_on_postgresql: Project, name: str) -> None:
    own = f"{name}_own"
    statements = executing(
        f"CREATE ROLE {own}",
        f"ALTER ROLE {own} SET work_mem TO '5MB'",
        f"GRANT {name} TO {own}",
        f"CREATE ROLE {own}_2",
        f"DROP ROLE {own}_2",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem TO 999', current_database());"
        " END $$",
    )
    add_migration(shop_on_postgresql, NEW, upgrade=statements)
    before = read_state(name)
    assert_clean(check(shop_on_postgresql))
    assert_clean(check(shop_on_postgresql, "--no-cache"))
    assert read_state(name) == before
    with psycopg.connect(SCRATCH_SERVER) as server:
        left = server.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", [f"{own}%"])
        assert not left.fetchall()


def test_what_belongs_to_a_scratch_database_goes_with_it(
    shop_on_postgresql: Project, name: str
) -> None:
    subscription = (
        f"CREATE SUBSCRIPTION {name} CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p "
        "WITH (connect = false, slot_name = NONE)"
    )
    large = "SELECT lo_from_bytea(0, 'a large object')"
    add_migration(shop_on_postgresql, NEW, upgrade=executing(subscription, large))
    before = read_state(name)
    assert_clean(check(shop_on_postgresql))
    assert_clean(check(shop_on_postgresql, "--no-cache"))
    assert read_state(name) == before


def test_a_tablespace_does_not_outlive_its_replay(shop_on_postgresql: Project, name: str) -> None:
    require(os.geteuid() == 0, "right to make a folder the server's")
    with reachable_directory() as folder:
        shutil.chown(folder, "postgres")
        statement = f"CREATE TABLESPACE {name} LOCATION '{folder}'"
        add_migration(shop_on_postgresql, NEW, upgrade=autocommitting(statement))
        before = read_state(name)
        assert_clean(check(shop_on_postgresql))
        assert_clean(check(shop_on_postgresql, "--no-cache"))
        assert read_state(name) == before


def test_a_folder_that_the_server_lacks_is_no_fault_of_the_migration(
    shop_on_postgresql: Project,
) -> None:
    statement = "CREATE TABLESPACE fast LOCATION '/nonesuch/ssd'"
    add_migration(shop_on_postgresql, NEW, upgrade=autocommitting(statement))
    assert_unjudged(check(shop_on_postgresql), 'directory "/nonesuch/ssd" does not exist')


@pytest.fixture(scope="module")
def mysql() -> Iterator[ScratchServers]:
    require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
    with (
        reachable_directory() as folder,
        ScratchServers(urls=[], setup=[], directory=folder / "run", cache=folder) as servers,
    ):
        yield servers


def read_mysql(url: str) -> list[list[str]]:
    engine = create_engine(make_url(url).set(drivername="mysql+pymysql"))
    asked = (
        "SELECT user, host FROM mysql.user WHERE user NOT LIKE 'lockstep%%'",
        "SHOW DATABASES WHERE `database` NOT LIKE 'lockstep%%'",
        "SELECT * FROM mysql.tables_priv",
        "SELECT @@GLOBAL.max_connections",
    )
    with engine.connect() as connection:
        state = [sorted(map(str, connection.exec_driver_sql(statement))) for statement in asked]
    engine.dispose()
    return state


def test_on_mysql_what_would_change_the_server_for_others_is_not_run(
    make_project: MakeProject, mysql: ScratchServers
) -> None:
    url = by_socket(mysql.create("mysql"))
    config = MYSQL_URL
    project = make_project("subfolder", config_url=config, hook=None)
    project.environ["ALEMBIC_LOCKSTEP_SCRATCH"] = url
    harmless = executing(
        "ALTER DATABASE CHARACTER SET utf8mb4",
        "ALTER TABLE customers ADD role INT",
        "ALTER TABLE customers DROP role",
    )
    add_migration(project, NEW, upgrade=f"{harmless}\n    {try_all(ON_MYSQL)}")
    before = read_mysql(url)
    assert_unjudged(check(project), "alembic-lockstep refused INTO OUTFILE", UNSHARED)
    assert read_mysql(url) == before
