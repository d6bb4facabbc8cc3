"""broken-upgrade: upgrading an empty database fails."""

from __future__ import annotations

from alembic_lockstep.advice.failures import missing_column
from alembic_lockstep.advice.hints import hint
from alembic_lockstep.facts import Facts, location_in
from alembic_lockstep.findings import Finding
from alembic_lockstep.git.absent import explain_absent, forgotten_hint
from alembic_lockstep.rules.migration_lines import error_text, failing_line

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
    message = error_text(now.error)
    forgotten = forgotten_hint(message, now.reads, facts.repository)
    absent = "; ".join(explain_absent(facts.repository, facts.tree.sha, now.error, now.reads))
    return [
        Finding(
            "broken-upgrade",
            f"{action} fails: {message}",
            failing_line(facts, now.revision, now.error),
            facts.environment.name,
            hint=forgotten or absent or (BLAME if ran_in_base else hint(now, facts.now)),
        )
    ]
