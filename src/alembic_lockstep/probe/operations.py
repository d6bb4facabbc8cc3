"""Turn autogenerate's operations into plain data with a stable identity.

The identity of an operation is kind, table, name, columns and `expected` (the *models'* side): the
database's side, `actual`, is left out, so that two runs can be subtracted as sets.
"""

from __future__ import annotations

import re
from copy import copy
from itertools import groupby
from typing import Any, Collection, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column

from .code_lines import code_lines
from .database_facts import OperationFacts
from .filling import steps_of
from .new_tables import (
    comments_of_constraints,
    complete_table,
    sequences_of_serials,
    unrendered_indexes,
)
from .operation_facts import facts_of, lacks_plain_addition, names_of, table_of, target_of
from .operation_order import OrderedFact, dependants_first, make_room, references_first
from .renames import Pair, possible_renames, steps_of_rename, with_new_name
from .rendering import escape_colons, exact_context, table_context, with_quotable_names

# In the `repr` of a type whose argument is a function; another one in each process.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

FROM_SETS = ("add_fk", "remove_fk", "add_constraint", "remove_constraint")


class _Contexts(NamedTuple):
    """Contexts in which code is rendered."""

    usual: AutogenContext
    new_table: AutogenContext


_BATCH = "with op.batch_alter_table("
# The role of the project on a PostgreSQL scratch server; by URL, with the user's number.
OUR_ROLE = "lockstep_project"


def flatten(
    directives: Union[ops.UpgradeOps, ops.DowngradeOps],
    context: AutogenContext,
    dropped: Collection[str] = (),
) -> List[OperationFacts]:
    """Return the operations of one database, the parts of new tables folded into the table.

    In the same order each time: Alembic goes through sets of dropped tables and of constraints.

    Args:
        dropped: Types of the database that are dropped before these operations run.
    """
    exact = exact_context(context)
    contexts = _Contexts(exact, table_context(exact, dropped))
    about_project = [op for op in directives.ops if not _is_grant_to_us(op)]
    visited = [
        fact for op in dependants_first(about_project) for fact in _facts_below(op, contexts, None)
    ]
    operations: List[OrderedFact] = []
    for (kind, _), group in groupby(visited, lambda fact: (fact["kind"], fact["table"])):
        alike = list(group)
        if kind in FROM_SETS:
            alike.sort(key=lambda fact: (fact["name"], fact["columns"]))
        operations += alike
    _add_indexes(directives.ops, operations, contexts)
    make_room(operations)
    return _folded(references_first(operations))


def _add_indexes(
    operations: Sequence[Any], facts: Sequence[OrderedFact], contexts: _Contexts
) -> None:
    """Add to new tables the indexes, and comments of constraints, that autogenerate skips."""
    for op in operations:
        if isinstance(op, ops.CreateTableOp):
            own = [fact for fact in facts if fact["table"] == table_of(op, None)]
            rendered = {fact["name"] for fact in own if fact["kind"] == "add_index"}
            for index in unrendered_indexes(op, rendered, contexts.usual):
                code, imports = _printed(index, None, contexts)
                own[0]["code"] += code
                own[0]["imports"] += imports
                own[0]["takes"] |= names_of(index)
            for statement in comments_of_constraints(op, contexts.usual):
                own[0]["code"].append(f"op.execute({escape_colons(statement)!r})")


def _folded(facts: Sequence[OrderedFact]) -> List[OperationFacts]:
    """Return the operations, the parts of new and dropped tables folded into the table."""
    whole = {fact["table"]: fact for fact in facts if fact["kind"] in {"add_table", "remove_table"}}
    folded: List[OperationFacts] = []
    for fact in facts:
        table = whole.get(fact["table"])
        if table is None or table is fact or fact["kind"] == "other":
            folded.append(fact)
        elif table["kind"] == "add_table":
            table["code"] += fact["code"] + fact["after"]
            table["imports"] += fact["imports"]
            table["expected"] += fact["expected"]
        else:
            table["code"] = fact["code"] + table["code"]
            table["imports"] += fact["imports"]
            table["before"] = fact["before"] + table["before"]
    return folded


def _is_grant_to_us(op: Any) -> bool:
    """Return whether alembic_utils takes an owner's own rights for grants to the dry run's role.

    It leaves out those of superusers, the role of many projects.
    """
    role = getattr(getattr(op, "target", None), "role", None)
    return isinstance(role, str) and (role == OUR_ROLE or role.startswith(f"{OUR_ROLE}_"))


def _facts_below(
    op: ops.MigrateOperation, contexts: _Contexts, parent: Optional[ops.ModifyTableOps]
) -> Iterator[OrderedFact]:
    if isinstance(op, ops.ModifyTableOps):
        facts = [fact for inner in op.ops for fact in _facts_below(inner, contexts, op)]
        for pair in possible_renames(op, contexts.usual):
            _note_rename(pair, facts, op, contexts)
        yield from facts
        return
    default_schema = str(getattr(contexts.usual.dialect, "default_schema_name", None) or "")
    for kind, facts in facts_of(op, default_schema):
        fact: OrderedFact = {"kind": kind, "table": table_of(op, parent), "name": "", "columns": []}
        fact.update(facts)
        if isinstance(op, ops.CreateTableOp):
            serials = sequences_of_serials(op, contexts.usual)
            fact["creates"] = [fact["table"] + end for end in serials]
        fact["foreign"] = not type(op).__module__.startswith("alembic.")
        # A batch block is rendered around each operation; the host merges equal blocks.
        fact["code"], fact["imports"] = _printed(op, parent, contexts)
        if fact.get("expected") is None:
            fact["expected"] = "\n".join(code_lines(op, contexts.usual))
        fact["expected"] = _ADDRESS.sub("", fact["expected"])
        fact["actual"] = _database_side(op, contexts.usual)
        fact["before"], fact["after"] = [], []
        # Also where only a step of it is: a new column that becomes NOT NULL.
        fact["in_batch"] = any(line.startswith(_BATCH) for line in fact["code"])
        if _is_expression_on_sqlite(op, contexts.usual):
            fact["code"], fact["after"] = [], fact["code"]
        names, is_gone = names_of(op), kind.startswith("remove_")
        fact["takes"], fact["frees"] = (set(), names) if is_gone else (names, set())
        fact["leads_to"] = target_of(op)
        yield fact


def _note_rename(
    pair: Pair, facts: List[OrderedFact], parent: ops.ModifyTableOps, contexts: _Contexts
) -> None:
    """Note at the new column that it may be another one, renamed."""
    names = {("remove_column", pair[0].column_name), ("add_column", str(pair[1].column.name))}
    both = [fact for fact in facts if (fact["kind"], fact["name"]) in names]
    new = next(fact for fact in both if fact["kind"] == "add_column")
    rename, *others = steps_of_rename(pair)
    plain = copy(contexts.usual)
    plain.opts = {**plain.opts, "render_as_batch": False}
    code = with_new_name(code_lines(_within(rename, parent), plain), str(pair[1].column.name))
    for other in others:
        code += _printed(other, parent, contexts)[0]
    new["renames"], new["rename"] = pair[0].column_name, code
    new["replaces"] = [line for fact in both for line in fact["code"]]


def _printed(
    op: Any, parent: Optional[ops.ModifyTableOps], contexts: _Contexts
) -> Tuple[List[str], List[str]]:
    """Return the lines of code of an operation, and the imports that they need."""
    is_table = isinstance(op, ops.CreateTableOp)
    context = _batch_context(op, copy(contexts.new_table if is_table else contexts.usual))
    context.imports = set()
    if is_table:
        op = complete_table(op, context)
    code: List[str] = []
    for step in steps_of(op, context):
        if isinstance(step, str):
            code.append(step)
        else:
            in_steps = _batch_context(step, context)
            code += code_lines(_within(with_quotable_names(step), parent), in_steps)
    return code, sorted({line for text in context.imports for line in text.splitlines()})


def _batch_context(op: Any, context: AutogenContext) -> AutogenContext:
    """Return the context, with batch blocks for what SQLite cannot alter otherwise."""
    altering = (ops.AlterColumnOp, ops.AddConstraintOp, ops.DropConstraintOp)
    is_added = isinstance(op, ops.AddColumnOp) and lacks_plain_addition(op)
    if _is_on_sqlite(context) and (isinstance(op, altering) or is_added):
        context.opts = {**context.opts, "render_as_batch": True}
    elif _is_expression_on_sqlite(op, context):
        context.opts = {**context.opts, "render_as_batch": False}
    return context


def _is_expression_on_sqlite(op: Any, context: AutogenContext) -> bool:
    """Return whether a batch block that recreates the table would lose the new index."""
    if not _is_on_sqlite(context) or not isinstance(op, ops.CreateIndexOp):
        return False
    return not all(isinstance(part, Column) for part in op.to_index().expressions)


def _is_on_sqlite(context: AutogenContext) -> bool:
    return context.migration_context.dialect.name == "sqlite"


def _database_side(op: Any, context: AutogenContext) -> str:
    """Return the database's side of an operation as text; empty where it has nothing."""
    if isinstance(op, ops.AlterColumnOp):
        default = getattr(op.existing_server_default, "arg", op.existing_server_default)
        return f"{op.existing_type!r} {op.existing_nullable} {default} {op.existing_comment}"
    # Not by `reverse()`: operations of other packages may not be able to.
    if getattr(op, "_reverse", None) is None:
        return ""
    if isinstance(op, ops.DropIndexOp):
        return "\n".join(code_lines(ops.CreateIndexOp.from_index(op.to_index()), context))
    if isinstance(op, ops.DropConstraintOp):
        return "\n".join(
            code_lines(ops.AddConstraintOp.from_constraint(op.to_constraint()), context)
        )
    return ""


def _within(op: ops.MigrateOperation, parent: Optional[ops.ModifyTableOps]) -> ops.MigrateOperation:
    if parent is None:
        return op
    return ops.ModifyTableOps(parent.table_name, [op], schema=parent.schema)
