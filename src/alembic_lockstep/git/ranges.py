"""Ranges of commits: what a branch brings, and what comes of merging it."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.command import paths
from alembic_lockstep.git.repository import UNSHALLOW, Repository

# `git merge-tree --write-tree` came with it.
MERGE_TREE = (2, 38)
# How many characters of a commit's id are shown to people.
SHORT = 8


@dataclass(frozen=True)
class Range:
    """What is judged and what it is compared with, as git names commits or trees.

    Attributes:
        base: What it is compared with; a tree's id where `tip` is None.
        tip: What is judged; None for what is staged.
        target: The branch that this will be merged into; "" where there is none.
        target_name: The target's name for people: `origin/main`.
        branch: The branch's own last commit, where `tip` is a merge of it and the target that
            the CI made; else "".
        notes: What the summary should say about how the range was found.
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
    """The tree that merging two commits gives, and the files in it that have conflicts."""

    tree: str
    conflicts: tuple[str, ...] = ()


def sha_of(repository: Repository, revision: str) -> str:
    """The id of the commit that a revision names."""
    return repository.git("rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()


def merge_base(repository: Repository, one: str, other: str) -> str:
    """The best common ancestor of two commits; `CouldNotJudge` if there is none in this clone."""
    found = repository.git("merge-base", one, other, accepted=(0, 1)).decode().strip()
    if found:
        return found
    if repository.is_shallow():
        raise CouldNotJudge(
            f"the commit that '{other}' has in common with '{one}' is not in this shallow clone",
            fix=UNSHALLOW,
        )
    raise CouldNotJudge(
        f"'{one}' and '{other}' have no commit in common",
        fix="Compare them all the same:\n"
        f"alembic-lockstep check --base {shlex.quote(f'{one}^{{tree}}')}",
    )


def commits(repository: Repository, base: str, tip: str) -> list[Commit]:
    """The commits that `tip` has and `base` lacks, oldest first; of a merge, the first parent's."""
    wanted = ("--reverse", "--first-parent", "-z", "--format=%H%n%P%n%s", f"{base}..{tip}")
    found = []
    for record in paths(repository.git("-c", "log.showSignature=false", "log", *wanted, "--")):
        sha, parents, subject = record.split("\n", 2)
        found.append(Commit(sha, parents.partition(" ")[0], subject))
    cut = [one for one in found if not one.parent]
    if cut and repository.is_shallow():
        raise CouldNotJudge(
            f"what commit {cut[0]} builds on is not in this shallow clone", fix=UNSHALLOW
        )
    return found


def merge_result(repository: Repository, target: str, branch: str) -> Merge:
    """What merging `branch` into `target` gives; index and working tree stay as they are.

    Raises:
        CouldNotJudge: git is too old for it.
    """
    version = repository.git("version").decode().split()[2]
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < MERGE_TREE:
        needed = ".".join(map(str, MERGE_TREE))
        raise CouldNotJudge(f"it takes git {needed} or later, and this is {version}")
    wanted = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z")
    listed = repository.git(*wanted, target, branch, accepted=(0, 1))  # 1: with conflicts
    tree, *conflicts = (os.fsdecode(one) for one in listed.split(b"\0") if one)
    return Merge(tree, tuple(conflicts))
