"""Put the names that models use in Python, `Game.id`, into those of tables: `games.id`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from alembic_lockstep.static.lookup import Unknown
from alembic_lockstep.static.tables import Table, TablePart


def linked(tables: Iterable[Table], loose: Iterable[TablePart]) -> Iterator[Table]:
    """Yield the tables with their constraints' columns by name, and all types.

    Args:
        loose: Indexes that are made beside the tables: `Index("ix", Game.host)`.
    """
    tables, loose = list(tables), list(loose)
    owners = {table.name: table for table in tables}
    owners |= {table.origin.cls: table for table in tables if table.origin.cls}
    named = []
    for table in tables:
        names = {table.name, table.origin.cls} - {""}
        own = (index for index in loose if any(_owner(column) in names for column in index.columns))
        parts = (*table.parts, *(replace(index, origin=table.origin) for index in own))
        named.append(
            replace(table, parts=with_one_key(_named(part, table, owners) for part in parts))
        )
    columns = {
        (table.name, name): column for table in named for name, column in table.columns.items()
    }
    for table in named:
        yield replace(
            table, parts=tuple(_typed(part, table.parts, columns) for part in table.parts)
        )


def with_one_key(parts: Iterable[TablePart]) -> tuple[TablePart, ...]:
    """Return the parts with the columns that say `primary_key=True` in one key."""
    parts = list(parts)
    keys = [part for part in parts if part.kind == "primary key"]
    others = [part for part in parts if part.kind != "primary key"]
    columns = dict.fromkeys(column for key in keys for column in key.columns)
    return (*others, *(replace(key, columns=tuple(columns)) for key in keys[:1]))


def _owner(text: str) -> str:
    """Return `Game` of `Game.size.desc()`, or `games` of `games.c.size`."""
    match = re.match(r"(?:\w+\()?(?:Base\.)?(\w+)\.", text) if isinstance(text, Unknown) else None
    return match[1] if match else ""


def _named(part: TablePart, table: Table, owners: Mapping[str, Table]) -> TablePart:
    if part.kind == "column":
        return part
    columns = tuple(_column(text, table) for text in part.columns)
    values = dict(part.values)
    target = values.get("target", ())
    values |= {"target": tuple(_target(text, owners) for text in target)} if target else {}
    return replace(part, columns=columns, values=values)


def _column(text: str, table: Table) -> str:
    """Return the name of a column that is given as an attribute; else the text as it is."""
    last = text.rpartition(".")[2]
    if not isinstance(text, Unknown) or not text.replace(".", "").isidentifier():
        return text
    attributes = {part.origin.attribute: name for name, part in table.columns.items()}
    return attributes.get(last) or (last if last in table.columns else text)


def _target(text: str, owners: Mapping[str, Table]) -> str:
    owner, _, attribute = text.rpartition(".")
    table = owners.get(owner.removesuffix(".c").rpartition(".")[2])
    if not isinstance(text, Unknown) or table is None or not table.name:
        return text
    return f"{table.name}.{_column(Unknown(attribute), table)}"


def _typed(
    part: TablePart, parts: Iterable[TablePart], columns: Mapping[tuple[str, str], TablePart]
) -> TablePart:
    """Return a column, which has the type of the key that it refers to if it says none itself."""
    for key in parts if part.kind == "column" and not part.values["type"] else ():
        if key.kind == "foreign key" and key.columns == (part.name,):
            table, _, name = "".join(key.values["target"]).rpartition(".")
            target = columns.get((table, name))
            if target:
                shared = {
                    key: target.values[key] for key in ("type", "enum") if key in target.values
                }
                return replace(part, values={**part.values, **shared})
    return part
