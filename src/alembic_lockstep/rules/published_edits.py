"""Changes of migrations that other databases may have run: what the rules about them share."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alembic_lockstep.alembic_env.changed_revisions import ChangedRevision, changed_revisions
from alembic_lockstep.alembic_env.cycles import find_cycle
from alembic_lockstep.alembic_env.revisions import Revision
from alembic_lockstep.facts import Facts, Histories
from alembic_lockstep.git.pathspec import from_anywhere
from alembic_lockstep.report.text import listed
from alembic_lockstep.rules.migration_lines import error_text
from alembic_lockstep.rules.unknown_parent import sourceless_files


@dataclass(frozen=True)
class Insertion:
    """New revisions below a revision of the base: a database at that revision never runs them.

    Attributes:
        above: The revision of the base, as the tree has it.
        below: The ids of the new revisions, sorted.
        field: The field of `above` that names a new revision.
    """

    above: Revision
    below: tuple[str, ...]
    field: str


def insertions(facts: Histories) -> list[Insertion]:
    """Return the revisions of the base that the commit put on top of new ones.

    None of a circle, which is another rule's. A revision is left out if the base lacks one of its
    ancestors, which the commit may add, or if the commit deletes one, which a new revision may
    replace.
    """
    if facts.broken or facts.base_broken or find_cycle(facts.history):
        return []
    base, history = facts.base_history, facts.history
    new = {revision.id for revision in facts.new}
    before = {revision.id: revision for revision in base.revisions}
    return [
        Insertion(
            revision,
            below=tuple(sorted(new & history.up_to(revision.id))),
            field="down_revision" if new.intersection(revision.down) else "depends_on",
        )
        for revision in history.revisions
        if revision.id in before
        and not before[revision.id].unread
        and history.parents(revision) & new
        and base.up_to(revision.id) <= history.ids & base.ids
    ]


def changed_in(histories: Histories) -> list[ChangedRevision]:
    """Return the revisions of the base that the commit edits or deletes.

    None where a file cannot be read, or bytecode has no source: it may define them.
    """
    if histories.in_base is None or histories.broken or histories.base_broken:
        return []
    base = histories.in_base
    if sourceless_files(histories):
        return []
    return changed_revisions(histories.now, base, base.history.ids)


def published_changes(histories: Histories) -> list[ChangedRevision]:
    """Return those that other databases may have run; none while two branches are merged."""
    changed = changed_in(histories)
    if not changed or histories.published is None:
        return []
    return [
        each
        for each in changed
        if each.before.id in histories.published and not _is_published(each, histories)
    ]


def _is_published(changed: ChangedRevision, histories: Histories) -> bool:
    """Return whether the change comes from the default branch, by a merge of it."""
    tree, now = histories.published_tree, changed.now
    if tree is None or now is None:
        return False
    return tree.files.get(now.path) == histories.tree.files[now.path]


def stuck(histories: Histories) -> list[ChangedRevision]:
    """Return the deleted revisions that databases are at, so that Alembic cannot upgrade these.

    They are heads, of the base or of a published tag. Others are only as old as an upgrade that
    was left out; but an id that is replaced by another for the same file helps nobody.
    """
    gone = [each for each in published_changes(histories) if each.now is None]
    if not gone:
        return []
    heads = histories.published_heads
    return [each for each in gone if each.renamed or each.before.id in heads]


def needs_retracing(histories: Histories) -> bool:
    """Return whether to run the base's history and then the tree's, to compare what comes out.

    It costs a run, so not if files alone show that databases of the base are left behind.
    """
    return (
        bool(published_changes(histories))
        and not find_cycle(histories.history)
        and not insertions(histories)
        and not stuck(histories)
        and not histories.history.missing_parents()
    )


def revisions_that_ran(histories: Histories) -> frozenset[str]:
    """Return the base's revisions that other databases have run.

    Where a commit cures two heads of the base by moving one, that one has run nowhere yet:
    `upgrade head` has refused it.
    """
    published = histories.published or frozenset()
    base, history = histories.base_history, histories.history
    if len(base.heads) > len(history.heads):
        published -= {each.before.id for each in published_changes(histories)}
    return base.closed_subset(published)


def changed_texts(histories: Histories) -> list[str]:
    """Return the old and the new texts of the published revisions that changed."""
    changed = published_changes(histories)
    old = (histories.base.read(each.before.path) for each in changed)
    new = (histories.tree.read(each.now.path) for each in changed if each.now)
    return [text for text in (*old, *new) if text]


def blamed(facts: Facts) -> list[ChangedRevision]:
    """Return the published changes, if a database of the base does not come to the same end.

    The one that says most about the differences comes first.
    """
    if facts.retraced is None or facts.retraced.is_same:
        return []
    words = set(re.findall(r"\w+", outcome(facts)))

    def overlap(changed: ChangedRevision) -> int:
        old = _lines(facts.base.read(changed.before.path))
        new = _lines(facts.tree.read(changed.now.path)) if changed.now else set()
        return len(words.intersection(re.findall(r"\w+", " ".join(old ^ new))))

    return sorted(published_changes(facts), key=overlap, reverse=True)


def outcome(facts: Facts) -> str:
    """Return what becomes of a database of the base, as a sentence."""
    retraced = facts.retraced
    assert retraced is not None
    subject = f"a database of {facts.release}" if facts.release else "a database that has run it"
    if not retraced.error:
        return f"{subject} {listed(retraced.differences)}"
    failing = f"upgrade() of {retraced.revision}" if retraced.revision else "the upgrade"
    return f"{subject} cannot be upgraded: {failing} fails: {error_text(retraced.error)}"


def retracing_notes(facts: Facts) -> list[str]:
    """Return why changes of published migrations were not compared by what they do."""
    not_run = "nothing was run" if needs_retracing(facts) else ""
    note = facts.retraced.note if facts.retraced else not_run
    return [f"edited migrations were not compared by what they do: {note}"] if note else []


def restore_command(facts: Facts, *changed: ChangedRevision) -> str:
    """Return the command that puts the base's files of revisions back."""
    paths = sorted({each.before.path for each in changed})
    return f"git checkout {facts.base.sha[:12]} -- {from_anywhere(paths)}"


def _lines(text: str | None) -> set[str]:
    return {line.strip() for line in (text or "").splitlines()}
