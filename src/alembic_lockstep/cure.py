"""What to write and to type: the missing `upgrade()` body and the project's own commands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from alembic_lockstep.commands import cure_commands
from alembic_lockstep.dryrun.operations import Operation, upgrade_functions
from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.history.placement import place_revision


@dataclass(frozen=True)
class Cure:
    """One block of the report that cures findings.

    Attributes:
        title: What the block is, ending in a colon.
        text: Lines to type or to write.
        language: `python` or `console`.
    """

    title: str
    text: str
    language: str


def cures(facts: Facts, findings: Sequence[Finding]) -> list[Cure]:
    """The blocks that cure an environment's findings, each once."""
    rules = {finding.rule for finding in findings}
    found: list[Cure] = []
    if "uncommitted-migration" in rules and facts.cured:
        paths = " ".join(shlex.quote(path) for path in facts.forgotten)
        # `git commit PATH …` takes nothing but those paths, staged or not.
        name_it = f"\ngit commit … {paths}" if facts.repository.names_paths() else ""
        found.append(Cure("To cure it:", f"git add {paths}{name_it}", "console"))
    if facts.uncured:
        body = upgrade_functions(facts.uncured)
        is_known = any(operation.whole_code for operation in facts.uncured)  # not with --static
        if "migration-mismatch" in rules:
            title = f"What {facts.new[-1].path} still needs:"
            found += [Cure(title, body, "python")] if is_known else []
        else:
            title = "The migration that is missing:"
            found += [Cure(title, body, "python")] if is_known else []
            flask = facts.comparison.now.flask if facts.comparison else ""
            message = _message(facts.uncured)
            commands = cure_commands(
                facts.environment,
                facts.tree.files,
                message,
                by_hand=[operation.text for operation in facts.uncured if operation.sql],
                flask=flask,
                placement=place_revision(
                    facts.environment,
                    facts.history,
                    facts.tree.read,
                    {operation.table for operation in facts.uncured if operation.table},
                ),
            )
            found.append(Cure("To cure it:", "\n".join(commands), "console"))
    return found


def _message(missing: Sequence[Operation]) -> str:
    """A migration message that says what it does: `add games.winners`."""
    verbs = {"add": "add", "remove": "drop", "modify": "alter"}
    first = missing[0]
    thing = ".".join(filter(None, [first.table, first.name])) or first.text
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"{verbs.get(first.kind.partition('_')[0], 'change')} {thing}{more}"
