"""Rules: one module each, named like its id, with one function `check`."""

from __future__ import annotations

from collections.abc import Callable

from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.rules import (
    broken_downgrade,
    broken_models,
    broken_upgrade,
    deleted_migration,
    duplicate_revision,
    edited_migration,
    lost_rows,
    migration_mismatch,
    missing_migration,
    multiple_heads,
    revision_cycle,
    split_commit,
    stale_branch,
    uncommitted_migration,
    unknown_parent,
    unregistered_model,
    unsafe_upgrade,
)

Check = Callable[[Facts], list[Finding]]

# Judged from the migration files alone: their findings say why no dry run is possible.
HISTORY_RULES: dict[str, Check] = {
    duplicate_revision.RULE: duplicate_revision.check,
    revision_cycle.RULE: revision_cycle.check,
    "unknown-parent": unknown_parent.check,
    "multiple-heads": multiple_heads.check,
    edited_migration.RULE: edited_migration.check,
    deleted_migration.RULE: deleted_migration.check,
}
# Judged from the dry run.
DRY_RUN_RULES: dict[str, Check] = {
    "broken-upgrade": broken_upgrade.check,
    "uncommitted-migration": uncommitted_migration.check,
    "missing-migration": missing_migration.check,
    "migration-mismatch": migration_mismatch.check,
    "unregistered-model": unregistered_model.check,
    "broken-models": broken_models.check,
}
# Judged from the trial of new revisions on tables with rows, which is part of the dry run.
TRIAL_RULES: dict[str, Check] = {
    unsafe_upgrade.RULE: unsafe_upgrade.check,
    lost_rows.RULE: lost_rows.check,
    broken_downgrade.RULE: broken_downgrade.check,
}
DRY_RUN_RULES |= TRIAL_RULES
# Judged from a range of commits; `branch.py` applies them.
RANGE_RULES = frozenset({split_commit.RULE, stale_branch.RULE})
# Those of the dry run that report schema differences.
DIFFERENCE_RULES = frozenset({"uncommitted-migration", "missing-migration", "migration-mismatch"})
