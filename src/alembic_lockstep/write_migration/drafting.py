"""Have an environment's own Alembic write the migration that its commit lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alembic_lockstep.advice.failures import could_not_judge
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.placement import place_revision
from alembic_lockstep.dryrun.comparison import BASE_MODELS
from alembic_lockstep.dryrun.process import Drafting
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import Facts
from alembic_lockstep.fix.row_steps import CHOOSE
from alembic_lockstep.write_migration.bodies import CHOOSE_IN_SQL, MARK, Composer
from alembic_lockstep.write_migration.choices import Choices


@dataclass(frozen=True)
class NewFile:
    """A migration that is written, and not yet in the working tree.

    Attributes:
        path: From the repository's root.
        text: Its text, with surrogates for bytes that are no UTF-8.
        does: What it does, in words.
        note: Why the project's post-write hooks did not run; empty if they did.
    """

    environment: Environment
    path: str
    text: str
    does: tuple[str, ...]
    note: str = ""

    @property
    def content(self) -> bytes:
        """Return the file's bytes."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def marks(self) -> Iterator[tuple[int, str]]:
        """Yield the numbers and texts of the lines that a person has to look at."""
        for number, line in enumerate(self.text.splitlines(), 1):
            if MARK in line or CHOOSE.strip() in line or CHOOSE_IN_SQL.search(line):
                yield number, line.strip()


def draft(facts: Facts, runner: DryRunner, message: str, choices: Choices) -> NewFile:
    """Write the migration of an environment.

    Raises:
        CouldNotJudge: the project's template, hooks or configuration stand in the way.
    """
    comparison = facts.comparison
    assert comparison is not None
    missing = facts.unfixed
    tables = {operation.table for operation in missing if operation.table}
    placement = place_revision(facts.environment, facts.history, facts.tree.read, tables)
    composer = Composer(frozenset(each.identity for each in missing), choices)
    observation = runner.write_draft(
        facts.now,
        facts.in_base,
        Drafting(
            {
                "message": message,
                "head": placement.head,
                "version_path": placement.version_path,
            },
            composer.compose,
        ),
        on_models=comparison.start == BASE_MODELS,
    )
    if observation.error:
        raise could_not_judge(observation, facts.now, facts.repository)
    migration = observation.migration
    if not migration or not migration["path"]:
        raise CouldNotJudge(
            "Alembic writes the migration to a folder outside of the repository",
            config=facts.environment.config,
        )
    return NewFile(
        facts.environment,
        migration["path"],
        migration["text"],
        tuple(operation.text for operation in missing),
        migration["note"],
    )
