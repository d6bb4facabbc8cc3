"""The private checkout is a clone to whatever runs in it, and ignored files in it are copies."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.checkout import check_out
from alembic_lockstep.git.ignored import ENTRY_BYTES, ENTRY_FILES
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.submodules import with_submodules

from .harness import begin_repository, clean_environ, run

#: One that upper-cases, under a name that is not configured yet.
LOUD = "*.txt filter=loud\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "a project"
    root.mkdir()
    begin_repository(root, clean_environ(tmp_path))
    return root


def git(root: Path, *arguments: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return run(("git", *arguments), cwd=root, environ=environ, check=True).stdout.strip()


def commit(root: Path, files: Mapping[str, str] | None = None) -> str:
    """Write files and commit all there is; give the tree's id."""
    for name, text in (files or {}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "Change")
    return git(root, "rev-parse", "HEAD^{tree}")


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "slot" / "tree"


def staged(root: Path) -> str:
    return Repository.discover(root).staged_tree({})


def check_out_staged(root: Path, destination: Path) -> Path:
    """Check out what is staged, as each run does: with a repository object of its own."""
    repository = Repository.discover(root)
    return check_out(
        repository, repository.staged_tree({}), destination, destination.with_suffix(".state")
    )


def test_it_is_called_as_the_clone_is_and_stands_alone(root: Path, destination: Path) -> None:
    commit(root, {"a.py": "x = 1\n"})
    folder = check_out_staged(root, destination)
    assert folder == destination / "a project"
    assert list(destination.iterdir()) == [folder]
    assert (folder / ".git").is_dir()
    assert git(folder, "rev-parse", "--show-toplevel") == str(folder)
    assert git(folder, "rev-parse", "--git-common-dir") == ".git"


def test_git_answers_as_in_a_clone_at_head(root: Path, destination: Path) -> None:
    commit(root, {"a.py": "x = 1\n"})
    git(root, "tag", "v1.0")
    git(root, "tag", "-a", "v1.1", "-m", "One more")
    git(root, "remote", "add", "origin", "https://example.invalid/project.git")
    folder = check_out_staged(root, destination)
    for question in (
        ("rev-parse", "HEAD"),
        ("describe", "--tags"),
        ("symbolic-ref", "HEAD"),
        ("log", "--format=%H %s"),
        ("ls-files", "--stage"),
        ("remote", "get-url", "origin"),
        ("for-each-ref", "--format=%(objectname) %(refname)"),
        ("status", "--porcelain"),
        ("fsck", "--full"),
    ):
        assert git(folder, *question) == git(root, *question), question


def test_what_is_staged_is_a_commit_on_top_of_head(root: Path, destination: Path) -> None:
    commit(root, {"a.py": "x = 1\n"})
    git(root, "tag", "v1.0")
    head = git(root, "rev-parse", "HEAD")
    (root / "a.py").write_text("x = 2\n")
    git(root, "add", "a.py")
    tree = staged(root)
    objects = sorted((root / ".git/objects").rglob("*"))
    folders = [check_out_staged(root, destination.with_name(role)) for role in ("tree", "base")]
    commits = {git(folder, "rev-parse", "HEAD") for folder in folders}
    assert len(commits) == 1  # the same at every run
    assert sorted((root / ".git/objects").rglob("*")) == objects
    assert git(folders[0], "rev-parse", "HEAD^") == head
    assert git(folders[0], "rev-parse", "HEAD^{tree}", "main") == f"{tree}\n{commits.pop()}"
    assert git(folders[0], "describe", "--tags").startswith("v1.0-1-g")
    assert git(folders[0], "status", "--porcelain") == ""
    assert git(folders[0], "fsck", "--full") == ""


def detach(root: Path) -> Path:
    git(root, "checkout", "--quiet", "--detach")
    return root


def pack(root: Path) -> Path:
    git(root, "gc", "--quiet")
    return root


def link_worktree(root: Path) -> Path:
    linked = root.with_name("linked")
    git(root, "worktree", "add", "--quiet", "-b", "side", str(linked))
    return linked


def clone_shallow(root: Path) -> Path:
    commit(root, {"b.py": "y = 1\n"})
    shallow = root.with_name("shallow")
    git(root, "clone", "--quiet", "--depth=1", f"file://{root}", str(shallow))
    return shallow


def clone_shared(root: Path) -> Path:
    clone = root.with_name('the "shared"\nclone')
    git(root, "clone", "--quiet", "--shared", ".", str(clone))
    return clone


def clone_partial(root: Path) -> Path:
    git(root, "config", "uploadpack.allowFilter", "true")
    partial = root.with_name("partial")
    git(root, "clone", "--quiet", "--filter=blob:none", f"file://{root}", str(partial))
    root.rename(root.with_name("gone"))  # nothing can be fetched
    return partial


@pytest.mark.parametrize(
    "state", [detach, pack, link_worktree, clone_shallow, clone_shared, clone_partial]
)
def test_git_answers_in_every_kind_of_repository(
    root: Path, destination: Path, state: Callable[[Path], Path]
) -> None:
    commit(root, {"a.py": "x = 1\n"})
    top = state(root)
    folder = check_out_staged(top, destination)
    for question in (
        ("rev-parse", "HEAD", "--abbrev-ref", "HEAD"),
        ("log", "--format=%H %d"),
        ("for-each-ref", "--format=%(objectname) %(refname) %(symref)"),
    ):
        assert git(folder, *question) == git(top, *question)
    assert git(folder, "status", "--porcelain") == ""
    (top / "a.py").write_text("x = 2\n")
    git(top, "add", "a.py")
    check_out_staged(top, destination)
    assert git(folder, "rev-parse", "HEAD^") == git(top, "rev-parse", "HEAD")
    assert git(folder, "status", "--porcelain") == ""


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_before_the_first_commit(tmp_path: Path, destination: Path, algorithm: str) -> None:
    root = tmp_path / "new"
    git(tmp_path, "init", "--quiet", "-b", "trunk", f"--object-format={algorithm}", str(root))
    (root / "a.py").write_text("x = 1\n")
    git(root, "add", "a.py")
    folder = check_out_staged(root, destination)
    assert git(folder, "symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert git(folder, "rev-list", "--count", "HEAD") == "1"
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "fsck", "--full") == ""


def test_what_a_project_commits_there_is_gone_and_never_the_users(
    root: Path, destination: Path
) -> None:
    tree = commit(root, {"a.py": "x = 1\n"})
    before = [git(root, *asked) for asked in (("for-each-ref",), ("stash", "list"), ("log",))]
    folder = check_out_staged(root, destination)
    (folder / "a.py").write_text("x = 2\n")
    git(folder, "-c", "user.name=x", "-c", "user.email=x@example.invalid", "stash")
    (folder / "b.py").write_text("y = 1\n")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=x", "-c", "user.email=x@example.invalid", "commit", "-qm", "Mine")
    git(folder, "tag", "mine")
    git(folder, "gc", "--quiet", "--prune=now")
    after = [git(root, *asked) for asked in (("for-each-ref",), ("stash", "list"), ("log",))]
    assert after == before
    assert git(root, "fsck", "--full") == ""
    check_out_staged(root, destination)
    assert git(folder, "rev-parse", "HEAD^{tree}") == tree
    assert git(folder, "tag") == git(folder, "stash", "list") == ""
    assert git(folder, "status", "--porcelain") == ""


def test_a_submodule_is_filled_and_head_is_the_users(
    root: Path, tmp_path: Path, destination: Path
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    begin_repository(library, clean_environ(tmp_path))
    commit(library, {"inner.py": "z = 1\n"})
    commit(root, {"a.py": "x = 1\n"})
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "lib")
    tree = commit(root)
    repository, base, filled = with_submodules(Repository.discover(root), tree, tree)
    assert base == filled != tree
    folder = check_out(repository, filled, destination, destination.with_suffix(".state"))
    assert (folder / "lib/inner.py").read_text() == "z = 1\n"
    assert git(folder, "rev-parse", "HEAD") == git(root, "rev-parse", "HEAD")
    assert git(folder, "ls-files", "--stage") == git(root, "ls-files", "--stage")
    assert git(folder, "status", "--porcelain") == ""


def test_links_that_are_aimed_anew_are_no_changes(
    root: Path, tmp_path: Path, destination: Path
) -> None:
    (tmp_path / "shared").write_text("text\n")
    (root / "out").symlink_to("../shared")
    (root / "in").symlink_to(root / "a.py")
    commit(root, {"a.py": "x = 1\n"})
    for _ in range(2):
        folder = check_out_staged(root, destination)
        assert (folder / "out").read_text() == "text\n"
        assert (folder / "in").resolve() == folder / "a.py"
        assert git(folder, "status", "--porcelain") == ""


@pytest.fixture
def ignoring(root: Path) -> Path:
    """A repository that ignores folders and files, which are there."""
    exclude = "/uploads/\n*.log\n/.env\n/node_modules/\n/venv/\n/current\n"
    (root / ".git/info/exclude").write_text(exclude)
    commit(root, {"a.py": "x = 1\n", "sub/b.py": "y = 1\n"})
    for name in ("uploads/one.txt", "uploads/deep/two.txt", "sub/app.log", ".env"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{name}\n")
    return root


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def test_ignored_folders_are_real_and_git_ignores_them_there(
    ignoring: Path, destination: Path
) -> None:
    folder = check_out_staged(ignoring, destination)
    assert contents(folder) == contents(ignoring)
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    assert git(folder, "status", "--porcelain") == ""
    (folder / "uploads/one.txt").write_text("by the project")
    (folder / "sub/app.log").write_text("by the project")
    assert (ignoring / "uploads/one.txt").read_text() == "uploads/one.txt\n"
    assert (ignoring / "sub/app.log").read_text() == "sub/app.log\n"


def test_copies_are_kept_and_put_back(ignoring: Path, destination: Path) -> None:
    (ignoring / "uploads/kept.txt").write_text("kept\n")
    tick()  # what was just written is copied twice
    folder = check_out_staged(ignoring, destination)
    inode = (folder / "uploads/kept.txt").stat().st_ino
    (folder / "uploads/one.txt").write_text("uploads/ONE.txt\n")  # of the same size
    (folder / "uploads/deep/two.txt").unlink()
    (folder / "uploads/deep").rmdir()
    (folder / "uploads/deep").write_text("a file in the way")
    (folder / "uploads/new").mkdir(mode=0o500)
    (folder / ".env").unlink()
    (folder / ".env").symlink_to(ignoring / ".env")
    check_out_staged(ignoring, destination)
    assert contents(folder) == contents(ignoring)
    assert not (folder / ".env").is_symlink()
    assert not (folder / "uploads/new").exists()
    assert (folder / "uploads/kept.txt").stat().st_ino == inode


def tick() -> None:
    """Wait until the file system's clock is clearly past what was written."""
    time.sleep(0.05)


def test_the_users_changes_of_ignored_files_arrive(ignoring: Path, destination: Path) -> None:
    tick()
    folder = check_out_staged(ignoring, destination)
    tick()
    changed_file = ignoring / "uploads/one.txt"
    before = changed_file.stat()
    changed_file.write_text("uploads/ONE.txt\n")
    os.utime(changed_file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as reproducible builds do
    (ignoring / "uploads/deep/two.txt").unlink()
    (ignoring / "uploads/new.txt").write_text("new\n")
    (ignoring / ".env").unlink()
    (ignoring / ".env").mkdir()
    check_out_staged(ignoring, destination)
    assert contents(folder) == contents(ignoring)
    assert (folder / ".env").is_dir()


def test_folders_that_tools_fill_and_large_ones_are_links(
    ignoring: Path, destination: Path
) -> None:
    (ignoring / "venv").mkdir()
    (ignoring / "venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    (ignoring / "uploads/env").mkdir()
    (ignoring / "uploads/env/pyvenv.cfg").write_text("home = /usr/bin\n")
    (ignoring / "node_modules/left-pad").mkdir(parents=True)
    (ignoring / "node_modules/left-pad/index.js").write_text("")
    with (ignoring / "dump.log").open("w") as dump:
        dump.truncate(ENTRY_BYTES + 1)
    folder = check_out_staged(ignoring, destination)
    for name in ("venv", "uploads/env", "node_modules", "dump.log"):
        assert (folder / name).readlink() == ignoring / name
    assert not (folder / "uploads").is_symlink()
    for number in range(ENTRY_FILES):
        (ignoring / f"uploads/{number}").touch()
    check_out_staged(ignoring, destination)
    assert (folder / "uploads").readlink() == ignoring / "uploads"
    assert git(folder, "status", "--porcelain") == ""


def test_what_is_no_file_or_cannot_be_read_is_not_shown(ignoring: Path, destination: Path) -> None:
    os.mkfifo(ignoring / "uploads/pipe")
    (ignoring / "uploads/nowhere").symlink_to("gone")
    folder = check_out_staged(ignoring, destination)
    assert not os.path.lexists(folder / "uploads/pipe")
    assert (folder / "uploads/nowhere").readlink() == Path("gone")


def test_links_in_an_ignored_folder_lead_to_its_copy(ignoring: Path, destination: Path) -> None:
    outside = ignoring.with_name("outside.txt")
    outside.write_text("outside\n")
    links = {"same": "one.txt", "absolute": f"{ignoring}/uploads/one.txt", "out": str(outside)}
    for name, target in links.items():
        (ignoring / "uploads" / name).symlink_to(target)
    (ignoring / "uploads/code").symlink_to("../sub")
    (ignoring / "current").symlink_to("uploads/deep")
    folder = check_out_staged(ignoring, destination)
    for name in links:
        (folder / "uploads" / name).write_text("by the project\n")
    assert (folder / "uploads/one.txt").read_text() == "by the project\n"
    assert (ignoring / "uploads/one.txt").read_text() == "uploads/one.txt\n"
    assert outside.read_text() == "outside\n"
    assert (folder / "uploads/code").resolve() == folder / "sub"
    assert (folder / "current").resolve() == folder / "uploads/deep"


def test_a_folder_that_is_ignored_in_part_has_both(root: Path, destination: Path) -> None:
    """The base's tree may track what the staged one ignores."""
    (root / "build").mkdir()
    (root / "build/made.py").write_text("x = 1\n")
    commit(root, {"build/kept.py": "y = 1\n", ".gitignore": "/build/made.py\n"})
    old = git(root, "rev-parse", "HEAD^{tree}")
    git(root, "rm", "-q", "--cached", "build/kept.py")
    (root / "build/kept.py").write_text("y = 2\n")
    (root / ".gitignore").write_text("/build/\n")
    commit(root)
    folder = check_out_staged(root, destination)
    assert (folder / "build/kept.py").read_text() == "y = 2\n"
    check_out(Repository.discover(root), old, destination, destination.with_suffix(".state"))
    assert (folder / "build/kept.py").read_text() == "y = 1\n"
    assert (folder / "build/made.py").read_text() == "x = 1\n"


def test_line_ends_of_the_judged_tree_count(root: Path, destination: Path) -> None:
    old = commit(root, {"a.txt": "one\ntwo\n"})
    text = "*.txt text eol=crlf\n"
    folder = check_out_staged(root, destination)
    (root / ".gitattributes").write_text(text)
    git(root, "add", ".gitattributes")  # alone
    check_out_staged(root, destination)
    assert (folder / "a.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert git(folder, "status", "--porcelain") == ""
    check_out(Repository.discover(root), old, destination, destination.with_suffix(".state"))
    assert (folder / "a.txt").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("name", ["core.autocrlf", "core.eol", "core.attributesFile", "info"])
def test_how_files_are_written_is_configured_later(
    root: Path, tmp_path: Path, destination: Path, name: str
) -> None:
    commit(root, {"a.txt": "one\n", ".gitattributes": "*.txt text\n"})
    folder = check_out_staged(root, destination)
    assert (folder / "a.txt").read_bytes() == b"one\n"
    crlf = "*.txt text eol=crlf\n"
    if name == "info":
        (root / ".git/info/attributes").write_text(crlf)
    elif name == "core.attributesFile":
        (root / ".gitattributes").unlink()
        commit(root)
        (tmp_path / "attributes").write_text(crlf)
        git(root, "config", name, str(tmp_path / "attributes"))
    else:
        git(root, "config", name, {"core.autocrlf": "true", "core.eol": "crlf"}[name])
    check_out_staged(root, destination)
    assert (folder / "a.txt").read_bytes() == b"one\r\n"
    assert git(folder, "status", "--porcelain") == ""


def test_a_filter_that_is_set_later_acts_on_all_files(root: Path, destination: Path) -> None:
    commit(root, {"a.txt": "one\n", ".gitattributes": LOUD})
    folder = check_out_staged(root, destination)
    assert (folder / "a.txt").read_text() == "one\n"
    git(root, "config", "filter.loud.smudge", "tr a-z A-Z")
    git(root, "config", "filter.loud.clean", "tr A-Z a-z")
    check_out_staged(root, destination)
    assert (folder / "a.txt").read_text() == "ONE\n"
    assert git(folder, "status", "--porcelain") == ""
    (folder / "a.txt").touch()
    assert git(folder, "status", "--porcelain") == ""  # it has the filter too


@pytest.mark.parametrize("is_required", [True, False])
def test_a_filter_that_failed_works_once_it_is_mended(
    root: Path, tmp_path: Path, destination: Path, is_required: bool
) -> None:
    commit(root, {"a.txt": "one\n", "b.py": "x = 1\n", ".gitattributes": LOUD})
    git(root, "config", "filter.loud.smudge", f"cat {tmp_path}/key > /dev/null && tr a-z A-Z")
    git(root, "config", "filter.loud.required", str(is_required).lower())
    if is_required:
        with pytest.raises(CouldNotJudge, match=r"filter 'loud' failed on a\.txt,") as caught:
            check_out_staged(root, destination)
        assert r"git config --get-regexp '^filter\.loud\.'" in caught.value.fix
    else:
        check_out_staged(root, destination)
    (tmp_path / "key").write_text("secret")
    folder = check_out_staged(root, destination)
    assert (folder / "a.txt").read_text() == "ONE\n"


def test_a_filter_whose_program_changes(root: Path, tmp_path: Path, destination: Path) -> None:
    program = tmp_path / "loud"
    program.write_text("#!/bin/sh\nexec cat\n")
    program.chmod(0o755)
    commit(root, {"a.txt": "one\n", ".gitattributes": LOUD})
    git(root, "config", "filter.loud.smudge", str(program))
    folder = check_out_staged(root, destination)
    program.write_text("#!/bin/sh\nexec tr a-z A-Z\n")
    check_out_staged(root, destination)
    assert (folder / "a.txt").read_text() == "ONE\n"


def test_few_processes_are_started(
    ignoring: Path, destination: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_out_staged(ignoring, destination)
    (ignoring / "a.py").write_text("x = 2\n")
    git(ignoring, "add", "a.py")
    repository = Repository.discover(ignoring)
    tree = repository.staged_tree({})
    trace = tmp_path / "git.log"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    check_out(repository, tree, destination, destination.with_suffix(".state"))
    asked = [line.split("built-in: ")[1] for line in trace.read_text().splitlines()]
    commands = [line.split(" -c ")[-1].split()[1:2] for line in asked if line.startswith("git")]
    assert len(commands) == 6, asked
    check_out(
        repository,
        tree,
        destination.with_name("base"),
        destination.with_name("base").with_suffix(".state"),
    )
    more = trace.read_text().splitlines()[len(asked) :]
    assert len(more) == 2, more
