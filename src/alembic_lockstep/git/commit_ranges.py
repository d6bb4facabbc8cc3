"""Ranges of commits: a branch's own commits, and the result of merging it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.command import paths
from alembic_lockstep.git.repository import UNSHALLOW, Repository

# The first git with `merge-tree --write-tree`.
MERGE_TREE = (2, 38)
# Characters of a commit's id in messages.
SHORT = 8


@dataclass(frozen=True)
class Range:
    """Tip and base of a run, as git names commits or trees.

    Attributes:
        base: The base; a tree's id where `tip` is None.
        tip: The commit that is judged; None for what is staged.
        target: The branch that this will be merged into; "" if there is none.
        target_name: The target's name for people: `origin/main`.
        branch: The branch's own last commit, where `tip` is a merge of it and the target that
            the CI made; else "".
        notes: Lines for the summary about how the range was chosen.
    """

    base: str
    tip: str | None
    target: str = ""
    target_name: str = ""
    branch: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Commit:
    """A commit; `parent` is its first one, or "" if it has none."""

    sha: str
    parent: str
    subject: str

    def __str__(self) -> str:
        return f"{self.sha[:SHORT]} ({self.subject})"


@dataclass(frozen=True)
class Merge:
    """Tree of a merge of two commits, and the files in it that have conflicts."""

    tree: str
    conflicts: tuple[str, ...] = ()


def sha_of(repository: Repository, revision: str) -> str:
    """Return the id of the commit that a revision names."""
    return repository.git("rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()


def merge_base(repository: Repository, target: str, branch: str) -> str:
    """Return the best common ancestor of two commits.

    Raises:
        CouldNotJudge: there is none in this clone.
    """
    sha = repository.git("merge-base", target, branch, accepted=(0, 1)).decode().strip()
    if sha:
        return sha
    if repository.is_shallow():
        raise CouldNotJudge(
            f"the merge base of '{target}' and '{branch}' is not in this shallow clone",
            fix=UNSHALLOW,
        )
    raise CouldNotJudge(
        f"'{target}' and '{branch}' have no commit in common",
        fix="Compare them all the same:\n"
        f"alembic-lockstep check --base {shlex.quote(f'{target}^{{tree}}')}",
    )


def commits(repository: Repository, base: str, tip: str) -> list[Commit]:
    """Return the commits that `tip` has and `base` lacks, oldest first, along first parents.

    Raises:
        CouldNotJudge: a parent is not in this shallow clone.
    """
    options = ("--reverse", "--first-parent", "-z", "--format=%H%n%P%n%s", f"{base}..{tip}")
    log = []
    for record in paths(repository.git("-c", "log.showSignature=false", "log", *options, "--")):
        sha, parents, subject = record.split("\n", 2)
        log.append(Commit(sha, parents.partition(" ")[0], subject))
    orphan = next((commit for commit in log if not commit.parent), None)
    if orphan and repository.is_shallow():
        raise CouldNotJudge(
            f"the parent of commit {orphan} is not in this shallow clone", fix=UNSHALLOW
        )
    return log


def merge_result(repository: Repository, target: str, branch: str) -> Merge:
    """Merge `branch` into `target` in memory: index and working tree stay as they are.

    Raises:
        CouldNotJudge: git is too old.
    """
    version = repository.git("version").decode().split()[2]
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < MERGE_TREE:
        needed = ".".join(map(str, MERGE_TREE))
        raise CouldNotJudge(f"it takes git {needed} or later, and this is {version}")
    command = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z")
    listed = repository.git(*command, target, branch, accepted=(0, 1))  # 1: with conflicts
    tree, *conflicts = paths(listed)
    return Merge(tree, tuple(conflicts))
