"""Schema differences as values that two dry runs can be subtracted by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from alembic_lockstep.dryrun.process import Observation

BATCH = "with op.batch_alter_table("


@dataclass(frozen=True)
class Operation:
    """One schema difference between the migrated database and the models.

    Attributes:
        database: The database's upgrade token (`engine1_upgrades`) in an environment of several
            databases, else empty.
        kind: `add_column`, `remove_table`, `modify_type` …; `add` means that the models
            have it and the database lacks it.
        table: The table's key, `schema.name` or `name`.
        name: The column's, index's or constraint's name; may be empty.
        columns: The columns of an index or a constraint.
        wanted: What the models want, as text; empty where they want nothing.
        found: What the database has, as text; empty where it has nothing.
        text: The thing in words: `column games.winners`.
        code: The lines of `op.*` code that would cure it.
    """

    database: str
    kind: str
    table: str
    name: str
    columns: tuple[str, ...]
    wanted: str
    found: str
    text: str
    code: tuple[str, ...]

    @property
    def identity(self) -> tuple[object, ...]:
        """What stays the same between two runs, whatever the database's side says."""
        return (self.database, self.kind, self.table, self.name, self.columns, self.wanted)

    @property
    def function(self) -> str:
        """The function of a migration that cures it: `upgrade`, or `upgrade_engine1`.

        The names are those of the `multidb` templates of Alembic and Flask-Migrate.
        """
        name, suffix, _ = self.database.rpartition("_upgrades")
        return f"upgrade_{name}" if suffix else "upgrade"


def operations(observation: Observation) -> list[Operation]:
    """All operations of all databases of a dry run, each once.

    An env.py may migrate databases that are alike (a schema for each tenant) under one name.
    """
    several = len({database["name"] for database in observation.databases}) > 1
    found = [
        _operation(fact, database["name"] if several else "")
        for database in observation.databases
        for fact in database["operations"]
    ]
    return list(dict.fromkeys(found))


def _operation(fact: Mapping[str, Any], database: str) -> Operation:
    label = f" ({database.removesuffix('_upgrades') or 'default'})" if database else ""
    return Operation(
        database=database,
        kind=fact["kind"],
        table=fact["table"],
        name=fact["name"],
        columns=tuple(fact["columns"]),
        wanted=fact["wanted"],
        found=fact["found"],
        text=fact["text"] + label,
        code=tuple(fact["code"]),
    )


def subtract(now: Iterable[Operation], before: Iterable[Operation]) -> list[Operation]:
    """The operations of `now` that `before` does not have."""
    old = {operation.identity for operation in before}
    return [operation for operation in now if operation.identity not in old]


def may_be_phantom(operation: Operation) -> bool:
    """Whether two spellings of one thing could look like this; a missing table could not."""
    return operation.kind not in {"add_table", "remove_table", "add_column", "remove_column"}


def phantoms(found: Iterable[Operation], by_models: Iterable[Operation]) -> list[Operation]:
    """The operations that a database made by the models themselves wants just so.

    They differ in no schema, and no migration can cure them: autogenerate takes the database's
    spelling for something else. All that is said of one thing must be the same on both sides, or
    an index that is not there could pass for one that is spelt differently.
    """
    found = list(found)
    said, known = _by_thing(found), _by_thing(by_models)
    return [
        operation
        for operation in found
        if may_be_phantom(operation) and said[_thing(operation)] == known.get(_thing(operation))
    ]


def _thing(operation: Operation) -> tuple[str, str, str]:
    return operation.database, operation.table, operation.name


def _by_thing(found: Iterable[Operation]) -> dict[tuple[str, str, str], set[Operation]]:
    things: dict[tuple[str, str, str], set[Operation]] = {}
    for operation in found:
        things.setdefault(_thing(operation), set()).add(operation)
    return things


def upgrade_functions(missing: Sequence[Operation]) -> str:
    """The `upgrade()` that is missing, one for each database, with equal batch blocks merged."""
    functions = dict.fromkeys(operation.function for operation in missing)
    return "\n\n".join(
        f"def {name}() -> None:\n" + _body([one for one in missing if one.function == name])
        for name in functions
    )


def _body(missing: Sequence[Operation]) -> str:
    code = dict.fromkeys(operation.code for operation in missing)  # one ALTER may be two operations
    return "\n".join(f"    {line}" if line else "" for line in _merge(code))


def _merge(blocks: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for head, group in groupby(blocks, key=lambda lines: lines[0] if lines else ""):
        if head.startswith(BATCH):
            yield head
            for lines in group:
                yield from lines[1:]
        else:
            for lines in group:
                yield from lines
