"""Revisions that build on each other, of which Alembic can load none."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from alembic_lockstep.alembic_env.revisions import History


def find_cycle(history: History) -> tuple[str, ...]:
    """Return the ids of a circle of parents, each the parent of the next; empty without a circle.

    The last one is a parent of the first.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for revision in history.revisions:
        sorter.add(revision.id, *history.parents(revision))
    try:
        sorter.prepare()
    except CycleError as error:
        nodes: list[str] = error.args[1]
        return tuple(nodes[:-1])
    return ()
