"""The message of a migration: what it does."""

from __future__ import annotations

from collections.abc import Sequence

from alembic_lockstep.dryrun.operation import Operation

_VERBS = {"add": "add", "remove": "drop", "modify": "alter"}
_MOST_NAMES = 3


def message_for(missing: Sequence[Operation]) -> str:
    """Return the message: `add games.winners, games.completed_at; drop users`."""
    by_verb: dict[str, dict[str, None]] = {}
    for operation in missing:
        verb = _VERBS.get(operation.kind.partition("_")[0], "change")
        name = ".".join(filter(None, [operation.table, operation.name])) or operation.text
        by_verb.setdefault(verb, {})[name] = None
    pairs = [(verb, name) for verb, names in by_verb.items() for name in names]
    shown = pairs if len(pairs) <= _MOST_NAMES + 1 else pairs[:_MOST_NAMES]
    parts = [
        f"{verb} {', '.join(name for each, name in shown if each == verb)}"
        for verb in by_verb
        if any(each == verb for each, _ in shown)
    ]
    more = len(pairs) - len(shown)
    return "; ".join(parts) + (f" and {more} more" if more else "")
