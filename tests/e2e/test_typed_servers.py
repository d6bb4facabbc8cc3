"""Advice on scratch servers, typed: binaries, URLs, packages for other dialects, their set-up."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alembic_lockstep.scratch import mysql_installs

from .conftest import MakeProject, SessionCache
from .harness import (
    MYSQL_URL,
    POSTGRESQL_URL,
    SCRATCH_SERVER,
    Project,
    force_postgres,
    require,
    run,
    server_answers,
)
from .subfolder_project import HEAD, HEAD_FILE, assert_clean, assert_unjudged, change_and_check
from .test_adapter import FILE, PAGE, installed
from .test_managers import our_repository
from .typed_advice import follow

__all__ = ["installed", "our_repository"]

#: The command on a machine without binaries of MySQL or MariaDB: no folder is looked into.
WITHOUT_MYSQL = """\
from alembic_lockstep.scratch import mysql_installs
mysql_installs._directories = lambda: iter(())
from alembic_lockstep.cli import entry
entry()
"""


def test_binaries_of_mariadb_that_are_missing_are_installed(make_project: MakeProject) -> None:
    """To install them takes the administrator; apt says what it would do, and they are here."""
    require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
    shop = make_project("subfolder", hook=None, config_url=MYSQL_URL)
    usual, shop.start_check = shop.start_check, ("-c", WITHOUT_MYSQL)
    result = change_and_check(shop)
    assert_unjudged(result, "no MySQL or MariaDB server could be started for scratch databases")
    (command,) = re.findall(r"^ +apt-get (install .*)$", result.stderr, re.MULTILINE)
    if shutil.which("apt-get") is not None:
        apt = ("apt-get", "--simulate", *command.split())
        simulated = subprocess.run(apt, capture_output=True, text=True, check=False)
        assert simulated.returncode == 0, simulated.stderr
    shop.start_check = usual
    assert_clean(shop.check(), "2 revisions run from empty on M")


@pytest.mark.parametrize("url", [POSTGRESQL_URL, MYSQL_URL], ids=["postgresql", "mysql"])
def test_a_statement_of_the_set_up_that_fails_is_corrected_or_removed(
    make_project: MakeProject, url: str
) -> None:
    is_there = any(mysql_installs._servers()) if url == MYSQL_URL else server_answers()
    require(is_there, f"server for {url}")
    shop = make_project("subfolder", hook=None, config_url=url)
    force_postgres(shop.environ, "url")
    if url == MYSQL_URL:  # a private server
        del shop.environ["ALEMBIC_LOCKSTEP_SCRATCH"]
    set_up(shop, "CREATE TABLE sales (id INT)", "CREATE TABEL reports (id INT)")
    result = change_and_check(shop)
    said = "statement 2 of scratch.setup failed: "
    assert_unjudged(result, said, "Correct the statement in scratch.setup, or remove it.")
    set_up(shop, "CREATE TABLE sales (id INT)", "CREATE TABLE reports (id INT)")
    assert_clean(shop.check())
    set_up(shop, "CREATE TABLE sales (id INT)")
    assert_clean(shop.check())


#: A database at the head of which nothing more is known.
STAMPED = f"""\
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('{HEAD}');
"""


@pytest.mark.parametrize("where", ["behind run", "on another dialect's server"])
def test_what_cannot_start_from_the_models_starts_from_a_file(
    make_project: MakeProject, installed: Path, where: str
) -> None:
    """No database is copied there, and the oldest revision fails."""
    is_sqlite = where == "behind run"
    require(shutil.which("sqlite3") is not None if is_sqlite else server_answers(), where)
    url = None if is_sqlite else POSTGRESQL_URL
    shop = make_project("subfolder", hook=None, config_url=url)
    if is_sqlite:
        shop.write(
            "pyproject.toml", f'[tool.alembic-lockstep]\nrun = ["env"]\npython = "{shop.python}"\n'
        )
        assert shop.alembic("upgrade", "head").returncode == 0
        shop.database.rename(shop.root / "app.db")
    else:
        own = SCRATCH_SERVER.replace("postgresql:", "postgresql+psycopg:")
        shop.environ |= {"ALEMBIC_LOCKSTEP_SCRATCH": own, "PYTHONPATH": str(installed)}
        shop.write("start.sql", STAMPED)
    shop.replace(
        HEAD_FILE, "    op.create_index(", "    op.drop_table('parcels')\n    op.create_index("
    )
    shop.git("commit", "--quiet", "--all", "-m", "It fails")
    if is_sqlite:
        shop.stage("pyproject.toml")
    result = change_and_check(shop)
    said = "does not outlive it" if is_sqlite else "cannot be copied"
    assert_unjudged(result, said, "so the migrations cannot start from the base's models")
    assert_clean(follow(shop, result), "0 revisions run from start.sql")


def set_up(shop: Project, *statements: str) -> None:
    setting = f"[tool.alembic-lockstep]\nscratch.setup = {json.dumps(statements)}\n"
    shop.write("pyproject.toml", setting)
    shop.stage("pyproject.toml")


HOOK = """\
repos:
  - repo: ../our repository
    rev: v0.1.0
    hooks:
      - id: alembic-lockstep
        {line}
"""


def write_hook(shop: Project, line: str) -> None:
    """Write pre-commit's configuration with a line of the hook, and install it."""
    shop.write(".pre-commit-config.yaml", HOOK.format(line=line))
    shop.stage(".pre-commit-config.yaml")
    install = (sys.executable, "-m", "pre_commit", "install")
    run(install, cwd=shop.root, environ=shop.environ, check=True)


@pytest.fixture(scope="session")
def example(session_cache: SessionCache, pip: Callable[..., None]) -> Path:
    """The folder with a wheel of the page's example of a package for another dialect."""

    def build(new: Path) -> None:
        for name, text in FILE.findall(PAGE.read_text()):
            (new / name).write_text(text)
        pip("wheel", "--quiet", "--no-deps", "--wheel-dir", str(new / "dist"), ".", cwd=new)

    return session_cache("example", build) / "dist"


@pytest.mark.nightly("another test installs an extra that is missing")
def test_another_dialects_server_and_packages_are_named_at_the_hook(
    make_project: MakeProject, our_repository: Path, wheelhouse: dict[str, str], example: Path
) -> None:
    require(server_answers(), "PostgreSQL server")
    shop = make_project("subfolder", hook=None, config_url=POSTGRESQL_URL)
    (shop.root.parent / "our repository").symlink_to(our_repository)
    shop.environ |= wheelhouse
    shop.environ["PIP_FIND_LINKS"] += f" {example}"
    write_hook(shop, "additional_dependencies: [lockstep-example]")
    where = shop.add_column()
    shop.stage(shop.sample.models)
    refused = shop.commit()
    assert "scratch databases of the dialect 'postgresql' need a server" in refused.stderr
    printed = re.findall(r"(?m)^ +(urls = .*|additional_dependencies: .*)$", refused.stderr)
    setting, dependencies = printed
    own = SCRATCH_SERVER.replace("postgresql:", "postgresql+psycopg:")
    setting = re.sub(r'"(.*)"', f'"{own}"', setting)
    shop.write("pyproject.toml", f"[tool.alembic-lockstep.scratch]\n{setting}\n")
    write_hook(shop, dependencies)
    shop.stage("pyproject.toml")
    blocked = shop.commit()
    assert blocked.returncode == 1, blocked.output
    assert where in blocked.output
    assert "missing-migration" in blocked.output
