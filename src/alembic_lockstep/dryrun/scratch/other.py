"""Other dialects: a server by URL, and what to say to it.

The statements were written from the vendors' manuals and have not been run on their servers by this
project's tests; the code that runs them has, on other servers.
"""

from __future__ import annotations

from functools import partial

from alembic_lockstep.dryrun.scratch.by_url import Dialect, as_user, start_by_url

# https://learn.microsoft.com/en-us/sql/t-sql/statements/create-database-transact-sql
MSSQL = Dialect(
    create=("CREATE DATABASE [{name}]",),
    drop=(
        "IF DB_ID('{name}') IS NOT NULL "
        "ALTER DATABASE [{name}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE",
        "DROP DATABASE IF EXISTS [{name}]",
    ),
    names="SELECT name FROM sys.databases",
    example="mssql+pymssql://sa:password@localhost:1433/master",
    requires=("pymssql",),
)
# https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/CREATE-USER.html
ORACLE = Dialect(
    create=(
        'CREATE USER {name} IDENTIFIED BY "{password}"',
        "GRANT CONNECT, RESOURCE, CREATE VIEW, UNLIMITED TABLESPACE TO {name}",
    ),
    drop=("DROP USER {name} CASCADE",),
    names="SELECT username FROM all_users",
    example="oracle+oracledb://system:password@localhost:1521/?service_name=FREEPDB1",
    requires=("oracledb",),
    locate=as_user,
)
# https://www.cockroachlabs.com/docs/stable/drop-database
COCKROACHDB = Dialect(
    create=("CREATE DATABASE {name}",),
    drop=("DROP DATABASE IF EXISTS {name} CASCADE",),
    names="SELECT datname FROM pg_catalog.pg_database",
    example="cockroachdb://root@localhost:26257/defaultdb",
    requires=("sqlalchemy-cockroachdb", "psycopg2-binary"),
)

start_mssql = partial(start_by_url, dialect=MSSQL)
start_oracle = partial(start_by_url, dialect=ORACLE)
start_cockroachdb = partial(start_by_url, dialect=COCKROACHDB)
