"""Define the command line: `check`, `init`, `rule`, `cache`, `demo`."""

from __future__ import annotations

import errno
import gc
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from alembic_lockstep import __version__
from alembic_lockstep.config import NO_CACHE
from alembic_lockstep.debug import debug, write_to
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.report.output import FORMATS, Output, OutputFile, output_file
from alembic_lockstep.report.report import Report
from alembic_lockstep.system.limits import more_files, working_directory
from alembic_lockstep.system.streams import flush_streams, open_streams

if TYPE_CHECKING:
    from alembic_lockstep.cache.store import Cache
    from alembic_lockstep.context import RunContext
    from alembic_lockstep.git.commit_ranges import Range
    from alembic_lockstep.git.repository import Repository

CLEAN, FINDINGS, COULD_NOT_JUDGE, INTERNAL_ERROR, INTERRUPTED = 0, 1, 2, 3, 130

# A file that cannot be read or written is the machine's fault: permissions, a full disk.
# fmt: off
_OF_THE_MACHINE = {
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EEXIST", "ENOTDIR", "EIO",
                 "ENAMETOOLONG", "ELOOP", "EMFILE", "ENFILE", "ENOMEM")
    if hasattr(errno, name)  # Windows has no EDQUOT
}
# fmt: on
# Somebody else deleted or replaced it, since it was found a moment ago.
_CHANGED = {errno.ENOENT, errno.EISDIR, errno.ENOTEMPTY, errno.ESTALE}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="alembic-lockstep")
def cli() -> None:
    """A commit that changes SQLAlchemy models lands only with its Alembic migration.

    Exit codes: 0 clean, 1 findings, 2 could not judge, 3 internal error, 130 interrupted.
    """


@cli.command()
@click.option(
    "--base", metavar="REV", help="Judge HEAD, compared with where it left this branch or commit."
)
@click.option(
    "--tree", metavar="REV", help="Judge this commit; without --base compared with its parent."
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
    from alembic_lockstep.cache.store import Cache, cache_root
    from alembic_lockstep.cache.verdict_records import VerdictRecords
    from alembic_lockstep.context import RunContext
    from alembic_lockstep.git.chosen_range import choose_range
    from alembic_lockstep.git.repository import Repository

    environ = dict(os.environ)
    repository = Repository.discover(cwd)
    set_flags = {name: value for name, value in flags.items() if value not in (None, (), "")}
    span = choose_range(repository, base, tree, environ)
    context = RunContext(repository, environ, set_flags, settings_from == "base")
    if each_commit and span.tip is None:
        raise click.UsageError("--each-commit needs commits: --base origin/main")
    if static:
        if each_commit:
            raise click.UsageError("--static judges a range as a whole, not --each-commit")
        return _judge_statically(reports, context, span)
    cache, surprise = None if no_cache else Cache(cache_root()), ""
    if cache and not each_commit and not span.target:
        verdicts = VerdictRecords.of(cache, context)
        refusals = verdicts.refusals(*_trees(context.repository, span))
        if refusals is None:
            _report_answer(reports, context.repository, span, environ)
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

    repository = context.repository
    workplace = find_workplace(repository, context.environ, cache_root())
    with (
        acquire_workplace(workplace) as slot,
        EarlyProbes(context, slot) as early,
    ):
        if span.tip is None:  # of commits, all may be remembered
            early.guess()
        # These take longer to import than all that was needed so far.
        from alembic_lockstep.branch import judge_branch
        from alembic_lockstep.gate import Gate
        from alembic_lockstep.report.judged import report_of
        from alembic_lockstep.report.notice import show_once
        from alembic_lockstep.report.progress import progress
        from alembic_lockstep.runners import Runners

        with progress() as show, Runners(context, show, early, cache) as runners:
            gate = Gate(runners)
            if span.tip is None:
                verdict = gate.judge(span.base, repository.staged_tree(context.environ))
            else:
                verdict = judge_branch(gate, span, each_commit=each_commit)
    report = report_of(verdict)
    comparisons = [each.comparison for each in verdict.environments if each.comparison]
    if surprise and not all(comparison.is_recalled for comparison in comparisons):
        line = f"Not answered from the cache: {surprise}."
        report = replace(report, summary=(*report.summary, line))
    reports.write(report)
    if verdict.findings:
        return FINDINGS
    show_once(verdict, repository.private / "shown.json")
    return CLEAN


def _begin_log(*streams: TextIO | None) -> None:
    for stream in filter(None, streams):
        write_to(stream)
    debug(f"alembic-lockstep {__version__}, Python {sys.version.split()[0]}, {sys.platform}")


def _trees(repository: Repository, span: Range) -> tuple[str, str | None]:
    """Return the ids of the base and of the tree; None is the staged tree, whose id is unknown."""
    if span.tip is None:
        return span.base, None
    return repository.tree_of(span.base), repository.tree_of(span.tip)


def _report_answer(
    reports: Output, repository: Repository, span: Range, environ: Mapping[str, str]
) -> None:
    """Report that a cached verdict answers."""
    from alembic_lockstep.cache.verdicts import PASSED

    base, tree = _trees(repository, span)
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


@cli.command()
@click.argument("name", required=False)
def rule(name: str | None) -> int:
    """Print a rule's page, or the list of rules."""
    from alembic_lockstep.pages import rule_names, rule_page

    if name is not None and name not in rule_names():
        from alembic_lockstep.config import did_you_mean

        raise click.UsageError(f"no rule is called '{name}'{did_you_mean(name, rule_names())}")
    click.echo("\n".join(rule_names()) if name is None else rule_page(name))
    return CLEAN


@cli.group()
def cache() -> None:
    """Show or clear what is kept between runs."""


@cache.command()
def info() -> int:
    """Print what is kept, where, and its size."""
    from alembic_lockstep.cache.upkeep import describe

    return _run_upkeep(describe)


@cache.command()
def clear() -> int:
    """Delete what is kept and not in use, also on the servers in the settings."""
    from alembic_lockstep.cache import upkeep

    return _run_upkeep(upkeep.clear)


@cache.command()
def why() -> int:
    """Print why the last verdict does not answer for what is staged."""
    from alembic_lockstep.cache.store import Cache, cache_root
    from alembic_lockstep.cache.verdict_records import VerdictRecords
    from alembic_lockstep.context import RunContext
    from alembic_lockstep.git.chosen_range import choose_range
    from alembic_lockstep.git.repository import Repository
    from alembic_lockstep.report.text import printable

    environ = dict(os.environ)
    repository = Repository.discover(working_directory())
    span = choose_range(repository, None, None, environ)
    verdicts = VerdictRecords.of(Cache(cache_root()), RunContext(repository, environ))
    refusals = verdicts.refusals(*_trees(repository, span))
    judged = "the commits" if span.tip else "what is staged"
    if NO_CACHE in environ:
        click.echo(f"{NO_CACHE} is set: checks do not use the cache.")
    if refusals is None:
        click.echo(f"The cache answers for {judged}.")
        return CLEAN
    click.echo(f"The cache does not answer for {judged}:")
    for line in verdicts.explain(refusals):
        click.echo(f"  {printable(line)}")
    return CLEAN


def _run_upkeep(action: Callable[[Path, tuple[str, ...], Mapping[str, str]], Iterator[str]]) -> int:
    from alembic_lockstep.cache.store import cache_root
    from alembic_lockstep.cache.upkeep import scratch_urls
    from alembic_lockstep.report.text import printable

    cwd = working_directory()
    for line in action(cache_root(), scratch_urls(cwd, os.environ), os.environ):
        click.echo(printable(line))
    return CLEAN


@cli.command()
@click.option("--yes", is_flag=True, help="Write it without asking.")
def init(*, yes: bool) -> int:
    """Make the first check, and write what this repository needs for the next ones.

    Writes the pre-commit entry, and GitHub's workflow or GitLab's job if the repository is hosted
    there. Shows everything first; existing files are only added to.
    """
    from alembic_lockstep.init.setup import set_up

    return set_up(working_directory(), dict(os.environ), yes=yes)


@cli.command()
@click.option("--keep", metavar="FOLDER", help="Make the game in this folder and leave it there.")
def demo(keep: str | None) -> int:
    """Show a blocked commit, its fix, and the commit that passes, on a small game."""
    from alembic_lockstep.demo import run_demo

    working_directory()
    return run_demo(keep)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; the one place that catches everything."""
    # A terminated run, or one whose terminal is closed, cleans up like an interrupted one.
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # `nohup`
            signal.signal(number, signal.default_int_handler)
    try:
        return _run(Output(), argv)
    except OSError:  # not even a failure can be written
        return COULD_NOT_JUDGE


def _run(reports: Output, argv: Sequence[str] | None) -> int:
    try:
        return int(cli.main(argv, standalone_mode=False, obj=reports) or CLEAN)
    except CouldNotJudge as error:
        return _give_up(reports, error, COULD_NOT_JUDGE)
    except click.ClickException as error:
        error.show()
        return COULD_NOT_JUDGE
    except SystemExit:  # of click: who reads the output has gone away
        return COULD_NOT_JUDGE
    except (KeyboardInterrupt, click.Abort):
        return interrupted()
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
            return _give_up(reports, _of_the_machine(error), COULD_NOT_JUDGE)
        if isinstance(error, OSError) and _is_changed(error):
            debug(_traceback())
            return _give_up(reports, _changed(error), COULD_NOT_JUDGE)
        _show_traceback()
        message = (
            f"alembic-lockstep {__version__}: internal error ({type(error).__name__}); the "
            "commit is blocked. Please report the lines above."
        )
        return _give_up(reports, CouldNotJudge(message), INTERNAL_ERROR)


def interrupted() -> int:
    """Say that the run was interrupted; return the exit code."""
    click.echo("alembic-lockstep: interrupted", err=True)
    return INTERRUPTED


def _give_up(reports: Output, error: CouldNotJudge, code: int) -> int:
    """Report that there is no verdict: no report may look as if all were well."""
    from alembic_lockstep.advice.precedence import overriding_variables

    error = error.with_fix(overriding_variables(error.fix, os.environ), error.config)
    try:
        reports.fail(error)
    except Exception:  # a format's own bug
        _show_traceback()
        return INTERNAL_ERROR
    return code


def _show_traceback() -> None:
    click.echo(_traceback(), nl=False, err=True)


def _traceback() -> str:
    """Return the exception that is being handled, whose message may be the project's words."""
    from alembic_lockstep.report.text import without_commands

    return without_commands(traceback.format_exc())


def _is_changed(error: OSError) -> bool:
    """Return whether a file or folder that is not ours was missing, or of another kind."""
    path = Path(os.fsdecode(error.filename or __file__))
    return error.errno in _CHANGED and not path.is_relative_to(Path(__file__).parent)


def _changed(error: OSError) -> CouldNotJudge:
    path = os.fsdecode(error.filename)
    return CouldNotJudge(
        f"{path} changed while it was read: {error.strerror}",
        fix="Check again once nothing else writes there. If it stays so, please report it with "
        "this log:\nalembic-lockstep check --debug-log lockstep.log",
    )


def _of_the_machine(error: OSError) -> CouldNotJudge:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return CouldNotJudge(f"no further file can be opened: {error.strerror}", fix=more_files())
    if not error.filename:
        return CouldNotJudge(
            f"standard output or a temporary file cannot be written: {error.strerror}"
        )
    path = os.fsdecode(error.filename)
    is_full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None))
    command = ["df", "-h", str(Path(path).parent)] if is_full else ["ls", "-ld", path]
    return CouldNotJudge(
        f"{path} cannot be read or written: {error.strerror}", fix=shlex.join(command)
    )


def entry() -> None:
    """Run as the console script.

    Garbage collection and the interpreter's teardown take a fifth of the answer at once, so both
    are left out.
    """
    gc.disable()
    open_streams()
    code = flush_streams(main())
    if "alembic_lockstep.gate" in sys.modules:
        sys.exit(code)
    os._exit(code)  # nothing was started that has to end
