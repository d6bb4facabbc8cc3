"""Apply a migration's steps to the tables that were declared before it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from alembic_lockstep.static.linking import with_one_key
from alembic_lockstep.static.steps import Step
from alembic_lockstep.static.tables import Table, TablePart, Unread


def apply(tables: Iterable[Table], steps: Iterable[Step | Unread]) -> list[Table]:
    """Return the tables after the steps; a step about a table that is not there has no effect."""
    state = list(tables)
    for step in steps:
        if isinstance(step, Unread):
            continue
        named = state if step.verb == "relabel" or not step.table else _named(state, step.table)
        if step.verb == "add table" and not named:
            state.append(Table(step.table))
        elif step.verb == "drop table":
            state = [table for table in state if table not in named]
        else:
            state = [_changed(table, step) if table in named else table for table in state]
        if step.verb == "rename table":
            state = [_retargeted(table, f"{step.table}.", f"{step.name}.") for table in state]
    return state


def _named(tables: list[Table], name: str) -> list[Table]:
    """Return the tables of a name; one without its schema if just one is called so."""
    bare = name.rpartition(".")[2]
    alike = [table for table in tables if table.name.rpartition(".")[2] == bare]
    exact = [table for table in alike if table.name == name]
    return exact or (alike if len(alike) == 1 else [])


def _changed(table: Table, step: Step) -> Table:
    if step.verb == "add table":
        return replace(table, parts=(), unread=())
    if step.verb == "rename table":
        return replace(table, name=step.name)
    if step.part:
        return _with_part(table, step.part)
    if step.verb == "relabel":
        return replace(table, parts=tuple(_relabelled(part, step) for part in table.parts))
    if step.verb == "alter":
        return replace(table, parts=tuple(_altered(part, step) for part in table.parts))
    if step.kind == "column":
        # The database drops what is on the column as well.
        parts = tuple(part for part in table.parts if step.name not in part.columns)
    else:
        gone = _dropped(table, step)
        parts = tuple(part for part in table.parts if part is not gone)
    return replace(table, parts=parts)


def _with_part(table: Table, new: TablePart) -> Table:
    """Return the table with a part, in the place of one of its name."""
    key = (new.kind, new.name)
    parts = [part for part in table.parts if not new.name or (part.kind, part.name) != key]
    if new.kind == "primary key":
        parts = [
            replace(part, values={**part.values, "nullable": False})
            if part.kind == "column" and part.name in new.columns
            else part
            for part in parts
        ]
    return replace(table, parts=with_one_key([*parts, new]))


def _altered(part: TablePart, step: Step) -> TablePart:
    new = step.values.get("name", step.name)
    columns = tuple(new if name == step.name else name for name in part.columns)
    if part.kind != "column" or part.name != step.name:
        return replace(part, columns=columns) if part.kind != "column" else part
    values = {name: value for name, value in step.values.items() if name != "name"}
    values = {**part.values, **values}
    return replace(part, name=new, columns=columns, values=values, migrated=True)


def _dropped(table: Table, step: Step) -> TablePart | None:
    """Return the constraint of a name, or the likeliest of those without any."""
    fitting = [
        part
        for part in table.parts
        if part.kind != "column" and (part.kind == step.kind if step.kind else part.kind != "index")
    ]
    exact = [part for part in fitting if part.name and part.name == step.name]
    unnamed = [part for part in fitting if not part.name]
    # A name that the database or a convention chose has the columns in it.
    likely = [part for part in unnamed if all(column in step.name for column in part.columns)]
    gone = max(exact or likely, key=lambda part: len(part.columns), default=None)
    return gone or (unnamed[0] if len(unnamed) == 1 and step.table else None)


def _retargeted(table: Table, old: str, new: str) -> Table:
    """Return the table with its foreign keys to a renamed one."""

    def retargeted(part: TablePart) -> TablePart:
        target = (text.replace(old, new, text.startswith(old)) for text in part.values["target"])
        return replace(part, values={**part.values, "target": tuple(target)})

    parts = (retargeted(part) if "target" in part.values else part for part in table.parts)
    return replace(table, parts=tuple(parts))


def _relabelled(part: TablePart, step: Step) -> TablePart:
    enum, labels = part.values.get("enum", ("", ()))
    if enum != step.table or not enum:
        return part
    more = {*labels, step.values.get("new")} - {step.values.get("old"), None}
    labels = tuple(sorted(step.values.get("labels", more)))
    return replace(part, values={**part.values, "enum": (enum, labels)})
