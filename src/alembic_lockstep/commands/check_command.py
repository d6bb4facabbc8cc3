"""The command `check`: judge what is staged, or a range of commits."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

import click

from alembic_lockstep import __version__
from alembic_lockstep.config import NO_CACHE
from alembic_lockstep.debug import debug, write_to
from alembic_lockstep.exit_codes import CLEAN, FINDINGS
from alembic_lockstep.git.chosen_range import tree_ids
from alembic_lockstep.report.output import FORMATS, Output, OutputFile, output_file
from alembic_lockstep.report.report import Report
from alembic_lockstep.system.limits import working_directory
from alembic_lockstep.write_migration import FIXED_BY_MIGRATION

if TYPE_CHECKING:
    from alembic_lockstep.cache.store import Cache
    from alembic_lockstep.context import RunContext
    from alembic_lockstep.git.commit_ranges import Range
    from alembic_lockstep.git.repository import Repository
    from alembic_lockstep.verdict import Verdict


@click.command()
@click.option(
    "--base", metavar="REV", help="Judge HEAD, compared with where it left this branch or commit."
)
@click.option(
    "--tree", metavar="REV", help="Judge this commit; without --base compared with its parent."
)
@click.option(
    "--from",
    "release",
    metavar="REV",
    help="A database of this older release has to come to the same end, too.",
)
@click.option("--each-commit", is_flag=True, help="Judge each commit of the range by itself, too.")
@click.option(
    "--settings-from",
    type=click.Choice(("tree", "base")),
    default="tree",
    show_default=True,
    help="Where to read settings and ignores; with base, a branch cannot relax its own check.",
)
@click.option(
    "--static", is_flag=True, help="Read only, run nothing: the weaker check, for any machine."
)
@click.option(
    "--static-unsure",
    type=click.Choice(("pass", "block")),
    help="With --static, what happens where reading does not tell.  [default: pass]",
)
@click.option("--strict", is_flag=True, default=None, help="Count differences that the base has.")
@click.option("--python", metavar="PATH", help="The project's Python.")
@click.option("--flask-app", metavar="APP", help="The Flask application, as in FLASK_APP.")
@click.option("--config", metavar="FILE[:SECTION]", multiple=True, help="An Alembic config file.")
@click.option("-x", metavar="ARG", multiple=True, help="For env.py, as `alembic -x`.")
@click.option(
    "--output-format",
    type=click.Choice(FORMATS),
    default="full",
    show_default=True,
    help="How findings are printed.",
)
@click.option(
    "--output",
    metavar="[FORMAT=]FILE",
    type=output_file,
    multiple=True,
    help="Write a report to this file, too; .sarif, .xml, .md and .json name the format.",
)
@click.option(
    "--no-cache",
    is_flag=True,
    envvar=NO_CACHE,
    show_envvar=True,
    help="Neither read nor write what is remembered.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say on standard error what is done.")
@click.option(
    "--debug-log",
    metavar="FILE",
    type=click.File("w", encoding="utf-8"),
    help="Write that to a file: for a bug report.",
)
@click.pass_obj
def check(
    reports: Output,
    /,
    base: str | None,
    tree: str | None,
    release: str | None,
    each_commit: bool,
    settings_from: str,
    static: bool,
    output_format: str,
    output: tuple[OutputFile, ...],
    no_cache: bool,
    verbose: bool,
    debug_log: TextIO | None,
    **flags: object,
) -> int:
    """Judge what is staged against HEAD, or the commits of a branch.

    Under pre-commit's push stage the pushed range is judged; in GitHub's and GitLab's CI, unless
    something is staged, that of the merge request or the push. Settings stand in
    [tool.alembic-lockstep] of pyproject.toml, or in ALEMBIC_LOCKSTEP_* variables.
    """
    reports.format, reports.files = output_format, output
    _begin_log(sys.stderr if verbose else None, debug_log)
    cwd = working_directory()
    from alembic_lockstep.context import RunContext
    from alembic_lockstep.git.chosen_range import choose_range
    from alembic_lockstep.git.repository import Repository

    environ = dict(os.environ)
    repository = Repository.discover(cwd)
    set_flags = {name: value for name, value in flags.items() if value not in (None, (), "")}
    span = choose_range(repository, base, tree, environ)
    from_base = settings_from == "base"
    context = RunContext(repository, environ, set_flags, from_base, release or "")
    if each_commit and span.tip is None:
        raise click.UsageError("--each-commit needs commits: --base origin/main")
    if static:
        if each_commit or release:
            option = "--each-commit" if each_commit else "--from"
            raise click.UsageError(f"--static judges a range as a whole, not {option}")
        return _judge_statically(reports, context, span)
    return _judge(reports, context, span, is_cached=not no_cache, each_commit=each_commit)


def _judge(
    reports: Output, context: RunContext, span: Range, *, is_cached: bool, each_commit: bool
) -> int:
    """Answer from the cache, or judge by a dry run."""
    from alembic_lockstep.cache.store import Cache, cache_root
    from alembic_lockstep.cache.verdict_records import VerdictRecords

    cache, surprise = Cache(cache_root()) if is_cached else None, ""
    if cache and not each_commit and not span.target and not context.release:
        verdicts = VerdictRecords.of(cache, context)
        refusals = verdicts.refusals(*tree_ids(context.repository, span))
        if refusals is None:
            _report_answer(reports, context.repository, span, context.environ)
            return CLEAN
        surprise = verdicts.surprise(refusals)
    return _judge_by_dry_run(reports, context, span, cache, surprise, each_commit=each_commit)


def _judge_by_dry_run(
    reports: Output,
    context: RunContext,
    span: Range,
    cache: Cache | None,
    surprise: str,
    *,
    each_commit: bool,
) -> int:
    gc.enable()
    from alembic_lockstep.cache.store import cache_root
    from alembic_lockstep.dryrun.early import EarlyProbes
    from alembic_lockstep.git.workplace import acquire_workplace, find_workplace

    repository, environ = context.repository, context.environ
    workplace = find_workplace(repository, environ, cache_root())
    with acquire_workplace(workplace) as slot, EarlyProbes(context, slot) as early:
        if span.tip is None:  # of commits, all may be remembered
            early.guess()
        # These take longer to import than all that was needed so far.
        from alembic_lockstep.branch import judge_branch
        from alembic_lockstep.gate import Gate
        from alembic_lockstep.report.progress import progress
        from alembic_lockstep.runners import Runners

        with progress() as show, Runners(context, show, early, cache) as runners:
            gate = Gate(runners)
            if span.tip is None:
                verdict = gate.judge(span.base, repository.staged_tree(environ))
            else:
                verdict = judge_branch(gate, span, each_commit=each_commit)
    lines = [f"Not answered from the cache: {surprise}."] if surprise and _has_run(verdict) else []
    if span.tip is None and any(each.rule in FIXED_BY_MIGRATION for each in verdict.findings):
        lines.append("To have the migration written: alembic-lockstep fix")
    return _report_verdict(reports, verdict, repository, lines)


def _has_run(verdict: Verdict) -> bool:
    """Return whether an environment was run."""
    comparisons = [each.comparison for each in verdict.environments if each.comparison]
    return not all(comparison.is_recalled for comparison in comparisons)


def _report_verdict(
    reports: Output, verdict: Verdict, repository: Repository, lines: Sequence[str]
) -> int:
    """Report a verdict and return the exit code.

    Args:
        lines: Further lines of the summary.
    """
    from alembic_lockstep.report.judged import report_of
    from alembic_lockstep.report.notice import show_once

    report = report_of(verdict)
    reports.write(replace(report, summary=(*report.summary, *lines)))
    if verdict.findings:
        return FINDINGS
    show_once(verdict, repository.private / "shown.json")
    return CLEAN


def _begin_log(*streams: TextIO | None) -> None:
    for stream in filter(None, streams):
        write_to(stream)
    debug(f"alembic-lockstep {__version__}, Python {sys.version.split()[0]}, {sys.platform}")


def _report_answer(
    reports: Output, repository: Repository, span: Range, environ: Mapping[str, str]
) -> None:
    """Report that a cached verdict answers."""
    from alembic_lockstep.cache.verdicts import PASSED

    base, tree = tree_ids(repository, span)
    passed = PASSED.replace("nothing staged", "nothing in the commits") if tree else PASSED
    if not tree and reports.needs("json"):
        tree = repository.staged_tree(environ)
    reports.write(Report((passed, *span.notes), base, tree or ""))


def _judge_statically(reports: Output, context: RunContext, span: Range) -> int:
    from alembic_lockstep.git.chosen_range import choose_range
    from alembic_lockstep.static.judge import judge_static

    repository, environ = context.repository, context.environ
    if span.tip is None and not repository.staged_changes(span.base):
        # `pre-commit run --all-files`, as pre-commit.ci has it: nothing is ever staged there.
        span = choose_range(repository, None, "HEAD", environ)
    base = repository.tree_of(span.base)
    tree = repository.tree_of(span.tip) if span.tip else repository.staged_tree(environ)
    report = judge_static(context, base, tree)
    reports.write(replace(report, summary=(*report.summary, *span.notes)))
    return FINDINGS if report.findings else CLEAN
