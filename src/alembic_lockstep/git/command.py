"""Running git, through GitPython's command interface.

GitPython's `Git` object runs the real `git`, so a hook's `GIT_INDEX_FILE` and
`GIT_DIR` are honoured, which `Repo().index` would ignore.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
import subprocess
import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import BinaryIO

from alembic_lockstep.debug import timed
from alembic_lockstep.errors import CouldNotJudge

# Otherwise `import git` runs `git version`: half of its import time.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from git.cmd import Git
from git.exc import GitCommandNotFound

# The user's hooks, monitors and sparse patterns are for the user's working tree, not for our
# indexes and working copies. `access.py` sets access times there, which changes the files' ctime.
QUIET = (
    *("-c", "core.sparseCheckout=false"),
    *("-c", "index.sparse=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.splitIndex=false"),
    *("-c", "core.safecrlf=false"),
    *("-c", "submodule.recurse=false"),
    *("-c", "core.trustctime=false"),
)

#: Set for every call. Git must not refresh an index while it looks: it is the user's, also a
#: submodule's. The options of the git around the hook (`--literal-pathspecs` of Magit and
#: Neogit, or the like) must not apply to our pathspecs.
_SET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "0",
    "GIT_GLOB_PATHSPECS": "0",
    "GIT_NOGLOB_PATHSPECS": "0",
    "GIT_ICASE_PATHSPECS": "0",
}
#: These replace what we ask for, and no value of theirs means none: another file for
#: `git config`, another tree to read attributes from.
_UNSET = ("GIT_CONFIG", "GIT_ATTR_SOURCE")

_FILTER = re.compile(r"(?m)^fatal: (.+): (?:clean|smudge) filter '?(\S+?)'? failed$")
# The command that git itself suggests for a repository of another user.
_SAFE = re.compile(r"^\s*(git config --global --add safe\.directory .+)$", re.MULTILINE)
# Messages about objects that are not there: of the index, and of trees and commits.
_UNSTORED = re.compile(r"(?m)^error: invalid object \d+ [0-9a-f]+ for '(.+)'$")
_LOST = re.compile(
    r"(?i)unable to read (?:tree|sha1 file|[0-9a-f]{40})|could not read [0-9a-f]{40}"
    r"|from promisor remote|object file .* is empty"
)


def run_git(
    cwd: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
    fix: str = "",
    accepted: Collection[int] = (0,),
    errors: bool = False,
) -> bytes:
    """Run git and return its stdout.

    Args:
        fix: What to type if it fails.
        accepted: The exit codes that are answers.
        errors: Return its stderr instead.

    Raises:
        CouldNotJudge: it failed; the message is git's own.
    """
    command = ["git", *arguments]
    try:
        with timed(f"git {' '.join(_without_options(arguments))[:200]}"):
            code, stdout, stderr = Git(str(cwd)).execute(
                command,
                istream=stdin,
                env=_variables(environ or {}),
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
            )
    except GitCommandNotFound as error:
        if not cwd.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(cwd)) from error
        raise CouldNotJudge(
            "git is not installed or not on PATH", fix="Install git, or add its folder to PATH."
        ) from error
    if code not in accepted:
        raise _failure(cwd, _without_options(arguments)[0], stderr.strip(), fix)
    return stderr.encode() if errors else stdout


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for a call. GitPython adds them to this process's own."""
    for name in _UNSET:
        os.environ.pop(name, None)
    return {**environ, **_SET}


def lost_objects_advice(cwd: Path) -> str:
    """Return how to get objects that a clone does not have."""
    remotes = run_git(cwd, "remote").decode().split()
    if not remotes:
        return "Objects were lost, and there is no remote. Which:\ngit fsck"
    remote = "origin" if "origin" in remotes else remotes[0]
    promisor = ("--type=bool", "--default=false", "--get", f"remote.{remote}.promisor")
    if run_git(cwd, "config", *promisor).strip() == b"true":
        return f"In this partial clone, git has to reach the remote:\ngit fetch {remote}"
    return (
        "Objects were lost. Delete those that a power cut left empty, and fetch all again:\n"
        'find "$(git rev-parse --git-path objects)" -type f -empty -delete\n'
        f"git fetch --refetch {remote}\ngit fsck"
    )


def _failure(cwd: Path, command: str, message: str, fix: str) -> CouldNotJudge:
    filter_failure = _FILTER.search(message)
    if filter_failure:
        path, name = filter_failure.groups()
        keys = shlex.quote(rf"^filter\.{name}\.")
        return CouldNotJudge(
            f"git's filter '{name}' failed on {path}, so git {command} failed",
            fix=f"Mend or unset what it runs:\ngit config --get-regexp {keys}",
            log=message,
        )
    safe = _SAFE.search(message)
    if safe:
        message, fix = message.splitlines()[0], safe[1]
    unstored = _UNSTORED.search(message)
    if unstored:
        path = shlex.quote(unstored[1])
        fix = (
            "Its content was lost. If the file on disk is as it was staged, store it again:\n"
            f'git hash-object -w -- "$(git rev-parse --show-cdup)"{path}\n'
        )
    if unstored or _LOST.search(message):
        fix += lost_objects_advice(cwd)
    lines = [line.strip() for line in message.splitlines() if not line.startswith("hint:")]
    reason = "; ".join(filter(None, lines))
    return CouldNotJudge(f"git {command} failed: {reason}", fix=fix)


def _without_options(arguments: tuple[str, ...]) -> list[str]:
    """Return the git command's name and arguments, without the options of git itself."""
    rest = list(arguments)
    while len(rest) > 2 and rest[0] == "-c":
        del rest[:2]
    return rest


# Bytes of an object that is cached, such as a migration.
SMALL = 1 << 16


class ObjectReader:
    """Reads objects through one `git cat-file --batch`.

    Small objects are cached: a tree and its base share nearly all of their files.
    """

    def __init__(self, cwd: Path, environ: Mapping[str, str]) -> None:
        self._cwd = cwd
        self._git = Git(str(cwd))
        self._environ = environ
        self._process: Git.AutoInterrupt | None = None
        self._small: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def read(self, sha: str) -> bytes:
        """Return an object's content; GitPython's own reader supports SHA-1 ids only.

        Raises:
            CouldNotJudge: this clone does not have the object.
        """
        with self._lock:
            return self._small[sha] if sha in self._small else self._read(sha)

    def _read(self, sha: str) -> bytes:
        if self._process is None:
            self._process = self._start()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{sha}\n".encode())
        self._process.stdin.flush()
        header = self._process.stdout.readline().split()
        if len(header) != 3:
            raise self._missing(sha)
        content = self._process.stdout.read(int(header[2]))
        self._process.stdout.readline()
        if len(content) <= SMALL:
            self._small[sha] = bytes(content)
        return bytes(content)

    def _start(self) -> Git.AutoInterrupt:
        command = ["git", "cat-file", "--batch"]
        pipe, environ = subprocess.PIPE, _variables(self._environ)
        return self._git.execute(command, istream=pipe, as_process=True, env=environ)

    def _missing(self, sha: str) -> CouldNotJudge:
        """Return the error for a partial clone without its remote, or for lost objects."""
        return CouldNotJudge(
            f"this clone does not have the object {sha}, and git could not fetch it",
            fix=lost_objects_advice(self._cwd),
        )


def records(output: bytes) -> list[bytes]:
    """Split the output of a command under `-z`."""
    return [record for record in output.split(b"\0") if record]


def paths(output: bytes) -> list[str]:
    """Split file names printed under `-z`; bytes that are no UTF-8 survive."""
    return [os.fsdecode(record) for record in records(output)]
