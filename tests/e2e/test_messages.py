"""Everything that goes wrong: what happened, where, and what to type; exit code 2."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import Project
from .subfolder_project import (
    HEAD,
    INIT,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
    change_and_check,
)

SETTINGS = """\
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    shop_database: str
    shop_secret: str


Settings()
"""

#: What the application does while it is imported, and what is said of it.
FAILURES = {
    "a missing distribution": (
        "import redis_of_another_world",
        "ModuleNotFoundError: No module named 'redis_of_another_world' "
        "(service/shop/__init__.py:1)\n",
        "Install what provides 'redis_of_another_world' into the project's environment",
        'python = "path/to/python"',
    ),
    "a variable without an underscore": (
        "import os\nos.environ['DATABASE']",
        "KeyError: 'DATABASE' (service/shop/__init__.py:2)\n",
        '[tool.alembic-lockstep.env]\n    DATABASE = "a value for dry runs"',
    ),
    "a settings class": (
        SETTINGS,
        "ValidationError: 2 validation errors for Settings; shop_database has no value; "
        "shop_secret has no value (service/shop/__init__.py:9)\n",
        "(with the prefix of the settings class, if it has one)",
        'SHOP_DATABASE = "a value for dry runs"\n    SHOP_SECRET = "a value for dry runs"',
    ),
    "an error below other code": (
        "def start():\n    raise ValueError('two\\nlines')\n\n\nstart()",
        "ValueError: two (service/shop/__init__.py:2)\n",
    ),
    "a syntax error": (
        "def start(:\n    pass",
        "SyntaxError: invalid syntax (__init__.py, line 1) (service/shop/__init__.py:1)\n",
    ),
    "an exit": ("raise SystemExit(3)", "SystemExit: 3 (service/shop/__init__.py:1)\n"),
    "an exit without a word": (
        "import os\nos._exit(7)",
        "the project's Python ended with exit code 7; the dry run was before the first revision\n",
    ),
    "a crash": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
        "the project's Python was killed by SIGSEGV; the dry run was before the first revision\n",
    ),
    "a recursion": (
        "def more(): more()\n\n\nmore()",
        "RecursionError: maximum recursion depth exceeded",
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_application_that_does_not_start(shop: Project, failure: str) -> None:
    code, *said = FAILURES[failure]
    shop.write(INIT, code + "\n")
    assert_unjudged(change_and_check(shop), *said)


def test_a_flask_application_that_flask_does_not_find_is_proposed(
    make_project: MakeProject,
) -> None:
    project = make_project("trivia", hook=None)
    project.git("rm", "--quiet", "-f", "pyproject.toml")
    project.write("backend/deep/wiring.py", project.read("backend/app.py"))
    project.git("rm", "--quiet", "-f", "backend/app.py")
    project.stage(".")
    named = '[tool.alembic-lockstep]\nflask-app = "backend.deep.wiring:create_app"\n'
    said = ("Could not locate a Flask application", named.replace("\n", "\n    ").rstrip(" "))
    assert_unjudged(change_and_check(project), *said)
    project.write("pyproject.toml", named)
    project.stage("pyproject.toml")
    assert_clean(project.check())
    project.write(
        "backend/models.py", "import of_another_world\n" + project.read("backend/models.py")
    )
    assert_unjudged(
        change_and_check(project),
        "ModuleNotFoundError: No module named 'of_another_world' (backend/models.py:1)\n",
        ": was used\n",
    )


def test_an_end_in_the_middle_of_a_migration(shop: Project) -> None:
    add_migration(shop, "abababababab", HEAD, "import os; os._exit(7)")
    assert_unjudged(change_and_check(shop), "the dry run was at revision abababababab, 1 of 1\n")


def test_a_migration_that_takes_too_long(shop: Project) -> None:
    shop.write("pyproject.toml", "[tool.alembic-lockstep]\ntimeout = 12\n")
    add_migration(shop, "abababababab", HEAD, "import time; time.sleep(60)")
    shop.stage(".")
    assert_unjudged(
        change_and_check(shop),
        "the dry run took longer than 12 seconds; it was at revision abababababab, 1 of 1\n",
        "[tool.alembic-lockstep]\n    timeout = 900",
    )


def test_a_migration_without_upgrade_is_shown(shop: Project) -> None:
    path = add_migration(shop, "abababababab", HEAD)
    shop.replace(path, "def upgrade():", "def upgrad():")
    assert_finding(
        change_and_check(shop),
        f"{path}:1:1: broken-upgrade: upgrade() of abababababab fails: "
        "CommandError: it has no function upgrade()",
    )


#: What a migration wants that an empty database lacks, and what is said of it.
LACKING = {
    "a schema": (
        "op.execute('CREATE TABLE sales.t (id int)')",
        'setup = ["CREATE SCHEMA \\"sales\\""]',
    ),
    "an extension": (
        "op.execute('CREATE TABLE t (name citext)')",
        'setup = ["CREATE EXTENSION citext"]',
    ),
    "a role": ("op.execute('SET ROLE reporting')", 'setup = ["CREATE ROLE \\"reporting\\""]'),
}


@pytest.mark.parametrize("thing", LACKING)
def test_what_the_databases_had_before_any_migration(
    shop_on_postgresql: Project, thing: str
) -> None:
    upgrade, setup = LACKING[thing]
    add_migration(shop_on_postgresql, "abababababab", HEAD, upgrade)
    assert_finding(change_and_check(shop_on_postgresql), "broken-upgrade", setup)


def test_what_the_scratch_server_lacks_is_no_fault_of_the_migration(
    shop_on_postgresql: Project,
) -> None:
    said = ('extension "no_such" is not available', "[tool.alembic-lockstep.scratch]", "urls = [")
    migration = add_migration(
        shop_on_postgresql, "abababababab", HEAD, "op.execute('CREATE EXTENSION no_such')"
    )
    assert_unjudged(change_and_check(shop_on_postgresql), *said, migration)
    shop_on_postgresql.git("rm", "--quiet", "--force", migration)
    settings = '[tool.alembic-lockstep.scratch]\nsetup = ["CREATE EXTENSION no_such"]\n'
    shop_on_postgresql.write("pyproject.toml", settings)
    shop_on_postgresql.stage("pyproject.toml")
    assert_unjudged(change_and_check(shop_on_postgresql), *said, "statement 1 of scratch.setup")


def test_a_connection_that_dies_is_not_put_down_to_the_migration(
    shop_on_postgresql: Project,
) -> None:
    die = "op.execute('SELECT pg_terminate_backend(pg_backend_pid())')"
    add_migration(shop_on_postgresql, "abababababab", HEAD, die)
    assert_unjudged(change_and_check(shop_on_postgresql), "terminating connection")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    mount_point = tmp_path / "small disk"
    mount_point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(mount_point)]
    done = subprocess.run(mount, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("a file system can only be mounted by root")
    yield mount_point
    subprocess.run(["umount", "--lazy", str(mount_point)], check=True)


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filling, suppress(OSError):
        while True:
            filling.write(b"0" * 4096)


def test_a_full_disk(make_project: MakeProject, small_disk: Path) -> None:
    shop = make_project("subfolder", hook=None)
    shop.add_column()
    shop.stage(".")
    git_dir = shop.root / ".git/alembic-lockstep"
    git_dir.symlink_to(small_disk)
    fill(small_disk / "filling")
    # Once each: what a run leaves there is room that the next one lacks.
    assert_unjudged(shop.check(once=True), "No space left on device")
    for free in range(2**16, 2**20, 2**17):  # bytes; wherever they run out
        os.truncate(small_disk / "filling", 3 * 2**20 - free)
        result = shop.check(once=True)
        if result.returncode == 1:
            break
        assert_unjudged(result)
    os.truncate(small_disk / "filling", 0)
    assert_finding(shop.check(), "missing-migration")


def test_a_git_directory_on_a_file_system_that_is_read_only(
    make_project: MakeProject, small_disk: Path
) -> None:
    shop = make_project("subfolder", hook=None)
    shop.add_column()
    shop.stage(".")
    shutil.move(shop.root / ".git", small_disk / "git")
    (shop.root / ".git").write_text(f"gitdir: {small_disk}/git\n")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert_unjudged(shop.check(), f"{small_disk}/git/alembic-lockstep", "Read-only file system")


def test_a_configuration_under_another_name_is_not_new(make_project: MakeProject) -> None:
    project = make_project("old_drift", hook=None)
    project.git("mv", "alembic.ini", "database.ini")
    assert_clean(project.check(), "older difference")


def test_a_commit_that_mends_the_configuration_may_land(shop: Project) -> None:
    whole = shop.read("service/alembic.ini")
    shop.write("service/alembic.ini", whole.replace("[alembic]", "[alembic]\n[alembic]"))
    shop.git("commit", "--quiet", "-am", "A broken configuration")
    shop.write("service/alembic.ini", whole)
    assert_clean(change_and_check(shop))
