"""broken-upgrade: upgrading an empty database fails."""

from __future__ import annotations

from dataclasses import replace

from alembic_lockstep.advice.failures import missing_column
from alembic_lockstep.advice.hints import hint
from alembic_lockstep.facts import Facts, location_in
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.git.absent import explain_absent, forgotten_hint

BLAME = (
    "The base runs this revision without error: it was edited, or something that it imports was. "
    "A migration should not depend on code that changes."
)


def check(facts: Facts) -> list[Finding]:
    """Return a finding for each invalid file, or else one for the first error of the upgrade."""
    if facts.broken:
        return [
            Finding(
                "broken-upgrade",
                f"this migration is not valid Python: {broken.message}",
                location_in(facts.tree, broken.path, broken.line, broken.column),
                facts.environment.name,
            )
            for broken in facts.broken
        ]
    if facts.comparison is None or not facts.comparison.now.error:
        return []
    now = facts.comparison.now
    if missing_column(now):
        return []  # reported as missing-migration
    action = f"upgrade() of {now.revision}" if now.revision else "importing this migration"
    before = facts.comparison.before
    ran_in_base = before is not None and now.revision in (*before.revisions, *before.restored)
    message = _message(now.error)
    forgotten = forgotten_hint(message, now.reads, facts.repository)
    absent = "; ".join(explain_absent(facts.repository, facts.tree.sha, now.error, now.reads))
    return [
        Finding(
            "broken-upgrade",
            f"{action} fails: {message}",
            _failing_line(facts, now.revision),
            facts.environment.name,
            hint=forgotten or absent or (BLAME if ran_in_base else hint(now, facts.now)),
        )
    ]


def _message(error: object) -> str:
    assert isinstance(error, dict)
    return f"{error['type']}: {' '.join(str(error['message']).split())}"


def _failing_line(facts: Facts, revision_id: str) -> Location:
    """Return the innermost line of the migration file in the traceback."""
    assert facts.comparison is not None
    paths = {revision.path for revision in facts.history.revisions if revision.id == revision_id}
    frames = [frame for frame in facts.comparison.now.error["frames"] if frame["path"]]
    inside = [frame for frame in frames if not paths or frame["path"] in paths]
    if not inside:
        return location_in(facts.tree, min(paths, default=facts.environment.config))
    location = location_in(facts.tree, inside[-1]["path"], inside[-1]["line"])
    code = location.source.strip()
    return replace(location, column=location.source.find(code) + 1, length=len(code))
