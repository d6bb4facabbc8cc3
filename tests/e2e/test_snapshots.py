"""Snapshots of scratch databases, on real servers."""

from __future__ import annotations

import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

import alembic_lockstep
from alembic_lockstep.cache.store import Cache
from alembic_lockstep.scratch import (
    ScratchServers,
    mysql_installs,
    postgres_private,
    postgres_snapshots,
)

from .harness import (
    SCRATCH_SERVER,
    machine_has_binaries,
    reachable_directory,
    require,
    server_answers,
)

SOURCE = str(Path(alembic_lockstep.__file__).parents[1])
NAME, OTHER = "ab" * 16, "cd" * 16
WAYS = ["sqlite", "url", "private"]
#: Makes a database, says so, and keeps it when it reads a line.
KEEP = """
import sys
from pathlib import Path
source, directory, cache, dialect, name, *urls = sys.argv[1:]
sys.path.insert(0, source)
from alembic_lockstep.scratch import ScratchServers
with ScratchServers(
    urls=urls, setup=[], directory=Path(directory), cache=Path(cache)
) as servers:
    url = servers.create(dialect)
    print(url, flush=True)
    sys.stdin.readline()
    servers.keep(url, name)
    print(flush=True)
    sys.stdin.readline()
"""


@dataclass(frozen=True)
class Way:
    """One kind of server whose databases are kept."""

    dialect: str
    directory: Path
    cache: Path
    urls: tuple[str, ...] = ()

    def start(self) -> ScratchServers:
        return ScratchServers(urls=self.urls, setup=[], directory=self.directory, cache=self.cache)


@pytest.fixture
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    if request.param == "sqlite":
        yield Way("sqlite", tmp_path / "run", tmp_path / "cache")
    elif request.param == "url":
        require(server_answers(), "PostgreSQL server")
        with role() as url:
            yield Way("postgresql", tmp_path / "run", tmp_path / "cache", (url,))
    else:
        require(machine_has_binaries(), "server binaries of PostgreSQL")
        with reachable_directory() as cache:
            yield Way("postgresql", tmp_path / "run", cache)


@contextmanager
def role() -> Iterator[str]:
    """Make a user of the shared server, so that the snapshots of others are left alone."""
    name = f"lockstep_test_{secrets.token_hex(4)}"
    address = urlsplit(SCRATCH_SERVER)
    address_of_server = f"{address.hostname}:{address.port or 5432}{address.path or '/postgres'}"
    execute(SCRATCH_SERVER, f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD 's3cret'")
    try:
        yield f"postgresql://{name}:s3cret@{address_of_server}"
    finally:
        for database in databases(name):
            execute(SCRATCH_SERVER, f'DROP DATABASE "{database}"')
        execute(SCRATCH_SERVER, f"DROP ROLE {name}")


def databases(user: str) -> list[str]:
    asked = (
        "SELECT datname FROM pg_database JOIN pg_roles r ON datdba = r.oid "
        f"WHERE rolname = '{user}' AND datname LIKE 'lockstep%' ORDER BY datname"
    )
    return [str(name) for (name,) in execute(SCRATCH_SERVER, asked)]


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


def make_games(servers: ScratchServers, dialect: str) -> str:
    url = servers.create(dialect)
    execute(url, "CREATE TABLE games (id INTEGER)")
    execute(url, "INSERT INTO games VALUES (7)")
    return url


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_what_was_kept_comes_back_in_the_same_run_and_in_the_next(way: Way) -> None:
    with way.start() as servers:
        assert servers.restore(way.dialect, NAME) is None
        assert servers.keep(make_games(servers, way.dialect), NAME)
        url = servers.restore(way.dialect, NAME)
        assert url is not None
        execute(url, "DELETE FROM games")
    with way.start() as servers:
        two = servers.restore(way.dialect, NAME)
        assert two is not None
        assert execute(two, "SELECT id FROM games") == [(7,)]
        three = servers.copy(two)
        assert execute(three, "SELECT id FROM games") == [(7,)]
        assert servers.restore(way.dialect, OTHER) is None


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_an_empty_database_can_be_kept(way: Way) -> None:
    with way.start() as servers:
        assert servers.keep(servers.create(way.dialect), NAME)
        url = servers.restore(way.dialect, NAME)
        assert url is not None
        execute(url, "CREATE TABLE games (id INTEGER)")


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_two_runs_that_keep_the_same_both_find_it(way: Way) -> None:
    with way.start() as servers, replace(way, directory=way.directory / "b").start() as others:
        for side in (servers, others):
            assert side.keep(make_games(side, way.dialect), NAME)
            url = side.restore(way.dialect, NAME)
            assert url is not None
            assert execute(url, "SELECT id FROM games") == [(7,)]


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_two_threads_restore_from_one_snapshot_while_a_third_creates(way: Way) -> None:
    with way.start() as servers:
        assert servers.keep(make_games(servers, way.dialect), NAME)
    with way.start() as servers, ThreadPoolExecutor(3) as threads:
        restored = [threads.submit(servers.restore, way.dialect, NAME) for _ in range(4)]
        created = threads.submit(servers.create, way.dialect)
        urls = [future.result() for future in restored]
        assert len({created.result(), *urls}) == 5
        for url in urls:
            assert url is not None
            assert execute(url, "SELECT id FROM games") == [(7,)]


@pytest.mark.parametrize("way", ["private"], indirect=True)
def test_a_run_that_ends_while_a_thread_starts_its_server_leaves_no_process(way: Way) -> None:
    with ThreadPoolExecutor(1) as thread:
        with way.start() as servers:
            restored = thread.submit(servers.restore, way.dialect, NAME)
            while not way.cache.joinpath("postgresql").exists() and not restored.done():
                time.sleep(0.001)
        assert restored.result() is None
        late = thread.submit(servers.restore, way.dialect, NAME)
        with pytest.raises(RuntimeError, match="are closed"):
            late.result()
    listing = subprocess.run(["ps", "axww", "-o", "command="], capture_output=True, text=True)
    assert [line for line in listing.stdout.splitlines() if f" -D {way.cache}/" in line] == []


def test_mysql_keeps_none(tmp_path: Path) -> None:
    require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
    with reachable_directory() as cache, Way("mysql", tmp_path, cache).start() as servers:
        url = servers.create("mysql")
        assert not servers.keep(url, NAME)
        assert servers.restore("mysql", NAME) is None
        assert servers.copy(url) != url  # it is there still


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_two_runs_restore_from_one_snapshot_at_once(way: Way) -> None:
    with way.start() as servers:
        assert servers.keep(make_games(servers, way.dialect), NAME)
    with way.start() as first, way.start() as second, ThreadPoolExecutor(2) as threads:
        for server in (first, second):
            server.description(way.dialect)
        futures = [threads.submit(s.restore, way.dialect, NAME) for s in (first, second) * 3]
        assert all(future.result() for future in futures)


@pytest.mark.parametrize("way", WAYS, indirect=True)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_killed_leaves_a_whole_snapshot_or_none(way: Way, when: str) -> None:
    arguments = (str(way.directory), str(way.cache), way.dialect, NAME, *way.urls)
    host = subprocess.Popen(
        [sys.executable, "-c", KEEP, SOURCE, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert host.stdout is not None
    assert host.stdin is not None
    execute(host.stdout.readline().strip(), "CREATE TABLE games (id INTEGER)")
    if when == "after":
        host.stdin.write("\n")
        host.stdin.flush()
        assert host.stdout.readline() == "\n"
    host.send_signal(signal.SIGKILL)
    host.wait()
    with way.start() as servers:
        url = servers.restore(way.dialect, NAME)
        assert bool(url) == (when == "after")
        if url is not None:
            assert execute(url, "SELECT id FROM games") == []


def test_a_damaged_snapshot_of_sqlite_is_gone(tmp_path: Path) -> None:
    way = Way("sqlite", tmp_path / "run", tmp_path / "cache")
    with way.start() as servers:
        assert servers.keep(make_games(servers, "sqlite"), NAME)
        (file,) = (path for path in way.cache.rglob("*") if path.is_file())
        file.write_bytes(file.read_bytes().replace(b"games", b"names"))
        assert servers.restore("sqlite", NAME) is None
        assert Cache(way.cache).usage() == {"sqlite-snapshots": (0, 0)}


def test_a_snapshot_of_sqlite_holds_what_is_still_in_the_log(tmp_path: Path) -> None:
    way = Way("sqlite", tmp_path / "run", tmp_path / "cache")
    with way.start() as servers:
        url = servers.create("sqlite")
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE games (id INTEGER)")
        assert servers.keep(url, NAME)
        connection.close()
        new = servers.restore("sqlite", NAME)
        assert new is not None
        assert execute(new, "SELECT count(*) FROM games") == [(0,)]


def test_a_sqlite_database_that_cannot_be_kept_stays(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Way("sqlite", tmp_path / "run", tmp_path / "file" / "cache").start() as servers:
        url = make_games(servers, "sqlite")
        assert not servers.keep(url, NAME)
        assert execute(url, "SELECT id FROM games") == [(7,)]
        assert servers.restore("sqlite", NAME) is None


@pytest.mark.parametrize("way", ["private"], indirect=True)
def test_a_private_snapshot_that_lost_a_file_is_gone(way: Way) -> None:
    with way.start() as servers:
        url = make_games(servers, way.dialect)
        ((path,),) = execute(url, "SELECT pg_relation_filepath('games')")
        assert servers.keep(url, NAME)
        assert servers.restore(way.dialect, NAME)  # a checkpoint: recovery would make it anew
    (file,) = way.cache.glob(f"postgresql/*/0/data/{path}")
    file.unlink()
    with way.start() as servers:
        assert servers.restore(way.dialect, NAME) is None
        admin = servers.create(way.dialect)
        assert execute(admin, "SELECT 1 FROM pg_database WHERE datname LIKE '%keep%'") == []


@pytest.mark.parametrize("way", ["private"], indirect=True)
def test_a_private_snapshot_does_not_outlive_the_machines_start(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with way.start() as servers:
        assert servers.keep(make_games(servers, way.dialect), NAME)
    monkeypatch.setattr(postgres_private, "boot_id", lambda: "another")
    with way.start() as servers:
        assert servers.restore(way.dialect, NAME) is None


@pytest.mark.parametrize("way", ["private"], indirect=True)
def test_a_server_by_url_without_fsync_keeps_until_it_is_started_again(way: Way) -> None:
    with way.start() as server:
        url = server.create(way.dialect)
        named = replace(way, directory=way.directory / "named", urls=(url,))
        with named.start() as servers:
            assert servers.keep(make_games(servers, way.dialect), NAME)
        with named.start() as servers:
            assert servers.restore(way.dialect, NAME)
        asked = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname LIKE"
        ((comment,),) = execute(url, f"{asked} 'lockstep_keep_%'")
        ((started,),) = execute(url, "SELECT extract(epoch FROM pg_postmaster_start_time())::text")
        assert f'"era": "{started}"' in str(comment)


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_nobody_can_connect_to_a_snapshot_and_its_use_is_noted(way: Way) -> None:
    user = str(urlsplit(way.urls[0]).username)
    with way.start() as servers:
        assert servers.keep(make_games(servers, way.dialect), NAME)
    (database,) = databases(user)
    assert database.startswith(f"lockstep_keep_{NAME}_")
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(way.urls[0].rpartition("/")[0] + f"/{database}")
    before = set_age(database, 100)
    with way.start() as servers:
        assert servers.restore(way.dialect, NAME)
    assert comment_of(database) != before


def comment_of(database: str) -> str:
    asked = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname ="
    ((comment,),) = execute(SCRATCH_SERVER, f"{asked} '{database}'")
    return str(comment)


def set_age(database: str, seconds: float) -> str:
    """Write in a snapshot's comment when it was used last; give the comment."""
    used = int(time.time() - seconds)
    comment = re.sub(r'"used": \d+', f'"used": {used}', comment_of(database))
    quoted = comment.replace("'", "''")
    execute(SCRATCH_SERVER, f"COMMENT ON DATABASE {database} IS '{quoted}'")
    return comment


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_what_was_not_used_for_longest_goes_first(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = str(urlsplit(way.urls[0]).username)
    monkeypatch.setattr(postgres_snapshots, "NUMBER", 2)
    with way.start() as servers:
        for name in (NAME, OTHER):
            assert servers.keep(servers.create(way.dialect), name)
        other = next(database for database in databases(user) if OTHER in database)
        set_age(other, 100)
        assert servers.keep(servers.create(way.dialect), "ef" * 16)
        assert servers.restore(way.dialect, OTHER) is None
        assert servers.restore(way.dialect, NAME)
        monkeypatch.setattr(postgres_snapshots, "LIMIT", 1 << 20)
        url = make_games(servers, way.dialect)
        assert not servers.keep(url, OTHER)
        assert execute(url, "SELECT id FROM games") == [(7,)]
    with way.start() as servers:
        servers.description(way.dialect)
        assert databases(user) == []


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_another_users_snapshot_is_neither_believed_nor_dropped_before_its_time(way: Way) -> None:
    user = str(urlsplit(way.urls[0]).username)
    with way.start() as servers:
        assert servers.keep(make_games(servers, way.dialect), NAME)
    (theirs,) = databases(user)
    with role() as url, replace(way, urls=(url,)).start() as servers:
        assert servers.restore(way.dialect, NAME) is None
        assert servers.keep(make_games(servers, way.dialect), NAME)
        assert servers.restore(way.dialect, NAME)
    assert databases(user) == [theirs]
    for days, left in ((29, [theirs]), (31, [])):
        set_age(theirs, days * 24 * 60 * 60)
        with replace(way, urls=(SCRATCH_SERVER,)).start() as servers:
            servers.description(way.dialect)
        assert databases(user) == left


@pytest.mark.parametrize("way", ["url", "private"], indirect=True)
def test_what_a_migration_set_for_the_database_is_restored(way: Way) -> None:
    with way.start() as servers:
        url = servers.create(way.dialect)
        name = urlsplit(url).path.lstrip("/")
        execute(url, f"ALTER DATABASE {name} SET search_path TO app, \"$user\", 'o''dd'")
        execute(url, f"ALTER ROLE CURRENT_USER IN DATABASE {name} SET statement_timeout TO '1h'")
        names, values = ["search_path", "statement_timeout"], ['app, "$user", "o\'dd"', "1h"]
        if not way.urls:  # a superuser, who may set what nobody knows
            assert servers.elevate(way.dialect, "the setting")
            execute(url, f"ALTER DATABASE {name} SET app.tenant TO 'a, \"b\"'")
            names, values = [*names, "app.tenant"], [*values, 'a, "b"']
        asked = f"SELECT current_setting(n) FROM unnest(ARRAY{names}) n"
        set_ = [(value,) for value in values]
        assert execute(url, asked) == set_
        copy = servers.copy(url)
        assert execute(copy, asked) == set_
        assert servers.keep(copy, NAME)
        restored = servers.restore(way.dialect, NAME)
        assert restored is not None
        assert execute(restored, asked) == set_


@pytest.mark.parametrize("way", ["url"], indirect=True)
def test_a_database_in_use_is_not_kept(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_snapshots, "_PATIENCE", 0.1)
    with way.start() as servers:
        url = make_games(servers, way.dialect)
        with psycopg.connect(url):
            assert not servers.keep(url, NAME)
        assert servers.restore(way.dialect, NAME) is None
        assert execute(url, "SELECT id FROM games") == [(7,)]


@pytest.mark.parametrize("is_elevated", [False, True])
@pytest.mark.sampled(1)
def test_what_others_make_hinders_a_snapshot_only_if_the_project_might_have_made_it(
    tmp_path: Path, is_elevated: bool
) -> None:
    require(server_answers(), "PostgreSQL server")
    way = Way("postgresql", tmp_path / "run", tmp_path / "cache", (SCRATCH_SERVER,))
    name = secrets.token_hex(16)
    with way.start() as servers:
        url = make_games(servers, way.dialect)
        if is_elevated:
            assert servers.elevate(way.dialect, "the test")
        with role():
            assert servers.keep(url, name) is not is_elevated
    asked = f"SELECT datname FROM pg_database WHERE datname LIKE 'lockstep_keep_{name}%'"
    for (database,) in execute(SCRATCH_SERVER, asked):
        execute(SCRATCH_SERVER, f"DROP DATABASE {database}")
