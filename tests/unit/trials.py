"""Trials of a new migration on tables with rows, built by hand: rules judge them."""

from __future__ import annotations

from typing import Any

from dry_runs import MODELS, facts_of, observed
from graphs import Graph

from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.dryrun.trial_facts import RowChangeFacts, TrialFacts
from alembic_lockstep.facts import Facts

NEW = "m/versions/0002.py"


def tried(
    graph: Graph,
    upgrade: str,
    *introduced: Operation,
    downgrade: str = "pass",
    dialect: str = "postgresql",
    columns: tuple[str, ...] = ("id",),
    tables: tuple[str, ...] = (),
    **trial: Any,
) -> Facts:
    """Return the facts of a new migration 0002 and of its trial.

    Args:
        upgrade: The body of its function, as lines without indentation.
        introduced: Differences that only the tree has.
        downgrade: The same of its other function.
        columns: Those of games in the models.
        tables: Further tables of the models.
        trial: Fields of `TrialFacts`.
    """
    graph.put({"0002": "0001"}, function("upgrade", upgrade) + function("downgrade", downgrade))
    entry = {"file": MODELS, "class": "", "columns": {}}
    now = observed(
        *columns,
        tables=dict.fromkeys(tables, entry),
        connections=({"dialect": dialect, "driver": "", "target": ""},),
        trial=TrialFacts(revisions=["0002"], **trial),  # type: ignore[typeddict-item]
    )
    return facts_of(graph, now, *introduced)


def function(name: str, body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"\n\ndef {name}() -> None:\n{lines}"


def failure(message: str, statement: str = "", line: int = 0, **fields: Any) -> dict[str, Any]:
    """Return an error that is raised at a line of the new migration; of env.py without a line."""
    frames = [{"path": "m/env.py", "line": 9}, {"path": NEW, "line": line}]
    error = {"type": "Error", "message": message, "statement": statement}
    return {**error, "frames": frames if line else frames[:1], **fields}


def change(kind: str, name: str, count: int = 2, **fields: str) -> RowChangeFacts:
    """Return what happened to rows of `table` or values of `table.column`."""
    table, _, column = name.partition(".")
    change: RowChangeFacts = {
        "kind": kind,
        "table": table,
        "column": column,
        "count": count,
        "before": "",
        "after": "",
        "successor": "",
    }
    return {**change, **fields}  # type: ignore[typeddict-item]
