"""split-commit: a commit changes the models, and a later one adds the migration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.git.commit_ranges import SHORT, Commit
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.rules.differences import state
from alembic_lockstep.verdict import EnvironmentVerdict

# The verdict on an environment in one commit, against its first parent.
CommitVerdict = tuple[Commit, EnvironmentVerdict]

RULE = "split-commit"


def check(
    whole: EnvironmentVerdict | None, commits: Sequence[CommitVerdict], tip: Tree
) -> list[Finding]:
    """Return one finding for each difference that a commit introduces and a later one removes.

    Findings of other rules are returned as well: an upgrade that fails in a single commit, say.

    Args:
        whole: The verdict on all commits together; its findings are not repeated.
        commits: Oldest first.
        tip: The tree that findings point into, where it still has the line.
    """
    reported = {(each.rule, each.message) for each in whole.findings} if whole else set()
    comparison = whole.comparison if whole else None
    # Old differences do not count: a commit may remove one, and a later commit restore it.
    left = {operation.identity for operation in comparison.introduced} if comparison else set()
    return [
        _of_commit(
            replace(finding, location=_in_tip(finding.location, commit, tip)),
            commit,
            commits[number:],
        )
        for number, (commit, verdict) in enumerate(commits)
        for finding in verdict.findings
        if (finding.rule, finding.message) not in reported
        and not (finding.difference and finding.difference.identity in left)
    ]


def _of_commit(finding: Finding, commit: Commit, onward: Sequence[CommitVerdict]) -> Finding:
    operation = finding.difference
    if operation is None:
        return replace(finding, message=f"{finding.message} (in commit {commit})")
    fixing = _fixing_commit(operation, onward)
    until = f"; models and migrations match again only with {fixing}" if fixing else ""
    return Finding(
        RULE,
        f"{state(operation)} in commit {commit}{until}",
        finding.location,
        finding.environment,
        hint="Put the change and its migration into one commit: git rebase -i "
        + (f"{commit.sha[:SHORT]}^" if commit.parent else "--root"),
        difference=operation,
    )


def _fixing_commit(operation: Operation, commits: Sequence[CommitVerdict]) -> Commit | None:
    """Return the first commit without the difference; None where that cannot be known.

    Args:
        commits: The commit that introduces the difference, and those after it.
    """
    for commit, verdict in commits:
        comparison = verdict.comparison
        if comparison is None or comparison.now.error:
            return None
        differences = (*comparison.introduced, *comparison.old)
        if operation.identity not in {each.identity for each in differences}:
            return commit
    return None


def _in_tip(location: Location, commit: Commit, tip: Tree) -> Location:
    """Return the same line in the tip if the tip has it exactly once, else that of the commit."""
    lines = (tip.read(location.path) or "").splitlines()
    if location.source and not location.in_base and lines.count(location.source) == 1:
        return replace(location, line=lines.index(location.source) + 1)
    return replace(location, commit=commit.sha[:SHORT])
