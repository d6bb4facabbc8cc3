"""The sample `subfolder`: its files, migrations and checks, and assertions about verdicts."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

from .harness import Project, Result

INI, ENV = "service/alembic.ini", "service/alembic/env.py"
INIT, MODELS = "service/shop/__init__.py", "service/shop/models.py"
VERSIONS = "service/alembic/versions"
FIRST, HEAD = "1a4b7c20d9e3", "5e0f93b61c7a"
FIRST_FILE, HEAD_FILE = f"{VERSIONS}/{FIRST}_customers.py", f"{VERSIONS}/{HEAD}_orders.py"

#: Adds the column of `Project.add_column()`.
ADD_PAID = "op.add_column('orders', sa.Column('paid', sa.Boolean()))"
#: The way back of an `upgrade()`; all others say that there is none.
DOWNGRADES = {"pass": "pass", ADD_PAID: "op.drop_column('orders', 'paid')"}

#: More by hand: LOCKSTEP_EXAMPLES=300. Here the same few each time, so that no commit is blocked
#: for what it did not do.
EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "0"))
some_examples = settings(
    max_examples=EXAMPLES or 4,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

MIGRATION = '''"""A migration."""
from alembic import op
import sqlalchemy as sa

revision = {id!r}
down_revision = {down!r}
branch_labels = None
depends_on = {depends_on!r}


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
'''


def migration_text(
    revision: str,
    down: str | tuple[str, ...] | None = HEAD,
    upgrade: str = "pass",
    *,
    downgrade: str = "",
    depends_on: str | None = None,
) -> str:
    """Return a migration, by default one that does nothing."""
    downgrade = downgrade or DOWNGRADES.get(upgrade, "raise NotImplementedError")
    return MIGRATION.format(
        id=revision, down=down, depends_on=depends_on, upgrade=upgrade, downgrade=downgrade
    )


def add_migration(
    project: Project,
    revision: str,
    down: str | tuple[str, ...] | None = HEAD,
    upgrade: str = "pass",
    *,
    downgrade: str = "",
    depends_on: str | None = None,
    staged: bool = True,
) -> str:
    """Write a migration, by default one that does nothing, and stage it; return its path."""
    path = f"{VERSIONS}/{revision}_test.py"
    text = migration_text(revision, down, upgrade, downgrade=downgrade, depends_on=depends_on)
    project.write(path, text)
    if staged:
        project.stage(path)
    return path


def change_and_check(project: Project, *arguments: str, once: bool = False) -> Result:
    """Stage all tracked files and a note, then run the tool.

    Args:
        once: Not both ways: see `Project.check`.
    """
    project.write("notes.txt", "Something to commit.\n")
    project.git("add", "--update")
    project.stage("notes.txt")
    return project.check(*arguments, once=once)


def assert_clean(result: Result, *said: str) -> None:
    assert result.returncode == 0, result.output
    _assert_said(result, said)


def assert_finding(result: Result, *said: str) -> None:
    assert result.returncode == 1, result.output
    _assert_said(result, said)


def assert_unjudged(result: Result, *said: str) -> None:
    """Assert that a check blocked with one message that has all these texts, and no bug of ours."""
    assert result.returncode == 2, result.output
    assert result.stdout == "", result.output
    assert result.stderr.count("could not judge: ") == 1, result.output
    _assert_said(result, said)


def _assert_said(result: Result, said: tuple[str, ...]) -> None:
    missing = [words for words in said if words not in result.output]
    assert not missing, f"{missing} not in:\n{result.output}"
    for ours in ("alembic_lockstep/", "internal error"):
        assert ours not in result.output, result.output


def processes_of(project: Project) -> list[str]:
    """Return the commands of all processes that run in the project's folder."""
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            folder = str((process / "cwd").readlink())
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if folder.startswith(str(project.root)):
            commands.append(command)
    return commands
