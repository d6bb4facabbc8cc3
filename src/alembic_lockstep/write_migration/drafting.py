"""Have an environment's own Alembic write the migration that its commit lacks."""

from __future__ import annotations

from alembic_lockstep.advice.failures import could_not_judge
from alembic_lockstep.alembic_env.placement import place_revision
from alembic_lockstep.dryrun.comparison import BASE_MODELS
from alembic_lockstep.dryrun.process import Drafting
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import Facts
from alembic_lockstep.write_migration.bodies import Composer
from alembic_lockstep.write_migration.changes import FileChange
from alembic_lockstep.write_migration.choices import Choices


def draft(facts: Facts, runner: DryRunner, message: str, choices: Choices) -> FileChange:
    """Return the migration of an environment, as a new file.

    Raises:
        CouldNotJudge: the project's template, hooks or configuration stand in the way.
    """
    comparison, missing = facts.comparison, facts.unfixed
    assert comparison is not None
    tables = {operation.table for operation in missing if operation.table}
    placement = place_revision(facts.environment, facts.history, facts.tree.read, tables)
    composer = Composer(frozenset(each.identity for each in missing), choices)
    drafting = Drafting(
        {"message": message, "head": placement.head, "version_path": placement.version_path},
        composer.compose,
    )
    on_models = comparison.start == BASE_MODELS
    observation = runner.write_draft(facts.now, facts.in_base, drafting, on_models=on_models)
    if observation.error:
        raise could_not_judge(observation, facts.now, facts.repository)
    migration = observation.migration
    if not migration or not migration["path"]:
        raise CouldNotJudge(
            "Alembic writes the migration to a folder outside of the repository",
            fix="Have version_locations, or env.py's process_revision_directives, name a folder "
            "of the repository.",
            config=facts.environment.config,
        )
    does = tuple(operation.text for operation in missing)
    return FileChange(migration["path"], None, migration["text"], does, migration["note"])
