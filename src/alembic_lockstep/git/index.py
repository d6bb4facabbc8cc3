"""Throwaway copies of an index, so that git never writes to the user's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from alembic_lockstep.slots import acquire_slot


@contextmanager
def scratch_index(parent: Path, source: Path | None) -> Iterator[Mapping[str, str]]:
    """Yield the variables for git that name a copy of an index, or an empty one."""
    with acquire_slot(parent) as slot:
        for leftover in slot.iterdir():  # of a killed run, git's lock included
            leftover.unlink()
        copy = slot / "index"
        if source is not None:
            shutil.copyfile(source, copy)
        yield {"GIT_INDEX_FILE": str(copy)}
        copy.unlink(missing_ok=True)
