"""Identities of operations: by these, one of autogenerate is found to be one of the twin's."""

from __future__ import annotations

from typing import Any, Iterable, Optional, Set, Tuple

from ..database_facts import OperationFacts

Identity = Tuple[Any, ...]

# One operation of autogenerate may be several aspects of the twin's.
_ASPECTS = {
    "modify_collation": "modify_type",
    "modify_charset": "modify_type",
    "modify_computed": "modify_default",
    "modify_identity": "modify_default",
    "modify_on_update": "modify_default",
}
# For autogenerate a unique constraint may be an index, and a changed one is two operations.
_FAMILIES = {"index": "key", "constraint": "key", "fk": "fk", "column": "column"}
_SEPARATE_CONSTRAINTS = ("check", "exclusion", "primary_key")


def identities_of(operations: Iterable[OperationFacts]) -> Set[Identity]:
    """Return the identities of all operations."""
    return {identity for operation in operations for identity in identities(operation)}


def identities(operation: OperationFacts) -> Set[Identity]:
    """Return keys of an operation, by which `counterparts()` of the other list finds it."""
    table, family, name = _family(operation)
    if not family:
        return {(table, _ASPECTS.get(operation["kind"], operation["kind"]), name)}
    columns = tuple(operation["columns"])
    if not name:
        return {(table, family, "nameless", columns)} if columns else set()
    return {(table, family, "name", name), (table, family, "columns", columns)}


def counterparts(operation: OperationFacts) -> Set[Identity]:
    """Return the keys of an operation of the other list that would be the same.

    A named part is matched by its name, or by its columns if the counterpart has no name.
    """
    table, family, name = _family(operation)
    if not family:
        return identities(operation)
    columns = tuple(operation["columns"])
    key = ("name", name) if name else ("columns", columns)
    return {(table, family, *key), (table, family, "nameless", columns)}


def _family(operation: OperationFacts) -> Tuple[str, Optional[str], str]:
    """Return the table, the family of kinds that may be the same part, and the name."""
    family = _FAMILIES.get(operation["kind"].partition("_")[2])
    part = operation.get("part")
    if part in _SEPARATE_CONSTRAINTS:
        family = part
    return operation["table"], family, operation["name"]
