"""Running git.

The real `git` runs with the variables of the hook, so that its `GIT_INDEX_FILE` and `GIT_DIR` are
honoured. Imported before every answer at once: what costs time is imported when it is needed.
"""

from __future__ import annotations

import errno
import os
import subprocess
import threading

from alembic_lockstep.debug import timed
from alembic_lockstep.errors import CouldNotJudge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path
    from typing import BinaryIO

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
#: Neogit, or the like) must not apply to our pathspecs. Messages are parsed, so they are English.
_SET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "0",
    "GIT_GLOB_PATHSPECS": "0",
    "GIT_NOGLOB_PATHSPECS": "0",
    "GIT_ICASE_PATHSPECS": "0",
    "LANGUAGE": "C",
    "LC_ALL": "C",
}
if os.name == "nt":  # else a `git.exe` of the branch would run
    _SET["NoDefaultCurrentDirectoryInExePath"] = "1"
#: These replace what we ask for, and no value of theirs means none: another file for
#: `git config`, another tree to read attributes from.
_UNSET = ("GIT_CONFIG", "GIT_ATTR_SOURCE")

_FILTER = r"(?m)^fatal: (.+): (?:clean|smudge) filter '?(\S+?)'? failed$"
# The command that git itself suggests for a repository of another user.
_SAFE = r"(?m)^\s*(git config --global --add safe\.directory .+)$"
# Messages about objects that are not there: of the index, and of trees and commits.
_UNSTORED = r"(?m)^error: invalid object \d+ [0-9a-f]+ for '(.+)'$"
_LOST = (
    r"(?i)unable to read (?:tree|sha1 file|[0-9a-f]{40})|could not read [0-9a-f]{40}"
    r"|from promisor remote|object file .* is empty"
)


def run_git(
    cwd: Path | str,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
    fix: str = "",
    accepted: Collection[int] = (0,),
    errors: bool = False,
    timeout: float | None = None,
) -> bytes:
    """Run git and return its stdout.

    Args:
        fix: What to type if it fails.
        accepted: The exit codes that are answers.
        errors: Return its stderr instead.
        timeout: Seconds that it may take.

    Raises:
        CouldNotJudge: it failed, and the message is git's own; or it took too long.
    """
    with timed(f"git {' '.join(_without_options(arguments))[:200]}"):
        try:
            process = subprocess.run(
                ["git", *arguments],
                cwd=cwd,
                env=_variables(environ or {}),
                stdin=stdin or subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=timeout,
            )
        except FileNotFoundError as error:
            raise _not_installed(cwd) from error
        except subprocess.TimeoutExpired as error:
            command = _without_options(arguments)[0]
            raise CouldNotJudge(f"git {command} took more than {timeout:g} s") from error
    if process.returncode not in accepted:
        message = os.fsdecode(process.stderr).strip()
        raise _failure(cwd, _without_options(arguments)[0], message, fix)
    return process.stderr if errors else process.stdout


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return all variables for a call."""
    inherited = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return {**inherited, **environ, **_SET}


def _not_installed(cwd: Path | str) -> Exception:
    if not os.path.isdir(cwd):  # noqa: PTH112
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(cwd))
    return CouldNotJudge(
        "git is not installed or not on PATH", fix="Install git, or add its folder to PATH."
    )


def lost_objects_advice(cwd: Path | str) -> str:
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


def _failure(cwd: Path | str, command: str, message: str, fix: str) -> CouldNotJudge:
    import re
    import shlex

    filter_failure = re.search(_FILTER, message)
    if filter_failure:
        path, name = filter_failure.groups()
        keys = shlex.quote(rf"^filter\.{name}\.")
        return CouldNotJudge(
            f"git's filter '{name}' failed on {path}, so git {command} failed",
            fix=f"Mend or unset what it runs:\ngit config --get-regexp {keys}",
            log=message,
        )
    safe = re.search(_SAFE, message)
    if safe:
        message, fix = message.splitlines()[0], safe[1]
    unstored = re.search(_UNSTORED, message)
    if unstored:
        path = shlex.quote(unstored[1])
        fix = (
            "Its content was lost. If the file on disk is as it was staged, store it again:\n"
            f'git hash-object -w -- "$(git rev-parse --show-cdup)"{path}\n'
        )
    if unstored or re.search(_LOST, message):
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

    def __init__(self, cwd: Path | str, environ: Mapping[str, str]) -> None:
        self._cwd = cwd
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._small: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def __del__(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def read(self, sha: str) -> bytes:
        """Return an object's content.

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
            self._small[sha] = content
        return content

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                ["git", "cat-file", "--batch"],
                cwd=self._cwd,
                env=_variables(self._environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except FileNotFoundError as error:
            raise _not_installed(self._cwd) from error

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
