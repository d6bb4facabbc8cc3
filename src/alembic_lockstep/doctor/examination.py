"""Examine a live database against what the code makes: what is wrong with it, and its fixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.lost_revisions import LostRevision, find_lost_revision
from alembic_lockstep.doctor.code_history import CodeHistory
from alembic_lockstep.doctor.comparable_parts import comparable, compare_with_live
from alembic_lockstep.doctor.database_fixes import Circumstances, DatabaseFix, fixes_of
from alembic_lockstep.doctor.database_reading import LiveFacts
from alembic_lockstep.doctor.diagnosis import (
    MODELS_AHEAD,
    Diagnosis,
    Evidence,
    LostEvidence,
    diagnose,
)
from alembic_lockstep.doctor.missing_ddl import missing_ddl
from alembic_lockstep.doctor.part_locations import part_lines
from alembic_lockstep.doctor.scratch_schemas import ScratchSchemas
from alembic_lockstep.doctor.standing import BEHIND, UP_TO_DATE, standing_of
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.dryrun.schema_operations import Operation, operations
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import merged_catalogue
from alembic_lockstep.fix.commands import fix_commands
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.pysource.downgrades import has_empty_downgrade, is_one_way

#: Kinds of operations for which the models fail on a database without them.
_QUERIED = ("add_table", "add_column")


@dataclass(frozen=True)
class Examination:
    """The result of an examination.

    Attributes:
        lines: From the words of a missing part to the lines of the code that make it.
        unmigrated: What the models have and no migration adds.
        notes: What could not be compared, and why.
    """

    live: LiveFacts
    code: CodeHistory
    diagnosis: Diagnosis
    fixes: tuple[DatabaseFix, ...]
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unmigrated: tuple[Operation, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Examiner:
    """Examines databases of an environment."""

    code: CodeHistory
    runner: DryRunner

    def examine(self, live: LiveFacts) -> Examination:
        """Examine a database that has been read.

        Raises:
            CouldNotJudge: the code's migrations fail, or make a database of another dialect.
        """
        code, schemas = self.code, ScratchSchemas(self.runner, live)
        order = [revision.id for revision in code.newest_first]
        has_tables = bool(live.tables)
        standing = standing_of(live.revisions, code.history, order, has_tables=has_tables)
        evidence = Evidence(
            standing,
            comparable(live.schema, live.address.dialect),
            code.history,
            tuple(reversed(order)),
            lambda applied: schemas.at(code.env, applied),
            tuple(self._lost_evidence(name, live, schemas) for name in self._unknown(live)),
        )
        diagnosis = diagnose(evidence)
        return self._explained(live, diagnosis, evidence, schemas)

    def _unknown(self, live: LiveFacts) -> list[str]:
        return [name for name in live.revisions if name not in self.code.history.ids]

    def _explained(
        self, live: LiveFacts, diagnosis: Diagnosis, evidence: Evidence, schemas: ScratchSchemas
    ) -> Examination:
        """Add the lines of the code, the state of the models, and the fixes."""
        code, notes = self.code, []
        unmigrated: tuple[Operation, ...] = ()
        catalogue: Mapping[str, Any] = {}
        if diagnosis.delta.missing or diagnosis.state in (UP_TO_DATE, BEHIND):
            observation = self.runner.replay(code.env, role="tree")
            if observation.error:
                notes.append(f"the models were not compared: {observation.error['message']}")
            else:
                catalogue = merged_catalogue(observation.databases)
                unmigrated = tuple(o for o in operations(observation) if o.kind in _QUERIED)
        if diagnosis.state == UP_TO_DATE and unmigrated:
            diagnosis = replace(diagnosis, state=MODELS_AHEAD)
        lines = {
            part.words: tuple(part_lines(part, code, catalogue))
            for part in diagnosis.delta.missing
            if catalogue
        }
        circumstances = Circumstances(
            diagnosis,
            code.env.environment,
            code.env.tree.files,
            code.history,
            tuple(self._ddl(live, diagnosis, evidence, schemas)),
            _left(diagnosis),
            self._models_fix(unmigrated),
        )
        fixes = tuple(fixes_of(circumstances))
        return Examination(live, code, diagnosis, fixes, lines, unmigrated, tuple(notes))

    def _ddl(
        self, live: LiveFacts, diagnosis: Diagnosis, evidence: Evidence, schemas: ScratchSchemas
    ) -> list[str]:
        """Return the SQL that makes what is missing."""
        delta = diagnosis.delta
        if not delta.missing or not diagnosis.nearest:
            return []
        applied = self.code.history.up_to(*diagnosis.nearest)
        texts = schemas.texts_at(self.code.env, applied)
        dialect = live.address.dialect
        return [*missing_ddl(delta.missing, evidence.schema_at(applied), dialect, texts)]

    def _models_fix(self, unmigrated: Sequence[Operation]) -> tuple[str, ...]:
        if not unmigrated:
            return ()
        message = f"add {unmigrated[0].table}"
        return fix_commands(self.code.env.environment, self.code.env.tree.files, message)

    def _lost_evidence(self, name: str, live: LiveFacts, schemas: ScratchSchemas) -> LostEvidence:
        """Search a revision in git, and build its schema with its file on top of the code's."""
        code = self.code
        try:
            lost = find_lost_revision(code.repository, code.env.environment, name, code.history.ids)
        except CouldNotJudge as error:
            return LostEvidence(
                name, failure=f"what git has was not searched whole: {error.message}"
            )
        if lost is None:
            return LostEvidence(name)
        env = self._with_files(lost)
        history = env.history
        base = history.up_to(name) & code.history.ids
        tips = tuple(sorted(base - {p for i in base for p in code.history.parents(code.by_id[i])}))
        texts = [env.tree.read(path) or "" for path in lost.paths]
        comes_back = not any(is_one_way(text) or has_empty_downgrade(text) for text in texts)
        evidence = LostEvidence(name, lost, heads=history.heads, base=tips, comes_back=comes_back)
        try:
            schema = schemas.at(env, history.up_to(*live.revisions))
            before = schemas.at(code.env, base)
        except CouldNotJudge as error:
            return replace(evidence, failure=error.message)
        adds = compare_with_live(before, schema).words.left
        return replace(evidence, schema=schema, adds=adds)

    def _with_files(self, lost: LostRevision) -> EnvironmentAtTree:
        """Return the environment with the files of a lost revision."""
        repository, tree = self.code.repository, self.code.env.tree.sha
        blobs = {lost.paths[0]: lost.file.blob}
        if lost.file.source:
            files = Tree(repository, repository.tree_of(lost.file.source)).files
            blobs = {path: files[path] for path in lost.paths}
        for path, blob in blobs.items():
            tree = repository.tree_with_file(tree, path, blob)
        return EnvironmentAtTree(self.code.env.environment, Tree(repository, tree))


def _left(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return the differences that adding parts does not remove, in words."""
    words = diagnosis.delta.words
    return (*words.changed, *(f"{part} is more" for part in words.left))
