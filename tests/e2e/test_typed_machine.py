"""Advice about this machine and its servers, typed: programs, packages, large files, accounts."""

from __future__ import annotations

import re
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from alembic_lockstep.advice.lacks import scratch_server_advice
from alembic_lockstep.scratch import mysql_installs

from .conftest import MakeProject
from .harness import (
    MYSQL_URL,
    POSTGRESQL_URL,
    ROOT,
    SCRATCH_SERVER,
    Project,
    Result,
    clean_environ,
    force_postgres,
    machine_has_binaries,
    require,
    run,
    server_answers,
)
from .subfolder_project import (
    VERSIONS,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
    change_and_check,
)
from .test_cell import CONTAINER
from .typed_advice import follow
from .virtual_environments import make_venv


@pytest.fixture
def shop_of_prod(make_project: MakeProject) -> Project:
    return make_project("subfolder", hook=None, config_url=POSTGRESQL_URL)


def set_up(shop: Project, settings: str) -> None:
    shop.write("pyproject.toml", f"[tool.alembic-lockstep]\n{settings}\n")
    shop.stage("pyproject.toml")


def test_an_installed_copy_is_made_editable_by_the_command(
    make_project: MakeProject, pip: Callable[..., None]
) -> None:
    project = make_project("src_layout", hook=None)
    libraries = make_venv(project.root / ".venv")
    shutil.copytree(project.root / "src/inventory", libraries / "inventory")
    where = project.add_column()
    project.stage(".")
    result = project.check()
    assert_unjudged(result, "which is not what is committed", "    pip install -e .\n")
    shutil.rmtree(libraries / "inventory")  # what no pip has installed, none replaces
    type_pip(project, result, pip, "--no-deps")
    assert_finding(project.check(), where, "missing-migration")


def type_pip(project: Project, result: Result, pip: Callable[..., None], *options: str) -> None:
    """Type the `pip install …` of a message, with pip in the project's environment."""
    (arguments,) = re.findall(r"^    pip (install .*)$", result.stderr, re.MULTILINE)
    pip("--python", str(project.python), *arguments.split(), *options, cwd=project.root)


def test_a_large_file_is_brought_by_the_command(shop: Project, tmp_path: Path) -> None:
    require(shutil.which("git-lfs") is not None, "git-lfs")
    shop.git("lfs", "install", "--local")
    shop.git("lfs", "track", "*.csv")
    shop.write(f"{VERSIONS}/rows.csv", "paid\n")
    read = "open(__file__.rpartition('/')[0] + '/rows.csv').read().index('paid')"
    add_migration(shop, "aaaaaaaaaaaa", upgrade=read)
    shop.stage(".")
    shop.git("commit", "--quiet", "-m", "Rows")
    clone = tmp_path / "clone"
    environ = {**shop.environ, "GIT_LFS_SKIP_SMUDGE": "1"}
    run(("git", "clone", "-q", shop.root.as_uri(), str(clone)), cwd=tmp_path, environ=environ)
    (clone / ".venv").symlink_to(shop.root / ".venv")
    other = replace(shop, root=clone)
    arguments = ("--tree", "HEAD")
    result = other.check(*arguments)
    assert_finding(result, "rows.csv is a Git LFS pointer here: git lfs pull\n")
    other.git("lfs", "install", "--local")
    other.is_watched = False  # Git LFS, which git starts, keeps temporary files of its own
    run(("git", "lfs", "pull"), cwd=clone / "service", environ=shop.environ, check=True)
    assert_clean(other.check(*arguments))


def test_a_guard_that_does_not_work_is_left_to_the_machine(shop: Project) -> None:
    """In a container that lets nobody make namespaces."""
    require(sys.platform == "linux", "Linux")
    set_up(shop, 'guard = "namespaces"')
    shop.start_check = ("-c", CONTAINER.format(package=str(ROOT / "src")), *shop.start_check)
    result = change_and_check(shop)
    assert_unjudged(result, "the guard that the settings name does not work", 'guard = "auto"')
    assert_clean(follow(shop, result), "guarded by: landlock")


def test_a_setting_of_a_python_without_the_project_is_removed(shop: Project) -> None:
    bare = shop.root.with_name("bare")
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", str(bare)), check=True)
    set_up(shop, f'python = "{bare}"')
    result = change_and_check(shop)
    assert_unjudged(result, "No module named 'alembic'", "correct the setting. Without it")
    set_up(shop, "")
    assert_clean(shop.check())


@pytest.fixture
def account() -> Iterator[tuple[str, str]]:
    """A user of the server who may make no databases: the name, and the URL."""
    require(server_answers(), "PostgreSQL server")
    name, address = f"lockstep_test_{secrets.token_hex(4)}", urlsplit(SCRATCH_SERVER)
    execute(f"CREATE ROLE {name} LOGIN PASSWORD 's3cret'")
    server = f"{address.hostname}:{address.port or 5432}{address.path or '/postgres'}"
    yield name, f"postgresql://{name}:s3cret@{server}"
    for (database,) in execute(
        "SELECT datname FROM pg_database JOIN pg_roles r ON datdba = r.oid "
        f"WHERE rolname = '{name}'"
    ):
        execute(f'DROP DATABASE "{database}"')
    execute(f"DROP ROLE {name}")


def execute(statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(SCRATCH_SERVER, autocommit=True) as server:
        cursor = server.execute(statement.encode())
        return list(cursor.fetchall()) if cursor.description else []


def test_a_user_who_may_make_no_databases_is_permitted_by_the_statement(
    shop_of_prod: Project, account: tuple[str, str]
) -> None:
    name, url = account
    shop_of_prod.environ["ALEMBIC_LOCKSTEP_SCRATCH"] = url
    result = change_and_check(shop_of_prod)
    assert_unjudged(result, "could not make a scratch database", f'ALTER ROLE "{name}" CREATEDB')
    execute(result.stderr.splitlines()[-1].strip())
    assert_clean(shop_of_prod.check(), "2 revisions run from empty")


@pytest.mark.parametrize("wrong", ["user", "port"])
def test_a_server_that_refuses_is_left_for_a_private_one(shop_of_prod: Project, wrong: str) -> None:
    require(machine_has_binaries(), "server binaries of PostgreSQL")
    force_postgres(shop_of_prod.environ, "binaries")
    address = urlsplit(SCRATCH_SERVER)
    port = {"port": 1}.get(wrong, address.port or 5432)
    url = f"postgresql://nobody_of_ours:s3cret@{address.hostname}:{port}/postgres"
    set_up(shop_of_prod, f'scratch.urls = ["{url}"]')
    result = change_and_check(shop_of_prod)
    assert_unjudged(result, "the scratch server of the settings cannot be used", "or remove it")
    assert "s3cret" not in result.output
    set_up(shop_of_prod, "")
    assert_clean(shop_of_prod.check(), "2 revisions run from empty")


@pytest.fixture
def tool_alone(tmp_path: Path, wheelhouse: dict[str, str]) -> Callable[..., Result]:
    """Run the Python of an environment with `pip install alembic-lockstep`, without an extra."""
    python = tmp_path / "tool/bin/python"
    command = (sys.executable, "-m", "virtualenv", "--quiet", str(tmp_path / "tool"))
    run(command, cwd=tmp_path, environ=clean_environ(tmp_path), check=True)

    def call(*arguments: str, project: Project) -> Result:
        environ = {**project.environ, **wheelhouse}
        return run((str(python), "-m", *arguments), cwd=project.root, environ=environ)

    return call


@pytest.mark.parametrize(("url", "extra"), [(POSTGRESQL_URL, "postgres"), (MYSQL_URL, "mysql")])
def test_an_extra_that_is_missing_is_installed_by_the_command(
    make_project: MakeProject, tool_alone: Callable[..., Result], url: str, extra: str
) -> None:
    is_there = server_answers() if extra == "postgres" else any(mysql_installs._servers())
    require(is_there, f"server for the extra '{extra}'")
    project = make_project("subfolder", hook=None, config_url=url)
    force_postgres(project.environ, "url")
    project.write("notes.txt", "Something to commit.\n")
    project.stage("notes.txt")
    installed = tool_alone("pip", "install", "--quiet", "alembic-lockstep", project=project)
    assert installed.returncode == 0, installed.output
    result = tool_alone("alembic_lockstep", "check", project=project)
    assert_unjudged(result, f"need the extra '{extra}' in the hook's environment")
    (command,) = re.findall(r"pip (install .*)$", result.stderr, re.MULTILINE)
    typed = tool_alone("pip", *shlex.split(command), "--quiet", project=project)
    assert typed.returncode == 0, typed.output
    assert_clean(tool_alone("alembic_lockstep", "check", project=project), "run from empty")


@pytest.mark.parametrize("thing", ["pgcrypto", "postgis", "vector"])
def test_a_package_of_the_system_that_is_named_exists(thing: str) -> None:
    """To install it takes the administrator; apt says what it would do."""
    require(shutil.which("apt-get") is not None and machine_has_binaries(), "apt and PostgreSQL")
    advice = scratch_server_advice(f'extension "{thing}" is not available')
    commands = re.findall(r"^apt (install .*)$", advice, re.MULTILINE)
    assert len(commands) == {"postgis": 2, "vector": 2}.get(thing, 1)
    for command in commands:
        shell = ("bash", "-ec", f"apt-get --simulate {command}")
        simulated = subprocess.run(shell, capture_output=True, text=True, check=False)
        if thing == "vector" and "Unable to locate package" in simulated.stderr:
            pytest.skip("Debian has pgvector since 13")
        assert simulated.returncode == 0, simulated.stderr
