"""Databases that other people have, taken on by the judged history: the base's, an older release's.

They have to come to the same end as a fresh one.
"""

from __future__ import annotations

from dataclasses import replace

from alembic_lockstep.alembic_env.at_tree import EnvironmentFinder
from alembic_lockstep.dryrun.comparison import BASE_MODELS, Comparison
from alembic_lockstep.dryrun.retraced import Retraced
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.facts import Facts, Histories
from alembic_lockstep.findings import Finding
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.report.text import listed
from alembic_lockstep.rules import deleted_migration, edited_migration
from alembic_lockstep.rules.published_edits import (
    changed_texts,
    needs_retracing,
    retracing_notes,
    revisions_that_ran,
    stuck,
)


def retrace_base(
    histories: Histories, comparison: Comparison, runner: DryRunner
) -> Retraced | None:
    """Take on a database of the base if published migrations changed; None if none did."""
    if comparison.now.error or not needs_retracing(histories) or histories.in_base is None:
        return None
    if comparison.start == BASE_MODELS:
        return Retraced(note="the base's history does not run from empty")
    old, texts = revisions_that_ran(histories), changed_texts(histories)
    return runner.retrace(histories.now, histories.in_base, old, texts) if old else None


def judge_release(
    facts: Facts, release: str, finder: EnvironmentFinder, runner: DryRunner
) -> tuple[list[Finding], list[str]]:
    """Return the findings on databases at a release's heads, and notes for the summary.

    Args:
        release: The release's tag, branch or commit.

    Raises:
        CouldNotJudge: git does not know it.
    """
    tree = Tree(facts.repository, facts.repository.tree_of(release))
    changes = facts.repository.changes(tree.sha, facts.tree.sha)
    in_release = finder.find_in_base(facts.now, tree, changes)
    if in_release is None or not in_release.history.revisions:
        return [], [f"{release} has no migrations of this environment"]
    change_set = replace(facts.change_set, base=tree, changes=tuple(changes))
    since = replace(facts, change_set=change_set, in_base=in_release, release=release)
    if facts.comparison is None or facts.comparison.now.error:
        return [], [f"not judged: databases of {release}"]
    if not stuck(since):
        ids = in_release.history.ids
        retraced = runner.retrace(facts.now, in_release, ids, changed_texts(since))
        since = replace(since, retraced=retraced)
    findings = [*edited_migration.check(since), *deleted_migration.check(since)]
    notes = retracing_notes(since)
    if not findings and not notes:
        heads = listed(in_release.history.heads)
        notes = [f"a database of {release} (at {heads}) comes to the same end as a fresh one"]
    return findings, notes
