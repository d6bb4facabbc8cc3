"""`cache why`: the reason why a check runs whole, with the file; and what is answered again."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import Project, Result, run
from .many_inputs import ManyInputs
from .subfolder_project import ENV, MODELS, add_migration

AT_ONCE = "Passed: nothing staged touches what the last verdict read.\n"
ANSWERS = "The cache answers for what is staged.\n"
NOTES = "notes.txt"


def why(project: Project, **variables: str) -> str:
    """Return the lines that `cache why` prints."""
    command = ("-m", "alembic_lockstep", "cache", "why")
    environ = {**project.environ, **variables}
    result = run((sys.executable, *command), cwd=project.root, environ=environ)
    assert (result.returncode, result.stderr) == (0, ""), result.output
    return result.stdout


def reason(project: Project, **variables: str) -> str:
    """Return the first reason that `cache why` prints."""
    first, line, *_ = why(project, **variables).splitlines()
    assert first == "The cache does not answer for what is staged:"
    return line.strip()


def edit_notes(project: Project) -> Result:
    """Check an edit of a file that nothing reads."""
    with (project.root / NOTES).open("a") as notes:
        notes.write("More.\n")
    project.stage(NOTES)
    return project.check(once=True)


@pytest.fixture
def shop(shop: Project) -> Project:
    """The shop, after a first check and its commit."""
    assert reason(shop) == "no verdict on this repository is cached yet"
    first = edit_notes(shop)
    assert first.returncode == 0
    assert "Not answered" not in first.stderr
    shop.commit("Another")
    assert edit_notes(shop).stderr == AT_ONCE
    assert why(shop) == ANSWERS
    return shop


def add_column(project: Project, name: str = "paid") -> None:
    column = f"    {name}: Mapped[Optional[bool]]\n"
    project.replace(MODELS, project.sample.after, project.sample.after + column)
    project.stage(MODELS)


def test_a_change_that_is_expected_to_matter_is_named_by_why_alone(shop: Project) -> None:
    add_column(shop)
    assert reason(shop) == f"the last run read what is changed: {MODELS}"
    assert "Not answered" not in shop.check(once=True).stderr
    assert reason(shop) == f"the last run read what is changed: {MODELS}"
    assert "  the last check was not cached: it found something\n" in why(shop)


def test_other_variables_are_named_without_their_values(shop: Project) -> None:
    shop.environ["SHOP_COLOUR"] = "crimson"
    assert reason(shop) == "the last check had other environment variables: SHOP_COLOUR"
    result = edit_notes(shop)
    assert result.stderr.endswith(
        "Not answered from the cache: the last check had other environment variables: "
        "SHOP_COLOUR.\n"
    )
    assert edit_notes(shop).stderr == AT_ONCE
    cache = Path(shop.environ["XDG_CACHE_HOME"]) / "alembic-lockstep" / "entries"
    assert not any(b"crimson" in file.read_bytes() for file in cache.rglob("*") if file.is_file())
    assert "ALEMBIC_LOCKSTEP_NO_CACHE is set" in why(shop, ALEMBIC_LOCKSTEP_NO_CACHE="1")


def test_files_that_git_does_not_track_are_named(make_project: MakeProject) -> None:
    project = make_project("many_inputs", hook=None)
    (libraries,) = project.root.glob(".venv/lib/python*/site-packages")
    many_inputs = ManyInputs(project, libraries)
    many_inputs.install("barn", "1.0", "CODE_LENGTH = 8\n")
    project.write(".env", "FARM_NAME=Old\n")
    assert edit_notes(project).returncode == 0
    assert edit_notes(project).stderr == AT_ONCE
    project.write(".env", "FARM_NAME=New\n")
    assert reason(project) == "an ignored file that is read has changed: .env"
    assert "Not answered from the cache: an ignored file that is read has changed: .env.\n" in (
        edit_notes(project).stderr
    )
    assert edit_notes(project).stderr == AT_ONCE
    barn = libraries / "barn" / "__init__.py"
    barn = barn if barn.exists() else libraries / "barn.py"
    barn.write_text("CODE_LENGTH = 8  # as before\n")
    assert reason(project) == f"changed outside of the repository: {barn}" or (
        reason(project) == f"an ignored file that is read has changed: {barn}"
    )


STARTS = """import subprocess
subprocess.run(["true"], check=True)
"""


def test_what_is_not_cached_is_said_with_its_reason(shop: Project) -> None:
    shop.write(ENV, STARTS + shop.read(ENV))
    shop.stage(ENV)
    because = "a subprocess (true)"
    said = f"Not cached, so the next commit takes as long: {because}.\n"
    assert said in shop.check(once=True).stderr
    assert f"  the last check was not cached: {because}\n" in why(shop)
    shop.commit("Start something")
    assert said in edit_notes(shop).stderr
    assert f"  the last check was not cached: {because}\n" in why(shop)


TOUCHES = """import os, time
os.utime({path!r})
open({path!r}).read()
"""


def test_a_file_that_changes_during_the_check_is_named(shop: Project) -> None:
    file = shop.root / ".venv" / "counter"
    file.write_text("1")
    shop.allow_write(file)
    shop.write(ENV, TOUCHES.format(path=str(file)) + shop.read(ENV))
    shop.stage(ENV)
    time.sleep(0.1)
    result = shop.check(once=True)
    assert result.returncode == 0, result.output
    assert f"{file} was read, and changed during the check" in result.stderr.replace(
        ".venv/counter was", f"{file} was"
    )
    assert "the last check was not cached: " in why(shop)


def test_head_answers_again_after_a_blocked_change_was_given_up(shop: Project) -> None:
    """HEAD was never judged: its own run, as the base, says what it reads."""
    add_column(shop, "due")
    shop.commit("Forgotten", "--no-verify")
    add_migration(
        shop, "aaaaaaaaaaaa", upgrade="op.add_column('orders', sa.Column('due', sa.Boolean()))"
    )
    shop.commit("Its migration", "--no-verify")
    add_column(shop)
    assert shop.check(once=True).returncode == 1
    shop.git("reset", "--quiet", "--hard")
    assert edit_notes(shop).stderr == AT_ONCE
    # What it must not answer for.
    add_column(shop, "owed")
    assert shop.check(once=True).returncode == 1
    shop.git("reset", "--quiet", "--hard")
    for setting in ("1", ""):
        shop.environ["ALEMBIC_LOCKSTEP_STRICT"] = setting
        assert edit_notes(shop).returncode == 0


def test_head_with_an_old_difference_answers_unless_it_is_strict(shop: Project) -> None:
    add_column(shop, "due")
    shop.commit("Forgotten", "--no-verify")
    add_column(shop)
    assert shop.check(once=True).returncode == 1
    shop.git("reset", "--quiet", "--hard")
    assert edit_notes(shop).stderr == AT_ONCE
    shop.environ["ALEMBIC_LOCKSTEP_STRICT"] = "1"
    assert edit_notes(shop).returncode == 1


def test_head_answers_again_after_a_change_that_was_edited_often(shop: Project) -> None:
    add_column(shop)
    path = add_migration(
        shop, "aaaaaaaaaaaa", upgrade="op.add_column('orders', sa.Column('paid', sa.Boolean()))"
    )
    for number in range(5):
        shop.write(path, f"{shop.read(path)}\nassert {number} < 5\n")
        shop.stage(path)
        assert shop.check(once=True).returncode == 0
    shop.git("reset", "--quiet", "--hard")
    assert edit_notes(shop).stderr == AT_ONCE
