"""Start MySQL and MariaDB scratch servers: the one that the settings name, else a private one."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch.mysql_admin import MySQLServer
from alembic_lockstep.scratch.mysql_installs import find_installs
from alembic_lockstep.scratch.mysql_private import run_private_server
from alembic_lockstep.scratch.private import start_private
from alembic_lockstep.scratch.server import (
    CORRECT_URL,
    Server,
    ServerSettings,
    explained_for_url,
)

_EXTRA = (
    "- id: alembic-lockstep-mysql  # in .pre-commit-config.yaml\n"
    "# or, without it: pip install 'alembic-lockstep[mysql]'"
)
_URL = '[tool.alembic-lockstep.scratch]\nurls = ["mysql://root:password@127.0.0.1:3306"]'


def start_mysql(settings: ServerSettings, *, mariadb: bool = False) -> Server:
    """Connect to the server that the settings name, else start one with the machine's binaries.

    Args:
        settings: The URL may begin with mysql or mariadb, as the project's may.
        mariadb: Refuse MySQL, as SQLAlchemy's dialect `mariadb` does. Its dialect `mysql` takes
            both.

    Raises:
        CouldNotJudge: the named server does not answer, or there are no binaries that work.
    """
    _require_pymysql()
    if settings.url is None:
        return _start_private(settings, mariadb=mariadb)
    with explained_for_url(CORRECT_URL):
        server = MySQLServer(settings.url, setup=settings.setup)
        if mariadb and not server.is_mariadb:
            server.close()
            raise ConnectionError(
                f"{server.description} is not the MariaDB that the project's dialect 'mariadb' "
                "insists on"
            )
        return server


start_mariadb = partial(start_mysql, mariadb=True)


def _start_private(settings: ServerSettings, *, mariadb: bool) -> Server:
    return start_private(
        settings,
        accounts=("mysql", "_mysql", "mariadb"),
        find=lambda _, account: find_installs(account, mariadb=mariadb),
        run=run_private_server,
        product="MariaDB" if mariadb else "MySQL or MariaDB",
        fix=f"{_URL}\n# or install server binaries, which are run privately:\n"
        "apt-get install mariadb-server-core",
    )


def _require_pymysql() -> None:
    try:
        import_module("pymysql")
    except ImportError as error:
        raise CouldNotJudge(
            "MySQL and MariaDB scratch databases need the extra 'mysql' in the hook's environment",
            tried=(f"import pymysql: {error}",),
            fix=_EXTRA,
        ) from None
