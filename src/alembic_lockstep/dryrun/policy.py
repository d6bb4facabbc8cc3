"""The files that the project's processes may change on this machine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from alembic_lockstep.config import Settings
from alembic_lockstep.isolation.addresses import socket_of
from alembic_lockstep.isolation.cell import GUARDS, Policy

#: The folder of semaphores and shared memory; multiprocessing makes locks there at import.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a kernel's interface, not a temporary file


#: The parts of a run's folder that the project may write to: checkouts and scratch databases, its
#: writes to other folders, temporary files, bytecode. Our notes on the checkouts are not there. The
#: names are short: a socket's path has 107 bytes at most.
_PARTS = ("work", "shadows", "tmp", "bytecode")


def work_folder(slot: Path, part: str = "work") -> Path:
    """Return a folder of a run that the project may write to; make it if it is missing."""
    folder = slot / part
    folder.mkdir(exist_ok=True)
    return folder


def policy_for(slot: Path, settings: Settings) -> Policy:
    """Return the policy of a run: its own folders, and those of `allow-write`, are writable."""
    guards = GUARDS if settings.guard == "auto" else (settings.guard,)
    allowed = (str(Path(path).expanduser()) for path in settings.allow_write)
    writable = [*(str(work_folder(slot, part)) for part in _PARTS), *allowed]
    if not _holds_files_of_the_user(slot):
        writable.append(str(SHARED_MEMORY))
    sockets = [name for name in settings.allow_connect if name.startswith("/")]
    sockets += filter(None, map(socket_of, settings.scratch_urls))
    return Policy(
        guards=guards,
        writable=tuple(writable),
        base=work_folder(slot, "view"),
        shown=tuple(sockets),
        own=_folders_of_the_user(slot),
    )


def bytecode_folder(policy: Policy) -> Path:
    """Return the folder of a run for the bytecode of modules that have no cached one."""
    return policy.base.with_name("bytecode")


def _holds_files_of_the_user(slot: Path) -> bool:
    """Return whether the user's files may lie in shared memory, so that it cannot be writable."""
    folders = map(Path, _folders_of_the_user(slot))
    return any(folder.is_relative_to(SHARED_MEMORY) for folder in folders)


def _folders_of_the_user(slot: Path) -> tuple[str, ...]:
    """Return folders of files that a project may change: repository, home, temporary."""
    temporary = ("/var/tmp", tempfile.gettempdir())  # noqa: S108 - the user's, not ours
    return (str(slot), str(Path.home()), os.getcwd(), *temporary)  # noqa: PTH109
