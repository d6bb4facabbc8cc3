"""Projects on every driver: judged on a scratch database, the configured server left alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from alembic_lockstep.scratch import ScratchServers

from .conftest import MakeProject, SessionCache
from .harness import (
    Listener,
    Project,
    reachable_directory,
    require,
)
from .subfolder_project import ADD_PAID, ENV, add_migration, assert_clean, assert_finding

SERVERS = {"postgresql": "PostgreSQL", "mysql": "MariaDB", "mariadb": "MariaDB"}

#: env.py of a project whose driver is asynchronous: the end of `alembic init -t async`.
ASYNC = """
def run_migrations_online() -> None:
    import asyncio
    from sqlalchemy.ext.asyncio import async_engine_from_config

    async def main() -> None:
        section = config.get_section(config.config_ini_section, {})
        engine = async_engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
        await engine.dispose()

    asyncio.run(main())


def migrate(connection) -> None:
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()
"""


@dataclass(frozen=True)
class Driver:
    """A driver as a project configures it.

    Attributes:
        name: The scheme of its URLs.
        package: What is installed for it.
        query: Arguments that its users give, of where and how to connect, and of other things.
        is_async: Whether env.py is one for asynchronous engines.
        builds: Whether it has to be built from source, which takes C headers.
        start: Lines that the application runs when it starts, in which connect past SQLAlchemy.
    """

    name: str
    package: str
    query: str = ""
    is_async: bool = False
    builds: bool = False

    @property
    def id(self) -> str:
        return self.name + ("-async" if self.name == "postgresql+psycopg" and self.is_async else "")

    @property
    def dialect(self) -> str:
        return self.name.partition("+")[0]

    def url(self, listener: Listener) -> str:
        if self.dialect == "sqlite":
            return f"{self.name}:///shop.db"
        return f"{self.name}://{listener.address()}{self.query}"


_LIBPQ = (
    "?sslmode=verify-full&sslrootcert=/nonexistent/ca.pem&connect_timeout=9"
    "&options=-csearch_path%%3Dpublic"
)
_MYSQL = "?charset=utf8mb4&unix_socket=/nonexistent/mysqld.sock&ssl_ca=/nonexistent/ca.pem"
_FILE = "&read_default_file=/nonexistent/my.cnf"
DRIVERS = [
    Driver("postgresql+psycopg2", "psycopg2-binary", _LIBPQ),
    Driver("postgresql+psycopg", "psycopg[binary]", _LIBPQ),
    Driver("postgresql+psycopg", "psycopg[binary]", "?host=/nonexistent/run", is_async=True),
    Driver("postgresql+asyncpg", "asyncpg", "?ssl=require&command_timeout=9", is_async=True),
    Driver("postgresql+pg8000", "pg8000", "?application_name=shop"),
    Driver("mysql+pymysql", "PyMySQL", f"{_MYSQL}&connect_timeout=9{_FILE}"),
    Driver("mariadb+pymysql", "PyMySQL", "?ssl_verify_cert=true&init_command=SET+@a=1"),
    Driver("mysql+mysqldb", "mysqlclient", f"{_MYSQL}&ssl_mode=REQUIRED{_FILE}", builds=True),
    Driver("mysql+aiomysql", "aiomysql", _MYSQL, is_async=True),
    Driver("mysql+asyncmy", "asyncmy", f"{_MYSQL}&connect_timeout=9", is_async=True),
    Driver("mariadb+mariadbconnector", "mariadb", "?ssl=true&connect_timeout=9", builds=True),
    Driver("mysql+mysqlconnector", "mysql-connector-python", "?ssl_disabled=true&pool_name=shop"),
    Driver("sqlite+pysqlite", ""),
    Driver("sqlite+aiosqlite", "aiosqlite", is_async=True),
]
PURE = sorted({driver.package for driver in DRIVERS if driver.package and not driver.builds})
BUILT = sorted({driver.package for driver in DRIVERS if driver.builds})


@pytest.fixture(scope="session")
def scratch_urls() -> Iterator[dict[str, str]]:
    """A server of each kind, by URL, so that no test has to start one."""
    with (
        reachable_directory() as address,
        ScratchServers(urls=[], setup=[], directory=address / "run", cache=address) as servers,
    ):
        urls = [servers.create("postgresql"), servers.create("mysql")]
        # By name, as most people write it; a driver's socket sees the number behind it.
        yield {url.partition(":")[0]: url.replace("@127.0.0.1:", "@localhost:") for url in urls}


@pytest.fixture(params=DRIVERS, ids=[driver.id for driver in DRIVERS])
def driver(request: pytest.FixtureRequest) -> Driver:
    driver: Driver = request.param
    return driver


@pytest.fixture
def shop_on_driver(
    driver: Driver,
    make_project: MakeProject,
    listener: Listener,
    scratch_urls: dict[str, str],
    session_cache: SessionCache,
    pip: Callable[..., None],
) -> Project:
    """The sample on this driver, with a configured server that must not be contacted."""
    project = make_project("subfolder", config_url=driver.url(listener), hook=None)
    project.listener = listener
    project.environ["ALEMBIC_LOCKSTEP_SCRATCH"] = " ".join(scratch_urls.values())
    if driver.is_async:
        text = project.read(ENV)
        start, end = text.index("def run_migrations_online"), text.index("if context.is_offline")
        project.write(ENV, text[:start] + ASYNC + "\n\n" + text[end:])
        project.git("commit", "--quiet", "--all", "-m", "asynchronous")
    (libraries,) = (project.root / ".venv").glob("lib/python*/site-packages")
    (libraries / "_drivers.pth").write_text(f"{_install(driver, session_cache, pip)}\n")
    return project


def _install(driver: Driver, session_cache: SessionCache, pip: Callable[..., None]) -> Path:
    """Install all drivers at once; those that are compiled apart, for who has no headers."""
    packages = BUILT if driver.builds else PURE

    def build(new: Path) -> None:
        pip("install", "--quiet", "--target", str(new), *packages, cwd=new)

    if driver.builds:
        require(shutil.which("mariadb_config") is not None, "libmariadb-dev")
    return session_cache("drivers-built" if driver.builds else "drivers", build)


@pytest.mark.sampled(8)
def test_a_project_on_each_driver_is_judged_without_contact(
    shop_on_driver: Project, driver: Driver
) -> None:
    with shop_on_driver.untouched():
        shop_on_driver.change_no_schema()
        where = shop_on_driver.add_column()
        shop_on_driver.git("add", "--update")
        blocked = shop_on_driver.check()
        assert_finding(blocked, where, "Blocked: 1 missing-migration", "orders.paid")
        assert SERVERS.get(driver.dialect, "SQLite") in blocked.stderr
        add_migration(shop_on_driver, "cccccccccccc", upgrade=ADD_PAID)
        assert_clean(shop_on_driver.check(), "3 revisions run from empty")
