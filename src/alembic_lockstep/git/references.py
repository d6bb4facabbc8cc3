"""Where HEAD and a repository's branches and tags are, and the commits that they name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_lockstep.config import did_you_mean

if TYPE_CHECKING:
    from alembic_lockstep.git.repository import Repository

#: What HEAD says where references are kept otherwise (reftable).
_ELSEWHERE = "refs/heads/.invalid"
_REMOTE_BRANCH = re.compile(r"origin/([\w./-]+)")
_BRANCH = re.compile(r"ref:\s*(\S.*?)\s*")


@dataclass(frozen=True)
class References:
    """The references of a repository.

    Attributes:
        names: From full names of branches, tags and remote branches to objects.
        symbolic: From full names (`refs/remotes/origin/HEAD`) to those that they stand for.
        branch: The full name of HEAD's branch, which need not have a commit; "" if detached.
        head: HEAD's commit; "" before the first one.
    """

    names: Mapping[str, str]
    symbolic: Mapping[str, str]
    branch: str
    head: str

    @property
    def default_branch(self) -> str:
        """The full name of the branch that others deploy from; "" if no usual name exists.

        A remote's comes first: the local one of the same name may hold what is not pushed yet.
        """
        for remote in ("refs/remotes/upstream", "refs/remotes/origin"):
            chosen = self.symbolic.get(f"{remote}/HEAD", "")
            if chosen in self.names:
                return chosen
            if usual := self._usual(remote):
                return usual
        return self._usual("refs/heads")

    def near(self, revision: str) -> str:
        """Return the end of a message about an unknown revision: a similar name, or nothing."""
        return did_you_mean(revision, (name.split("/", 2)[2] for name in self.names))

    def _usual(self, folder: str) -> str:
        names = (f"{folder}/{name}" for name in ("main", "master"))
        return next((name for name in names if name in self.names), "")

    @classmethod
    def read(cls, repository: Repository) -> References:
        """Ask git for all references at once."""
        kinds = ("refs/heads", "refs/tags", "refs/remotes")
        form = "--format=%(objectname) %(refname) %(symref)"
        listed = os.fsdecode(repository.git("for-each-ref", form, *kinds))
        rows = [line.split(" ") for line in listed.splitlines()]
        names = {name: sha for sha, name, target in rows if not target}
        symbolic = {name: target for _, name, target in rows if target}
        branch = _branch(repository)
        head = names.get(branch, "") if branch else _detached(repository)
        return cls(names, symbolic, branch, head)


def _branch(repository: Repository) -> str:
    """Return HEAD's branch; a file says it, which saves a process."""
    said = _BRANCH.fullmatch(_read(repository.git_dir / "HEAD"))
    if said and said[1] != _ELSEWHERE:
        return said[1]
    asked = repository.git("symbolic-ref", "--quiet", "HEAD", accepted=(0, 1)) if said else b""
    return os.fsdecode(asked).rstrip("\n")


def _detached(repository: Repository) -> str:
    text = _read(repository.git_dir / "HEAD").strip()
    if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text):
        return text
    return repository.git("rev-parse", "--verify", "HEAD").decode().strip()


def _read(file: Path) -> str:
    return os.fsdecode(file.read_bytes())


def fetch_command(revision: str) -> str:
    """Return the command that brings a revision of the remote.

    A clone of one branch, or by a CI, fetches no other unless the command names it.
    """
    branch = _REMOTE_BRANCH.fullmatch(revision)
    if branch is None:
        return "git fetch origin"
    return f"git fetch origin {branch[1]}:refs/remotes/{revision}"
