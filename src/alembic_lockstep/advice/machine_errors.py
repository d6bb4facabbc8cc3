"""What to do about files that cannot be read or written, or that change while they are read."""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.system.limits import more_files, permit

PACKAGE = Path(__file__).parents[1]

# A file that cannot be read or written is the machine's fault: permissions, a full disk.
# fmt: off
_OF_THE_MACHINE = {
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EEXIST", "ENOTDIR", "EIO",
                 "ENAMETOOLONG", "ELOOP", "EMFILE", "ENFILE", "ENOMEM")
    if hasattr(errno, name)  # Windows has no EDQUOT
}
# fmt: on
# Somebody else deleted or replaced it, since it was found a moment ago.
_CHANGED = {errno.ENOENT, errno.EISDIR, errno.ENOTEMPTY, errno.ESTALE}


def of_the_machine(error: OSError) -> CouldNotJudge | None:
    """Return the message for an error that is the machine's fault; None for ours."""
    if error.errno in _OF_THE_MACHINE:
        return _unusable(error)
    return _changed(error) if _is_changed(error) else None


def _is_changed(error: OSError) -> bool:
    """Return whether a file or folder that is not ours was missing, or of another kind."""
    path = Path(os.fsdecode(error.filename or __file__))
    return error.errno in _CHANGED and not path.is_relative_to(PACKAGE)


def _changed(error: OSError) -> CouldNotJudge:
    path = os.fsdecode(error.filename)
    return CouldNotJudge(
        f"{path} changed while it was read: {error.strerror}",
        fix="Check again once nothing else writes there. If it stays so, please report it with "
        "this log:\nalembic-lockstep check --debug-log lockstep.log",
    )


def _unusable(error: OSError) -> CouldNotJudge:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return CouldNotJudge(f"no further file can be opened: {error.strerror}", fix=more_files())
    if not error.filename:
        return CouldNotJudge(
            f"standard output or a temporary file cannot be written: {error.strerror}"
        )
    path = os.fsdecode(error.filename)
    is_full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None))
    command = ["df", "-h", str(Path(path).parent)] if is_full else ["ls", "-ld", path]
    fix = permit(path) if error.errno == errno.EACCES else shlex.join(command)
    return CouldNotJudge(f"{path} cannot be read or written: {error.strerror}", fix=fix)
