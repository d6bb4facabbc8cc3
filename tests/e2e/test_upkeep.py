"""`alembic-lockstep cache`: what is kept, and how it goes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alembic_lockstep.cache.store import Cache
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.workplace import acquire_workplace, find_workplace
from alembic_lockstep.scratch import ScratchServers

from .harness import (
    Result,
    begin_repository,
    clean_environ,
    machine_has_binaries,
    reachable_directory,
    require,
    run,
    server_answers,
)
from .test_snapshots import NAME, OTHER, make_games, role


class Desk:
    """A developer's machine, with a repository on it."""

    def __init__(self, home: Path) -> None:
        self.environ = clean_environ(home)
        self.environ.pop("ALEMBIC_LOCKSTEP_SCRATCH", None)
        self.cache = home / ".cache" / "alembic-lockstep"
        self.root = home / "project"
        self.root.mkdir(parents=True)
        begin_repository(self.root, self.environ)

    def start(self, *urls: str) -> ScratchServers:
        return ScratchServers(urls=urls, setup=[], directory=self.root / "run", cache=self.cache)

    def command(self, name: str, cwd: Path | None = None) -> list[str]:
        command = (sys.executable, "-m", "alembic_lockstep", "cache", name)
        result: Result = run(command, cwd=cwd or self.root, environ=self.environ)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout.splitlines()


@pytest.fixture
def desk() -> Iterator[Desk]:
    # Reachable, else root's private servers would be those of the machine, which others use.
    with reachable_directory() as home:
        yield Desk(home)


def test_an_empty_cache(desk: Desk, tmp_path: Path) -> None:
    shown = desk.command("info", tmp_path)  # in no repository
    assert shown == [
        str(desk.cache),
        "  records: 0 (0 bytes)",
        "  SQLite snapshots: 0 (0 bytes)",
        "  of these at most 1.07 GB; the least recently used are deleted first",
        "  private servers: 0 (0 bytes, with their snapshots)",
        "checkouts: of 0 repositories (0 bytes)",
    ]
    said, checkouts = desk.command("clear")
    assert said.endswith("deleted 0 entries (0 bytes) and the data of 0 private servers (0 bytes)")
    assert checkouts == "checkouts: deleted those of 0 repositories (0 bytes)"
    assert not desk.cache.exists()


def test_records_and_snapshots_are_counted_and_cleared(desk: Desk) -> None:
    Cache(desk.cache).write("records", "one", "x" * 2000)
    with desk.start() as servers:
        assert servers.keep(make_games(servers, "sqlite"), NAME)
    assert desk.command("info")[1:3] == [
        "  records: 1 (2.04 kB)",
        "  SQLite snapshots: 1 (8.24 kB)",
    ]
    said, _ = desk.command("clear")
    assert said == (
        f"{desk.cache}: deleted 2 entries (10.3 kB) and the data of 0 private servers (0 bytes)"
    )
    with desk.start() as servers:
        assert servers.restore("sqlite", NAME) is None
    assert Cache(desk.cache).read("records", "one") is None


def test_checkouts_are_counted_and_cleared(desk: Desk) -> None:
    folder = find_workplace(Repository.discover(desk.root), desk.environ, desk.cache)
    with acquire_workplace(folder) as slot:
        (slot / "file").write_bytes(b"x" * 2000)
        assert desk.command("info")[5] == "checkouts: of 1 repository (2 kB)"
        assert desk.command("clear")[1] == (
            "checkouts: deleted those of 0 repositories (0 bytes); those of 1 in use left alone"
        )
    assert desk.command("clear")[1] == "checkouts: deleted those of 1 repository (2 kB)"
    assert not folder.exists()


def test_a_servers_snapshots_are_counted_and_cleared(desk: Desk) -> None:
    require(server_answers(), "PostgreSQL server")
    with role() as url:
        urls = f'urls = ["{url}", "mysql://root@127.0.0.1:1"]'
        (desk.root / "pyproject.toml").write_text(f"[tool.alembic-lockstep.scratch]\n{urls}\n")
        with desk.start(url) as servers:
            for name in (NAME, OTHER):
                assert servers.keep(make_games(servers, "postgresql"), name)
            name = servers.description("postgresql")
        shown = desk.command("info")[6:]
        assert len(shown) == 1
        assert shown[0].startswith(f"{name}: 2 snapshots (1")
        assert desk.command("clear")[2:] == [f"{name}: dropped 2 snapshots"]
        assert desk.command("info")[6:] == [f"{name}: 0 snapshots (0 bytes)"]


def test_a_server_that_does_not_answer_is_named_without_its_password(desk: Desk) -> None:
    desk.environ["ALEMBIC_LOCKSTEP_SCRATCH"] = "postgresql://scott:s3cret@127.0.0.1:1/postgres"
    for name in ("info", "clear"):
        said = desk.command(name)[-1]
        assert said.startswith("PostgreSQL at scott@127.0.0.1:1/postgres: connection failed")
        assert "s3cret" not in said


def test_private_servers_in_use_are_left_alone(desk: Desk) -> None:
    require(machine_has_binaries(), "server binaries of PostgreSQL")
    with desk.start() as servers:
        assert servers.keep(make_games(servers, "postgresql"), NAME)
        assert "  private servers: 1 (" in desk.command("info")[4]
        assert desk.command("clear")[0].endswith("; 1 in use left alone")
        assert servers.restore("postgresql", NAME)
    assert "the data of 1 private server (" in desk.command("clear")[0]
    with desk.start() as servers:
        assert servers.restore("postgresql", NAME) is None
