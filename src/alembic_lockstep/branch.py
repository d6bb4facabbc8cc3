"""Judge a branch: as a whole, each of its commits, and its merge into the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree, EnvironmentFinder
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.findings import Finding
from alembic_lockstep.gate import Gate, in_order
from alembic_lockstep.git.commit_ranges import (
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
from alembic_lockstep.rules import split_commit, stale_branch
from alembic_lockstep.verdict import EnvironmentVerdict, Ignores, Verdict

Findings = dict[Environment, list[Finding]]


def judge_branch(gate: Gate, span: Range, *, each_commit: bool) -> Verdict:
    """Judge a range of commits that ends in a commit, not in what is staged.

    Raises:
        CouldNotJudge: for anything that stands in the way of a verdict.
    """
    tip = span.tip or "HEAD"
    # Oldest first: each is the next one's base, and the last one is the whole's tip.
    own = _own_commits(gate.context.repository, span, tip) if each_commit else []
    each = [(commit, _judge_commit(gate, commit)) for commit in own]
    whole = _judge(gate, span.base, tip)
    notes = list(span.notes)
    findings = _split(gate, whole, each, tip)
    if each_commit:
        notes.append(f"judged: each of its commits ({len(each)})")
    if span.target:
        stale, unjudged = _judge_merge(gate, span, tip, whole)
        for environment, more in stale.items():
            findings.setdefault(environment, []).extend(more)
        notes += [f"not judged: the merge into {span.target_name}: {why}" for why in unjudged]
    return _with_more(whole, findings, notes)


def _own_commits(repository: Repository, span: Range, tip: str) -> list[Commit]:
    """Return the branch's commits, without a merge commit that the CI made."""
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
    if gate.has_passed(before, tree):
        return Verdict(before, tree, (), is_cached=True)
    return gate.judge(before, tree)


def _split(
    gate: Gate, whole: Verdict, each_commit: Sequence[tuple[Commit, Verdict]], tip: str
) -> Findings:
    """Return the findings that only single commits have."""
    judged: dict[Environment, list[tuple[Commit, EnvironmentVerdict]]] = {}
    for commit, verdict in each_commit:
        for each_verdict in verdict.environments:
            judged.setdefault(each_verdict.environment, []).append((commit, each_verdict))
    wholes = {verdict.environment: verdict for verdict in whole.environments}
    shown = Tree(gate.context.repository, gate.context.repository.tree_of(tip))
    return {
        environment: split_commit.check(wholes.get(environment), verdicts, shown)
        for environment, verdicts in judged.items()
    }


def _judge_merge(gate: Gate, span: Range, tip: str, whole: Verdict) -> tuple[Findings, list[str]]:
    """Return the findings on the merge into the target, and why environments were not judged.

    Args:
        whole: Its environments have the version locations that env.py sets. A cached verdict has
            no environments; then the configured locations are used.
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
        return {}, [error.message]
    names = (branch, span.target, merge.tree, tip)
    mine, target, merged, shown = (_filled(gate, repository.tree_of(name)) for name in names)
    settings = gate.settings(target if gate.context.settings_from_base else mine)
    loaded = {each.environment.name: each.environment for each in whole.environments}
    findings: Findings = {}
    unjudged = []
    for env in EnvironmentFinder(repository, settings, gate.context.environ).find(mine):
        environment = loaded.get(env.environment.name, env.environment)
        own, before, after = (
            EnvironmentAtTree(environment, tree) for tree in (mine, target, merged)
        )
        if why := _unreadable(after, merge):
            unjudged.append(why)
        else:
            findings[environment] = stale_branch.check(own, before, after, span.target_name, shown)
    return findings, unjudged


def _unreadable(merged: EnvironmentAtTree, merge: Merge) -> str:
    """Return why the merge's history cannot be read; "" if it can."""
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
    whole: Verdict, findings: Mapping[Environment, Sequence[Finding]], notes: Sequence[str]
) -> Verdict:
    verdicts = {verdict.environment: verdict for verdict in whole.environments}
    for environment, more in findings.items():
        if not more:
            continue
        verdict = verdicts.get(environment) or EnvironmentVerdict(
            environment, (), (), None, (), (), Ignores()
        )
        own = verdict.findings
        if any(finding.rule == stale_branch.RULE for finding in more):
            # The CI's own merge has these heads because of the target, and not of the branch.
            own = tuple(finding for finding in own if finding.rule != "multiple-heads")
        verdicts[environment] = replace(verdict, findings=in_order((*own, *more)))
    return replace(whole, environments=tuple(verdicts.values()), notes=(*whole.notes, *notes))
