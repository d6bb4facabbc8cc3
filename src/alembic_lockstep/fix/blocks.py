"""Fixes of an environment: the missing `upgrade()` body and the project's own commands."""

from __future__ import annotations

from collections.abc import Sequence

from alembic_lockstep.alembic_env.placement import place_revision
from alembic_lockstep.dryrun.schema_operations import Operation, upgrade_functions
from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding, Fix
from alembic_lockstep.fix.commands import fix_commands
from alembic_lockstep.git.pathspec import add_command, from_anywhere


def fixes_for(facts: Facts, findings: Sequence[Finding]) -> list[Fix]:
    """Return the blocks that fix an environment's findings, each once."""
    rules = {finding.rule for finding in findings}
    fixes: list[Fix] = []
    if "uncommitted-migration" in rules and facts.fixed:
        fixes.append(Fix("Fix:", _add_command(facts), "console"))
    if facts.unfixed:
        is_mismatch = "migration-mismatch" in rules
        if any(operation.whole_code for operation in facts.unfixed):  # `--static` has none
            title = (
                f"What {facts.new[-1].path} still needs:"
                if is_mismatch
                else "The migration that is missing:"
            )
            fixes.append(Fix(title, upgrade_functions(facts.unfixed), "python"))
        if not is_mismatch:
            fixes.append(Fix("Fix:", "\n".join(_commands(facts)), "console"))
    return fixes


def _add_command(facts: Facts) -> str:
    # `git commit PATH …` takes nothing but those paths, staged or not.
    paths = from_anywhere(facts.forgotten)
    commit = f"\ngit commit … {paths}" if facts.repository.is_partial_commit() else ""
    return add_command(facts.forgotten) + commit


def _commands(facts: Facts) -> tuple[str, ...]:
    tables = {operation.table for operation in facts.unfixed if operation.table}
    return fix_commands(
        facts.environment,
        facts.tree.files,
        _message(facts.unfixed),
        by_hand=[operation.text for operation in facts.unfixed if operation.sql],
        replaces=any(operation.is_unlike_alembic for operation in facts.unfixed),
        flask=facts.comparison.now.flask if facts.comparison else "",
        placement=place_revision(facts.environment, facts.history, facts.tree.read, tables),
    )


def _message(missing: Sequence[Operation]) -> str:
    """Return a migration message that says what the migration does: `add games.winners`."""
    verbs = {"add": "add", "remove": "drop", "modify": "alter"}
    first = missing[0]
    thing = ".".join(filter(None, [first.table, first.name])) or first.text
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"{verbs.get(first.kind.partition('_')[0], 'change')} {thing}{more}"
