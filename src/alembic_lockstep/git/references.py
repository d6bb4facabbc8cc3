"""HEAD, branches and tags of a repository, and the commits that they name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from alembic_lockstep.config import did_you_mean

#: Runs git in the repository, as `Repository.git` does.
Git = Callable[..., bytes]

#: HEAD's content where references are no files (reftable).
_NO_FILE = "refs/heads/.invalid"
_REMOTE_BRANCH = re.compile(r"origin/([\w./-]+)")
_BRANCH = re.compile(r"ref:\s*(\S.*?)\s*")


@dataclass(frozen=True)
class References:
    """The references of a repository.

    Attributes:
        names: From full names of branches, tags and remote branches to objects.
        symbolic: From full names (`refs/remotes/origin/HEAD`) to the names they stand for.
        branch: The full name of HEAD's branch, which need not have a commit; "" if detached.
        head: HEAD's commit; "" before the first one.
    """

    names: Mapping[str, str]
    symbolic: Mapping[str, str]
    branch: str
    head: str

    @property
    def default_branch(self) -> str:
        """Full name of the branch that others deploy from; "" if no usual name exists.

        A remote's comes first: the local branch of that name may hold unpushed commits.
        """
        for remote in ("refs/remotes/upstream", "refs/remotes/origin"):
            chosen = self.symbolic.get(f"{remote}/HEAD", "")
            if chosen in self.names:
                return chosen
            if usual := self._usual(remote):
                return usual
        return self._usual("refs/heads")

    def suggest(self, revision: str) -> str:
        """Return the end of a message about an unknown revision: a similar name, or ""."""
        return did_you_mean(revision, (name.split("/", 2)[2] for name in self.names))

    def _usual(self, folder: str) -> str:
        names = (f"{folder}/{name}" for name in ("main", "master"))
        return next((name for name in names if name in self.names), "")

    @classmethod
    def read(cls, git_dir: Path, git: Git) -> References:
        """Read all references with one git process, or two."""
        kinds = ("refs/heads", "refs/tags", "refs/remotes")
        form = "--format=%(objectname) %(refname) %(symref)"
        listed = os.fsdecode(git("for-each-ref", form, *kinds))
        rows = [line.split(" ") for line in listed.splitlines()]
        names = {name: sha for sha, name, target in rows if not target}
        symbolic = {name: target for _, name, target in rows if target}
        branch = _branch(git_dir, git)
        head = names.get(branch, "") if branch else _detached(git_dir, git)
        return cls(names, symbolic, branch, head)


def _branch(git_dir: Path, git: Git) -> str:
    """Return HEAD's branch, "" if detached; to read the file saves a process."""
    branch = _BRANCH.fullmatch(_read(git_dir / "HEAD"))
    if branch is None:
        return ""
    if branch[1] != _NO_FILE:
        return branch[1]
    return os.fsdecode(git("symbolic-ref", "--quiet", "HEAD", accepted=(0, 1))).rstrip("\n")


def _detached(git_dir: Path, git: Git) -> str:
    text = _read(git_dir / "HEAD").strip()
    if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text):
        return text
    return git("rev-parse", "--verify", "HEAD").decode().strip()


def _read(file: Path) -> str:
    return os.fsdecode(file.read_bytes())


def fetch_command(revision: str) -> str:
    """Return the command that fetches a revision of the remote.

    A clone of one branch, or by a CI, fetches no other unless the command names it.
    """
    branch = _REMOTE_BRANCH.fullmatch(revision)
    if branch is None:
        return "git fetch origin"
    return f"git fetch origin {branch[1]}:refs/remotes/{revision}"
