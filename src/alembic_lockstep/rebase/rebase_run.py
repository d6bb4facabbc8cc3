"""`alembic-lockstep rebase`: put this branch's own head on top of the other one.

The files are written after the result was judged, as a commit on top of the other head's branch:
upgrade, way back, rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from tempfile import TemporaryFile

import click

from alembic_lockstep.alembic_env.at_tree import EnvironmentFinder
from alembic_lockstep.cache.store import Cache, cache_root
from alembic_lockstep.context import RunContext
from alembic_lockstep.dryrun.early import EarlyProbes
from alembic_lockstep.exit_codes import CLEAN, FINDINGS
from alembic_lockstep.facts import Facts, read_histories
from alembic_lockstep.findings import Finding
from alembic_lockstep.gate import Gate
from alembic_lockstep.git.change_set import read_change_set
from alembic_lockstep.git.working_tree import literal
from alembic_lockstep.git.workplace import acquire_workplace, find_workplace
from alembic_lockstep.init.proposals import Proposal
from alembic_lockstep.rebase.rebase_plan import (
    MERGE,
    RebasePlan,
    plan_merge,
    plan_rebase,
    refuse_unstaged,
)
from alembic_lockstep.report.judged import report_of
from alembic_lockstep.report.output import Output
from alembic_lockstep.report.progress import progress
from alembic_lockstep.report.text import block, listed
from alembic_lockstep.rules.broken_downgrade import RULE as BROKEN_DOWNGRADE
from alembic_lockstep.runners import Runners
from alembic_lockstep.verdict import Verdict


def rebase(context: RunContext, reports: Output, *, merge: bool) -> int:
    """Rewrite, judge, show and write; return the exit code.

    Raises:
        CouldNotJudge: it cannot be rewritten or judged; nothing is written then.
    """
    repository = context.repository
    tree = repository.staged_tree(context.environ)
    plans: list[RebasePlan] = []
    while facts := _with_several_heads(context, tree):  # each step leaves one head less
        refuse_unstaged(facts)
        plan = plan_merge(facts) if merge else plan_rebase(facts, _texts(facts, plans))
        plans.append(plan)
        tree = _tree_with(context, tree, plan)
    if not plans:
        click.echo(_nothing_to_do(context))
        return CLEAN
    verdict = _judge(context, tree)
    blocking = [each for each in verdict.findings if each.rule != BROKEN_DOWNGRADE]
    for plan in plans:
        click.echo(block(Proposal(plan.path, plan.before, plan.text, "").diff()))
    if blocking:
        reports.write(report_of(verdict))
        click.echo("Nothing was written: this is what the commit would be blocked for.", err=True)
        return FINDINGS
    _write(context, plans)
    for line in _next_steps(plans, verdict.findings):
        click.echo(line)
    return CLEAN


def _with_several_heads(context: RunContext, tree: str) -> Facts | None:
    """Return the facts of an environment that has more heads than where it is published."""
    repository = context.repository
    change_set = read_change_set(repository, repository.tree_of("HEAD"), tree)
    settings = context.load_settings(change_set.tree.read("pyproject.toml"))
    finder = EnvironmentFinder(repository, settings, context.environ, change_set)
    for histories in read_histories(finder, finder.find(change_set.tree), change_set):
        heads = histories.history.heads
        by_design = histories.default_heads if len(heads) > 1 else ()
        if len(heads) > max(len(by_design), 1):
            return Facts.of(histories)
    return None


def _texts(facts: Facts, plans: Sequence[RebasePlan]) -> dict[str, str]:
    """Return the migrations as they are on disk, line ends included, or as they will be."""
    texts = {}
    for path in facts.now.migration_files(facts.tree.files):
        file = facts.repository.root / path
        texts[path] = file.read_bytes().decode("utf-8", "surrogateescape") if file.is_file() else ""
    return texts | {plan.path: plan.text for plan in plans}


def _tree_with(context: RunContext, tree: str, plan: RebasePlan) -> str:
    with TemporaryFile() as file:
        file.write(plan.text.encode("utf-8", "surrogateescape"))
        file.seek(0)
        command = ("hash-object", "-w", "--stdin", f"--path={plan.path}")
        blob = context.repository.git(*command, stdin=file).decode().strip()
    return context.repository.tree_with_file(tree, plan.path, blob)


def _judge(context: RunContext, tree: str) -> Verdict:
    """Judge the result as a commit on top of what is published, with rows in its tables."""
    repository, environ = context.repository, context.environ
    name = repository.references.default_branch
    base = repository.tree_of(name or "HEAD")
    context = replace(context, flags={**context.flags, "rows": True})
    with (
        acquire_workplace(find_workplace(repository, environ, cache_root())) as slot,
        EarlyProbes(context, slot) as early,
        progress() as show,
        Runners(context, show, early, Cache(cache_root())) as runners,
    ):
        return Gate(runners).judge(base, tree)


def _write(context: RunContext, plans: Sequence[RebasePlan]) -> None:
    repository = context.repository
    for plan in plans:
        (repository.root / plan.path).write_bytes(plan.text.encode("utf-8", "surrogateescape"))
        repository.git("add", "--", literal(plan.path))


def _next_steps(plans: Sequence[RebasePlan], findings: Sequence[Finding]) -> Iterator[str]:
    yield f"Written and staged: {listed(dict.fromkeys(plan.path for plan in plans))}"
    for plan in plans:
        yield ""
        if plan.parent:
            yield f"For a database that was at {listed(plan.moved)} before:"
        else:
            yield "For a database at either head:"
        yield from (f"    {command}" for command in plan.way_on)
    if findings:
        yield ""
        yield "But the way back does not work, so such a database has to be made anew. Or take back"
        yield f"what was written (git checkout HEAD -- FILE), and merge the heads: {MERGE}"
        yield from (f"    {finding.rule}: {finding.message}" for finding in findings)


def _nothing_to_do(context: RunContext) -> str:
    name = context.repository.references.default_branch.split("/", 2)[-1]
    line = "There is one head: nothing was written."
    if not name:
        return line
    return f"{line} If the other one is on {name}, bring it here first:\n    git rebase {name}"
