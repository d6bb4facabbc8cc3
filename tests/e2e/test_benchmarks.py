"""The benchmark's generated project is sound, by the judgement of Alembic itself."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from bench.generated import AFTER, COLUMN, MODELS, VARIABLE, files, next_migration
from bench.lines import at_most
from bench.make_subjects import Workshop, write
from bench.report import BEGIN, END, into_page, missed
from bench.stopwatch import Times
from bench.subject import Subject

from .harness import Result, clean_environ, run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Ten revisions, written over nine as the benchmark does it."""
    root = tmp_path / "project"
    write(root, files(9))
    write(root, files(10))
    return root


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """The same as the benchmark makes it, in a repository."""
    programs = Path(sys.executable).parent
    return Workshop(tmp_path, programs / "alembic-lockstep", programs, None).generate(10, "sqlite")


def _alembic(root: Path, *arguments: str) -> Result:
    environ = clean_environ(root.parent) | {VARIABLE: f"sqlite:///{root}/shop.db"}
    return run((sys.executable, "-m", "alembic", *arguments), cwd=root, environ=environ)


def _add_column(root: Path) -> None:
    text = (root / MODELS).read_text()
    assert text.count(f"{AFTER}\n") == 1
    (root / MODELS).write_text(text.replace(AFTER, f"{AFTER}\n{COLUMN}"))


def test_models_match_at_head(project: Path) -> None:
    assert len([*project.glob("migrations/versions/*.py")]) == 10
    assert _alembic(project, "upgrade", "head").returncode == 0
    checked = _alembic(project, "check")
    assert checked.returncode == 0, checked.output


def test_the_next_revision_brings_what_its_model_wants(project: Path) -> None:
    _alembic(project, "upgrade", "head")
    _add_column(project)
    assert "'accounts_items', Column('note'" in _alembic(project, "check").output
    path, text = next_migration(10)
    write(project, {path: text})
    _alembic(project, "upgrade", "head")
    checked = _alembic(project, "check")
    assert checked.returncode == 0, checked.output


def test_a_history_is_the_beginning_of_every_longer_one() -> None:
    shorter, longer = files(99), files(120)
    migrations = [path for path in shorter if path.startswith("migrations/versions/")]
    assert len(migrations) == 99
    assert all(longer[path] == shorter[path] for path in migrations)


def test_nothing_is_staged_twice(subject: Subject) -> None:
    """What was judged before would be answered from memory, and flatter us."""
    stages = (subject.stage_irrelevant, subject.stage_comment, subject.stage_revision)
    trees = set()
    for stage in (*stages, *stages):
        stage()
        trees.add(subject.git("write-tree"))
    assert len(trees) == 6


def test_a_cold_subject_keeps_nothing_of_the_tool(subject: Subject) -> None:
    state = subject.root / ".git" / "alembic-lockstep"
    bytecode = subject.root / "app" / "__pycache__"
    bytecode.mkdir()
    (subject.cache / "entry").touch()
    assert state.exists()
    subject.be_cloned()
    assert not state.exists()
    assert not bytecode.exists()
    assert not [*subject.cache.iterdir()]


def test_a_missed_goal_is_named_and_the_page_gets_its_lines() -> None:
    slow, fast = Times([3.0, 2.0, 9.0]), Times([1.0, 1.0, 1.0])
    lines = [
        at_most("one case", "a project", slow, "a rival", fast, 1.5),
        at_most("another case", "a project", fast, "a rival", slow, 1.5),
    ]
    assert missed(lines) == "- missed: one case (a project): 3.00 ×, goal at most 1.5 ×"
    assert missed(lines[1:]) == "All goals are met."
    assert missed([]) == "No goal was measured."
    page = f"Before\n{BEGIN}\nold\n{END}\nAfter\n"
    shown = [replace(lines[0], on_page=True), lines[1]]
    new = into_page(page, shown, repetitions=3, when="June 2020", machine="a machine")
    assert new.startswith(f"Before\n{BEGIN}\n")
    assert new.endswith(f"{END}\nAfter\n")
    assert "old" not in new
    assert "| one case |" in new
    assert "another case" not in new
    assert "medians of 3, June 2020, on a machine" in new
