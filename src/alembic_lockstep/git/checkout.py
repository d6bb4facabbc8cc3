"""A private working copy of a tree, kept and updated in steps, in which the dry run executes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.absent import fill_pointers
from alembic_lockstep.git.command import QUIET, run_git
from alembic_lockstep.git.entries import Change
from alembic_lockstep.git.repository import Repository

# An ignored file up to this size in bytes is copied, a larger one linked.
COPY_LIMIT = 1 << 20


def check_out(repository: Repository, tree: str, slot: Path) -> Path:
    """Bring the slot's working copy to `tree` and return its folder.

    Only files that differ are written, and bytecode of the others is kept. Ignored files
    of the user's working tree are made visible; untracked, unignored ones are not.
    The caller holds the slot.
    """
    folder = slot / "tree"
    folder.mkdir(parents=True, exist_ok=True)
    done = slot / "checked-out"
    before = done.read_text() if done.exists() else repository.empty_tree
    done.unlink(missing_ok=True)
    _update(repository, tree, folder, slot / "index")
    _drop_bytecode(repository, before, tree, folder)
    for entry in repository.entries(tree):
        if entry.is_link:
            _aim(repository.root, folder, entry.path)
    for path in repository.ignored():
        _show(repository.root / path, folder / path)
    done.write_text(tree)
    return folder


def _update(repository: Repository, tree: str, folder: Path, index: Path) -> None:
    environ = {
        **repository.objects,
        "GIT_DIR": str(repository.git_dir),
        "GIT_WORK_TREE": str(folder),
        "GIT_INDEX_FILE": str(index),
        "GIT_LFS_SKIP_SMUDGE": "1",
    }
    index.with_name("index.lock").unlink(missing_ok=True)  # left by a run that was killed
    if index.exists():
        # What the last run left: the project's own output, and the ignored files' links.
        run_git(folder, *QUIET, "clean", "-ffdxq", "-e", "__pycache__", environ=environ)
    run_git(folder, *QUIET, "read-tree", "--reset", "-u", tree, environ=environ)
    fill_pointers(repository, folder, environ)


def _aim(root: Path, folder: Path, path: str) -> None:
    """Have a link out of the working tree lead where the user's does, and one into it stay ours.

    The working copy lies elsewhere: `../../shared` would lead nowhere from there, and the
    working tree's absolute name out of what is judged.
    """
    link = folder / path
    if not link.is_symlink():  # core.symlinks is off
        return
    target = link.readlink()
    there = Path(os.path.normpath((root / path).parent / target))
    inside = there.is_relative_to(root)
    if inside == target.is_absolute():
        link.unlink()
        link.symlink_to(folder / there.relative_to(root) if inside else there)


def _drop_bytecode(repository: Repository, before: str, tree: str, folder: Path) -> None:
    """Remove the bytecode of files that changed.

    Python trusts bytecode by the source's size and modification second, and two trees
    can be checked out within one second.
    """
    for change in _changes(repository, before, tree):
        for path in {change.path, change.old_path}:
            file = folder / path
            _drop_compiled(file)
            _drop_empty(file.parent, folder)


def _changes(repository: Repository, before: str, tree: str) -> list[Change]:
    try:
        return repository.changes(before, tree)
    except CouldNotJudge:  # `git gc` took the tree of the last run: every file may differ
        return repository.changes(repository.empty_tree, tree)


def _drop_compiled(file: Path) -> None:
    for compiled in (file.parent / "__pycache__").glob(f"{_escape(file.stem)}.*.pyc"):
        compiled.unlink()


def _drop_empty(directory: Path, top: Path) -> None:
    """Remove folders that hold bytecode only: Python would take them for namespace packages."""
    while directory != top and directory.is_dir():
        if any(entry.name != "__pycache__" for entry in os.scandir(directory)):
            return
        shutil.rmtree(directory)
        directory = directory.parent


def _escape(stem: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in stem)


def _show(source: Path, target: Path) -> None:
    """Make one ignored file or folder visible in the checkout."""
    if os.path.lexists(target) or not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file() and source.stat().st_size <= COPY_LIMIT:
        shutil.copy2(source, target)  # a copy, so that the project cannot write to the user's
        if source.suffix == ".py":
            _drop_compiled(target)  # git does not tell whether this one changed
    else:
        target.symlink_to(source, target_is_directory=source.is_dir())
