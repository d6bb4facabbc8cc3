"""What the project's processes may change on this machine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from alembic_lockstep.config import Settings
from alembic_lockstep.isolation.addresses import socket_of
from alembic_lockstep.isolation.cell import GUARDS, Policy

#: Where semaphores and shared memory are made: multiprocessing's locks, at import.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a kernel's interface, not a temporary file


#: The parts of a run's folder that the project may write to: checkouts and scratch databases, what
#: it writes elsewhere, temporary files, bytecode. What we know of the checkouts is not among them.
#: The names are short: that of a socket has 107 bytes at most.
_PARTS = ("work", "shadows", "tmp", "bytecode")


def work_folder(slot: Path, part: str = "work") -> Path:
    """Return a folder of a run that the project may write to, made if need be."""
    folder = slot / part
    folder.mkdir(exist_ok=True)
    return folder


def policy_for(slot: Path, settings: Settings) -> Policy:
    """Return the policy of a run: its own folders, and what a setting names, may be written."""
    guards = GUARDS if settings.guard == "auto" else (settings.guard,)
    allowed = (str(Path(path).expanduser()) for path in settings.allow_write)
    writable = [*(str(work_folder(slot, part)) for part in _PARTS), *allowed]
    if not _holds_files_of_the_users(slot):
        writable.append(str(SHARED_MEMORY))
    sockets = [name for name in settings.allow_connect if name.startswith("/")]
    sockets += filter(None, map(socket_of, settings.scratch_urls))
    view = work_folder(slot, "view")
    return Policy(guards, tuple(writable), view, tuple(sockets), _folders_of_the_users(slot))


def bytecode_folder(policy: Policy) -> Path:
    """Return the folder of a run for the bytecode of modules that have none beside them."""
    return policy.base.with_name("bytecode")


def _holds_files_of_the_users(slot: Path) -> bool:
    """Tell whether somebody works in the shared memory, so that all of it cannot be opened."""
    folders = map(Path, _folders_of_the_users(slot))
    return any(folder.is_relative_to(SHARED_MEMORY) for folder in folders)


def _folders_of_the_users(slot: Path) -> tuple[str, ...]:
    """Return where the user's files may lie that a project changes: repository, home, temporary."""
    temporary = ("/var/tmp", tempfile.gettempdir())  # noqa: S108 - somebody's, not ours
    return (str(slot), str(Path.home()), os.getcwd(), *temporary)  # noqa: PTH109
