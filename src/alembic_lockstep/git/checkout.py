"""A private working copy of a tree, kept and updated in steps, in which the dry run executes."""

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
from alembic_lockstep.git.filters import digest_filters
from alembic_lockstep.git.ignored import Shown, Survey
from alembic_lockstep.git.replica import Replica
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.sweep import Sweep, drop_compiled, folders_of, upward

# Nanoseconds by which the times of files may lag behind each other: the kernel's tick.
_COARSE = 20_000_000


def check_out(repository: Repository, tree: str, place: Path, state: Path) -> Path:
    """Bring the working copy in a folder to `tree` and return its top folder.

    It is called as the user's is and has a `.git` of its own. Only files that differ are
    written, and bytecode of the others is kept. Ignored files of the user's working tree are
    copied; untracked, unignored ones are not. The caller holds the slot.

    Args:
        place: The folder that holds it and nothing else: no upward search finds our files.
        state: The folder for what we keep about it, out of the project's reach.

    Raises:
        CouldNotJudge: git could not write the tree; a filter failed.
    """
    filters = digest_filters(repository, tree)
    checkout = _Checkout(repository, tree, place, state)
    if checkout.is_written_with(filters):
        with suppress(CouldNotJudge, _LostFilesError):  # what was kept is never in the way
            return checkout.update(filters, is_kept=True)
    checkout.clear()
    return checkout.update(filters)


class _LostFilesError(Exception):
    """Files of the tree are not there, although git wrote what differed."""


@dataclass
class _Checkout:
    """The working copy of one role.

    Attributes:
        place, state: See `check_out`.
        since: When the last update began, in nanoseconds of the file system's clock.
    """

    repository: Repository
    tree: str
    place: Path
    state: Path
    folder: Path = field(init=False)
    since: int = 0

    def __post_init__(self) -> None:
        self.folder = self.place / (self.repository.root.name or "checkout")

    def is_written_with(self, filters: str) -> bool:
        """Tell whether the last update came to its end, with these filters."""
        done = self.state / "filters"
        is_there = self.folder.is_dir() and not self.folder.is_symlink()
        return is_there and done.is_file() and done.read_text() == filters

    def clear(self) -> None:
        """Begin from nothing."""
        for folder in (self.place, self.state):
            delete(folder)
            folder.mkdir(parents=True, mode=0o700)

    def update(self, filters: str, *, is_kept: bool = False) -> Path:
        """Bring all of it to the tree.

        Raises:
            CouldNotJudge: git could not write the tree.
            _LostFilesError: the project left a kept checkout in a state that git takes for whole.
        """
        done = self.state / "filters"
        done.unlink(missing_ok=True)
        began = self._begin()
        is_whole = self._read_tree()
        links = [entry.path for entry in self.repository.entries(self.tree) if entry.is_link]
        aimed = [path for path in links if _aim(self.repository.root, self.folder, path)]
        filled = fill_pointers(self.repository, self.folder, self._environ)
        ignored = self.repository.ignored()
        is_lost = self._show_ignored(ignored, began)
        if is_lost and is_kept:
            raise _LostFilesError
        replica = Replica(self.repository, self.tree, self.folder)
        replica.write(self._index, altered=[*aimed, *filled], ignored=ignored)
        if is_whole:
            done.write_text(filters)
        return self.folder

    def _begin(self) -> int:
        """Return the present by the file system's clock; what is written later is not older."""
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
            **self.repository.objects,
            "GIT_DIR": str(self.repository.git_dir),
            "GIT_WORK_TREE": str(self.folder),
            "GIT_INDEX_FILE": str(self._index),
            "GIT_LFS_SKIP_SMUDGE": "1",
        }

    def _read_tree(self) -> bool:
        """Have git write the tree's files; return whether all filters did their work."""
        self.folder.mkdir(exist_ok=True)
        self._index.with_name("index.lock").unlink(missing_ok=True)  # left by a killed run
        command = (*QUIET, "read-tree", "--reset", "-u", self.tree)
        said = run_git(self.folder, *command, environ=self._environ, errors=True)
        # Of a filter that is not required git only says that it failed.
        return b"external filter" not in said

    def _show_ignored(self, ignored: Iterable[str], began: int) -> bool:
        """Copy ignored files, delete all others; return whether one of the tree's is not there."""
        tracked = {entry.path for entry in self.repository.entries(self.tree)}
        survey = Survey(self.repository.root, self.folder, self._clones())
        shown = {one.path: one for one in survey.look(ignored)}
        for path in _hidden(shown, tracked):
            del shown[path]
        sweep = Sweep(self.folder, began - _COARSE, tracked, shown)
        sweep.run()
        for one in shown.values():
            self._bring(one, sweep.present.get(one.path))
        return sweep.tracked_there < len(tracked)

    def _clones(self) -> bool:
        index = self.repository.git_dir / "index"
        return index.is_file() and can_clone(index, self.state)

    def _bring(self, shown: Shown, present: os.stat_result | None) -> None:
        """Make one ignored file, folder or link as it is in the user's working tree."""
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
        """Tell whether neither was written since the copy was made.

        A tool that gives its output fixed times changes no modification time.
        """
        return (
            (source.st_size, source.st_mtime_ns) == (copy.st_size, copy.st_mtime_ns)
            and (source.st_mode ^ copy.st_mode) & 0o577 == 0
            and source.st_ctime_ns < self.since - _COARSE
        )


def _copy(source: str, target: Path, status: os.stat_result) -> None:
    _make_room(target)
    copy_file(source, str(target), status)
    if target.suffix == ".py":
        drop_compiled(target)  # Python trusts it by size and second


def _make_room(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    delete(target)


def _hidden(shown: dict[str, Shown], tracked: set[str]) -> list[str]:
    """Return what the tree has in its own right, or a file or link stands in the way of.

    Below a link lie the user's own files: to bring anything there would overwrite them.
    """
    folders = set(folders_of(tracked))
    closed = tracked | {path for path, one in shown.items() if one.is_link}
    return [
        path
        for path, one in shown.items()
        if path in tracked
        or (path in folders and not one.is_folder)
        or any(folder in closed for folder in upward(path))
    ]


def _aim(root: Path, folder: Path, path: str) -> bool:
    """Have a link out of the working tree lead where the user's does, and one into it stay ours.

    The working copy lies elsewhere: `../../shared` would lead nowhere from there, and the
    working tree's absolute name out of what is judged. Returns whether it was changed.
    """
    link = folder / path
    if not link.is_symlink():  # core.symlinks is off
        return False
    target = link.readlink()
    there = Path(os.path.normpath((root / path).parent / target))
    inside = there.is_relative_to(root)
    if inside != target.is_absolute():
        return False
    link.unlink()
    link.symlink_to(folder / there.relative_to(root) if inside else there)
    return True
