"""What is read of two trees: their models, what the migrations do, and where they disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from typing import Any

from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.revisions import History
from alembic_lockstep.cache.same_code import is_same_code
from alembic_lockstep.dryrun.comparison import BASE_MODELS, Comparison
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.facts import Facts
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.pysource.declared_tables import may_hold_models
from alembic_lockstep.pysource.module_index import Modules
from alembic_lockstep.static.apply import State, apply, with_guessed_names
from alembic_lockstep.static.compare import Difference, differences
from alembic_lockstep.static.models import MAY_DECLARE, read_models
from alembic_lockstep.static.schema import Schema, Table
from alembic_lockstep.static.steps import Step, Unread
from alembic_lockstep.static.types import Type
from alembic_lockstep.static.upgrade import read_upgrade, undone


@dataclass(frozen=True)
class Reading:
    """What is read of two trees, all environments together."""

    repository: Repository
    facts: Sequence[Facts]
    now: Tree
    before: Tree

    @cached_property
    def wanted(self) -> Schema:
        """What the judged tree's models declare."""
        return with_guessed_names(self._models(self.now), self.steps)

    @cached_property
    def base(self) -> Schema:
        """What the base's models declare."""
        return with_guessed_names(self._models(self.before), self.steps)

    @cached_property
    def found(self) -> list[Difference]:
        """What models and migrations disagree in, sure or not.

        Models that come to say what the whole history makes cure old drift: no migration is due.
        """
        found = self._differences(self.state)
        if not found:
            return []
        left = [one.operation for one in self._differences(self.replayed)]
        things = {_thing(one) for one in left}
        # The history cannot tell of what it does not make itself, or in another database.
        wholes = ("add_table", "remove_table", "add_column", "remove_column")
        unknown = {(one.table, one.name) for one in left if one.kind in wholes}
        return [
            one
            for one in found
            if _thing(one.operation) in things
            or not unknown.isdisjoint(_holders(one.operation))
            or self._unread_about(one.operation) is not None
        ]

    @cached_property
    def steps(self) -> list[Step]:
        """What new migrations do, and what others do anew."""
        return [step for one in self.facts for step in _steps(one)]

    @cached_property
    def state(self) -> State:
        """The base's tables after these steps."""
        return apply(self.base.tables, self.steps)

    @cached_property
    def replayed(self) -> State:
        """What all migrations make of an empty database."""
        modules = Modules(self.now.read, self.now.files)
        revisions = [one for facts in self.facts for one in facts.history.new_since(History(()))]
        return apply((), [step for one in revisions for step in read_upgrade(modules, one.path)])

    @property
    def is_relevant(self) -> bool:
        """Whether the commit touches Python at all."""
        return any(path.endswith(".py") for path in self._touched)

    @property
    def _touched(self) -> set[str]:
        changes = (change for one in self.facts[:1] for change in one.changes)
        return {path for change in changes for path in (change.path, change.old_path)}

    def compared(self, facts: Facts, *, unsure: bool = False) -> Facts:
        """The facts with what this environment's models and migrations disagree in."""
        found = self.found if self.is_relevant else []
        introduced = tuple(
            one.operation
            for one in found
            if self._is_sure(one) != unsure and self._environment_of(one) == facts.environment
        )
        seen, before = _observed(self.wanted), _observed(self.base)
        compared = replace(facts, comparison=Comparison(seen, before, BASE_MODELS, introduced))
        if not introduced or not facts.forgotten or unsure:
            return compared
        left = {one.operation for one in self._with_forgotten(facts)}
        fixed = tuple(operation for operation in introduced if operation not in left)
        return replace(compared, fixed=fixed)

    def reasons(self, operations: Iterable[Operation]) -> Iterator[str]:
        """Why nobody can tell of each."""
        for operation in operations:
            about = self._unread_about(operation)
            why = f"{about.path}:{about.line}: {about.what}" if about else "only running it shows"
            yield f"{operation.text}: {why}"

    @property
    def unread(self) -> Iterator[str]:
        """What in the migrations may change declared tables, and what makes tables by code."""
        if not self.is_relevant:
            return
        known = {name for one in (self.wanted, self.base) for name in _names(one.tables)}
        for one in self.state.unread:
            if one.words is None or one.words & known:
                yield f"{one.path}:{one.line}: {one.what}"
        is_blind = not self.wanted.tables and not self.base.tables
        if is_blind and (self.steps or self._touched & {*self._may_declare(self.now)}):
            yield "no Python file declares a table in a way that can be read"
        for path in sorted({*self.wanted.odd, *self.base.odd}):
            if self.wanted.odd.get(path) != self.base.odd.get(path):
                yield f"{path}: it makes tables or columns in a way that only running it shows"

    def _differences(self, state: State) -> list[Difference]:
        return differences(self.wanted.tables, state, self.base.tables)

    def _with_forgotten(self, facts: Facts) -> list[Difference]:
        """What would be left if the forgotten migrations were in the commit."""
        tree = Tree(self.repository, self.repository.tree_with(self.now.sha, facts.forgotten))
        modules = Modules(tree.read, tree.files)
        more = [step for path in facts.forgotten for step in read_upgrade(modules, path)]
        return self._differences(apply(self.state.tables, more))

    def _is_sure(self, difference: Difference) -> bool:
        return difference.is_sure and self._unread_about(difference.operation) is None

    def _unread_about(self, operation: Operation) -> Unread | None:
        names = (operation.table, operation.name or next(iter(operation.columns), ""))
        # Of old migrations only what names the thing: they have done all the rest for the base.
        old = (one for one in self.replayed.unread if one.words is not None)
        about = (one for one in (*self.state.unread, *old) if one.may_be_about(*names))
        return next(about, None)

    def _environment_of(self, difference: Difference) -> Environment:
        """The environment that lies nearest to the table's model; of equals one with news."""
        table = difference.operation.table
        tables = (*self.wanted.tables, *self.base.tables)
        path = next((one.origin.path for one in tables if one.label == table), "")

        def nearness(facts: Facts) -> tuple[int, bool]:
            return _shared(path, facts.environment.script_location), bool(facts.new)

        return max(self.facts, key=nearness).environment

    def _models(self, tree: Tree) -> Schema:
        scripts = [f"{one.environment.script_location}/" for one in self.facts]
        files = [
            path
            for path in self._may_declare(tree)
            if may_hold_models(path) and not path.startswith(tuple(scripts))
        ]
        return read_models(Modules(tree.read, tree.files), files)

    def _may_declare(self, tree: Tree) -> list[str]:
        return sorted(self.repository.grep(tree.sha, "-E", MAY_DECLARE, among="*.py"))


def _steps(facts: Facts) -> Iterator[Step]:
    """What the new migrations do, after what edited and deleted ones do no longer."""
    now = Modules(facts.tree.read, facts.tree.files)
    before = Modules(facts.base.read, facts.base.files)
    old = {one.id: one.path for one in facts.base_history.revisions}
    kept = {one.id: one.path for one in facts.history.revisions}
    again: list[Step] = []
    for name, path in old.items():
        new = kept.get(name)
        blobs = (facts.base.files.get(path), facts.tree.files.get(new or ""))
        if new is not None and is_same_code(path, *blobs, facts.repository):
            continue
        was = read_upgrade(before, path)
        does = read_upgrade(now, new) if new is not None else []
        yield from undone([step for step in was if step not in does], path)
        again += [step for step in does if step not in was]
    yield from again
    for revision in facts.new:
        yield from read_upgrade(now, revision.path)


def _thing(operation: Operation) -> tuple[object, ...]:
    """What a difference is about, whatever it is called where."""
    named = () if operation.columns else (operation.name,)
    return operation.kind, operation.table, *named, *operation.columns


def _holders(operation: Operation) -> Iterator[tuple[str, str]]:
    """The table and the columns that it is in."""
    yield operation.table, ""
    yield from ((operation.table, name) for name in (operation.name, *operation.columns))


def _names(tables: Iterable[Table]) -> Iterator[str]:
    """The names of tables and of their enums, without a schema's."""
    for table in tables:
        yield (table.name or "").rpartition(".")[2]
        for column in table.columns.values():
            yield from (one.label for one in column.type if isinstance(one, Type) and one.label)


#: Nothing was made from the models.
_NO_TWIN = {"failure": "", "model_objects": (), "unmade": {}, "unseen": (), "declared": {}}


def _observed(schema: Schema) -> Observation:
    """The models as the probe would have seen them, each file's as a database of its own."""
    files: dict[str, dict[str, Any]] = {}
    for table in schema.tables:
        files.setdefault(table.origin.path, {})[table.label] = {
            "file": table.origin.path,
            "class": table.origin.cls,
            "columns": {
                name: {
                    "file": column.origin.path,
                    "class": column.origin.cls,
                    "attribute": column.origin.attribute,
                }
                for name, column in table.columns.items()
                if column.origin.attribute
            },
        }
    databases = (
        {
            "name": path,
            "operations": [],
            "twin": _NO_TWIN,
            "catalogue": {"tables": tables, "bases": [], "modules": [path]},
        }
        for path, tables in files.items()
    )
    return Observation(databases=tuple(databases))


def _shared(path: str, other: str) -> int:
    """How many folders two paths have in common."""
    both = (path.split("/"), other.split("/"))
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(*both, strict=False))))
