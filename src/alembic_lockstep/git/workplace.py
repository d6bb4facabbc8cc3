"""Folders outside of a repository in which its dry runs work: checkouts, scratch databases.

A checkout below `.git` would not work: the project there finds the outer repository by its
`.git`, other files by searching upward, and tools skip its own files as hidden.
"""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.deletion import delete
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.system.slots import acquire_slot, hold_lock, hold_slot

#: Seconds after which the unused checkouts of a repository are deleted.
UNUSED = 30 * 24 * 60 * 60
#: Seconds between two searches for such checkouts.
_SWEEP_INTERVAL = 24 * 60 * 60
#: Workplaces that a run deletes at most.
_AT_ONCE = 2
_DELETED = ".deleted"


def find_workplace(repository: Repository, environ: Mapping[str, str], cache: Path) -> Path:
    """Return the folder for a repository's runs, made with mode 0700 if need be.

    Args:
        environ: The environment at the edge; `TMPDIR` counts.
        cache: The user's cache folder, used if no temporary folder is usable.

    Raises:
        CouldNotJudge: no folder exists that only this user can write to.
    """
    name = blake2b(os.fsencode(repository.git_dir), digest_size=8).hexdigest()
    *outside, last = _homes(environ, cache)
    homes = [*(home for home in outside if not _is_in(home, repository)), last]
    for home in homes:
        if _is_private(home) and _is_private(home / name):
            return home / name
    raise CouldNotJudge(
        "there is no folder for the private checkout that only you can write to",
        tried=[str(home) for home in homes],
        fix='mkdir -p -m 700 "$HOME/lockstep" && export TMPDIR="$HOME/lockstep"',
    )


@contextmanager
def acquire_workplace(folder: Path) -> Iterator[Path]:
    """Yield a slot of a workplace, locked until exit; then delete long unused checkouts."""
    with ExitStack() as stack:
        with hold_lock(_lock_of(folder), seconds=10):  # a deletion renames the folder meanwhile
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / "used").touch()
            slot = stack.enter_context(acquire_slot(folder / "slots"))
        yield slot
    delete_unused_workplaces(folder.parent)


def list_workplaces(environ: Mapping[str, str], cache: Path) -> list[Path]:
    """Return the workplaces of this user, of all repositories, in the folders used today."""
    homes = list(_homes(environ, cache))
    return sorted(
        path
        for home in {homes[0], homes[-1]}
        if _is_ours(home)
        for path in home.iterdir()
        if path.is_dir() and path.suffix != _DELETED
    )


def delete_workplace(folder: Path) -> bool:
    """Delete a workplace; return False if a run uses it."""
    doomed = folder.with_name(f"{folder.name}-{os.getpid()}{_DELETED}")
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(_lock_of(folder), seconds=0))
        except CouldNotJudge:
            return False
        slots = [path for path in folder.glob("slots/*") if path.name.isdecimal()]
        if not all(stack.enter_context(hold_slot(slot)) for slot in slots):
            return False
        folder.rename(doomed)
    delete(doomed)
    return True


def delete_unused_workplaces(home: Path) -> None:
    """Delete workplaces unused for 30 days: a few at most, once a day."""
    stamp = home / "swept"
    with suppress(OSError):  # housekeeping never fails a run
        if time.time() - _modified(stamp) < _SWEEP_INTERVAL:
            return
        stamp.touch()
        unused = [path for path in home.iterdir() if path.is_dir() and _is_unused(path)]
        for path in unused[:_AT_ONCE]:
            if path.suffix == _DELETED:  # a killed run left it
                delete(path)
            else:
                delete_workplace(path)


def _is_unused(folder: Path) -> bool:
    if folder.suffix == _DELETED:
        return True
    return time.time() - max(_modified(folder), _modified(folder / "used")) > UNUSED


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _homes(environ: Mapping[str, str], cache: Path) -> Iterator[Path]:
    """Yield the folders that may hold workplaces of this user, the best first."""
    bases = (environ.get("TMPDIR"), "/var/tmp", tempfile.gettempdir())  # noqa: S108 - verified
    for base in filter(None, bases):
        folder = Path(base)
        if folder.is_absolute() and _is_usable(folder.resolve()):
            yield folder.resolve() / f"alembic-lockstep-{_user()}"
    yield cache / "checkouts"


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _is_usable(base: Path) -> bool:
    """Return whether a folder may hold checkouts: not hidden, not replaceable by other users."""
    if any(part.startswith(".") for part in base.parts):
        return False
    try:
        mode = base.stat().st_mode
        no_programs = os.statvfs(base).f_flag & getattr(os, "ST_NOEXEC", 0)
    except OSError:
        return False
    anybody = mode & stat.S_IWOTH and not mode & stat.S_ISVTX
    return (
        stat.S_ISDIR(mode) and os.access(base, os.W_OK | os.X_OK) and not (anybody or no_programs)
    )


def _is_in(folder: Path, repository: Repository) -> bool:
    tops = (repository.root, repository.main_root, repository.git_dir, repository.common_dir)
    return any(folder.is_relative_to(top) for top in tops)


def _is_private(folder: Path) -> bool:
    """Make a folder if need be; return whether only this user can write to it."""
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _is_ours(folder)


def _is_ours(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_alone = not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == _user() and is_alone


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
