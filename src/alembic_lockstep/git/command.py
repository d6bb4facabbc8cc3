"""Running git, through GitPython's command interface.

GitPython's `Git` object runs the real `git`, so a hook's `GIT_INDEX_FILE` and
`GIT_DIR` are honoured, which `Repo().index` would ignore.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from alembic_lockstep.errors import CouldNotJudge

# `import git` runs `git version` unless told not to: half of its import time.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from git.cmd import Git as Git  # for what reads many objects
from git.exc import GitCommandError, GitCommandNotFound


def run_git(
    cwd: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
    fix: str = "",
) -> bytes:
    """Run git and return what it printed; `CouldNotJudge` with git's own words if it fails."""
    command = ["git", *arguments]
    try:
        return Git(str(cwd)).execute(
            command,
            istream=stdin,
            env=environ,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
        )
    except GitCommandNotFound as error:
        raise CouldNotJudge("git is not installed or not on PATH", fix=str(error)) from error
    except GitCommandError as error:
        said = str(error.stderr).strip().removeprefix("stderr:").strip().strip("'").strip()
        said = "; ".join(said.splitlines())
        raise CouldNotJudge(f"git {arguments[0]} failed: {said}", fix=fix) from error


def records(output: bytes) -> list[bytes]:
    """Split what a command printed under `-z`."""
    return [record for record in output.split(b"\0") if record]


def paths(output: bytes) -> list[str]:
    """Split names printed under `-z`; bytes that are no UTF-8 survive."""
    return [os.fsdecode(record) for record in records(output)]
