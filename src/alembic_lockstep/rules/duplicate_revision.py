"""duplicate-revision: two migration files define the same revision id."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from alembic_lockstep.alembic_env.revisions import History, Revision
from alembic_lockstep.facts import Facts, location_in
from alembic_lockstep.findings import Finding
from alembic_lockstep.git.pathspec import from_anywhere
from alembic_lockstep.report.text import listed

RULE = "duplicate-revision"


def check(facts: Facts) -> list[Finding]:
    """Return one finding for each file whose id another file of the tree has, too.

    Files that share their id in the base already are not this commit's.
    """
    base = _by_id(facts.base_history)
    return [
        _finding(facts, revision, [each for each in revisions if each is not revision])
        for revisions in _by_id(facts.history).values()
        if len(revisions) > 1
        for revision in _added(facts, revisions, base)
    ]


def _by_id(history: History) -> Mapping[str, Sequence[Revision]]:
    files: dict[str, list[Revision]] = defaultdict(list)
    for revision in history.revisions:
        files[revision.id].append(revision)
    return files


def _added(
    facts: Facts, revisions: Sequence[Revision], base: Mapping[str, Sequence[Revision]]
) -> Iterator[Revision]:
    """Yield the files of an id that are to get another one.

    They are those that the base lacks, or all but one; but where a merge brings a file that other
    databases may have run, those that only this branch has.
    """
    old = {revision.path for revision in base.get(revisions[0].id, ())}
    new = [revision for revision in revisions if revision.path not in old]
    if new and facts.published_tree:
        own = [each for each in revisions if each.path not in facts.published_tree.files]
        new = own or new
    yield from new if len(new) < len(revisions) else new[1:]


def _finding(facts: Facts, revision: Revision, others: Sequence[Revision]) -> Finding:
    names = listed(other.path for other in others)
    return Finding(
        RULE,
        f"revision '{revision.id}' is already the id of {names}; "
        "Alembic loads one of the files, and never runs the other",
        location_in(facts.tree, revision.path, *revision.lines["revision"]),
        facts.environment.name,
        hint=_hint(facts, revision, others[0]),
        related=tuple(
            location_in(facts.tree, other.path, *other.lines["revision"]) for other in others
        ),
    )


def _hint(facts: Facts, revision: Revision, other: Revision) -> str:
    files = facts.tree.files
    if files[revision.path] == files[other.path]:
        return f"It is a copy: git rm -f --quiet -- {from_anywhere([revision.path])}"
    own = f"Give this file an id of its own: revision = '{unused_id(revision, facts.history)}'"
    if revision.down == other.down and other.id in facts.history.tips:  # copied as a pattern
        return f"{own}, and put it on top: down_revision = '{other.id}'"
    return own


def unused_id(revision: Revision, history: History) -> str:
    """Return an id as Alembic makes them, always the same for a file."""
    digest = hashlib.sha256(f"{revision.path} {revision.id}".encode()).hexdigest()
    ids = (digest[start : start + 12] for start in range(len(digest) - 12))
    return next(name for name in ids if name not in history.ids)
