"""A private working copy of a tree, reused and updated, in which the dry run executes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.absent import fill_pointers
from alembic_lockstep.git.cloning import can_clone, copy_file
from alembic_lockstep.git.command import QUIET, run_git
from alembic_lockstep.git.deletion import delete
from alembic_lockstep.git.entries import folders_of, parent_folders
from alembic_lockstep.git.filters import digest_filters
from alembic_lockstep.git.ignored import IgnoredEntry, IgnoredFiles
from alembic_lockstep.git.listing import list_ignored
from alembic_lockstep.git.replica import Replica
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.sweep import Sweep, drop_bytecode
from alembic_lockstep.system.regular import CLOCK_TICK


def check_out(repository: Repository, tree: str, parent: Path, state: Path) -> Path:
    """Update the working copy in a folder to `tree` and return its top folder.

    The copy has the name of the user's folder and a `.git` of its own. Only files that differ
    are written; bytecode of the others stays. Ignored files of the user's working tree are
    copied; untracked, unignored ones are not. The caller holds the slot.

    Args:
        parent: The folder that holds only the copy: no upward search finds our files.
        state: The folder for our own records, out of the project's reach.

    Raises:
        CouldNotJudge: git could not write the tree; a filter failed.
    """
    filters = digest_filters(repository, tree)
    checkout = _Checkout(repository, tree, parent, state)
    if checkout.is_written_with(filters):
        with suppress(CouldNotJudge, _LostFilesError):  # an old copy is never in the way
            return checkout.update(filters, is_reused=True)
    checkout.clear()
    return checkout.update(filters)


class _LostFilesError(Exception):
    """Files of the tree are missing, although git wrote all that differed."""


@dataclass
class _Checkout:
    """A working copy.

    Attributes:
        parent, state: See `check_out`.
        since: When the last update began, in nanoseconds of the file system's clock.
    """

    repository: Repository
    tree: str
    parent: Path
    state: Path
    folder: Path = field(init=False)
    since: int = 0

    def __post_init__(self) -> None:
        self.folder = self.parent / (self.repository.root.name or "checkout")

    def is_written_with(self, filters: str) -> bool:
        """Return whether the last update was completed with these filters."""
        done = self.state / "filters"
        is_there = self.folder.is_dir() and not self.folder.is_symlink()
        return is_there and done.is_file() and done.read_text() == filters

    def clear(self) -> None:
        """Delete the copy and our records of it."""
        for folder in (self.parent, self.state):
            delete(folder)
            folder.mkdir(parents=True, mode=0o700)

    def update(self, filters: str, *, is_reused: bool = False) -> Path:
        """Write the tree and the ignored files; return the top folder.

        Raises:
            CouldNotJudge: git could not write the tree.
            _LostFilesError: the project left a reused copy in a state that git takes for whole.
        """
        done = self.state / "filters"
        done.unlink(missing_ok=True)
        began = self._note_start()
        is_whole = self._read_tree()
        links = [entry.path for entry in self.repository.entries(self.tree) if entry.is_link]
        redirected = [path for path in links if _redirect(self.repository.root, self.folder, path)]
        filled = fill_pointers(self.repository, self.folder, self._environ)
        ignored = list_ignored(self.repository)
        is_lost = self._show_ignored(ignored, began)
        if is_lost and is_reused:
            raise _LostFilesError
        replica = Replica(self.repository, self.tree, self.folder)
        replica.write(self._index, altered=[*redirected, *filled], ignored=ignored)
        if is_whole:
            done.write_text(filters)
        return self.folder

    def _note_start(self) -> int:
        """Return the present time in nanoseconds of the file system's clock, and record it."""
        clock = self.state / "begun"
        self.since = clock.stat().st_mtime_ns if clock.exists() else 0
        clock.write_text("")
        return clock.stat().st_mtime_ns

    @property
    def _index(self) -> Path:
        return self.state / "index"

    @property
    def _environ(self) -> dict[str, str]:
        return {
            **self.repository.object_environ,
            "GIT_DIR": str(self.repository.git_dir),
            "GIT_WORK_TREE": str(self.folder),
            "GIT_INDEX_FILE": str(self._index),
            "GIT_LFS_SKIP_SMUDGE": "1",
        }

    def _read_tree(self) -> bool:
        """Write the tree's files with git; return whether all filters succeeded."""
        self.folder.mkdir(exist_ok=True)
        self._index.with_name("index.lock").unlink(missing_ok=True)  # left by a killed run
        command = (*QUIET, "read-tree", "--reset", "-u", self.tree)
        errors = run_git(self.folder, *command, environ=self._environ, errors=True)
        # Git goes on when a filter fails that is not required, and prints this.
        return b"external filter" not in errors

    def _show_ignored(self, ignored: Iterable[str], began: int) -> bool:
        """Copy ignored files, delete all others; return whether files of the tree are missing."""
        tracked = {entry.path for entry in self.repository.entries(self.tree)}
        files = IgnoredFiles(self.repository.root, self.folder, self._can_clone())
        shown = {entry.path: entry for entry in files.select(ignored)}
        for path in _unshowable(shown, tracked):
            del shown[path]
        sweep = Sweep(self.folder, began - CLOCK_TICK, tracked, shown)
        sweep.run()
        for entry in shown.values():
            self._show(entry, sweep.present.get(entry.path))
        return sweep.tracked_there < len(tracked)

    def _can_clone(self) -> bool:
        index = self.repository.git_dir / "index"
        return index.is_file() and can_clone(index, self.state)

    def _show(self, shown: IgnoredEntry, present: os.stat_result | None) -> None:
        """Make an ignored file, folder or link as it is in the user's working tree."""
        target = self.folder / shown.path
        if shown.status is None:
            if present is None or os.fspath(target.readlink()) != shown.source:
                _make_room(target)
                target.symlink_to(shown.source)
        elif shown.is_folder:
            target.mkdir(parents=True, exist_ok=True)
        elif present is None or not self._is_fresh(shown.status, present):
            _copy(shown.source, target, shown.status)

    def _is_fresh(self, source: os.stat_result, copy: os.stat_result) -> bool:
        """Return whether neither file was written since the copy was made.

        Some tools give their output a fixed modification time, so ctime counts, too.
        """
        return (
            (source.st_size, source.st_mtime_ns) == (copy.st_size, copy.st_mtime_ns)
            and (source.st_mode ^ copy.st_mode) & 0o577 == 0
            and source.st_ctime_ns < self.since - CLOCK_TICK
        )


def _copy(source: str, target: Path, status: os.stat_result) -> None:
    _make_room(target)
    copy_file(source, str(target), status)
    if target.suffix == ".py":
        drop_bytecode(target)  # Python trusts it by size and second


def _make_room(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    delete(target)


def _unshowable(shown: dict[str, IgnoredEntry], tracked: set[str]) -> list[str]:
    """Return ignored paths that the tree itself has, or that lie below a file or link.

    Below a link lie the user's own files: to write there would overwrite them.
    """
    folders = set(folders_of(tracked))
    closed = tracked | {path for path, entry in shown.items() if entry.is_link}
    return [
        path
        for path, entry in shown.items()
        if path in tracked
        or (path in folders and not entry.is_folder)
        or any(folder in closed for folder in parent_folders(path))
    ]


def _redirect(root: Path, folder: Path, path: str) -> bool:
    """Change a link whose target the copy's location would alter; return whether it was changed.

    `../../shared` would lead nowhere from the copy, and the working tree's absolute name would
    lead out of it: the former gets the user's target, the latter the copy's own file.
    """
    link = folder / path
    if not link.is_symlink():  # core.symlinks is off
        return False
    target = link.readlink()
    user_target = Path(os.path.normpath((root / path).parent / target))
    is_inside = user_target.is_relative_to(root)
    if is_inside != target.is_absolute():
        return False
    link.unlink()
    link.symlink_to(folder / user_target.relative_to(root) if is_inside else user_target)
    return True
