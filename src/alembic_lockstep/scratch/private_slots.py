"""Find and delete the slots of private servers: folders with a server's data."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

from alembic_lockstep.scratch.account import present_base, server_account
from alembic_lockstep.system.slots import hold_slot

#: The first parts of all programs' folders (`Program.folder`) below the cache.
FOLDERS = ("mysql", "postgresql")


def find_slots(cache: Path) -> list[Path]:
    """Return the slots of all private servers of a cache directory."""
    base = present_base(cache, server_account())
    paths = (path for kind in FOLDERS for path in base.glob(f"{kind}/*/*"))
    return sorted(path for path in paths if path.name.isdecimal() and path.is_dir())


def delete_unused(slot: Path) -> bool:
    """Delete a slot with its server's data; False if a run uses it, or it cannot be deleted."""
    with hold_slot(slot) as free:
        if not free or _is_guarded(slot):
            return False
        shutil.rmtree(slot, ignore_errors=True)
        return not slot.exists()


def _is_guarded(slot: Path) -> bool:
    """Return whether a killed run's guard is still stopping its server."""
    try:
        with (slot / "guard.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:  # no server was started yet
        return False
    except OSError:
        return True
    return False
