"""Hooks that run at once, and hooks that are killed whenever: the next verdict is right."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from .conftest import MakeProject
from .harness import (
    SERVER_OF_PRODUCTION,
    Project,
    force_postgres,
    machine_has_binaries,
    require,
    workplace,
)
from .samples import SAMPLES
from .subfolder_project import EXAMPLES
from .test_kill import git_state, left_after_patience, marked

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

MIGRATION = '''\
"""completed"""
import sqlalchemy as sa
from alembic import op

revision = "c0ffee"
down_revision = "b7a90c45e1d8"


def upgrade():
    op.add_column("games", sa.Column("completed_at", sa.DateTime()))


def downgrade():
    op.drop_column("games", "completed_at")
'''
CLEAN, FINDINGS = 0, 1


@pytest.fixture(params=["sqlite", "binaries"])
def game(request: pytest.FixtureRequest, make_project: MakeProject) -> Project:
    """The trivia game with a column staged, whose migration is missing."""
    if request.param == "sqlite":
        project = make_project("trivia", hook=None)
    else:
        require(machine_has_binaries(), "server binaries of PostgreSQL")
        url = f"postgresql://{SERVER_OF_PRODUCTION}"
        project = make_project("trivia", config_url=url, hook=None)
        force_postgres(project.environ, "binaries")
    project.add_column()
    project.stage(".")
    return project


@pytest.fixture
def with_migration(game: Project) -> Project:
    """A linked worktree of the game in which the migration is staged, too."""
    root = game.root.with_name("another worktree")
    game.git("worktree", "add", "--quiet", "-b", "other", str(root))
    other = Project(SAMPLES["trivia"], root, game.environ, url_environ=game.url_environ)
    other.add_column()
    other.write("migrations/versions/c0ffee.py", MIGRATION)
    other.stage(".")
    return other


def start(project: Project, mark: str) -> subprocess.Popen[bytes]:
    name, _, value = mark.partition("=")
    return subprocess.Popen(
        [sys.executable, "-m", "alembic_lockstep", "check"],
        cwd=project.root,
        env={**project.environ, **project.url_environ, name: value},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


@pytest.fixture
def mark() -> Iterator[str]:
    """A variable by which every process that is started with it is known, and none outlives."""
    mark = f"LOCKSTEP_TEST={uuid4()}"
    yield mark
    assert not left_after_patience(marked(mark)), "processes outlive the hook"


@pytest.mark.nightly("the other tests of this module")
def test_two_worktrees_at_once_again_and_again(
    game: Project, with_migration: Project, mark: str
) -> None:
    before = [git_state(project) for project in (game, with_migration)]
    for _ in range(max(3, EXAMPLES)):
        runs = [start(project, mark) for project in (game, with_migration)]
        said = [run.communicate(timeout=120)[1].decode() for run in runs]
        assert [run.returncode for run in runs] == [FINDINGS, CLEAN], said
    assert [git_state(project) for project in (game, with_migration)] == before


@pytest.mark.nightly("test_kill")
def test_killed_again_and_again(game: Project, mark: str) -> None:
    before = git_state(game)
    usual = seconds_of_a_check(game)
    rest = random.Random(2026)
    for number in range(max(5, EXAMPLES)):
        run = start(game, mark)
        time.sleep(rest.uniform(0, usual))
        run.send_signal(signal.SIGKILL)
        run.communicate()
        assert not left_after_patience(marked(mark)), "processes outlive the hook"
        assert git_state(game) == before
        if number % 5 == 4:
            assert game.check().returncode == FINDINGS
            assert left_by_runs(game) == []


def seconds_of_a_check(project: Project) -> float:
    began = time.monotonic()
    assert project.check(once=True).returncode == FINDINGS  # the time of one
    return time.monotonic() - began


def left_by_runs(project: Project) -> list[str]:
    """Return files that no run needs again: locks of git's, and files of runs that are dead."""
    own, work = project.root / ".git/alembic-lockstep", workplace(project)
    expected = {own / "interpreter.json", own / "indexes", own / "indexes" / "0.lock"}
    expected |= {work / "used", work / "slots", work / "slots" / "0", work / "slots" / "0.lock"}
    files = [*own.glob("*"), *own.glob("indexes/0/*"), *(project.root / ".git").rglob("*.lock")]
    files += [*work.glob("*"), *work.glob("slots/*"), *work.glob("slots/0/work/scratch/*")]
    return [str(file) for file in files if file not in expected]
