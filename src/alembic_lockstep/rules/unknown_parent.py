"""unknown-parent: a `down_revision` or `depends_on` that no committed file defines."""

from __future__ import annotations

import shlex
from pathlib import Path

from alembic_lockstep.facts import Facts, at
from alembic_lockstep.findings import Finding
from alembic_lockstep.history.revisions import Revision, parse_revision
from alembic_lockstep.regular import read_text


def check(facts: Facts) -> list[Finding]:
    """One finding for each missing parent that the base does not miss already.

    None if a file of this commit cannot be read: it may be the one that defines the parent. Nor if
    Alembic loaded the history, which it refuses with a gap: the parent stands where we do not read,
    in bytecode or an installed package. Unless it stands in a file that git ignores.
    """
    if facts.broken:
        return []
    old = {(revision.id, parent) for revision, _, parent in facts.base_history.missing_parents()}
    seen = facts.comparison.now if facts.comparison else None
    is_loaded = seen is not None and bool(seen.scripts) and not seen.error
    return [
        _finding(facts, revision, name, parent)
        for revision, name, parent in facts.history.missing_parents()
        if (revision.id, parent) not in old and not (is_loaded and not _ignored(facts, parent))
    ]


def _finding(facts: Facts, revision: Revision, name: str, parent: str) -> Finding:
    line, column, length = revision.lines.get(name, (1, 1, 0))
    return Finding(
        "unknown-parent",
        f"{name} '{parent}' is defined by no committed migration; "
        f"every upgrade will say: Can't locate revision identified by '{parent}'",
        at(facts.tree, revision.path, line, column, length),
        facts.environment.name,
        hint=_whereabouts(facts, parent),
    )


def _whereabouts(facts: Facts, parent: str) -> str:
    for path in facts.forgotten:
        found = parse_revision(path, read_text(Path(facts.repository.root) / path) or "")
        if found is not None and found.id == parent:
            return f"It is in {path}, which is not staged: git add {shlex.quote(path)}"
    if ignored := _ignored(facts, parent):
        return f"It is in {ignored}, which git ignores: git add --force {shlex.quote(ignored)}"
    if back := _put_back(facts, parent):
        return f"This commit deletes the file that defines it: put it back: {back}, or set another."
    folders = facts.environment.version_locations
    branches = [name for one in folders for name in facts.repository.branches_defining(parent, one)]
    if branches:
        return f"The branch {branches[0]} has it: merge or rebase onto it, or set another parent."
    return "No file on disk and no known branch has it: fetch the branch it was made on."


def _put_back(facts: Facts, parent: str) -> str:
    """Return the command that brings back the file of the base that defines it."""
    path = next((one.path for one in facts.base_history.revisions if one.id == parent), "")
    return f"git checkout {facts.base.sha[:12]} -- {shlex.quote(path)}" if path else ""


def _ignored(facts: Facts, parent: str) -> str:
    """Return the file on disk that defines it, and is neither in the commit nor forgotten."""
    for location in facts.environment.version_locations:
        for file in sorted((Path(facts.repository.root) / location).glob("*.py")):
            path = f"{location}/{file.name}"
            if path not in facts.tree.files and path not in facts.forgotten:
                found = parse_revision(path, read_text(file) or "")
                if found is not None and found.id == parent:
                    return path
    return ""
