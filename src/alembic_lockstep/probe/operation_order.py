"""Order autogenerate's operations so that the server takes each: drops before what they hinder."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import Any, Dict, List, Sequence, Set

from alembic.operations import ops

from .database_facts import OperationFacts
from .operation_facts import table_of


class OrderedFact(OperationFacts, total=False):
    """Operation with names that it takes and frees, and the table that its foreign key uses."""

    takes: Set[str]
    frees: Set[str]
    leads_to: str


def make_room(facts: Sequence[OrderedFact]) -> None:
    """Drop first what has a name that another table takes over, as in a rename.

    SQLite and PostgreSQL have one namespace for all tables and their indexes.
    """
    takers: Dict[str, Set[str]] = {}
    for fact in facts:
        for name in fact.pop("takes"):
            takers.setdefault(name, set()).add(fact["table"])
    in_the_way = [
        fact
        for fact in facts
        if any(takers.get(name, set()) - {fact["table"]} for name in fact.pop("frees"))
    ]
    if any(fact["kind"] == "remove_table" for fact in in_the_way):
        # With its parts, which have gone otherwise, and after what refers to it.
        tables = {fact["table"] for fact in facts if fact["kind"] == "remove_table"}
        in_the_way = [
            fact
            for fact in facts
            if fact in in_the_way or fact["kind"] == "remove_fk" or fact["table"] in tables
        ]
    for fact in in_the_way:
        fact["before"], fact["code"] = fact["before"] + fact["code"], []


def references_first(facts: Sequence[OrderedFact]) -> List[OrderedFact]:
    """Return the operations, foreign keys dropped before the tables to which they lead.

    The server refuses another order, and Alembic's batch mode does not find the table.
    """
    tables = {fact["table"] for fact in facts if fact["kind"] == "remove_table"}
    first = [fact for fact in facts if fact.pop("leads_to") in tables - {fact["table"]}]
    return [*first, *(fact for fact in facts if fact not in first)]


def dependants_first(operations: Sequence[ops.MigrateOperation]) -> List[Any]:
    """Return the operations, tables dropped before those to which their foreign keys lead."""
    dropped = {table_of(op, None): op for op in operations if isinstance(op, ops.DropTableOp)}
    uses: Dict[str, Set[str]] = {table: set() for table in sorted(dropped)}
    for table, op in dropped.items():
        for key in op.to_table().foreign_keys:
            target = key.target_fullname.rpartition(".")[0]
            if target in dropped and target != table:
                uses[target].add(table)
    try:
        order = list(
            TopologicalSorter({table: sorted(uses[table]) for table in uses}).static_order()
        )
    except CycleError:
        order = sorted(dropped)
    # Sorting is stable: what else there is stays where it is.
    positions = {table: position for position, table in enumerate(order)}
    going = [op for op in operations if table_of(op, None) in positions]
    going.sort(key=lambda op: positions[table_of(op, None)])
    in_turn = iter(going)
    return [next(in_turn) if table_of(op, None) in positions else op for op in operations]
