"""The message of a migration: what it does."""

from __future__ import annotations

from collections.abc import Sequence

from alembic_lockstep.dryrun.operation import Operation

_VERBS = {"add": "add", "remove": "drop", "modify": "alter"}
#: Kinds of things that are no column and no table, and come and go with columns.
_DEPENDENT = ("index", "constraint", "fk", "enum", "domain", "sequence")
#: The first line of a commit message is as long, too.
_MOST_CHARACTERS = 72


def message_for(missing: Sequence[Operation]) -> str:
    """Return the message: `add games.winners, games.completed_at; drop users`."""
    by_verb: dict[str, dict[str, None]] = {}
    for operation in missing:
        if not _comes_with_column(operation, missing):
            verb = _VERBS.get(operation.kind.partition("_")[0], "change")
            by_verb.setdefault(verb, {})[_name(operation)] = None
    pairs = [(verb, name) for verb, names in by_verb.items() for name in names]
    for count in range(len(pairs), 0, -1):
        more = len(pairs) - count
        message = _listed(pairs[:count]) + (f" and {more} more" if more else "")
        if len(message) <= _MOST_CHARACTERS:
            break
    return message


def _listed(pairs: Sequence[tuple[str, str]]) -> str:
    verbs = dict.fromkeys(verb for verb, _ in pairs)
    return "; ".join(
        f"{verb} {', '.join(name for each, name in pairs if each == verb)}" for verb in verbs
    )


def _name(operation: Operation) -> str:
    if operation.kind.endswith(_DEPENDENT) or not operation.table:
        return operation.text
    return ".".join(filter(None, [operation.table, operation.name]))


def _comes_with_column(operation: Operation, missing: Sequence[Operation]) -> bool:
    """Return whether all columns that an index or constraint is about come or go as well."""
    verb, _, noun = operation.kind.partition("_")
    columns = {each.name for each in missing if _is_column(each, verb, operation.table)}
    return noun in _DEPENDENT and bool(operation.columns) and {*operation.columns} <= columns


def _is_column(operation: Operation, verb: str, table: str) -> bool:
    return operation.kind == f"{verb}_column" and operation.table == table
