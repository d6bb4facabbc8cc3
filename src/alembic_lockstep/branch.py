"""A branch: what its commits bring as a whole, each of them by itself, and their merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.findings import Finding
from alembic_lockstep.gate import Gate, in_order
from alembic_lockstep.git.ranges import (
    Commit,
    Merge,
    Range,
    commits,
    merge_base,
    merge_result,
    sha_of,
)
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.submodules import with_submodules
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.history.environments import Environment
from alembic_lockstep.rules import split_commit, stale_branch
from alembic_lockstep.sides import Side, SideFinder
from alembic_lockstep.verdict import EnvironmentVerdict, Ignores, Verdict

Found = dict[Environment, list[Finding]]


def judge_branch(gate: Gate, span: Range, *, each_commit: bool) -> Verdict:
    """Judge a range of commits, which ends in one: what is staged has no branch.

    Raises:
        CouldNotJudge: for anything that stands in the way of a verdict.
    """
    tip = span.tip or "HEAD"
    # Oldest first: each is the next one's base, and the last one is the whole's tip.
    own = _own_commits(gate.context.repository, span, tip) if each_commit else []
    each = [(commit, _judge_commit(gate, commit)) for commit in own]
    whole = _judge(gate, span.base, tip)
    notes = list(span.notes)
    found = _split(gate, whole, each, tip)
    if each_commit:
        notes.append(f"judged: each of its commits ({len(each)})")
    if span.target:
        stale, unjudged = _judge_merge(gate, span, tip, whole)
        found = {one: [*found.get(one, ()), *stale.get(one, ())] for one in {**found, **stale}}
        notes += [f"not judged: the merge into {span.target_name}: {why}" for why in unjudged]
    return _with_more(whole, found, notes)


def _own_commits(repository: Repository, span: Range, tip: str) -> list[Commit]:
    """The branch's commits; a merge that the CI made is none of them."""
    if not span.branch:
        return commits(repository, span.base, tip)
    return commits(repository, merge_base(repository, span.target, span.branch), span.branch)


def _judge_commit(gate: Gate, commit: Commit) -> Verdict:
    try:
        return _judge(gate, commit.parent or gate.context.repository.empty_tree, commit.sha)
    except CouldNotJudge as error:
        raise error.within(f"commit {commit}") from error


def _judge(gate: Gate, base: str, tip: str) -> Verdict:
    before, tree = map(gate.context.repository.tree_of, (base, tip))
    if gate.verdicts and gate.verdicts.answer(before, tree):
        return Verdict(before, tree, (), remembered=True)
    return gate.judge(before, tree)


def _split(gate: Gate, whole: Verdict, each: Sequence[tuple[Commit, Verdict]], tip: str) -> Found:
    """What only some of the commits show."""
    judged: dict[Environment, list[tuple[Commit, EnvironmentVerdict]]] = {}
    for commit, verdict in each:
        for one in verdict.environments:
            judged.setdefault(one.environment, []).append((commit, one))
    wholes = {one.environment: one for one in whole.environments}
    shown = Tree(gate.context.repository, gate.context.repository.tree_of(tip))
    return {
        environment: split_commit.check(wholes.get(environment), verdicts, shown)
        for environment, verdicts in judged.items()
    }


def _judge_merge(gate: Gate, span: Range, tip: str, whole: Verdict) -> tuple[Found, list[str]]:
    """What the merge into the target would have, and why something of it was not judged.

    Args:
        whole: Its environments have the version locations that env.py sets; if it is remembered,
            there are none, and those of the configuration have to do.
    """
    repository, branch = gate.context.repository, span.branch or tip
    # A shallow clone may hold the CI's merge, and not the commit where the branch began.
    if not span.branch and merge_base(repository, span.target, branch) == sha_of(
        repository, span.target
    ):
        return {}, []  # nothing but the branch's own commits
    try:
        merge = (
            Merge(repository.tree_of(tip))
            if span.branch
            else merge_result(repository, span.target, branch)
        )
    except CouldNotJudge as error:
        return {}, [error.what]
    names = (branch, span.target, merge.tree, tip)
    mine, target, merged, shown = (_filled(gate, repository.tree_of(name)) for name in names)
    settings = gate.settings(target if gate.context.settings_from_base else mine)
    loaded = {one.environment.name: one.environment for one in whole.environments}
    found: Found = {}
    unjudged = []
    for side in SideFinder(repository, settings, gate.context.environ).find(mine):
        environment = loaded.get(side.environment.name, side.environment)
        own, before, after = (Side(environment, tree) for tree in (mine, target, merged))
        if why := _unreadable(after, merge):
            unjudged.append(why)
        else:
            found[environment] = stale_branch.check(own, before, after, span.target_name, shown)
    return found, unjudged


def _unreadable(merged: Side, merge: Merge) -> str:
    """Why nobody knows the history of the merge; "" if it can be read."""
    if conflicts := merged.migration_files(merge.conflicts):
        return f"it has conflicts in {', '.join(conflicts)}"
    if merged.broken:
        return f"{merged.broken[0].path} is not valid Python"
    if not merged.history.revisions:
        return f"there are no migrations where {merged.environment.config} says"
    return ""


def _filled(gate: Gate, tree: str) -> Tree:
    repository, _, filled = with_submodules(gate.context.repository, tree, tree)
    return Tree(repository, filled)


def _with_more(
    whole: Verdict, found: Mapping[Environment, Sequence[Finding]], notes: Sequence[str]
) -> Verdict:
    known = {one.environment: one for one in whole.environments}
    for environment, findings in found.items():
        if not findings:
            continue
        one = known.get(environment) or EnvironmentVerdict(
            environment, (), (), None, (), (), Ignores()
        )
        old = one.findings
        if any(finding.rule == stale_branch.RULE for finding in findings):
            # The CI's own merge has these heads because of the target, and not of the branch.
            old = tuple(finding for finding in old if finding.rule != "multiple-heads")
        known[environment] = replace(one, findings=in_order((*old, *findings)))
    return replace(whole, environments=tuple(known.values()), notes=(*whole.notes, *notes))
