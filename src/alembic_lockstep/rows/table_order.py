"""Order tables so that those that others reference come first; cycles come as groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from alembic_lockstep.rows.described_tables import Reference, RowTable, TableName, Tables

Graph = dict[TableName, list[TableName]]


def related(tables: Tables, names: Iterable[TableName]) -> set[TableName]:
    """Return tables, those that reference them, and all that these reference in turn."""
    named = {name for name in names if name in tables}
    children = {
        table.name
        for table in tables.values()
        if any(reference.table in named for reference in table.references)
    }
    reached: set[TableName] = set()
    queue = [*named, *children]
    while queue:
        name = queue.pop()
        if name not in reached and name in tables:
            reached.add(name)
            queue += [reference.table for reference in tables[name].references]
    return reached


def ordered_groups(tables: Tables, names: Collection[TableName]) -> list[list[TableName]]:
    """Return the tables, referenced ones first; tables whose references are circular and cannot
    be NULL are a group.
    """
    return [
        group
        for circle in _circles(sorted(names), _graph(tables, names, lambda *_: True))
        for group in _circles(circle, _graph(tables, circle, is_required))
    ]


def is_required(table: RowTable, reference: Reference) -> bool:
    """Return whether no column of a reference can be NULL."""
    return not any(table.column(name).is_nullable for name in reference.columns)


def _graph(
    tables: Tables,
    names: Collection[TableName],
    counts: Callable[[RowTable, Reference], bool],
) -> Graph:
    return {
        name: sorted(
            {
                reference.table
                for reference in tables[name].references
                if reference.table in names
                and reference.table != name
                and counts(tables[name], reference)
            }
        )
        for name in names
    }


def _circles(names: Sequence[TableName], graph: Graph) -> list[list[TableName]]:
    """Return the strongly connected components, those that others lead to first.

    This is Tarjan's algorithm, with a stack of its own in the place of recursion.
    """
    numbers: dict[TableName, int] = {}
    lows: dict[TableName, int] = {}
    pending: list[TableName] = []
    circles: list[list[TableName]] = []
    for start in names:
        work = [] if start in numbers else [(start, iter(graph[start]))]
        while work:
            name, targets = work[-1]
            if name not in numbers:
                numbers[name] = lows[name] = len(numbers)
                pending.append(name)
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    parent = work[-1][0]
                    lows[parent] = min(lows[parent], lows[name])
                if lows[name] == numbers[name]:
                    at = pending.index(name)
                    circles.append(sorted(pending[at:]))
                    del pending[at:]
            elif target not in numbers:
                work.append((target, iter(graph[target])))
            elif target in pending:
                lows[name] = min(lows[name], numbers[target])
    return circles
