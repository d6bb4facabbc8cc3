"""The message of a migration: what it does."""

from __future__ import annotations

from collections.abc import Sequence

from alembic_lockstep.dryrun.operation import Operation

_VERBS = {"add": "add", "remove": "drop", "modify": "alter"}
#: Parts of a table that come and go with their columns.
_DEPENDENT = ("index", "constraint", "fk")
#: Kinds of things that are no column and no table.
_OTHERS = (*_DEPENDENT, "enum", "domain", "sequence")
_MOST_NAMES = 3


def message_for(missing: Sequence[Operation]) -> str:
    """Return the message: `add games.winners, games.completed_at; drop users`."""
    by_verb: dict[str, dict[str, None]] = {}
    for operation in missing:
        if not _comes_with_column(operation, missing):
            verb = _VERBS.get(operation.kind.partition("_")[0], "change")
            by_verb.setdefault(verb, {})[_name(operation)] = None
    pairs = [(verb, name) for verb, names in by_verb.items() for name in names]
    shown = pairs if len(pairs) <= _MOST_NAMES + 1 else pairs[:_MOST_NAMES]
    parts = [
        f"{verb} {', '.join(name for each, name in shown if each == verb)}"
        for verb in by_verb
        if any(each == verb for each, _ in shown)
    ]
    more = len(pairs) - len(shown)
    return "; ".join(parts) + (f" and {more} more" if more else "")


def _name(operation: Operation) -> str:
    if operation.kind.endswith(_OTHERS) or not operation.table:
        return operation.text
    return ".".join(filter(None, [operation.table, operation.name]))


def _comes_with_column(operation: Operation, missing: Sequence[Operation]) -> bool:
    """Return whether all columns that an index or constraint is about come or go as well."""
    verb, _, noun = operation.kind.partition("_")
    columns = {each.name for each in missing if _is_column(each, verb, operation.table)}
    return noun in _DEPENDENT and bool(operation.columns) and {*operation.columns} <= columns


def _is_column(operation: Operation, verb: str, table: str) -> bool:
    return operation.kind == f"{verb}_column" and operation.table == table
