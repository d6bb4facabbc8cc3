"""split-commit: a commit changes the models, and a later one brings the migration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from alembic_lockstep.dryrun.operations import Operation
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.git.ranges import SHORT, Commit
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.rules.differences import state
from alembic_lockstep.verdict import EnvironmentVerdict

# The verdict on an environment in one commit, against its first parent.
CommitVerdict = tuple[Commit, EnvironmentVerdict]

RULE = "split-commit"


def check(
    whole: EnvironmentVerdict | None, commits: Sequence[CommitVerdict], tip: Tree
) -> list[Finding]:
    """What commits introduce and later ones of the same branch take back, one finding each.

    Findings of other rules are passed on: an upgrade that fails in one commit only, say.

    Args:
        whole: The verdict on all commits as one; what it found already is not repeated.
        commits: Oldest first.
        tip: The tree that findings point into, where the line still stands.
    """
    found = whole.findings if whole else ()
    said = {(one.rule, one.message) for one in found}
    judged = whole.comparison if whole else None
    # Old ones do not count: a commit may heal one, and a later one bring it back.
    left = {one.identity for one in judged.introduced} if judged else set()
    return [
        replace(finding, location=_in_tip(finding.location, commit, tip))
        for number, (commit, verdict) in enumerate(commits)
        for finding in _of_commit(commit, verdict, commits[number + 1 :])
        if (finding.rule, finding.message) not in said
        and not (finding.difference and finding.difference.identity in left)
    ]


def _of_commit(
    commit: Commit, verdict: EnvironmentVerdict, later: Sequence[CommitVerdict]
) -> Iterator[Finding]:
    for finding in verdict.findings:
        operation = finding.difference
        if operation is None:
            yield replace(finding, message=f"{finding.message} (in commit {commit})")
            continue
        healer = _healer(operation, later)
        until = f"; models and migrations match again only with {healer}" if healer else ""
        yield Finding(
            RULE,
            f"{state(operation)} in commit {commit}{until}",
            finding.location,
            finding.environment,
            hint="Put the change and its migration into one commit: git rebase -i "
            + (f"{commit.sha[:SHORT]}^" if commit.parent else "--root"),
            difference=operation,
        )


def _healer(operation: Operation, later: Sequence[CommitVerdict]) -> Commit | None:
    """The first commit that does not have the difference any more."""
    for commit, verdict in later:
        if verdict.comparison is None or verdict.comparison.now.error:
            return None  # nobody knows
        if operation.identity not in {one.identity for one in _differences(verdict)}:
            return commit
    return None


def _differences(verdict: EnvironmentVerdict) -> tuple[Operation, ...]:
    seen = verdict.comparison
    return (*seen.introduced, *seen.old) if seen else ()


def _in_tip(place: Location, commit: Commit, tip: Tree) -> Location:
    """The same line in the tip, if it stands there once; else it is shown as the commit has it."""
    lines = (tip.read(place.path) or "").splitlines()
    if place.source and not place.in_base and lines.count(place.source) == 1:
        return replace(place, line=lines.index(place.source) + 1)
    return replace(place, commit=commit.sha[:SHORT])
