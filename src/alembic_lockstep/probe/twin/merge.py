"""Two opinions, one list: what both say appears once, and what only spelling makes of one, never.

Both are lists of operations; see `probe/operations.py`.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

Operation = Dict[str, Any]
Identity = Tuple[Any, ...]

# What autogenerate says in one operation, the twin may say by several aspects.
_ASPECTS = {
    "modify_collation": "modify_type",
    "modify_charset": "modify_type",
    "modify_computed": "modify_default",
    "modify_identity": "modify_default",
    "modify_on_update": "modify_default",
}
# To autogenerate a unique constraint may be an index, and a changed one is two operations.
_FAMILIES = {"index": "key", "constraint": "key", "fk": "fk", "column": "column"}
_SEPARATE_CONSTRAINTS = ("check", "exclusion", "primary_key")
_BATCH = "with op.batch_alter_table("
# In the code of a new column, that batch mode cannot add it to the table as it is.
_RECREATING = ("Computed(", "create_constraint=True", "text(")
_CODE = ("before", "code", "after")
LOOSE = ("enum", "domain", "sequence")


def merge(
    autogenerate: List[Operation],
    opinion: Dict[str, Any],
    include: Callable[[Operation], bool],
    unwanted: Sequence[Operation] = (),
) -> List[Operation]:
    """Autogenerate's operations, less those that differ in nothing, and the twin's own.

    In the order in which they can be run: a new type before the column that is of it.

    Args:
        opinion: The twin's; see `ask_twin`.
        include: Whether the project wants to hear of an operation.
        unwanted: Operations that it does not want to hear of.
    """
    twin, compared = opinion["operations"], set(opinion["compared"])
    differs = {thing for operation in twin for thing in _identities(operation)}
    accepted = [
        operation
        for operation in autogenerate
        if operation["table"] not in compared
        or not _may_be_phantom(operation)
        or differs.intersection(_counterparts(operation))
    ]
    reported = {thing for operation in autogenerate for thing in _identities(operation)}
    suppressed = {thing for operation in unwanted for thing in _identities(operation)}
    own = [
        operation
        for operation in twin
        if not (reported | suppressed).intersection(_counterparts(operation))
    ]
    own = [
        operation
        for operation in own
        if not _comes_with_another(operation, autogenerate) and include(operation)
    ]
    confirmed = [operation for operation in twin if reported.intersection(_counterparts(operation))]
    covering = [
        operation
        for operation in own
        if any(operation["code"] == peer["code"] for peer in confirmed)
    ]
    accepted = [_with_twins_code(operation, confirmed, covering) for operation in accepted]
    accepted = _rebuilt(accepted, confirmed, opinion.get("fragile", ()))
    # A column takes its constraints along, or cannot go before them.
    first = [
        operation
        for operation in own
        if operation not in covering and operation["kind"].startswith("remove_")
    ]
    last = [operation for operation in own if operation not in first]
    if opinion.get("in_stages") and own:
        accepted = [_in_stages(operation) for operation in accepted]
    computed = {
        thing
        for operation in twin
        if operation.get("is_computed")
        for thing in _identities(operation)
    }
    return sorted([*first, *accepted, *last], key=lambda operation: _rank(operation, computed))


def _in_stages(operation: Operation) -> Operation:
    """Drop indexes and constraints before all else, and make foreign keys after it.

    The twin's own statements for a column, a type or a key cannot be run otherwise.
    """
    kind, code = operation["kind"], operation["code"]
    if kind in ("remove_fk", "remove_constraint", "remove_index"):
        return {**operation, "before": operation.get("before", []) + code, "code": []}
    return {**operation, "after": code, "code": []} if kind == "add_fk" else operation


def _with_twins_code(
    operation: Operation, confirmed: List[Operation], covering: List[Operation]
) -> Operation:
    """Note what the twin does instead, where that cures what only it has found, too.

    SQLite makes a table anew for any difference, and MySQL alters at once what hangs together.
    And where a sequence takes the place of an identity, Alembic's own alteration fails.

    Args:
        others: Of the twin's operations those that autogenerate has, too.
        wide: Of those that only the twin has, those that cure some of the others.
    """
    same = [peer for peer in confirmed if _identities(peer).intersection(_counterparts(operation))]
    # Autogenerate's own leaves the index that MySQL made for a foreign key.
    better = [
        peer["code"] for peer in confirmed if peer["kind"] == "modify_identity" or _leaves(peer)
    ]
    for peer in same:
        if peer["code"] in better:
            return _with_code_of(operation, [peer])
    shared = [peer["code"] for peer in covering]
    instead = [peer["code"] for peer in same if peer["code"] in shared]
    return {**operation, "instead": instead[0]} if instead else operation


def _leaves(operation: Operation) -> bool:
    return operation["kind"] == "remove_fk" and bool(operation.get("leaves"))


def _rebuilt(
    operations: List[Operation], confirmed: List[Operation], fragile: Sequence[str]
) -> List[Operation]:
    """Let the twin make tables anew of which Alembic's batch mode would lose something.

    Nor can that drop, or on SQLite make, what has no name.

    Args:
        others: Of the twin's operations those that autogenerate has, too.
        fragile: The tables of which something would be lost.
    """
    anew = {
        operation["table"]
        for operation in operations
        if operation["code"][:1]
        and operation["code"][0].startswith(_BATCH)
        and _recreates_table(operation)
        if operation["table"] in fragile or not operation["name"]
    }
    return [
        _with_code_of(operation, confirmed) if operation["table"] in anew else operation
        for operation in operations
    ]


def _recreates_table(operation: Operation) -> bool:
    """Tell whether batch mode makes the table anew for it; SQLite can add plain columns."""
    verb, _, noun = operation["kind"].partition("_")
    if operation["kind"] == "add_column":
        return any(word in "\n".join(operation["code"]) for word in _RECREATING)
    return noun != "index" and (verb == "modify" or noun in ("column", "constraint", "fk"))


def _with_code_of(operation: Operation, confirmed: List[Operation]) -> Operation:
    for counterpart in confirmed:
        if _identities(counterpart).intersection(_counterparts(operation)):
            before, code, after = (counterpart.get(name, []) for name in _CODE)
            if operation.get("before"):  # another table takes over its name
                before, code = before + code, []
            return {**operation, "before": before, "code": code, "after": after}
    return operation


def _may_be_phantom(operation: Operation) -> bool:
    """Whether what the two databases have alike could look like this; a missing table could not.

    A column that the models lack may be one that they make all the same: an inherited one.
    """
    verb, _, noun = operation["kind"].partition("_")
    phantoms = ("index", "constraint", "fk")
    return verb == "modify" or noun in phantoms or operation["kind"] == "remove_column"


def _identities(operation: Operation) -> Set[Identity]:
    """What the operation is about, under all names that the other opinion may have for it.

    To be looked for by `_sought()`.
    """
    table, family, name = _family(operation)
    if not family:
        return {(table, _ASPECTS.get(operation["kind"], operation["kind"]), name)}
    columns = tuple(operation["columns"])
    if not name:
        return {(table, family, "nameless", columns)} if columns else set()
    return {(table, family, "name", name), (table, family, "columns", columns)}


def _counterparts(operation: Operation) -> Set[Identity]:
    """What an operation of the other opinion has to be about to be the same.

    What has a name is known by it; by its columns, if the other one has none.
    """
    table, family, name = _family(operation)
    if not family:
        return _identities(operation)
    columns = tuple(operation["columns"])
    key = ("name", name) if name else ("columns", columns)
    return {(table, family, *key), (table, family, "nameless", columns)}


def _family(operation: Operation) -> Tuple[str, Optional[str], str]:
    """The table, what may be the same among its parts, and the name."""
    family = _FAMILIES.get(operation["kind"].partition("_")[2])
    if operation.get("part") in _SEPARATE_CONSTRAINTS:
        family = operation["part"]
    return operation["table"], family, operation["name"]


def _comes_with_another(operation: Operation, autogenerate: Iterable[Operation]) -> bool:
    """Whether a new type comes with a new table, or another plugin's operation brings it.

    The CHECK of an `Enum` or `Boolean` comes with a new column.
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
    tables = {user.rpartition(".")[0] for user in operation["users"]}
    for peer in autogenerate:
        if peer["kind"] == "add_table" and verb == "add" and noun != "sequence":
            if peer["table"] in tables:
                return True
        elif peer["kind"] == "other" and operation["name"].rpartition(".")[2] in peer["names"]:
            return True
    return False


def _rank(operation: Operation, computed: Set[Identity]) -> int:
    verb, _, noun = operation["kind"].partition("_")
    if noun in LOOSE:
        return 3 if verb == "remove" else 0
    # What a column is computed from cannot go before it.
    is_computed = computed.intersection(_counterparts(operation))
    return 1 if operation["kind"] == "remove_column" and is_computed else 2
