"""Dialects that another package adds, on real servers: docs/databases.md, taken at its word."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch import ScratchServers, mysql_installs
from alembic_lockstep.scratch.by_url import Dialect, URLServer

from .conftest import MakeProject, SessionCache
from .harness import Listener, reachable_directory, require
from .subfolder_project import ADD_PAID, add_migration, assert_clean, assert_finding

pytestmark = pytest.mark.real_start

PAGE = Path(__file__).parents[2] / "docs" / "databases.md"
#: A block of code with its file's name in the first line.
FILE = re.compile(r"```\w+\n# (pyproject\.toml|\S+\.py)\n(.*?)```", re.DOTALL)
MARIADB = Dialect(
    create=("CREATE DATABASE {name}", "CREATE USER {name} IDENTIFIED BY '{password}'"),
    drop=("DROP DATABASE IF EXISTS {name}", "DROP USER IF EXISTS {name}"),
    names="SHOW DATABASES",
    example="mysql+pymysql://root:password@localhost:3306",
    requires=("PyMySQL",),
)


@pytest.fixture(scope="module")
def servers() -> Iterator[ScratchServers]:
    with (
        reachable_directory() as directory,
        ScratchServers(urls=[], setup=[], directory=directory / "run", cache=directory) as servers,
    ):
        yield servers


@pytest.fixture(scope="session")
def installed(session_cache: SessionCache, pip: Callable[..., None]) -> Path:
    """The page's example, installed."""

    def build(new: Path) -> None:
        blocks = re.findall(
            r"```\w+\n# (pyproject\.toml|\S+\.py)\n(.*?)```", PAGE.read_text(), re.S
        )
        for name, text in blocks:
            (new / name).write_text(text)
        pip("install", "--quiet", "--no-deps", "--target", str(new / "libraries"), ".", cwd=new)

    return session_cache("adapter", build) / "libraries"


def test_the_pages_example_judges_a_project(
    make_project: MakeProject, servers: ScratchServers, listener: Listener, installed: Path
) -> None:
    url = f"postgresql+psycopg2://{listener.address()}"
    project = make_project("subfolder", config_url=url, hook=None)
    project.listener = listener
    server = servers.create("postgresql").replace("postgresql:", "postgresql+psycopg:")
    project.environ |= {"ALEMBIC_LOCKSTEP_SCRATCH": server, "PYTHONPATH": str(installed)}
    with project.untouched():
        where = project.add_column()
        project.git("add", "--update")
        assert_finding(project.check(), where, "2 revisions run from empty on postgresql ")
        add_migration(project, "cccccccccccc", upgrade=ADD_PAID)
        assert_clean(project.check(), "3 revisions")


def test_databases_of_a_day_ago_and_no_others_are_dropped(servers: ScratchServers) -> None:
    require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
    assert servers.elevate("mysql", "making users")
    url = servers.create("mysql").replace("mysql:", "mysql+pymysql:")
    admin = URLServer(url, MARIADB, setup=())
    now = int(time.time())
    old, new = (f"lockstep_{now - age:08x}_0123abcd_1" for age in (90_000, 80_000))
    with ExitStack() as stack:
        for name in (old, new):
            admin._connection.exec_driver_sql(f"CREATE DATABASE {name}")
        stack.callback(admin._drop, new)
        other = URLServer(url, MARIADB, setup=("CREATE TABLE extra (id INTEGER)",))
        database = other.create().rpartition("/")[2]
        assert {new, database} <= set(admin._names())
        assert old not in admin._names()
        with pytest.raises(CouldNotJudge, match="cannot be copied"):
            other.copy(database)
        other.close()
        assert database not in admin._names()
        users = admin._connection.exec_driver_sql("SELECT user FROM mysql.user")
        assert database not in {str(name) for (name,) in users}
    admin.close()


def test_a_package_that_cannot_be_imported_could_not_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken-1.dist-info").mkdir()
    (tmp_path / "broken-1.dist-info" / "METADATA").write_text("Name: broken\nVersion: 1\n")
    entry = "[alembic_lockstep.scratch]\nfirebird = nonesuch:start\n"
    (tmp_path / "broken-1.dist-info" / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(str(tmp_path))
    with (
        ScratchServers(urls=[], setup=[], directory=tmp_path, cache=tmp_path) as servers,
        pytest.raises(CouldNotJudge, match="No module named 'nonesuch'") as caught,
    ):
        servers.create("firebird")
    assert caught.value.tried == (
        "entry point alembic_lockstep.scratch: firebird = nonesuch:start",
    )
    assert caught.value.fix.endswith(":\npip uninstall broken")
    shutil.rmtree(tmp_path / "broken-1.dist-info")
    with (
        ScratchServers(urls=[], setup=[], directory=tmp_path, cache=tmp_path) as servers,
        pytest.raises(CouldNotJudge, match="'firebird' are not supported") as caught,
    ):
        servers.create("firebird")
    assert caught.value.fix.startswith("alembic-lockstep check --static\n")
