"""Limits of the machine: the working directory, and the number of open files."""

from __future__ import annotations

from pathlib import Path

from alembic_lockstep.errors import CouldNotJudge

# A run opens pipes, locks and sockets, and each module while it is imported.
FEWEST_FILES = 64
MORE_FILES = "ulimit -n 1024"


def working_directory() -> Path:
    """Return the working directory; raise the limit of open files to what a run needs.

    Raises:
        CouldNotJudge: the directory was deleted, or the limit cannot be raised.
    """
    _raise_limit()
    try:
        return Path.cwd()
    except OSError as error:
        raise CouldNotJudge(
            f"the working directory cannot be found any more: {error.strerror}",
            fix='cd "$PWD"  # or, if it was deleted, into another folder',
        ) from error


def _raise_limit() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FEWEST_FILES:
        return
    if hard != resource.RLIM_INFINITY and hard < FEWEST_FILES:
        raise CouldNotJudge(
            f"only {hard} files may be open at once here, and a run needs {FEWEST_FILES}",
            fix=MORE_FILES,
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEWEST_FILES, hard))
