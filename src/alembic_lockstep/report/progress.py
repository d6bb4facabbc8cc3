"""Which revision of how many runs, on a terminal; nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alembic_lockstep.report.terminal import stderr


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A callable for (revision, number, total); what it showed is gone afterwards."""
    console = stderr()
    if not console.is_terminal:
        yield lambda _revision, _number, _total: None
        return
    with console.status("Starting the project …") as status:
        yield lambda revision, number, total: status.update(
            f"Upgrading a scratch database: revision {number} of {total} ({revision})"
        )
