"""Schema differences as values, so that those of two dry runs can be subtracted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any

from alembic_lockstep.dryrun.enforcement import without_enforcement
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.operation import Operation
from alembic_lockstep.dryrun.renamed import with_renames
from alembic_lockstep.probe.database_facts import model_object

__all__ = [
    "Operation",
    "body_lines",
    "code_by_itself",
    "imports",
    "indented",
    "operations",
    "operations_of",
    "subtract",
    "upgrade_functions",
    "without_leftovers",
    "without_uncompared",
]

BATCH = "with op.batch_alter_table("


def operations(observation: Observation) -> list[Operation]:
    """Return the operations of all databases of a dry run, each once.

    An env.py may migrate databases that are alike (a schema for each tenant) under one name.
    """
    return operations_of(observation.databases)


def operations_of(
    databases: Sequence[Mapping[str, Any]], facts: str = "operations"
) -> list[Operation]:
    """Return the operations of compared databases, each once.

    Args:
        facts: The key of `DatabaseFacts`: `operations` or `way_back`.
    """
    several = len({database["name"] for database in databases}) > 1
    differences = [
        _operation(fact, database["name"] if several else "")
        for database in databases
        for fact in database[facts]
    ]
    return list(dict.fromkeys(differences))


def _operation(fact: Mapping[str, Any], database: str) -> Operation:
    label = f" ({database.removesuffix('_upgrades') or 'default'})" if database else ""
    return Operation(
        database=database,
        kind=fact["kind"],
        table=fact["table"],
        name=fact["name"],
        columns=tuple(fact["columns"]),
        expected=fact["expected"],
        actual=fact["actual"],
        text=fact["text"] + label,
        code=tuple(fact["code"]),
        sql=tuple(fact.get("sql", ())),
        instead=tuple(fact.get("instead", ())),
        declared=tuple(fact.get("declared", ("", ""))),
        before=tuple(fact.get("before", ())),
        after=tuple(fact.get("after", ())),
        imports=tuple(fact.get("imports", ())),
        renames=fact.get("renames", ""),
        rename=tuple(fact.get("rename", ())),
        replaces=tuple(fact.get("replaces", ())),
        alembic_fails=bool(fact.get("alembic_fails")),
        fills=bool(fact.get("fills")),
        drops_referenced=bool(fact.get("drops_referenced")),
    )


def subtract(now: Iterable[Operation], before: Iterable[Operation]) -> list[Operation]:
    """Return the operations of `now` that `before` does not have."""
    old = {operation.identity for operation in before}
    return [operation for operation in now if operation.identity not in old]


def without_uncompared(
    differences: Iterable[Operation], before: Observation | None
) -> list[Operation]:
    """Leave out older differences on tables that the base's twin database could not have.

    They were not compared in the base's run. A difference is older if the base's models define the
    part as the tree's do.
    """
    databases = before.databases if before else ()
    definitions = [database["twin"]["declared"] for database in databases]
    return [
        operation
        for operation in differences
        if not any(_is_older(operation, declared) for declared in definitions)
    ]


def _is_older(operation: Operation, declared: Mapping[str, Mapping[str, str]]) -> bool:
    name, digest = operation.declared
    return bool(name) and declared.get(operation.table, {name: "?"}).get(name, "") == digest


def without_leftovers(
    differences: Iterable[Operation], before: Observation | None
) -> list[Operation]:
    """Leave out objects that migrations made for their own use, and the models never defined.

    An enum type, domain, sequence or server default (which fills a new column, say) that the
    models do not make is reported only if those of the base made it. So is a constraint that is
    not valid.
    """
    databases = before.databases if before else ()
    objects = {key for database in databases for key in database["twin"]["model_objects"]}
    return [operation for operation in differences if _leftover(operation) in {*objects, ""}]


def _leftover(operation: Operation) -> str:
    """Return the twin's name of an object that the models do not make; else an empty text."""
    verb, _, kind = operation.kind.partition("_")
    if verb == "remove" and kind in ("enum", "domain", "sequence"):
        return model_object(kind, operation.name)
    # Autogenerate compares server defaults only with compare_server_default.
    if operation.kind == "modify_default" and operation.sql and not operation.expected:
        return model_object("default", f"{operation.table}.{operation.name}")
    # A migration leaves it so, to have the rows checked later, without the table's lock.
    if operation.kind == "modify_validity":
        return model_object("not valid", f"{operation.table}.{operation.name}")
    return ""


def upgrade_functions(missing: Sequence[Operation]) -> str:
    """Return the missing `upgrade()`, one for each database, with equal batch blocks merged."""
    functions = dict.fromkeys(operation.function for operation in missing)
    return "\n\n".join(
        f"def {name}() -> None:\n"
        + _body([operation for operation in missing if operation.function == name])
        for name in functions
    )


def _body(missing: Sequence[Operation]) -> str:
    lines = body_lines(missing)
    return indented([*imports(missing, "\n".join(lines)), *lines])


def indented(lines: Sequence[str]) -> str:
    """Return lines of code as the body of a function."""
    return "\n".join(f"    {line}" if line else "" for line in lines or ["pass"])


def body_lines(missing: Sequence[Operation]) -> list[str]:
    """Return the code; constraints that hinder several operations are dropped and made once."""
    blocks = {operation.code for operation in missing if operation.code}
    missing = [  # one ALTER may be two operations
        replace(operation, before=(), code=operation.instead, after=())
        if operation.instead in blocks
        else operation
        for operation in missing
    ]
    missing = with_renames(missing)
    code = [block for operation in missing for block in (operation.question, operation.code)]
    before = [operation.before for operation in sorted(missing, key=_rank_of_removal)]
    after = [operation.after for operation in sorted(missing, key=_is_foreign_key)]
    lines = [*_merge(_once(before)), *_merge(dict.fromkeys(code)), *_merge(_once(after))]
    return _enforced_later(lines, missing)


def _enforced_later(lines: list[str], missing: Sequence[Operation]) -> list[str]:
    dropping = [operation for operation in missing if operation.drops_referenced]
    if not dropping:
        return lines
    again = any(operation.kind != "remove_table" for operation in dropping)
    return without_enforcement(lines, {each.table for each in dropping}, again=again)


def code_by_itself(operation: Operation) -> str:
    """Return the code that fixes one operation and no other."""
    return "\n".join(_enforced_later([*operation.whole_code], [operation]))


def imports(missing: Sequence[Operation], code: str) -> list[str]:
    """Return the imports that code needs; a file of Alembic may lack them."""
    needed = dict.fromkeys(line for operation in missing for line in operation.imports)
    names = ((line, re.split(r" import | as |^import ", line)[-1]) for line in needed)
    return [line for line, name in names if re.search(rf"\b{re.escape(name)}\b", code)]


def _is_foreign_key(operation: Operation) -> bool:
    return operation.kind.endswith("_fk")


def _rank_of_removal(operation: Operation) -> int:
    """Return the rank in the order of drops: foreign keys before their keys, columns last."""
    if _is_foreign_key(operation):
        return 0
    return 1 if operation.kind.endswith(("_index", "_constraint")) else 2


def _once(blocks: Iterable[tuple[str, ...]]) -> Iterable[tuple[str, ...]]:
    """Split blocks into statements, each once."""
    return dict.fromkeys(statement for lines in blocks for statement in _statements(lines))


def _statements(lines: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the statements of lines of code; their arguments, and a batch's body, are indented."""
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
