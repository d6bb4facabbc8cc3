"""working_tree.py: where the working tree is, and HEAD's tree, as git itself says."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from alembic_lockstep import debug
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.working_tree import WorkingTree, working_tree_and_head


def git(root: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(
        command, cwd=root, env=clean_environ(), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(root: Path, **files: str | None) -> str:
    """Write (or, for None, delete) files, commit all, and give the tree's id."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink() if text is None else path.write_text(text)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "Change")
    return git(root, "rev-parse", "HEAD^{tree}")


def clean_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "a project"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Somebody")
    git(root, "config", "user.email", "somebody@example.invalid")
    return root


Arrange = Callable[[Path], Path]
#: What git runs for: nothing, or to say where things are, or for HEAD alone.
NOTHING, WHERE, HEAD = "", "git rev-parse --show-toplevel", "git rev-parse --verify HEAD"


def below(root: Path) -> Path:
    (root / "a" / "b").mkdir(parents=True)
    return root / "a" / "b"


def through_a_link(root: Path) -> Path:
    link = root.with_name("link")
    link.symlink_to(root)
    return link


def linked(root: Path) -> Path:
    git(root, "worktree", "add", "--quiet", "--detach", "../linked")
    (root.parent / "linked" / "more").write_text("")
    git(root.parent / "linked", "add", "more")
    git(root.parent / "linked", "commit", "--quiet", "-m", "More")
    return root.parent / "linked"


def in_a_submodule(root: Path) -> Path:
    source = shutil.copytree(root, root.with_name("source"))
    allow = ("-c", "protocol.file.allow=always")
    git(root, *allow, "submodule", "--quiet", "add", str(source), "sub")
    return root / "sub"


def elsewhere(root: Path) -> Path:
    other = root.with_name("other")
    other.mkdir()
    git(root, "config", "core.worktree", str(other))
    return root


def without_head(root: Path) -> Path:
    """A folder that is no repository, as git sees it, inside of one."""
    below(root).joinpath(".git").mkdir()
    return root / "a" / "b"


def runs(*arguments: str) -> Arrange:
    def arrange(root: Path) -> Path:
        git(root, *arguments)
        return root

    return arrange


def replaced(root: Path) -> Path:
    commit(root, other="1")
    git(root, "replace", "HEAD", "HEAD~1")
    return root


def replaced_and_packed(root: Path) -> Path:
    replaced(root)
    git(root, "pack-refs", "--all")
    shutil.rmtree(root / ".git" / "refs" / "replace", ignore_errors=True)
    return root


@pytest.mark.parametrize(
    ("arrange", "asked"),
    [
        (runs("status"), NOTHING),
        (below, NOTHING),
        (through_a_link, NOTHING),
        (runs("checkout", "--quiet", "--detach"), NOTHING),
        (runs("checkout", "--quiet", "-b", "some/branch"), NOTHING),
        (runs("config", "core.bare", "no"), WHERE),
        (runs("config", "include.path", "other"), WHERE),
        (runs("pack-refs", "--all"), HEAD),
        (runs("gc", "--quiet"), HEAD),
        (replaced, HEAD),
        (replaced_and_packed, HEAD),
        (elsewhere, WHERE),
        (linked, WHERE),
        (in_a_submodule, WHERE),
        (without_head, WHERE),
    ],
)
def test_it_is_as_git_says(root: Path, arrange: Arrange, asked: str) -> None:
    commit(root, a_py="1", b__c_py="2")
    cwd = arrange(root)
    steps = io.StringIO()
    debug.write_to(steps)
    working_tree, tree = working_tree_and_head(str(cwd), clean_environ())
    debug._logs.remove(steps)
    repository = Repository.discover(cwd)
    assert str(working_tree.root) == str(repository.root)
    assert str(working_tree.common_dir) == str(repository.common_dir)
    assert tree == git(cwd, "rev-parse", "HEAD^{tree}")
    lines = steps.getvalue().splitlines()
    assert len(lines) == bool(asked)
    assert asked in "".join(lines)


def test_a_hooks_variables_are_heeded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(root, a_py="1")
    other = shutil.copytree(root, root.with_name("other"))
    tree = commit(other, b_py="1")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert str(working_tree_and_head(str(root), dict(os.environ))[0].root) == str(root)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert working_tree_and_head(str(root), dict(os.environ))[1] == tree


@pytest.mark.parametrize("ref", ["0" * 39, "ref: refs/heads/none", "nothing"])
def test_without_a_commit_there_is_no_answer(root: Path, ref: str) -> None:
    commit(root, a_py="1")
    (root / ".git" / "HEAD").write_text(f"{ref}\n")
    with pytest.raises(CouldNotJudge):
        working_tree_and_head(str(root), clean_environ())


def test_changes_of_loose_trees_are_those_that_git_lists(root: Path) -> None:
    old = commit(root, a_py="1", b__c_py="2", b__d__e_py="3", gone_py="4", f__g_py="5")
    (root / "link").symlink_to("a.py")
    (root / "a.py").chmod(0o755)
    new = commit(root, b__c_py="2.2", b__d__new_py="6", gone_py=None)
    (root / "gone.py").symlink_to("a.py")
    (root / "a.py").unlink()
    (root / "a.py").symlink_to("b")
    newest = commit(root)
    working_tree, _ = working_tree_and_head(str(root), clean_environ())
    by_git = WorkingTree(str(root), str(root / ".git"))
    steps = io.StringIO()
    debug.write_to(steps)
    pairs = [(old, new), (new, old), (new, newest), (old, newest), (new, new)]
    ours = [working_tree.changes(*pair, renames=False) for pair in pairs]
    debug._logs.remove(steps)
    assert steps.getvalue() == ""

    def facts(changes: list[object]) -> list[object]:
        return sorted((sorted(vars(change).items()) for change in changes), key=str)

    theirs = [by_git.changes(*pair, renames=False) for pair in pairs]
    assert [facts([*each]) for each in ours] == [facts([*each]) for each in theirs]
    # A folder that is new, gone, or takes a file's place is left to git, and so is what is packed.
    other = commit(root, f__g_py=None, h__i_py="7")
    shutil.rmtree(root / "b")
    last = commit(root, b="1")
    for pair in ((newest, other), (other, last), (last, newest)):
        assert facts([*working_tree.changes(*pair, renames=False)]) == facts(
            [*by_git.changes(*pair, renames=False)]
        )
    git(root, "gc", "--quiet")
    assert len(working_tree.changes(old, new, renames=False)) == 5
