"""disk_questions.py: the answers change with the disk, and are those of Python's own functions."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alembic_lockstep.config import Settings
from alembic_lockstep.git.ignore_sources import ask_ignore_sources
from alembic_lockstep.git.working_tree import WorkingTree
from alembic_lockstep.interpreters.choice import cached_interpreter, choose_interpreter
from alembic_lockstep.system import disk_questions as questions

Action = Callable[[Path], object]


def ask_all(folder: Path) -> None:
    questions.is_file(folder / "file")
    questions.is_folder(folder / "kind")
    questions.read_text(folder / "text")
    questions.glob(folder, "env[-_3]*/bin/python")
    questions.find_program("tool", f"{folder / 'bin'}{os.pathsep}/nowhere")
    questions.stamp(folder / "stamp")
    questions.real_path(folder / "link")
    questions.own_python()


def prepare(folder: Path) -> None:
    for name in ("kind", "bin", "stamp", "env-one/bin"):
        (folder / name).mkdir(parents=True)
    (folder / "text").write_text("one")
    (folder / "env-one" / "bin" / "python").write_text("")
    (folder / "link").symlink_to("text")


def make_tool(folder: Path) -> None:
    (folder / "bin" / "tool").write_text("")
    (folder / "bin" / "tool").chmod(0o755)


def relink(folder: Path) -> None:
    (folder / "link").unlink()
    (folder / "link").symlink_to("stamp")


@pytest.mark.parametrize(
    ("action", "is_same"),
    [
        (lambda folder: (folder / "other").write_text(""), True),
        (lambda folder: (folder / "bin" / "tool").write_text(""), True),  # no program
        (lambda folder: (folder / "env-two").mkdir(), True),
        (lambda folder: (folder / "file").write_text(""), False),
        (lambda folder: (folder / "kind").rmdir(), False),
        (lambda folder: (folder / "text").write_text("two"), False),
        (lambda folder: (folder / "text").unlink(), False),
        (lambda folder: (folder / "env-one" / "bin" / "python").unlink(), False),
        (lambda folder: shutil.copytree(folder / "env-one", folder / "env32"), False),
        (make_tool, False),
        (lambda folder: (folder / "stamp" / "new").write_text(""), False),
        (relink, False),
    ],
)
def test_an_answer_changes_with_the_disk(tmp_path: Path, action: Action, is_same: bool) -> None:
    prepare(tmp_path)
    with questions.recorded() as asked:
        ask_all(tmp_path)
    assert len(asked) == 8
    asked = json.loads(json.dumps(asked))
    assert questions.are_answered_alike(asked)
    action(tmp_path)
    assert questions.are_answered_alike(asked) is is_same


@pytest.mark.parametrize("pattern", ["*", "[Ll]ib/python*/site-packages", ".env*", "*/.project"])
def test_globs_are_those_of_pathlib(tmp_path: Path, pattern: str) -> None:
    for name in ("Lib/python3/site-packages", "lib/python3", ".env", ".env2", ".hidden", "a"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("a", ".hidden"):
        (tmp_path / name / ".project").write_text("")
    assert questions.glob(tmp_path, pattern) == sorted(map(str, tmp_path.glob(pattern)))


@pytest.mark.parametrize("search_path", ["", "/nowhere", "/nowhere:{}", "{}:/bin", "/bin", ":{}"])
def test_programs_are_those_of_shutil(tmp_path: Path, search_path: str) -> None:
    (tmp_path / "bin").mkdir()
    make_tool(tmp_path)
    (tmp_path / "bin" / "folder").mkdir()
    search_path = search_path.format(tmp_path / "bin")
    for name in ("tool", "folder", "sh", "none", str(tmp_path / "bin" / "tool")):
        assert questions.find_program(name, search_path) == shutil.which(name, path=search_path)


def test_a_search_for_the_interpreter_asks_all_that_it_depends_on(tmp_path: Path) -> None:
    root = tmp_path / "project"
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(os.path.realpath(sys.executable))
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    cache = tmp_path / "interpreter.json"
    settings = Settings(python=str(sys.executable))
    choose_interpreter(root, "", settings, environ, cache)
    with questions.recorded() as asked:
        assert cached_interpreter(root, "", settings, environ, cache)
    assert questions.are_answered_alike(asked)
    (root / ".venv" / "pyvenv.cfg").write_text("new")
    assert cached_interpreter(root, "", settings, environ, cache) is None
    assert not questions.are_answered_alike(asked)


@pytest.mark.parametrize(
    ("action", "is_same"),
    [
        (lambda root: (root / "a" / "new").write_text(""), True),
        (lambda root: (root / ".git" / "config").open("a").write("[a]\nb = c\n"), True),
        (lambda root: (root / ".gitignore").write_text(""), False),
        (lambda root: (root / "a" / ".gitignore").write_text("!*\n"), False),
        (lambda root: (root / ".git" / "info" / "exclude").write_text(""), False),
        (lambda root: (root / "env").rmdir(), False),
    ],
)
def test_what_is_ignored_depends_on_patterns(tmp_path: Path, action: Action, is_same: bool) -> None:
    tree = begin_ignoring(tmp_path)
    with questions.recorded() as asked:
        assert ask_ignore_sources(tree, ["env", "a/log", "a/own"])
    assert questions.are_answered_alike(asked)
    action(tmp_path)
    assert questions.are_answered_alike(asked) is is_same


@pytest.mark.parametrize("name", ["a/plain", "a/users", "a", "a/kept"])
def test_what_is_ignored_otherwise_is_asked_of_git(tmp_path: Path, name: str) -> None:
    tree = begin_ignoring(tmp_path)
    assert not ask_ignore_sources(tree, [name, "env"])


def begin_ignoring(root: Path) -> WorkingTree:
    tree = WorkingTree(str(root), str(root / ".git"))
    tree.git("init", "--quiet")
    for folder in ("a", "env"):
        (root / folder).mkdir()
    for name in ("log", "own", "users", "kept", "plain"):
        (root / "a" / name).write_text("")
    (root / "users").write_text("users\n")
    tree.git("config", "core.excludesFile", str(root / "users"))
    (root / ".gitignore").write_text("env/\nlog\nkept\n!kept\n")
    (root / ".git" / "info" / "exclude").write_text("own\n")
    return tree
