"""Locations in migrations, for rules about what happened while these ran."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from alembic_lockstep.alembic_env.revisions import Revision
from alembic_lockstep.dryrun.trial_facts import TrialFacts
from alembic_lockstep.facts import Facts, location_in
from alembic_lockstep.findings import Location
from alembic_lockstep.pysource.migration import find_in_migration
from alembic_lockstep.pysource.row_statements import function_span
from alembic_lockstep.pysource.source import Span
from alembic_lockstep.rules.own_trial import own_trial

# Of an object in Python's own words: `<function f at 0x7f97994af4ae>`.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+(?=>)")


def trial_of(facts: Facts) -> TrialFacts:
    """Return the trial of the commit's revisions on rows; empty if none was made."""
    return own_trial(facts, facts.comparison.now.trial) if facts.comparison else TrialFacts()


def dialect_of(facts: Facts) -> str:
    """Return the dialect of the scratch database; empty if it is not known."""
    connections = facts.comparison.now.connections if facts.comparison else ()
    return str(connections[-1]["dialect"]) if connections else ""


def mark(rule: str, when: str) -> str:
    """Return the line that says how a project marks a finding as intended.

    Args:
        when: The case in which it may: `If they should go`.
    """
    return f"{when}, say why at that line: # lockstep: ignore[{rule}] the reason"


def failing_line(facts: Facts, revision_id: str, error: Mapping[str, Any]) -> Location:
    """Return the innermost line of a migration's file in the traceback of its error."""
    paths = {revision.path for revision in facts.history.revisions if revision.id == revision_id}
    frames = [frame for frame in error["frames"] if frame["path"]]
    inside = [frame for frame in frames if not paths or frame["path"] in paths]
    if not inside:
        return location_in(facts.tree, min(paths, default=facts.environment.config))
    location = location_in(facts.tree, inside[-1]["path"], inside[-1]["line"])
    code = location.source.strip()
    return replace(location, column=location.source.find(code) + 1, length=len(code))


def error_text(error: Mapping[str, Any]) -> str:
    """Return type and message of an error on one line, the same in every run."""
    message = _ADDRESS.sub("", " ".join(str(error["message"]).split()))
    return f"{error['type']}: {message}"


def tried_revisions(facts: Facts, ids: Sequence[str]) -> list[Revision]:
    """Return the revisions of these ids that the tree's files define, in their order."""
    by_id = {revision.id: revision for revision in facts.history.revisions}
    return [by_id[name] for name in ids if name in by_id]


def revision_about(
    facts: Facts, revisions: Sequence[Revision], table: str, column: str = ""
) -> tuple[Revision, Location] | None:
    """Return the revision whose operation is about a table or column, and the line.

    Without such an operation it is the last revision, and its upgrade(). None if there is none.
    """
    for name in dict.fromkeys((column, "")):
        for revision in revisions:
            span = find_in_migration(facts.tree.read(revision.path) or "", table, name)
            if span is not None and (name or table.rpartition(".")[2]) in span.source:
                return revision, location_of(revision, span)
    if not revisions:
        return None
    return revisions[-1], function_line(facts, revisions[-1], "upgrade")


def function_line(facts: Facts, revision: Revision, function: str) -> Location:
    """Return the line of a migration's function; of its file if it has none of the name."""
    span = function_span(facts.tree.read(revision.path) or "", function)
    return location_of(revision, span) if span else location_in(facts.tree, revision.path)


def location_of(revision: Revision, span: Span) -> Location:
    """Return the location of a span in a migration."""
    return Location(revision.path, span.line, span.column, span.source, span.length)
