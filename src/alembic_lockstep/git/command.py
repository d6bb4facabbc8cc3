"""Running git, through GitPython's command interface.

GitPython's `Git` object runs the real `git`, so a hook's `GIT_INDEX_FILE` and
`GIT_DIR` are honoured, which `Repo().index` would ignore.
"""

from __future__ import annotations

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

# `import git` runs `git version` unless told not to: half of its import time.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from git.cmd import Git
from git.exc import GitCommandNotFound

# The user's hooks, monitors and sparse patterns are about the user's working tree, not about
# indexes and working copies of ours. What `access.py` sets back there changes the files' ctime.
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

#: Set for every call. Git does not write down what it learns by looking: an index, also a
#: submodule's, is the user's. Paths are read as we write them, whatever `git --literal-pathspecs`
#: (Magit, Neogit) or a relative of it was called with around the hook.
_SET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "0",
    "GIT_GLOB_PATHSPECS": "0",
    "GIT_NOGLOB_PATHSPECS": "0",
    "GIT_ICASE_PATHSPECS": "0",
}
#: These take the place of what we ask for, and have no value that means none: another file for
#: `git config`, another tree to read attributes from.
_UNSET = ("GIT_CONFIG", "GIT_ATTR_SOURCE")

_FILTER = re.compile(r"(?m)^fatal: (.+): (?:clean|smudge) filter '?(\S+?)'? failed$")
# What git itself tells to paste, for a repository that belongs to somebody else.
_SAFE = re.compile(r"^\s*(git config --global --add safe\.directory .+)$", re.MULTILINE)


def run_git(
    cwd: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
    fix: str = "",
    accepted: Collection[int] = (0,),
    errors: bool = False,
) -> bytes:
    """Run git and return what it printed; `CouldNotJudge` with git's own words if it fails.

    Args:
        accepted: The exit codes that are answers.
        errors: Return what it printed to stderr instead.
    """
    command = ["git", *arguments]
    try:
        with timed(f"git {' '.join(_own_words(arguments))[:200]}"):
            code, printed, said = Git(str(cwd)).execute(
                command,
                istream=stdin,
                env=_variables(environ or {}),
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
            )
    except GitCommandNotFound as error:
        raise CouldNotJudge("git is not installed or not on PATH", fix=str(error)) from error
    if code not in accepted:
        raise _failure(_own_words(arguments)[0], said.strip(), fix)
    return said.encode() if errors else printed


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for a call. GitPython adds them to this process's own."""
    for name in _UNSET:
        os.environ.pop(name, None)
    return {**environ, **_SET}


def _failure(command: str, said: str, fix: str) -> CouldNotJudge:
    filtered = _FILTER.search(said)
    if filtered:
        path, name = filtered.groups()
        keys = shlex.quote(rf"^filter\.{name}\.")
        return CouldNotJudge(
            f"git's filter '{name}' failed on {path}, so git {command} failed",
            fix=f"Mend or unset what it runs:\ngit config --get-regexp {keys}",
            log=said,
        )
    safe = _SAFE.search(said)
    if safe:
        said, fix = said.splitlines()[0], safe[1]
    lines = [line.strip() for line in said.splitlines() if not line.startswith("hint:")]
    told = "; ".join(filter(None, lines))
    return CouldNotJudge(f"git {command} failed: {told}", fix=fix)


def _own_words(arguments: tuple[str, ...]) -> list[str]:
    """Return the git command's name and arguments, without the options of git itself."""
    rest = list(arguments)
    while len(rest) > 2 and rest[0] == "-c":
        del rest[:2]
    return rest


# Bytes: of a migration, say.
SMALL = 1 << 16


class Objects:
    """Contents of objects, all read through one `git cat-file --batch`.

    Small ones are kept: a tree and its base share nearly all of their files.
    """

    def __init__(self, cwd: Path, environ: Mapping[str, str]) -> None:
        self._git = Git(str(cwd))
        self._environ = environ
        self._process: Git.AutoInterrupt | None = None
        self._small: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def read(self, sha: str) -> bytes:
        """An object's content; `CouldNotJudge` if this clone does not have it.

        GitPython's own reader knows SHA-1 ids only.
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
        """A partial clone whose remote does not answer, or a repository that lost objects."""
        return CouldNotJudge(
            f"this clone does not have the object {sha}, and git could not fetch it",
            fix="In a partial clone, git has to reach the remote:\ngit fetch origin\n"
            "In any other, look for what is lost:\ngit fsck",
        )


def records(output: bytes) -> list[bytes]:
    """Split what a command printed under `-z`."""
    return [record for record in output.split(b"\0") if record]


def paths(output: bytes) -> list[str]:
    """Split names printed under `-z`; bytes that are no UTF-8 survive."""
    return [os.fsdecode(record) for record in records(output)]
