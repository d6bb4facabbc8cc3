"""Merge the operations of autogenerate and of the twin: each once, and none of spelling only.

Both are lists of operations; see `probe/operations.py`.
"""

from __future__ import annotations

from typing import Callable, Iterable, List, Sequence, Set, cast

from ..database_facts import OperationFacts, TwinComparison
from .identities import Identity, counterparts, identities, identities_of

LOOSE = ("enum", "domain", "sequence")


def merge(
    autogenerate: List[OperationFacts],
    comparison: TwinComparison,
    include: Callable[[OperationFacts], bool],
    unwanted: Sequence[OperationFacts] = (),
) -> List[OperationFacts]:
    """Return autogenerate's operations, less those without a difference, and the twin's own.

    In the order to run them: a new type before the column that uses it.

    Args:
        comparison: The twin's operations, with their circumstances.
        include: Returns whether the project's filters include an operation.
        unwanted: Operations that the project's hook took away.
    """
    twin = comparison["operations"]
    reported, suppressed = identities_of(autogenerate), identities_of(unwanted)
    own = [op for op in _seen_by_twin_only(twin, autogenerate, reported, suppressed) if include(op)]
    confirmed = _confirmed(twin, autogenerate, reported)
    covering = [op for op in own if any(op["code"] == peer["code"] for peer in confirmed)]
    accepted = _without_phantoms(autogenerate, comparison)
    accepted = [_with_twins_code(op, confirmed, covering) for op in accepted]
    accepted = _with_safe_rebuilds(accepted, confirmed, comparison.get("fragile", ()))
    if any(op["table"] in comparison.get("in_the_way", ()) for op in accepted):
        accepted = [_first_of_all(op) for op in accepted]
    # Of a name that another table takes over, the code of both has been run before all else.
    early = [op["before"] for op in accepted if op.get("before") and not op["code"]]
    accepted = [{**op, "code": []} if op["code"] in early else op for op in accepted]
    if comparison.get("in_stages") and own:
        accepted = [_in_stages(op) for op in accepted]
    # A column takes its constraints along, or cannot be dropped before them.
    first = [op for op in own if op not in covering and op["kind"].startswith("remove_")]
    last = [op for op in own if op not in first]
    computed = _ComputedColumns(twin)
    ordered = sorted([*first, *accepted, *last], key=computed.rank)
    return [computed.with_code(op) for op in ordered]


def _without_phantoms(
    autogenerate: List[OperationFacts], comparison: TwinComparison
) -> List[OperationFacts]:
    """Return autogenerate's operations, less those whose tables are equal for the server."""
    compared, differing = set(comparison["compared"]), identities_of(comparison["operations"])
    return [
        op
        for op in autogenerate
        if op["table"] not in compared
        or not _may_be_phantom(op)
        or differing.intersection(counterparts(op))
    ]


def _seen_by_twin_only(
    twin: List[OperationFacts],
    autogenerate: List[OperationFacts],
    reported: Set[Identity],
    suppressed: Set[Identity],
) -> List[OperationFacts]:
    """Return the twin's operations that autogenerate neither has nor includes in another.

    Args:
        reported: The identities of autogenerate's operations.
        suppressed: The identities of those that the project's hook took away.
    """
    # Autogenerate leaves an index on an expression out, though a constraint of its name goes.
    added = identities_of(op for op in autogenerate if op["kind"].startswith("add_")) | suppressed
    return [
        op
        for op in twin
        if not (added if op["kind"] == "add_index" else reported | suppressed).intersection(
            counterparts(op)
        )
        and not _comes_with_another(op, autogenerate)
    ]


def _confirmed(
    twin: List[OperationFacts], autogenerate: List[OperationFacts], reported: Set[Identity]
) -> List[OperationFacts]:
    """Return the twin's operations that autogenerate has, too.

    Where that makes only the index, whose name the old one has, its code fails.
    """
    removed = identities_of(op for op in autogenerate if op["kind"].startswith("remove_"))
    return [
        {**op, "alembic_fails": True}
        if op["kind"] == "modify_index" and not removed.intersection(counterparts(op))
        else op
        for op in twin
        if reported.intersection(counterparts(op))
    ]


def _first_of_all(operation: OperationFacts) -> OperationFacts:
    """Drop tables before all else, and foreign keys, because these may lead to them."""
    if operation["kind"] not in ("remove_table", "remove_fk"):
        return operation
    before = operation.get("before", []) + operation["code"]
    return {**operation, "before": before, "code": []}


def _in_stages(operation: OperationFacts) -> OperationFacts:
    """Drop indexes and constraints before all else, and make foreign keys after it.

    The twin's own statements for a column, a type or a key cannot be run otherwise.
    """
    kind, code = operation["kind"], operation["code"]
    if kind in ("remove_fk", "remove_constraint", "remove_index"):
        return {**operation, "before": operation.get("before", []) + code, "code": []}
    return {**operation, "after": code, "code": []} if kind == "add_fk" else operation


def _with_twins_code(
    operation: OperationFacts, confirmed: List[OperationFacts], covering: List[OperationFacts]
) -> OperationFacts:
    """Add the twin's code as `instead`, where it also fixes a difference that only the twin has.

    SQLite recreates a table for any difference, and MySQL alters a group of columns at once.
    And where a sequence replaces an identity, Alembic's own alteration fails.

    Args:
        confirmed: The twin's operations that autogenerate has, too.
        covering: The operations that only the twin has, and whose code fixes some of those.
    """
    same = [peer for peer in confirmed if identities(peer).intersection(counterparts(operation))]
    # Autogenerate's own code leaves the index that MySQL made for a foreign key.
    better = [
        peer["code"]
        for peer in confirmed
        if peer["kind"] == "modify_identity" or _leaves(peer) or peer.get("alembic_fails")
    ]
    for peer in same:
        if peer["code"] in better:
            return _with_code_of(operation, [peer])
    shared = [peer["code"] for peer in covering]
    instead = [peer["code"] for peer in same if peer["code"] in shared]
    return {**operation, "instead": instead[0]} if instead else operation


def _leaves(operation: OperationFacts) -> bool:
    return operation["kind"] == "remove_fk" and bool(operation.get("leaves"))


def _with_safe_rebuilds(
    operations: List[OperationFacts], confirmed: List[OperationFacts], fragile: Sequence[str]
) -> List[OperationFacts]:
    """Use the twin's code for tables of which Alembic's batch mode would lose a part.

    Batch mode cannot drop, or on SQLite make, unnamed parts either. An operation of another package
    does more than the table shows: GeoAlchemy2's also maintain SpatiaLite's own tables.

    Args:
        confirmed: The twin's operations that autogenerate has, too.
        fragile: The tables of which a part would be lost.
    """
    unsafe = {
        op["table"]
        for op in operations
        if op["code"] and op.get("in_batch") and recreates_table(op)
        if (op["table"] in fragile and not op.get("foreign")) or not op["name"]
    }
    return [_with_code_of(op, confirmed) if op["table"] in unsafe else op for op in operations]


def recreates_table(operation: OperationFacts) -> bool:
    """Return whether batch mode recreates the table; SQLite can add plain columns."""
    verb, _, noun = operation["kind"].partition("_")
    if operation["kind"] == "add_column":
        return bool(operation["recreates"])
    return verb == "modify" or noun in ("column", "constraint", "fk")


def _with_code_of(operation: OperationFacts, confirmed: List[OperationFacts]) -> OperationFacts:
    for counterpart in confirmed:
        if identities(counterpart).intersection(counterparts(operation)):
            before, code = counterpart.get("before", []), counterpart["code"]
            after = counterpart.get("after", [])
            if operation.get("before"):  # another table takes over its name
                before, code = before + code, []
            failing = {"alembic_fails": True} if counterpart.get("alembic_fails") else {}
            with_code = {**operation, "before": before, "code": code, "after": after}
            return cast(OperationFacts, {**with_code, **failing})
    return operation


def _may_be_phantom(operation: OperationFacts) -> bool:
    """Return whether autogenerate may report this of equal databases; a missing table it may not.

    A column that the models lack may be one that they make all the same: an inherited one.
    """
    verb, _, noun = operation["kind"].partition("_")
    phantoms = ("index", "constraint", "fk")
    return verb == "modify" or noun in phantoms or operation["kind"] == "remove_column"


def _comes_with_another(operation: OperationFacts, autogenerate: Iterable[OperationFacts]) -> bool:
    """Return whether another operation includes this one.

    A new type comes with a new table or another plugin's operation, the CHECK of an `Enum` or
    `Boolean` with a new column.
    """
    verb, _, noun = operation["kind"].partition("_")
    if operation["kind"] == "add_constraint":
        return any(
            peer["kind"] == "add_column"
            and (peer["table"], [peer["name"]]) == (operation["table"], operation["columns"])
            and peer.get("checked")
            for peer in autogenerate
        )
    if noun not in LOOSE:
        return False
    if any(operation["name"] in peer.get("creates", ()) for peer in autogenerate):
        return verb == "add"
    tables = {user.rpartition(".")[0] for user in operation["users"]}
    for peer in autogenerate:
        if peer["kind"] == "add_table" and verb == "add" and noun != "sequence":
            if peer["table"] in tables:
                return True
        elif peer["kind"] == "other" and operation["name"].rpartition(".")[2] in peer["names"]:
            return True
    return False


class _ComputedColumns:
    """Computed columns of the database that change: they are dropped, or dropped and added again.

    Either takes their indexes along.
    """

    def __init__(self, twin: List[OperationFacts]) -> None:
        operations = [op for op in twin if op.get("is_computed")]
        self._identities = identities_of(operations)
        self._tables = {op["table"] for op in operations}
        self._recreated = {
            (op["table"], op["name"]): op
            for op in operations
            if op["kind"] == "modify_computed" and op.get("before")
        }

    def rank(self, operation: OperationFacts) -> int:
        """Return the place of an operation among the others."""
        verb, _, noun = operation["kind"].partition("_")
        if noun in LOOSE:
            return 5 if verb == "remove" else 0
        if noun in ("index", "constraint"):
            if verb == "remove" and operation["table"] in self._tables:
                return 1
            is_late = any(table == operation["table"] for table, _ in self._recreated)
            return 4 if verb == "add" and is_late else 3
        # A column cannot be dropped before those that are computed from it.
        is_computed = self._identities.intersection(counterparts(operation))
        return 2 if operation["kind"] == "remove_column" and is_computed else 3

    def with_code(self, operation: OperationFacts) -> OperationFacts:
        """Return the operation; of a column that is added again, with the code that does that."""
        by = self._recreated.get((operation["table"], operation["name"]))
        if by is None or not operation["kind"].startswith("modify_"):
            return operation
        return {**operation, "before": by["before"], "code": by["code"], "after": by["after"]}
