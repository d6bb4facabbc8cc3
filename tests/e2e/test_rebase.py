"""`alembic-lockstep rebase`: two heads of which one is this branch's own become one."""

from __future__ import annotations

import shlex
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from .branches import PAID, advance_main, change_models, commit, migrate
from .harness import Project, Result, run
from .subfolder_project import (
    ADD_PAID,
    HEAD,
    MODELS,
    VERSIONS,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
)

OWN, OTHER = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
OWN_FILE = f"{VERSIONS}/{OWN}_test.py"
BACK = "op.drop_column('orders', 'paid')"


def rebase(project: Project, *arguments: str) -> Result:
    command = (sys.executable, "-m", "alembic_lockstep", "rebase", *arguments)
    return run(command, cwd=project.root, environ={**project.environ, **project.url_environ})


@pytest.fixture
def collision(shop: Project, remote: Path) -> Project:
    """A branch with a column and its migration, and another migration on main since."""
    del remote
    change_models(shop)
    migrate(shop, OWN)
    shop.replace(OWN_FILE, "A migration.", f"A migration.\n\nRevises: {HEAD}\n")
    commit(shop, "With a way back")
    advance_main(shop, OTHER)
    return shop


def begin_merge(project: Project) -> None:
    project.git("merge", "--quiet", "--no-commit", "--no-ff", "main")


def begin_rebase(project: Project) -> None:
    """Stop the rebase at the last of the three commits."""
    environ = {**project.environ, "GIT_SEQUENCE_EDITOR": "sed -i '3s/^pick/edit/'"}
    command = ("git", "rebase", "--quiet", "--interactive", "main")
    run(command, cwd=project.root, environ=environ, check=True)


def finish_merge(project: Project) -> None:
    begin_merge(project)
    commit(project, "Merge main")


def finish_rebase(project: Project) -> None:
    project.git("rebase", "--quiet", "main")


@pytest.mark.sampled(4)
@pytest.mark.parametrize("state", [begin_merge, finish_merge, begin_rebase, finish_rebase])
def test_the_own_migration_is_put_on_the_others(
    collision: Project, state: Callable[[Project], None]
) -> None:
    state(collision)
    before = collision.read(OWN_FILE)
    result = rebase(collision)
    assert_clean(result, f"-Revises: {HEAD}", f"+down_revision = '{OTHER}'", "Written and staged")
    after = before.replace(f"Revises: {HEAD}", f"Revises: {OTHER}")
    assert collision.read(OWN_FILE) == after.replace(f"= '{HEAD}'", f"= '{OTHER}'")
    assert collision.git("diff", "--name-only") == ""
    assert_clean(
        collision.check("--base", "main") if "commit" in state.__name__ else collision.check()
    )
    assert "There is one head" in rebase(collision).stdout


def columns(database: Path) -> dict[str, set[str]]:
    """Return the columns of each table."""
    with sqlite3.connect(database) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
        tables = {name: connection.execute(f"PRAGMA table_info('{name}')") for name in names}
        return {name: {row[1] for row in rows} for name, rows in tables.items()}


def commands_of(result: Result) -> list[str]:
    """Return the commands for databases, in the environment of the tests."""
    lines = (line.strip() for line in result.stdout.splitlines() if line.startswith("    "))
    return [line for line in lines if "alembic " in line and " rebase" not in line]


def type_commands(project: Project, commands: Sequence[str], database: Path) -> None:
    """Type the printed commands with the project's database at this path."""
    database.replace(project.database)
    environ = {**project.environ, **project.url_environ}
    for command in commands:
        typed = command.replace("alembic ", f"{shlex.quote(str(project.python))} -m alembic ", 1)
        run(("bash", "-ec", typed), cwd=project.root, environ=environ, check=True)
    project.database.replace(database)


def upgraded(project: Project, name: str) -> Path:
    """Return a database at the head of what is checked out."""
    project.database.unlink(missing_ok=True)
    result = project.alembic("upgrade", "head")
    assert result.returncode == 0, result.output
    return project.database.replace(project.root.with_name(name))


def databases_end_alike(project: Project, result: Result, *old: Path) -> None:
    """Assert that databases at either old head come to the end of a fresh one."""
    fresh = columns(upgraded(project, "fresh.db"))
    for database in old:
        way = commands_of(result) if "main" not in database.name else commands_of(result)[-1:]
        type_commands(project, way, database)
        assert columns(database) == fresh


@pytest.mark.sampled(2)
@pytest.mark.parametrize("arguments", [(), ("--merge",)], ids=["rebase", "merge"])
def test_databases_at_either_head_come_to_the_same_end(
    collision: Project, arguments: tuple[str, ...]
) -> None:
    own = upgraded(collision, "own.db")
    collision.git("switch", "--quiet", "main")
    other = upgraded(collision, "main.db")
    collision.git("switch", "--quiet", "feature")
    finish_merge(collision)
    result = rebase(collision, *arguments)
    assert_clean(result, "Written and staged")
    databases_end_alike(collision, result, own, other)


def test_what_would_be_blocked_is_not_written(collision: Project) -> None:
    """The other branch has added the same column."""
    collision.git("switch", "--quiet", "main")
    path = f"{VERSIONS}/{OTHER}_test.py"
    collision.replace(path, "upgrade():\n    pass", f"upgrade():\n    {ADD_PAID}")
    collision.replace(MODELS, collision.sample.after, collision.sample.after + PAID)
    commit(collision, "Paid, too")
    collision.git("push", "--quiet", "origin", "main")
    collision.git("switch", "--quiet", "feature")
    begin_merge(collision)
    before = collision.read(OWN_FILE)
    result = rebase(collision)
    assert_finding(result, "broken-upgrade", "duplicate column", "Nothing was written")
    assert collision.read(OWN_FILE) == before


def test_an_own_migration_without_a_way_back_is_said_to_need_a_new_database(
    collision: Project,
) -> None:
    collision.replace(OWN_FILE, BACK, "pass")
    commit(collision, "No way back")
    begin_merge(collision)
    assert_clean(
        rebase(collision), "the way back does not work", "rebase --merge", "broken-downgrade"
    )


def test_edits_that_are_not_staged_are_staged_first(collision: Project) -> None:
    begin_merge(collision)
    collision.write(OWN_FILE, collision.read(OWN_FILE) + "\n# More.\n")
    command = f"git add :/{OWN_FILE}"
    assert_unjudged(rebase(collision), "edits that are not staged", command)
    run(("bash", "-ec", command), cwd=collision.root, environ=collision.environ, check=True)
    assert_clean(rebase(collision), "Written and staged")


def test_two_heads_of_main_are_merged(collision: Project) -> None:
    begin_merge(collision)
    commit(collision, "Merge")
    collision.git("push", "--quiet", "origin", "feature:main")
    assert_unjudged(rebase(collision), "can be put on another", "alembic-lockstep rebase --merge")
    assert_clean(rebase(collision, "--merge"), "Written and staged")


def test_with_one_head_the_branch_is_brought_up_to_date_first(collision: Project) -> None:
    result = rebase(collision)
    assert_clean(result, "There is one head", "git rebase origin/main")


COLUMNS = [(table, f"c{number}") for number in range(8) for table in ("orders", "customers")]


def grow(project: Project, name: str, rng: Random, left: list[tuple[str, str]]) -> None:
    """Commit one to four migrations on top of the head, each with a column or two."""
    down = project.alembic("heads").stdout.split()[0]
    for number in range(rng.randint(1, 4)):
        revision = f"{name}{number}{rng.getrandbits(32):08x}"
        chosen = [left.pop(rng.randrange(len(left))) for _ in range(rng.randint(1, 2)) if left]
        added = [f"op.add_column('{t}', sa.Column('{c}', sa.Integer()))" for t, c in chosen]
        dropped = [f"op.drop_column('{t}', '{c}')" for t, c in reversed(chosen)]
        upgrade, downgrade = ("\n    ".join(lines) or "pass" for lines in (added, dropped))
        add_migration(project, revision, down, upgrade, downgrade=downgrade)
        down = revision
        commit(project, f"{revision} of {name}")


@pytest.mark.sampled(20)
@pytest.mark.parametrize("seed", range(20))
def test_generated_collisions_end_in_one_head(shop: Project, seed: int) -> None:
    """The models have all columns from the beginning: old differences, which the branches mend."""
    rng = Random(seed)
    left = COLUMNS.copy()
    mapped = "".join(f"    c{number}: Mapped[Optional[int]]\n" for number in range(8))
    shop.replace(MODELS, shop.sample.after, shop.sample.after + mapped)
    name = "    name: Mapped[Optional[str]] = mapped_column(String(100))\n"
    shop.replace(MODELS, name, name + mapped)
    commit(shop, "Columns to come")
    shop.git("switch", "--quiet", "-c", "feature")
    grow(shop, "own", rng, left)
    shop.git("switch", "--quiet", "main")
    grow(shop, "other", rng, left)
    if seed % 4 == 3:  # the branch has merged main's heads once already
        shop.git("switch", "--quiet", "feature")
        finish_merge(shop)
        assert_clean(rebase(shop, "--merge"))
        commit(shop, "Merge the heads")
        shop.git("switch", "--quiet", "main")
        grow(shop, "later", rng, left)
    other = upgraded(shop, "main.db")
    shop.git("switch", "--quiet", "feature")
    own = upgraded(shop, "own.db")
    if rng.random() < 0.5 or seed % 4 == 3:
        finish_merge(shop)
    else:
        finish_rebase(shop)
    result = rebase(shop)
    if result.returncode == 2:
        assert_unjudged(result, "alembic-lockstep rebase --merge")
        result = rebase(shop, "--merge")
    assert_clean(result, "Written and staged")
    commit(shop, "One head")
    assert len(shop.alembic("heads").stdout.split()) == 2  # the id, and "(head)"
    assert_clean(shop.check("--base", "main"))
    databases_end_alike(shop, result, own, other)
