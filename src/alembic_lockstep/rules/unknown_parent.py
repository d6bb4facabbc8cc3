"""unknown-parent: a `down_revision` or `depends_on` that no committed file defines."""

from __future__ import annotations

from pathlib import Path

from alembic_lockstep.alembic_env.lost_revisions import find_lost_revision
from alembic_lockstep.alembic_env.revisions import Revision, parse_revision
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import Facts, Histories, location_in
from alembic_lockstep.findings import Finding
from alembic_lockstep.git.pathspec import add_command, from_anywhere
from alembic_lockstep.system.regular import read_text


def check(facts: Facts) -> list[Finding]:
    """Return one finding for each missing parent that the base does not miss already.

    Return none if a file of this commit cannot be read: it may define the parent. A parent is not
    missing, either, if Alembic loaded the history, as it refuses a history with a gap: then
    bytecode or an installed package defines it. It is if an ignored file defines it. Where nothing
    ran, bytecode without its source may define it.
    """
    if facts.broken:
        return []
    old = {(revision.id, parent) for revision, _, parent in facts.base_history.missing_parents()}
    now = facts.comparison.now if facts.comparison else None
    is_loaded = now is not None and bool(now.scripts)
    if now is not None and not now.scripts and not now.error and sourceless_files(facts):
        return []
    return [
        _finding(facts, revision, name, parent)
        for revision, name, parent in facts.history.missing_parents()
        if (revision.id, parent) not in old and not (is_loaded and not _ignored(facts, parent))
    ]


def sourceless_files(facts: Histories) -> list[str]:
    """Return the bytecode in the version locations that has no source: `sourceless = true`."""
    files, folders = facts.tree.files, facts.environment.version_locations
    bytecode = (path.rpartition("/") for path in files if path.endswith(".pyc"))
    parts = ((folder.removesuffix("/__pycache__"), name) for folder, _, name in bytecode)
    sources = (
        f"{folder}/{name.partition('.')[0]}.py" for folder, name in parts if folder in folders
    )
    return sorted(f"{source}c" for source in sources if source not in files)


def _finding(facts: Facts, revision: Revision, name: str, parent: str) -> Finding:
    return Finding(
        "unknown-parent",
        f"{name} '{parent}' is defined by no committed migration; "
        f"every upgrade will say: Can't locate revision identified by '{parent}'",
        location_in(facts.tree, revision.path, *revision.lines[name]),
        facts.environment.name,
        hint=_hint(facts, parent),
    )


def _hint(facts: Facts, parent: str) -> str:
    for path in facts.forgotten:
        if _defines(facts.repository.root / path, path, parent):
            return f"It is in {path}, which is not staged: {add_command([path])}"
    if ignored := _ignored(facts, parent):
        return f"It is in {ignored}, which git ignores: {add_command([ignored], force=True)}"
    if command := _restore_command(facts, parent):
        return (
            "This commit deletes the file that defines it. Put it back, or set another parent: "
            f"{command}"
        )
    return _hint_from_git(facts, parent)


def _hint_from_git(facts: Facts, parent: str) -> str:
    """Return where git still has a parent, and the command that brings it back."""
    try:
        lost = find_lost_revision(
            facts.repository, facts.environment, parent, facts.history.ids - {parent}
        )
    except CouldNotJudge as error:
        return f"No file on disk has it, and what git has was not searched whole: {error.message}."
    if lost is None:
        return "No file on disk and nothing in this clone has it: fetch the branch it was made on."
    holder = f"{lost.file.holder} has it"
    if lost.file.is_on_branch:
        return f"{holder}: merge it, rebase onto it, or take over the file alone: {lost.command}"
    remark = f", and {lost.file.remark}" if lost.file.remark else ""
    return f"{holder}{remark}. Bring it back, or set another parent: {lost.command}"


def _restore_command(facts: Facts, parent: str) -> str:
    """Return the command that restores the file of the base that defines a parent, or ""."""
    revisions = facts.base_history.revisions
    path = next((revision.path for revision in revisions if revision.id == parent), "")
    return f"git checkout {facts.base.sha[:12]} -- {from_anywhere([path])}" if path else ""


def _ignored(facts: Facts, parent: str) -> str:
    """Return the file on disk that defines a parent and that git ignores, or ""."""
    others = (
        (file, f"{location}/{file.name}")
        for location in facts.environment.version_locations
        for file in sorted((facts.repository.root / location).glob("*.py"))
    )
    not_ignored = {*facts.tree.files, *facts.forgotten}
    matching = (
        path for file, path in others if path not in not_ignored and _defines(file, path, parent)
    )
    return next(matching, "")


def _defines(file: Path, path: str, revision_id: str) -> bool:
    revision = parse_revision(path, read_text(file) or "")
    return revision is not None and revision.id == revision_id
