"""Two opinions, one list: what both say appears once, and what only spelling makes of one, never.

Both are lists of operations; see `probe/operations.py`.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

Operation = Dict[str, Any]
Thing = Tuple[Any, ...]

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
_APART = ("check", "exclusion", "primary_key")
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
    differs = {thing for operation in twin for thing in _things(operation)}
    kept = [
        one
        for one in autogenerate
        if one["table"] not in compared
        or not _may_be_phantom(one)
        or differs.intersection(_sought(one))
    ]
    said = {thing for operation in autogenerate for thing in _things(operation)}
    silent = {thing for operation in unwanted for thing in _things(operation)}
    own = [one for one in twin if not (said | silent).intersection(_sought(one))]
    own = [one for one in own if not _is_brought(one, autogenerate) and include(one)]
    others = [one for one in twin if said.intersection(_sought(one))]
    wide = [one for one in own if any(one["code"] == other["code"] for other in others)]
    kept = [_with_twins_code(one, others, wide) for one in kept]
    kept = _rebuilt(kept, others, opinion.get("fragile", ()))
    # A column takes its constraints along, or cannot go before them.
    first = [one for one in own if one not in wide and one["kind"].startswith("remove_")]
    last = [one for one in own if one not in first]
    if opinion.get("in_stages") and own:
        kept = [_in_stages(one) for one in kept]
    computed = {thing for one in twin if one.get("is_computed") for thing in _things(one)}
    return sorted([*first, *kept, *last], key=lambda one: _rank(one, computed))


def _in_stages(operation: Operation) -> Operation:
    """Drop indexes and constraints before all else, and make foreign keys after it.

    The twin's own statements for a column, a type or a key cannot be run otherwise.
    """
    kind, code = operation["kind"], operation["code"]
    if kind in ("remove_fk", "remove_constraint", "remove_index"):
        return {**operation, "before": operation.get("before", []) + code, "code": []}
    return {**operation, "after": code, "code": []} if kind == "add_fk" else operation


def _with_twins_code(
    operation: Operation, others: List[Operation], wide: List[Operation]
) -> Operation:
    """Note what the twin does instead, where that cures what only it has found, too.

    SQLite makes a table anew for any difference, and MySQL alters at once what hangs together.
    And where a sequence takes the place of an identity, Alembic's own alteration fails.

    Args:
        others: Of the twin's operations those that autogenerate has, too.
        wide: Of those that only the twin has, those that cure some of the others.
    """
    same = [other for other in others if _things(other).intersection(_sought(operation))]
    # Autogenerate's own leaves the index that MySQL made for a foreign key.
    better = [one["code"] for one in others if one["kind"] == "modify_identity" or _leaves(one)]
    for other in same:
        if other["code"] in better:
            return _with_code_of(operation, [other])
    shared = [one["code"] for one in wide]
    instead = [other["code"] for other in same if other["code"] in shared]
    return {**operation, "instead": instead[0]} if instead else operation


def _leaves(operation: Operation) -> bool:
    return operation["kind"] == "remove_fk" and bool(operation.get("leaves"))


def _rebuilt(
    operations: List[Operation], others: List[Operation], fragile: Sequence[str]
) -> List[Operation]:
    """Let the twin make tables anew of which Alembic's batch mode would lose something.

    Nor can that drop, or on SQLite make, what has no name.

    Args:
        others: Of the twin's operations those that autogenerate has, too.
        fragile: The tables of which something would be lost.
    """
    anew = {
        one["table"]
        for one in operations
        if one["code"][:1] and one["code"][0].startswith(_BATCH) and _makes_anew(one)
        if one["table"] in fragile or not one["name"]
    }
    return [_with_code_of(one, others) if one["table"] in anew else one for one in operations]


def _makes_anew(operation: Operation) -> bool:
    """Tell whether batch mode makes the table anew for it; SQLite can add plain columns."""
    verb, _, what = operation["kind"].partition("_")
    if operation["kind"] == "add_column":
        return any(word in "\n".join(operation["code"]) for word in _RECREATING)
    return what != "index" and (verb == "modify" or what in ("column", "constraint", "fk"))


def _with_code_of(operation: Operation, others: List[Operation]) -> Operation:
    for other in others:
        if _things(other).intersection(_sought(operation)):
            before, code, after = (other.get(name, []) for name in _CODE)
            if operation.get("before"):  # another table takes over its name
                before, code = before + code, []
            return {**operation, "before": before, "code": code, "after": after}
    return operation


def _may_be_phantom(operation: Operation) -> bool:
    """Whether what the two databases have alike could look like this; a missing table could not.

    A column that the models lack may be one that they make all the same: an inherited one.
    """
    verb, _, what = operation["kind"].partition("_")
    phantoms = ("index", "constraint", "fk")
    return verb == "modify" or what in phantoms or operation["kind"] == "remove_column"


def _things(operation: Operation) -> Set[Thing]:
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


def _sought(operation: Operation) -> Set[Thing]:
    """What an operation of the other opinion has to be about to be the same.

    What has a name is known by it; by its columns, if the other one has none.
    """
    table, family, name = _family(operation)
    if not family:
        return _things(operation)
    columns = tuple(operation["columns"])
    known = ("name", name) if name else ("columns", columns)
    return {(table, family, *known), (table, family, "nameless", columns)}


def _family(operation: Operation) -> Tuple[str, Optional[str], str]:
    """The table, what may be the same among its parts, and the name."""
    family = _FAMILIES.get(operation["kind"].partition("_")[2])
    if operation.get("part") in _APART:
        family = operation["part"]
    return operation["table"], family, operation["name"]


def _is_brought(operation: Operation, autogenerate: Iterable[Operation]) -> bool:
    """Whether a new type comes with a new table, or another plugin's operation brings it.

    The CHECK of an `Enum` or `Boolean` comes with a new column.
    """
    verb, _, what = operation["kind"].partition("_")
    if operation["kind"] == "add_constraint":
        return any(
            one["kind"] == "add_column"
            and (one["table"], [one["name"]]) == (operation["table"], operation["columns"])
            and one.get("checked")
            for one in autogenerate
        )
    if what not in LOOSE:
        return False
    tables = {user.rpartition(".")[0] for user in operation["users"]}
    for one in autogenerate:
        if one["kind"] == "add_table" and verb == "add" and what != "sequence":
            if one["table"] in tables:
                return True
        elif one["kind"] == "other" and operation["name"].rpartition(".")[2] in one["names"]:
            return True
    return False


def _rank(operation: Operation, computed: Set[Thing]) -> int:
    verb, _, what = operation["kind"].partition("_")
    if what in LOOSE:
        return 3 if verb == "remove" else 0
    # What a column is computed from cannot go before it.
    is_computed = computed.intersection(_sought(operation))
    return 1 if operation["kind"] == "remove_column" and is_computed else 2
