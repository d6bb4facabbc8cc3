"""Schema differences as values that two dry runs can be subtracted by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.probe.database_facts import model_object

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
        before: The lines of `op.*` code that take out of the way what other operations, or
            this one, cannot be run with: constraints, indexes.
        code: The lines that would cure it.
        after: The lines that bring back what was out of the way, or need all others.
        sql: The statements that would, in the database's dialect; known of what the twin found.
        imports: The lines that import what the code needs beside `op` and `sa`.
        instead: The code that cures it together with another operation, which has that as `code`.
        declared: Of what the twin alone found, the part's kind and name, and a digest of what the
            models say of it; empty where they say nothing.
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
    sql: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    declared: tuple[str, str] = ("", "")
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()

    @property
    def whole_code(self) -> tuple[str, ...]:
        """All lines, in the order in which they are run."""
        return (*self.before, *self.code, *self.after)

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
        wanted=fact["expected"],
        found=fact["actual"],
        text=fact["text"] + label,
        code=tuple(fact["code"]),
        sql=tuple(fact.get("sql", ())),
        instead=tuple(fact.get("instead", ())),
        declared=tuple(fact.get("declared", ("", ""))),
        before=tuple(fact.get("before", ())),
        after=tuple(fact.get("after", ())),
        imports=tuple(fact.get("imports", ())),
    )


def subtract(now: Iterable[Operation], before: Iterable[Operation]) -> list[Operation]:
    """The operations of `now` that `before` does not have."""
    old = {operation.identity for operation in before}
    return [operation for operation in now if operation.identity not in old]


def without_unseen(found: Iterable[Operation], before: Observation | None) -> list[Operation]:
    """Leave out older differences on tables that the models of the base could not make.

    Nobody saw them then. They are older if the models said of the part what they say now.
    """
    databases = before.databases if before else ()
    unseen = [database["twin"]["declared"] for database in databases]
    return [one for one in found if not any(_is_older(one, declared) for declared in unseen)]


def _is_older(operation: Operation, declared: Mapping[str, Mapping[str, str]]) -> bool:
    name, digest = operation.declared
    return bool(name) and declared.get(operation.table, {name: "?"}).get(name, "") == digest


def of_models(found: Iterable[Operation], before: Observation | None) -> list[Operation]:
    """Leave out what migrations made for their own ends, and the models never knew of.

    An enum type, domain, sequence or server default (which fills a new column, say) that the
    models do not make is left over if those of the base made it. So is a constraint that is not
    valid.
    """
    databases = before.databases if before else ()
    objects = {key for database in databases for key in database["twin"]["model_objects"]}
    return [one for one in found if _leftover(one) in {*objects, ""}]


def _leftover(operation: Operation) -> str:
    """What the database has beyond the models, as the twin names what models make; else empty."""
    verb, _, what = operation.kind.partition("_")
    if verb == "remove" and what in ("enum", "domain", "sequence"):
        return model_object(what, operation.name)
    # Autogenerate speaks of server defaults where it is asked to.
    if operation.kind == "modify_default" and operation.sql and not operation.wanted:
        return model_object("default", f"{operation.table}.{operation.name}")
    # A migration leaves it so, to have the rows looked at later and without the table's lock.
    if operation.kind == "modify_validity":
        return model_object("not valid", f"{operation.table}.{operation.name}")
    return ""


def upgrade_functions(missing: Sequence[Operation]) -> str:
    """The `upgrade()` that is missing, one for each database, with equal batch blocks merged."""
    functions = dict.fromkeys(operation.function for operation in missing)
    return "\n\n".join(
        f"def {name}() -> None:\n" + _body([one for one in missing if one.function == name])
        for name in functions
    )


def _body(missing: Sequence[Operation]) -> str:
    """What is out of the way of several operations goes, and comes back, once."""
    every = {operation.code for operation in missing if operation.code}
    missing = [  # one ALTER may be two operations
        replace(one, before=(), code=one.instead, after=()) if one.instead in every else one
        for one in missing
    ]
    code = [operation.code for operation in missing]
    before = [operation.before for operation in sorted(missing, key=_rank_of_removal)]
    after = [one.after for one in sorted(missing, key=lambda one: one.kind.endswith("_fk"))]
    lines = [*_merge(_once(before)), *_merge(dict.fromkeys(code)), *_merge(_once(after))]
    lines = [*_imports(missing, "\n".join(lines)), *lines]
    return "\n".join(f"    {line}" if line else "" for line in lines or ["pass"])


def _imports(missing: Sequence[Operation], code: str) -> list[str]:
    """The imports that code needs; a file that Alembic made may not have them."""
    needed = dict.fromkeys(line for operation in missing for line in operation.imports)
    names = ((line, re.split(r" import | as |^import ", line)[-1]) for line in needed)
    return [line for line, name in names if re.search(rf"\b{re.escape(name)}\b", code)]


def _rank_of_removal(operation: Operation) -> int:
    """Foreign keys hold the keys that they lead to; a column takes along what hangs on it."""
    if operation.kind.endswith("_fk"):
        return 0
    return 1 if operation.kind.endswith(("_index", "_constraint")) else 2


def _once(blocks: Iterable[tuple[str, ...]]) -> Iterable[tuple[str, ...]]:
    """Take blocks apart into statements, each once; a batch block stays whole."""
    statements = (
        piece
        for lines in blocks
        for piece in ([lines] if lines[:1] and lines[0].startswith(BATCH) else _statements(lines))
    )
    return dict.fromkeys(statements)


def _statements(lines: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The calls among lines of code; an argument on a line of its own is indented."""
    starts = [number for number, line in enumerate(lines) if not line.startswith((" ", ")"))]
    for start, end in pairwise([*starts, len(lines)]):
        yield tuple(lines[start:end])


def _merge(blocks: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for head, group in groupby(blocks, key=lambda lines: lines[0] if lines else ""):
        if head.startswith(BATCH):
            yield head
            for lines in group:
                yield from lines[1:]
        else:
            for lines in group:
                yield from lines
