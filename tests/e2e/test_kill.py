"""kill -9 in the middle of an upgrade leaves nothing behind that the next run does not clear."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from .conftest import MakeProject
from .harness import (
    SCRATCH_SERVER,
    SERVER_OF_PRODUCTION,
    Project,
    force_postgres,
    machine_has_binaries,
    require,
    server_answers,
)

pytestmark = [
    pytest.mark.real_start,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc"),
]

PATIENCE = 60.0

#: Tells the test which process upgrades which database, and then never ends.
SLEEPER = '''"""sleep

Revision ID: 5eec0ffee000
Revises: b7a90c45e1d8
"""
import os
import time

from alembic import op

revision = "5eec0ffee000"
down_revision = "b7a90c45e1d8"
branch_labels = None
depends_on = None


def upgrade():
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        with op.get_context().autocommit_block():
            op.execute("CREATE ROLE {role}")
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        database = bind.exec_driver_sql("PRAGMA database_list").fetchone()[2]
    else:
        database = bind.exec_driver_sql("SELECT current_database()").scalar()
    with open({marker!r} + ".new", "w") as file:
        file.write(f"{{os.getpid()}}\\n{{database}}\\n")
    os.rename({marker!r} + ".new", {marker!r})
    time.sleep(3600)


def downgrade():
    raise NotImplementedError
'''
MIGRATION = "migrations/versions/5eec0ffee000_sleep.py"


@dataclass(frozen=True)
class Process:
    """A process; its start time tells it from a later one with the same number."""

    pid: int
    parent: int
    group: int
    began: int

    @property
    def identity(self) -> tuple[int, int]:
        return self.pid, self.began

    def kill(self) -> None:
        if self.identity in {process.identity for process in processes()}:
            os.kill(self.pid, signal.SIGKILL)


@dataclass
class Run:
    """A run of the tool, asleep in the middle of an upgrade."""

    project: Project
    command: subprocess.Popen[bytes]
    all: set[Process]
    upgrading: int
    database: str

    @property
    def of_command(self) -> list[Process]:
        return [process for process in self.all if process.pid == self.command.pid]

    @property
    def of_probe(self) -> list[Process]:
        return [process for process in self.all if process.pid == self.upgrading]

    @property
    def of_group(self) -> list[Process]:
        """The command's process group, the command first."""
        group = [process for process in self.all if process.group == self.command.pid]
        return sorted(group, key=lambda process: process.began)


@dataclass(frozen=True)
class GitState:
    """All that a killed hook could have spoilt."""

    status: str
    stashes: str
    head: str
    index: bytes


@pytest.fixture(params=["sqlite", "url", "binaries"])
def way(request: pytest.FixtureRequest) -> str:
    way: str = request.param
    if way == "url":
        require(server_answers(), "PostgreSQL server")
    if way == "binaries":
        require(machine_has_binaries(), "server binaries of PostgreSQL")
    return way


@pytest.fixture
def asleep(make_project: MakeProject, tmp_path: Path, way: str) -> Iterator[Run]:
    url = None if way == "sqlite" else f"postgresql://{SERVER_OF_PRODUCTION}"
    project = make_project("trivia", config_url=url, hook=None)
    if way != "sqlite":
        force_postgres(project.environ, way)
    marker = tmp_path / "marks" / "upgrading"
    marker.parent.mkdir()
    project.allow_write(marker.parent)
    text = SLEEPER.format(marker=str(marker), role=f"sleepy_{uuid4().hex[:8]}")
    project.write(MIGRATION, text)
    project.write("README.md", "# Trivia\n")
    project.stage(MIGRATION, "README.md")
    project.write("README.md", "# Trivia, as nobody staged it\n")
    run = start(project, marker)
    yield run
    for process in run.all:
        process.kill()
    run.command.wait()


@pytest.mark.parametrize(
    "victims",
    [
        pytest.param(lambda run: run.of_command, id="the command"),
        pytest.param(lambda run: run.of_probe, id="the probe"),
        pytest.param(lambda run: run.of_group, id="the group one by one"),
    ],
)
def test_kill_leaves_no_process_no_database_and_git_as_it_was(
    asleep: Run, victims: Callable[[Run], list[Process]], way: str
) -> None:
    project = asleep.project
    before = git_state(project)
    for victim in victims(asleep):
        victim.kill()
    asleep.command.wait(PATIENCE)
    assert not left_after_patience(asleep.all), "processes outlive the hook"
    assert git_state(project) == before
    assert_next_run_clears(project, asleep.database, way)


def assert_next_run_clears(project: Project, database: str, way: str) -> None:
    awake = project.read(MIGRATION).replace("    time.sleep(3600)\n", "")
    project.write(MIGRATION, awake)
    project.stage(MIGRATION)
    before = git_state(project)
    result = project.check(once=True)  # it is the next run that has to clear
    assert result.returncode == 0, result.output
    assert git_state(project) == before
    if way == "sqlite":
        assert not Path(database).exists()
    elif way == "url":
        assert database not in databases()
        assert not [name for name in roles() if f'CREATE ROLE {name}"' in awake]


def start(project: Project, marker: Path) -> Run:
    """Start the tool and wait until the migration sleeps."""
    mark = f"LOCKSTEP_TEST={uuid4()}"
    environ = {**project.environ, **project.url_environ, **dict([mark.split("=")])}
    output = marker.with_name("output")
    with output.open("wb") as file:
        command = subprocess.Popen(
            [sys.executable, "-m", "alembic_lockstep", "check"],
            cwd=project.root,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    end = time.monotonic() + PATIENCE
    while not marker.exists():
        if command.poll() is not None or time.monotonic() > end:
            command.kill()
            command.wait()
            pytest.fail(f"no upgrade began:\n{output.read_text()}")
        time.sleep(0.05)
    number, database = marker.read_text().splitlines()
    everything = descendants(command.pid) | marked(mark)
    (upgrading,) = (process.pid for process in everything if _own_number(process.pid) == number)
    return Run(project, command, everything, upgrading, database)


def _own_number(pid: int) -> str:
    """Return the number that a process knows itself by: its PID namespace may be another."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1]


def git_state(project: Project) -> GitState:
    return GitState(
        status=project.git("--no-optional-locks", "status", "--porcelain"),
        stashes=project.git("stash", "list"),
        head=project.git("rev-parse", "HEAD"),
        index=(project.root / project.git("rev-parse", "--git-path", "index")).read_bytes(),
    )


def databases() -> set[str]:
    with psycopg.connect(SCRATCH_SERVER) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def roles() -> set[str]:
    with psycopg.connect(SCRATCH_SERVER) as connection:
        return {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}


def processes() -> set[Process]:
    """Read which processes there are; the dead whom nobody has waited for are not counted."""
    processes = (
        _read_process(folder) for folder in Path("/proc").iterdir() if folder.name.isdigit()
    )
    return {process for process in processes if process is not None}


def descendants(pid: int) -> set[Process]:
    """Give a process and all below it."""
    everybody = processes()
    family = {process for process in everybody if process.pid == pid}
    while True:
        pids = {process.pid for process in family}
        children = {process for process in everybody if process.parent in pids} - family
        if not children:
            return family
        family |= children


def marked(mark: str) -> set[Process]:
    """Give the processes that inherited a variable, whoever is their parent now."""
    return {process for process in processes() if mark.encode() in _environ(process.pid)}


def left_after_patience(started: set[Process]) -> set[Process]:
    """Wait for processes to end; give those that did not."""
    identities = {process.identity for process in started}
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        left = {process for process in processes() if process.identity in identities}
        if not left:
            break
        time.sleep(0.1)
    return left


def _read_process(folder: Path) -> Process | None:
    try:
        # The name, in brackets, may hold anything: what is of use comes after it.
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in "ZX":
        return None
    return Process(int(folder.name), int(fields[1]), int(fields[2]), int(fields[19]))


def _environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
