"""What two trees' models declare, what the migrations between them say, and what is left over."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from typing import Any

from alembic_lockstep.alembic_env.revisions import History
from alembic_lockstep.cache.same_code import is_same_code
from alembic_lockstep.dryrun.comparison import BASE_MODELS, Comparison
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.facts import Facts
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.pysource.declared_tables import may_hold_models
from alembic_lockstep.pysource.locate import COLUMN
from alembic_lockstep.pysource.module_index import Modules
from alembic_lockstep.rules.unknown_parent import sourceless_files
from alembic_lockstep.static.apply import apply
from alembic_lockstep.static.compare import differences
from alembic_lockstep.static.declarations import MAY_DECLARE, read_declarations
from alembic_lockstep.static.steps import Step
from alembic_lockstep.static.tables import Declarations, Unread
from alembic_lockstep.static.upgrade import Steps, read_upgrade


@dataclass(frozen=True)
class Reading:
    """The models and migrations of two trees, as one environment has them.

    Attributes:
        everything: The facts of all environments.
    """

    facts: Facts
    everything: Sequence[Facts]

    @cached_property
    def modules(self) -> Modules:
        """Return the judged tree's modules."""
        return Modules(self.facts.tree.read, self.facts.tree.files)

    @cached_property
    def base_modules(self) -> Modules:
        """Return the base's modules."""
        return Modules(self.facts.base.read, self.facts.base.files)

    @cached_property
    def declared(self) -> Declarations:
        """Return what the judged tree's models declare."""
        return self._declarations(self.facts.tree, self.modules)

    @cached_property
    def base(self) -> Declarations:
        """Return what the base's models declare."""
        return self._declarations(self.facts.base, self.base_modules)

    @cached_property
    def steps(self) -> Steps:
        """Return what new migrations do, and what edited ones do otherwise."""
        return list(_steps(self.facts, self.modules, self.base_modules))

    @cached_property
    def history(self) -> Steps:
        """Return what all migrations of the judged tree do."""
        revisions = self.facts.history.new_since(History(()))
        return [step for each in revisions for step in read_upgrade(self.modules, each.path)]

    @cached_property
    def left(self) -> dict[Operation, bool]:
        """Return what models and migrations disagree in, each with whether it is sure.

        Models that come to say what the whole history makes mend old drift: no migration is due.
        """
        left = self._differences(self.steps)
        if not left:
            return {}
        replayed = apply((), self.history)
        drift = set(map(_thing, differences(self.declared.tables, replayed, ())))
        # Tables of one name are of several databases, and the history may be of either.
        names = Counter(table.name for table in self.declared.tables)
        columns = {table.name: set(table.columns) for table in replayed if names[table.name] <= 1}
        # The text of a CHECK, which a migration may spell otherwise, is no less changed for that.
        texts = Counter(_thing(operation)[1:] for operation in left if _is_text(operation))
        return {
            operation: is_sure
            for operation, is_sure in left.items()
            if _thing(operation) in drift
            or _is_beyond(operation, columns)
            or (_is_text(operation) and texts[_thing(operation)[1:]] > 1)
        }

    def compared(self) -> tuple[Facts, dict[Operation, str]]:
        """Return the facts with what is sure to differ, and what may differ with the reason."""
        doubts = {operation: self._doubt(operation) for operation in self.left}
        sure = tuple(operation for operation, doubt in doubts.items() if not doubt)
        now, before = _observed(self.declared), _observed(self.base)
        facts = replace(self.facts, comparison=Comparison(now, before, BASE_MODELS, sure))
        if sure and facts.forgotten:
            unfixed = self._differences(self._with_forgotten())
            fixed = tuple(operation for operation in sure if operation not in unfixed)
            facts = replace(facts, fixed=fixed)
        return facts, {
            operation: f"{operation.text}: {doubt}" for operation, doubt in doubts.items() if doubt
        }

    def unread(self) -> Iterator[str]:
        """Yield what in the migrations may change declared tables, and what changed unread."""
        tables = (*self.declared.tables, *self.base.tables)
        names = {name.rpartition(".")[2] for table in tables for name in (table.name, *table.enums)}
        for step in self.steps:
            if isinstance(step, Unread) and (step.words is None or step.words & names):
                yield step.label
        yield from (
            unread.label for unread in _unread(self.declared) if unread not in _unread(self.base)
        )
        for revision, name, parent in self.facts.history.missing_parents():
            for path in sourceless_files(self.facts):
                yield f"{revision.path}: {name} '{parent}' may be defined by {path}"
        if not tables and self.steps:
            yield "no Python file declares a table in a way that can be read"

    def _differences(self, steps: Steps) -> dict[Operation, bool]:
        migrated = apply(self.base.tables, steps)
        return differences(self.declared.tables, migrated, self.base.tables)

    def _doubt(self, operation: Operation) -> str:
        """Return why a difference is not sure; "" if it is."""
        names = {operation.table, operation.name or "".join(operation.columns[:1])}
        if operation.kind == "remove_index" and operation.name:
            names = {operation.name}  # `DROP INDEX` names no table
        words = {name.rpartition(".")[2] for name in names if name}
        old = () if operation.kind.startswith("modify") else self.history
        unread = [step for step in (*self.steps, *old) if isinstance(step, Unread)]
        for step in unread:
            # Old code that may be about anything has done all the rest for the base.
            if words <= step.words if step.words is not None else step in self.steps:
                return step.label
        return "" if self.left[operation] else f"{operation.database}: only running it shows"

    def _with_forgotten(self) -> Steps:
        """Return the steps as they were if the forgotten migrations were in the commit."""
        sha = self.facts.repository.tree_with(self.facts.tree.sha, self.facts.forgotten)
        tree = Tree(self.facts.repository, sha)
        modules = Modules(tree.read, tree.files)
        more = [step for path in self.facts.forgotten for step in read_upgrade(modules, path)]
        return [*self.steps, *more]

    def _declarations(self, tree: Tree, modules: Modules) -> Declarations:
        scripts = tuple(f"{facts.environment.script_location}/" for facts in self.everything)
        paths = sorted(self.facts.repository.grep(tree.sha, "-E", MAY_DECLARE, among="*.py"))
        paths = [path for path in paths if may_hold_models(path) and not path.startswith(scripts)]
        return read_declarations(modules, filter(self._is_mine, paths))

    def _is_mine(self, path: str) -> bool:
        """Return whether this environment's migrations lie nearest to a file."""

        def nearness(facts: Facts) -> tuple[int, bool]:
            return _shared(path, facts.environment.script_location), bool(facts.new)

        return max(self.everything, key=nearness) is self.facts


def _steps(facts: Facts, now: Modules, before: Modules) -> Iterator[Step | Unread]:
    """Yield what the new migrations do, after what edited ones do otherwise."""
    paths = {revision.id: revision.path for revision in facts.history.revisions}
    for revision in facts.base_history.revisions:
        old, new = revision.path, paths.get(revision.id, "")
        blobs = (facts.base.files.get(old), facts.tree.files.get(new))
        if new and is_same_code(old, *blobs, facts.repository):
            continue
        was, does = read_upgrade(before, old), read_upgrade(now, new) if new else []
        again = [step.words for step in does]
        for step in was:
            if step not in does and step.words not in again:
                yield Unread("it no longer does what it did", new or old, 1, step.words)
        yield from (step for step in does if step not in was)
    for revision in facts.new:
        yield from read_upgrade(now, revision.path)
    others = tuple(f"{each.script_location}/" for each in facts.elsewhere)
    for path in sorted({change.path for change in facts.changes} - {*paths.values()}):
        is_read = path.endswith(".py") and path in facts.tree.files and not path.startswith(others)
        module = now.at(path) if is_read else None
        if module and {"down_revision", "upgrade"} <= module.definitions.keys():
            words = frozenset(re.findall(r"\w+", facts.tree.read(path) or ""))
            yield Unread("a migration of no environment, a plugin's perhaps", path, 1, words)


def _unread(declared: Declarations) -> list[Unread]:
    return [*declared.unread, *(unread for table in declared.tables for unread in table.unread)]


def _thing(operation: Operation) -> tuple[object, ...]:
    """Return what a difference is about, however it is called."""
    named = () if operation.columns else (operation.name,)
    return operation.kind, operation.table, *named, *operation.columns


def _is_text(operation: Operation) -> bool:
    """Return whether it is about a constraint that is a text: CHECK, EXCLUDE."""
    return operation.kind.endswith("_constraint") and not operation.columns


def _is_beyond(operation: Operation, columns: Mapping[str, set[str]]) -> bool:
    """Return whether an operation is about what the migrations do not make, so cannot tell of."""
    if operation.kind in ("add_table", "remove_table"):
        return False
    names = {*operation.columns, *([operation.name] if operation.kind in COLUMN else [])}
    return not names <= columns.get(operation.table, set()) or operation.table not in columns


#: Nothing was made from the models.
_NO_TWIN = {"failure": "", "model_objects": (), "unmade": {}, "unseen": (), "declared": {}}


def _observed(declared: Declarations) -> Observation:
    """Return the models as the probe would have seen them, each file's as a database of its own."""
    files: dict[str, dict[str, Any]] = {}
    for table in declared.tables:
        origins = {name: column.origin for name, column in table.columns.items()}
        files.setdefault(table.origin.path, {})[table.label] = {
            "file": table.origin.path,
            "class": table.origin.cls,
            "columns": {
                name: {"file": origin.path, "class": origin.cls, "attribute": origin.attribute}
                for name, origin in origins.items()
                if origin.attribute
            },
        }
    catalogues = {
        path: {"tables": tables, "bases": [], "modules": [path]} for path, tables in files.items()
    }
    return Observation(
        databases=tuple(
            {"name": path, "operations": [], "twin": _NO_TWIN, "catalogue": catalogue}
            for path, catalogue in catalogues.items()
        )
    )


def _shared(path: str, other: str) -> int:
    """Return how many folders two paths have in common."""
    both = (path.split("/"), other.split("/"))
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(*both, strict=False))))
