"""`check --static`: from two git trees to a report, by reading only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from alembic_lockstep.alembic_env.at_tree import EnvironmentFinder
from alembic_lockstep.alembic_env.revisions import migration_files, read_revisions
from alembic_lockstep.alembic_env.unloaded_migrations import unloaded_migrations
from alembic_lockstep.context import RunContext
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import Facts, Histories, read_histories
from alembic_lockstep.gate import conclude
from alembic_lockstep.git.change_set import read_change_set
from alembic_lockstep.ignores.ignoring import Directives, ignore_differences
from alembic_lockstep.report.judged import report_of
from alembic_lockstep.report.report import Report
from alembic_lockstep.static.reading import Reading
from alembic_lockstep.verdict import EnvironmentVerdict, Verdict

WEAKER = (
    "--static is the weaker check: it read what models and migrations say, and ran neither. "
    "The full one is `alembic-lockstep check`."
)

RUN_IT = (
    "Run the project instead:\nalembic-lockstep check\n"
    "Where its SQLAlchemy or Alembic is too old for that, nothing tells before they are upgraded: "
    "compare by hand, and commit past the hook:\ngit commit --no-verify"
)


def judge_static(context: RunContext, base: str, tree: str) -> Report:
    """Judge a tree against its base (ids of git trees) without the project's Python.

    Raises:
        CouldNotJudge: there is no environment, or the setting `static-unsure` is `block` and
            reading does not tell.
    """
    change_set = read_change_set(context.repository, base, tree)
    if not change_set.changes:
        return _report(Verdict(change_set.base.sha, change_set.tree.sha, ()))
    repository, now, before = change_set.repository, change_set.tree, change_set.base
    trusted = before if context.settings_from_base else None
    settings = context.load_settings((trusted or now).read("pyproject.toml"))
    finder = EnvironmentFinder(repository, settings, context.environ, change_set)
    histories = read_histories(finder, finder.find(now), change_set)
    facts = [_facts(each) for each in histories]
    directives = Directives(repository, now, trusted)
    doubts: list[str] = []
    verdicts = [
        _judge_environment(Reading(each, facts), settings.ignore, directives, doubts)
        for each in facts
    ]
    verdict = Verdict(before.sha, now.sha, tuple(verdicts), unjudged=tuple(finder.unjudged(now)))
    doubts = list(dict.fromkeys(doubts))
    if doubts and settings.static_unsure == "block" and not verdict.findings:
        raise CouldNotJudge(
            "whether models and migrations agree cannot be told by reading (--static)",
            tried=doubts,
            fix=RUN_IT,
        )
    return _report(verdict, [f"cannot tell: {doubt}" for doubt in doubts])


def _judge_environment(
    reading: Reading, globs: Mapping[str, str], directives: Directives, doubts: list[str]
) -> EnvironmentVerdict:
    """Judge an environment, and append to `doubts` what cannot be told of it, with the reasons."""
    facts = reading.facts
    paths = {path for change in facts.changes for path in (change.path, change.old_path)}
    if not any(path.endswith(".py") for path in paths):
        return conclude(facts, globs, directives)
    facts, reasons = reading.compared()
    assert facts.comparison is not None
    unsure = replace(facts, comparison=replace(facts.comparison, introduced=tuple(reasons)))
    left, _ = ignore_differences(unsure, globs, directives)
    assert left.comparison is not None
    doubts += [reasons[operation] for operation in left.comparison.introduced]
    doubts += [label for label in reading.unread() if not any(label in doubt for doubt in doubts)]
    return replace(conclude(facts, globs, directives), comparison=None)


def _facts(histories: Histories) -> Facts:
    """Return the facts, with the migrations of version locations that only env.py names."""
    scripts: list[str] = []
    if not histories.history.revisions:
        folders = filter(None, (histories.environment.script_location,))
        files = migration_files(histories.tree.files, folders, recursive=True)
        revisions, _ = read_revisions(files, histories.tree.read)
        scripts = [revision.path for revision in revisions]
    return Facts.of(
        histories.with_loaded_version_locations(scripts),
        forgotten=histories.uncommitted,
        notes=unloaded_migrations(histories.now, scripts) if scripts else (),
    )


def _report(verdict: Verdict, notes: Sequence[str] = ()) -> Report:
    report = report_of(verdict)
    head, *rest = report.summary
    return replace(report, summary=(head, WEAKER, *notes, *rest))
