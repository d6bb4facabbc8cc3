"""Limits of the machine: the working directory, the number of open files, permissions."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from alembic_lockstep.errors import CouldNotJudge

# A run opens pipes, locks and sockets, and each module while it is imported.
FEWEST_FILES = 64
_USUAL_FILES = 1024


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


def more_files() -> str:
    """Return what to type so that a run may open more files."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= _USUAL_FILES:
        return f"ulimit -n {_USUAL_FILES}"
    lines = [
        f"This session may not have more than {hard}. Begin it with another limit: limits.conf, "
        f"LimitNOFILE={_USUAL_FILES} of systemd, --ulimit nofile={_USUAL_FILES} of docker run."
    ]
    if os.geteuid() != 0:  # the limit of a root that may raise it has been raised
        lines += [
            "Or let an administrator raise it for this shell:",
            f"sudo prlimit --pid $$ --nofile={_USUAL_FILES}:{_USUAL_FILES}",
        ]
    return "\n".join(lines)


def permit(path: str) -> str:
    """Return what to type so that this user may read and write a file, or make it in its folder.

    Only what is in a repository is given to this user as a whole: the nearest folder that exists
    may be the system's.
    """
    names = (path, *map(str, Path(path).parents))
    nearest = next(name for name in names if os.path.lexists(name))
    is_own = os.lstat(nearest).st_uid == os.geteuid()
    if ".git" in Path(nearest).parts:
        verb = "chmod -R u+rwX" if is_own else 'sudo chown -R "$(id -un)"'
        return f"{verb} {shlex.quote(nearest)}"
    return shlex.join(["chmod", "u+rwX", nearest] if is_own else ["ls", "-ld", nearest])


def _raise_limit() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FEWEST_FILES:
        return
    is_unlimited = hard == resource.RLIM_INFINITY
    try:
        highest = hard if is_unlimited else max(hard, FEWEST_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (FEWEST_FILES, highest))
    except (OSError, ValueError) as error:
        raise CouldNotJudge(
            f"only {hard} files may be open at once here, and a run needs {FEWEST_FILES}",
            fix=more_files(),
        ) from error
