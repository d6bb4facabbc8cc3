"""Change sets, trees and the private checkout, on real repositories."""

from __future__ import annotations

import os
import subprocess
import time
from operator import attrgetter
from pathlib import Path

import pytest

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.checkout import check_out
from alembic_lockstep.git.entries import Change
from alembic_lockstep.git.listing import list_ignored
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "a project"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Somebody")
    git(root, "config", "user.email", "somebody@example.invalid")
    return root


def git(root: Path, *arguments: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=root, env=environ, capture_output=True, text=True, check=True
    ).stdout.strip()


def commit(root: Path, **files: str | None) -> str:
    """Write (or, for None, delete) files, commit all, and give the tree's id."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "Change")
    return git(root, "rev-parse", "HEAD^{tree}")


def test_renames_deletions_and_additions_are_told_apart(root: Path) -> None:
    old = commit(root, a_py="one = 1\n" * 20, b_py="two = 2\n", c_py="three = 3\n")
    git(root, "mv", "a.py", "moved.py")
    new = commit(root, b_py=None, c_py="three = 4\n", d_py="four = 5\n" * 9)
    assert sorted(Repository.discover(root).changes(old, new), key=attrgetter("path")) == [
        Change("D", "b.py", "b.py"),
        Change("M", "c.py", "c.py"),
        Change("A", "d.py", "d.py"),
        Change("R", "moved.py", "a.py"),
    ]


@pytest.mark.parametrize(
    "name", ["a b.py", 'quo"te.py', "line\nbreak.py", "tab\t.py", "ümlaut.py", "*.py", ":(top)x.py"]
)
def test_odd_names_are_read_and_added(root: Path, name: str) -> None:
    commit(root)
    (root / name).write_text("x = 1\n")
    repository = Repository.discover(root)
    assert repository.untracked() == [name]
    tree = Tree(repository, repository.tree_with(repository.tree_of("HEAD"), [name]))
    assert tree.read(name) == "x = 1\n"


def test_a_name_that_is_not_utf8_is_read(root: Path) -> None:
    (root / os.fsdecode(b"caf\xe9.py")).write_text("x = 1\n")
    tree = commit(root)
    (name,) = Tree(Repository.discover(root), tree).files
    assert os.fsencode(name) == b"caf\xe9.py"
    assert Tree(Repository.discover(root), tree).read(name) == "x = 1\n"


def test_source_is_decoded_as_python_would(root: Path) -> None:
    (root / "latin.py").write_bytes(b"# coding: latin-1\nx = '\xe9'\n")
    (root / "broken.py").write_bytes(b"x = '\xe9'\n")
    tree = Tree(Repository.discover(root), commit(root))
    assert tree.read("latin.py") == "# coding: latin-1\nx = 'é'\n"
    assert tree.read("broken.py") == "x = '\ufffd'\n"
    assert tree.read("missing.py") is None


def test_what_is_staged_counts_and_the_index_is_left_alone(root: Path) -> None:
    commit(root, a_py="x = 1\n")
    (root / "a.py").write_text("x = 2\n")
    git(root, "add", "a.py")
    (root / "a.py").write_text("x = 3\n")
    before = (root / ".git/index").read_bytes()
    repository = Repository.discover(root)
    assert Tree(repository, repository.staged_tree({})).read("a.py") == "x = 2\n"
    assert (root / ".git/index").read_bytes() == before


def test_an_index_with_conflicts_could_not_be_judged(root: Path) -> None:
    commit(root, a_py="x = 1\n")
    git(root, "checkout", "--quiet", "-b", "other")
    commit(root, a_py="x = 2\n")
    git(root, "checkout", "--quiet", "main")
    commit(root, a_py="x = 3\n")
    with pytest.raises(subprocess.CalledProcessError):
        git(root, "merge", "other")
    with pytest.raises(CouldNotJudge):
        Repository.discover(root).staged_tree({})


def test_a_base_that_a_shallow_clone_lacks_is_named_with_the_fix(root: Path) -> None:
    commit(root, a_py="x = 1\n")
    first = git(root, "rev-parse", "HEAD")
    commit(root, a_py="x = 2\n")
    clone = root.parent / "clone"
    git(root.parent, "clone", "--quiet", "--depth=1", f"file://{root}", str(clone))
    with pytest.raises(CouldNotJudge) as caught:
        Repository.discover(clone).tree_of(first)
    assert "shallow" in caught.value.message
    assert "git fetch --unshallow" in caught.value.fix


def test_a_folder_with_a_newline_in_its_name_is_found(tmp_path: Path) -> None:
    root = tmp_path / "two\nlines"
    root.mkdir()
    git(root, "init", "--quiet")
    repository = Repository.discover(root)
    assert (repository.root, repository.git_dir) == (root, root / ".git")


def test_a_bare_repository_is_no_main_working_tree(root: Path, tmp_path: Path) -> None:
    commit(root, a_py="x = 1\n")
    linked, of_bare, bare = tmp_path / "linked", tmp_path / "trees/one", tmp_path / "trees/.git"
    git(root, "worktree", "add", "--quiet", str(linked))
    git(root, "clone", "--quiet", "--bare", ".", str(bare))
    git(bare, "worktree", "add", "--quiet", str(of_bare))
    assert Repository.discover(root).main_root == root
    assert Repository.discover(linked).main_root == root
    assert Repository.discover(of_bare).main_root == of_bare


def test_an_object_that_is_lost_could_not_be_judged(root: Path) -> None:
    commit(root, a_py="x = 1\n", b_py="y = 1\n")
    blob = git(root, "rev-parse", "HEAD:a.py")
    (root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    tree = Tree(Repository.discover(root), git(root, "rev-parse", "HEAD^{tree}"))
    assert tree.read("b.py") == "y = 1\n"
    with pytest.raises(CouldNotJudge, match=blob):
        tree.read("a.py")


@pytest.mark.parametrize(
    ("target", "read"),
    [("b.py", "y = 1\n"), ("{root}/b.py", "y = 1\n")]
    + [(nowhere, None) for nowhere in ("../b.py", "/b.py", "a.py", "lost.py")],
)
def test_a_link_is_read_where_it_leads_in_the_tree(
    root: Path, target: str, read: str | None
) -> None:
    (root / "a.py").symlink_to(target.format(root=root))
    (root / "folder").symlink_to("pkg")
    tree = Tree(Repository.discover(root), commit(root, b_py="y = 1\n", pkg__c_py="z = 1\n"))
    assert tree.read("a.py") == read
    assert tree.read("folder/c.py") == "z = 1\n"
    assert tree.real("folder/c.py") == "pkg/c.py"


def test_the_checkout_follows_the_tree(root: Path, tmp_path: Path) -> None:
    old = commit(root, a_py="x = 1\n", pkg__b_py="y = 1\n")
    new = commit(root, a_py="x = 2\n", pkg__b_py=None, c_py="z = 1\n")
    repository, slot = Repository.discover(root), tmp_path / "slot"
    first = {"a.py": "x = 1\n", "pkg/b.py": "y = 1\n"}
    second = {"a.py": "x = 2\n", "c.py": "z = 1\n"}
    for tree, files in ((old, first), (new, second), (old, first)):
        assert listing(check_out(repository, tree, slot, slot.with_suffix(".state"))) == files
    assert git(root, "status", "--porcelain") == ""


def test_what_the_last_run_left_is_gone(root: Path, tmp_path: Path) -> None:
    tree = commit(root, a_py="x = 1\n")
    repository, slot = Repository.discover(root), tmp_path / "slot"
    folder = check_out(repository, tree, slot, slot.with_suffix(".state"))
    (folder / "left.txt").write_text("by the project")
    (folder / "a.py").write_text("spoilt by the project")
    assert listing(check_out(repository, tree, slot, slot.with_suffix(".state"))) == {
        "a.py": "x = 1\n"
    }


def test_ignored_files_are_visible_and_untracked_ones_are_not(root: Path, tmp_path: Path) -> None:
    (root / ".gitignore").write_text(".env\nbuild/\n*.log\n")
    tree = commit(root, a_py="x = 1\n")
    for name in (".env", "build/made.py", "sub/x.log", "forgotten.py"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("here\n")
    repository, slot = Repository.discover(root), tmp_path / "slot"
    for _ in range(2):
        folder = check_out(repository, tree, slot, slot.with_suffix(".state"))
        assert (folder / ".env").read_text() == "here\n"
        assert (folder / "build/made.py").read_text() == "here\n"
        assert (folder / "sub/x.log").read_text() == "here\n"
        assert not (folder / "forgotten.py").exists()
    (folder / ".env").write_text("written by the project")
    assert (root / ".env").read_text() == "here\n"
    assert (root / "build/made.py").exists()


@pytest.mark.parametrize(
    ("name", "mark"),
    [(".venv", "pyvenv.cfg"), (".ruff_cache", "CACHEDIR.TAG"), ("node_modules", "package.json")],
)
def test_a_folder_that_ignores_itself_stays_as_it_is(
    root: Path, tmp_path: Path, name: str, mark: str
) -> None:
    # `uv venv` and Python 3.13's venv write such a `.gitignore`. Git lists folder and content.
    tree = commit(root, a_py="x = 1\n")
    folder = root / name
    (folder / "bin").mkdir(parents=True)
    for file in (".gitignore", mark, "bin/python"):
        (folder / file).write_text("*\n")
    (folder / "lib").mkdir()
    (folder / "lib64").symlink_to("lib")
    before = state(folder)
    repository, slot = Repository.discover(root), tmp_path / "slot"
    assert list_ignored(repository) == [f"{name}/"]
    for _ in range(2):
        checkout = check_out(repository, tree, slot, slot.with_suffix(".state"))
        assert state(folder) == before
        assert (checkout / name).readlink() == folder


def test_nothing_is_brought_below_a_link(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = commit(root, a_py="x = 1\n")
    (root / ".venv").mkdir()
    (root / ".venv/pyvenv.cfg").write_text("home = here\n")
    before = state(root)
    ignored = [".venv/", ".venv/pyvenv.cfg"]
    monkeypatch.setattr("alembic_lockstep.git.checkout.list_ignored", lambda _: ignored)
    check_out(Repository.discover(root), tree, tmp_path / "slot", tmp_path / "slot.state")
    assert state(root) == before


def state(folder: Path) -> dict[str, str]:
    """Return where links lead and what files hold, by path; git's own files are left out."""
    entries = (path for path in folder.rglob("*") if ".git" not in path.parts)
    return {
        path.relative_to(folder).as_posix(): str(path.readlink())
        if path.is_symlink()
        else path.read_text()
        if path.is_file()
        else ""
        for path in entries
    }


def test_bytecode_of_a_changed_file_is_dropped_and_of_others_kept(
    root: Path, tmp_path: Path
) -> None:
    # Same size, same second: Python would believe the old bytecode.
    old = commit(root, pkg__a_py="x = 10\n", pkg__b_py="y = 10\n", gone__c_py="z = 1\n")
    new = commit(root, pkg__a_py="x = 20\n", gone__c_py=None)
    repository, slot = Repository.discover(root), tmp_path / "slot"
    folder = check_out(repository, old, slot, slot.with_suffix(".state"))
    for name in ("pkg/__pycache__/a", "pkg/__pycache__/b", "gone/__pycache__/c"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / f"{name}.cpython-311.pyc").write_bytes(b"bytecode")
    time.sleep(0.03)  # of files that are younger than a tick of the clock none is kept
    check_out(repository, new, slot, slot.with_suffix(".state"))
    assert [path.name for path in folder.rglob("*.pyc")] == ["b.cpython-311.pyc"]
    assert not (folder / "gone").exists()  # it would be a namespace package


@pytest.mark.parametrize("harm", ["index", "filters", "pkg"])
def test_a_damaged_checkout_is_made_anew(root: Path, tmp_path: Path, harm: str) -> None:
    tree = commit(root, a_py="x = 1\n", pkg__b_py="y = 1\n")
    repository, slot = Repository.discover(root), tmp_path / "slot"
    folder = check_out(repository, tree, slot, slot.with_suffix(".state"))
    if harm == "pkg":  # all files are in place, to git
        (folder / "pkg").rename(folder / "moved")
        (folder / "pkg").symlink_to("moved")
    else:
        (tmp_path / "slot.state" / harm).write_text("0123456789" * 4)
    files = {"a.py": "x = 1\n", "pkg/b.py": "y = 1\n"}
    assert listing(check_out(repository, tree, slot, slot.with_suffix(".state"))) == files


def listing(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_a_checkout_whose_access_times_were_set_back_is_not_written_again(
    root: Path, tmp_path: Path
) -> None:
    """Git took the files for changed, by their ctime, and their bytecode was lost."""
    tree = commit(root, a_py="one = 1\n", pkg__b_py="two = 2\n")
    repository, slot = Repository.discover(root), tmp_path / "slot"
    folder = check_out(repository, tree, slot, slot.with_suffix(".state"))
    files = [folder / "a.py", folder / "pkg/b.py"]
    written = [(file.stat().st_ino, file.stat().st_mtime_ns) for file in files]
    while time.time() < int(files[1].stat().st_ctime) + 1:  # git compares seconds
        time.sleep(0.1)
    for file in files:
        os.utime(file, ns=(0, file.stat().st_mtime_ns))
    new = commit(root, a_py="one = 3\n")
    check_out(repository, new, slot, slot.with_suffix(".state"))
    again = [(file.stat().st_ino, file.stat().st_mtime_ns) for file in files]
    assert files[0].read_text() == "one = 3\n"
    assert again[1] == written[1]


@pytest.mark.parametrize(
    "variable",
    [
        *("GIT_LITERAL_PATHSPECS=1", "GIT_GLOB_PATHSPECS=1", "GIT_NOGLOB_PATHSPECS=1"),
        *("GIT_ICASE_PATHSPECS=1", "GIT_CONFIG=/dev/null"),
    ],
)
def test_what_git_was_called_with_around_the_hook_changes_none_of_our_questions(
    root: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    marked = "# lockstep: ignore[x] y\n"
    (root / ".git/info/exclude").write_text("*.log\n")
    tree = commit(root, a__models_py=marked, b_py=marked)
    git(root, "config", "filter.upper.clean", "tr a-z A-Z")
    for name in ("new_[1].py", "NEW_[1].py", "seen.log"):
        (root / name).write_text("x\n")
    name, value = variable.split("=")
    monkeypatch.setenv(name, value)
    repository = Repository.discover(root)
    assert repository.grep(tree, "-F", "lockstep:", among="*.py") == ["a/models.py", "b.py"]
    added = {entry.path for entry in repository.entries(repository.tree_with(tree, ["new_[1].py"]))}
    assert added == {"a/models.py", "b.py", "new_[1].py"}
    assert repository.ignored_among(["seen.log"]) == {"seen.log"}
    assert repository.configuration.last("filter.upper.clean") == "tr a-z A-Z"
