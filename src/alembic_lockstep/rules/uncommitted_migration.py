"""uncommitted-migration: the migration that would fix it is on disk, not in the commit.

Or a file that a new migration reads is.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from alembic_lockstep.alembic_env.revisions import Revision
from alembic_lockstep.facts import Facts, location_in
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.git.pathspec import add_command
from alembic_lockstep.report.text import listed
from alembic_lockstep.rules.differences import locations
from alembic_lockstep.system.regular import read_regular

RULE = "uncommitted-migration"
# Ignored modules are generated, and part of the environment.
_CODE = (".py", ".pyc", ".pyd", ".so")
# https://www.sqlite.org/fileformat.html#magic_header_string
_DATABASE = b"SQLite format 3\0"


def check(facts: Facts) -> list[Finding]:
    """Return one finding for each forgotten file, and for each ignored file that is read."""
    return [*_forgotten(facts), *_ignored(facts)]


def _forgotten(facts: Facts) -> Iterator[Finding]:
    """Yield the findings about forgotten files, if a dry run with them has fewer differences."""
    if not facts.fixed:
        return
    things = listed(dict.fromkeys(operation.text for operation in facts.fixed))
    related = [locations(facts, operation)[0] for operation in facts.fixed]
    for path in facts.forgotten:
        kind = "migration" if path.endswith(".py") else "file"
        yield Finding(
            RULE,
            f"this {kind} is {_state(facts, path)}, and the commit needs it for {things}",
            Location(path),
            facts.environment.name,
            related=tuple(dict.fromkeys(related)),
        )


def _state(facts: Facts, path: str) -> str:
    if path in facts.tree.files:
        return "staged without its last edits"
    left_out = facts.repository.is_partial_commit()
    return "not among the paths that are committed" if left_out else "on disk but not staged"


def _ignored(facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each file that the new migrations name and that git ignores."""
    if facts.comparison is None:
        return
    opened = facts.comparison.now.reads.get("opened", ())
    others = [
        path for path in opened if path not in facts.tree.files and not path.endswith((*_CODE, "/"))
    ]
    readers = {path: reader for path in others if (reader := _reader(facts, path))}
    for path in sorted(facts.repository.ignored_among(sorted(readers))):
        if read_regular(facts.repository.root / path, len(_DATABASE)) == _DATABASE:
            continue  # each clone has its own database
        revision, line = readers[path]
        yield Finding(
            RULE,
            f"{revision.id} reads {path}, which git ignores: no other clone has it",
            location_in(facts.tree, revision.path, line),
            facts.environment.name,
            hint=add_command([path], force=True),
        )


def _reader(facts: Facts, path: str) -> tuple[Revision, int] | None:
    """Return the new revision that names a file, and the line of the name.

    The name of a file next to the migrations may be built from the revision's, or be a pattern.
    """
    name = posixpath.basename(path)
    stem, suffix = posixpath.splitext(name)
    is_near = path.startswith(f"{facts.environment.script_location}/")
    derived = [rf"['\"]{re.escape(stem)}['\"]", re.escape(f"*{suffix}")] if suffix else []
    pattern = "|".join([re.escape(name), *(derived if is_near else ())])
    for revision in facts.new:
        for number, line in enumerate((facts.tree.read(revision.path) or "").splitlines(), 1):
            if re.search(rf"(?<![\w.])(?:{pattern})(?!\w)", line):
                return revision, number
        if is_near and (revision.id in name or stem in posixpath.basename(revision.path)):
            return revision, 1
    return None
