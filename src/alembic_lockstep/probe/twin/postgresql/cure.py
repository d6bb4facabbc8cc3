"""The SQL that brings a PostgreSQL database from what it has to what the models make."""

from __future__ import annotations

import re
from typing import Iterator, List, Set

from ..schema import Difference, Part, Schema, Table
from .loose import cure_loose
from .statements import (
    about,
    add,
    comment,
    comment_on,
    comment_on_column,
    drop,
    out_of_the_way,
    quoted,
    unlike,
)

_OWN_SEQUENCE = re.compile(r"DEFAULT nextval\('((?:[^']|'')*)'")


def cure(difference: Difference, database: Schema, models: Schema) -> List[str]:
    """The statements that cure a difference, to be run in this order.

    Empty where there are none: no statement makes a table a partitioned one.
    """
    wanted, found = difference.wanted, difference.found
    kind = difference.part.kind
    if not difference.table:
        return cure_loose(found, wanted, database, models)
    table = database.tables[difference.table]
    if kind == "column":
        return list(_cure_column(difference, table, database, models))
    if kind == "comment":
        return [f"COMMENT ON TABLE {table.sql_name} IS {comment(wanted)}"]
    if kind == "options":
        return list(_cure_options(difference, table))
    if found and difference.aspect == "validity":
        return [f"ALTER TABLE {table.sql_name} VALIDATE CONSTRAINT {quoted(found.name)}"]
    if wanted and found and unlike(wanted, found) == ["comment"]:
        return [comment_on(table, found.name, wanted)]
    return [*drop(table, found), *add(table, wanted)]


def discard(twin: Schema, tables: Set[str]) -> List[str]:
    """The statements that drop those tables, and the types and sequences that models may make."""
    names = [table.sql_name for key, table in twin.tables.items() if key in tables]
    drops = [f"DROP TABLE {name} CASCADE" for name in names]
    for part in twin.loose:
        what = "TYPE" if part.kind == "enum" else part.kind.upper()
        drops.append(f"DROP {what} IF EXISTS {part.sql} CASCADE")
    return drops


def _cure_column(
    difference: Difference, table: Table, database: Schema, models: Schema
) -> Iterator[str]:
    wanted, found = difference.wanted, difference.found
    column = quoted(difference.part.name)
    alter = f"ALTER TABLE {table.sql_name}"
    if wanted is None:
        yield f"{alter} DROP COLUMN {column}"
    elif found is None:
        yield from add(table, wanted)
    elif difference.aspect in ("type", "collation"):
        yield from _retype(f"{alter} ALTER COLUMN {column}", column, wanted, found)
    elif difference.aspect == "nullable":
        verb = "SET" if wanted.facts["nullable"] == "no" else "DROP"
        yield f"{alter} ALTER COLUMN {column} {verb} NOT NULL"
    elif difference.aspect == "comment":
        yield comment_on_column(table, wanted)
    elif not wanted.facts["computed"]:
        yield from _refill(table, wanted, found)
    else:
        # What is computed cannot be altered before PostgreSQL 17; what hangs on it goes with it.
        drops, adds = out_of_the_way(
            database,
            models,
            lambda other, part: other is table and part.kind != "column" and about(part, found),
        )
        yield from [*drops, *drop(table, found), *add(table, wanted), *adds]


def _retype(alter: str, column: str, wanted: Part, found: Part) -> Iterator[str]:
    kind, collation = wanted.facts["type"], wanted.facts["collation"]
    # A default of the old type may not be one of the new type, or not by itself.
    default = found.facts["default"] if "type" in unlike(wanted, found) else ""
    if default:
        yield f"{alter} DROP DEFAULT"
    collate = f" COLLATE {collation}" if collation else ""
    using = "" if wanted.facts["computed"] else f" USING {column}::text::{kind}"
    yield f"{alter} TYPE {kind}{collate}{using}"
    if default and wanted.facts["default"]:
        yield f"{alter} SET DEFAULT {wanted.facts['default']}"


def _refill(table: Table, wanted: Part, found: Part) -> Iterator[str]:
    """What comes of itself into a column is one thing at a time: the other has to go before."""
    alter = f"ALTER TABLE {table.sql_name} ALTER COLUMN {quoted(wanted.name)}"
    changed = unlike(wanted, found)
    if "computed" in changed:
        yield f"{alter} DROP EXPRESSION"
    if "identity" in changed and found.facts["identity"]:
        yield f"{alter} DROP IDENTITY"
    if "default" in changed:
        yield from _redefault(table, alter, wanted, found)
    if "identity" in changed and wanted.facts["identity"]:
        yield f"{alter} ADD GENERATED {wanted.facts['identity']}"


def _redefault(table: Table, alter: str, wanted: Part, found: Part) -> Iterator[str]:
    default = wanted.facts["default"]
    owned, owns = _OWN_SEQUENCE.search(found.sql), _OWN_SEQUENCE.search(wanted.sql)
    if owns and default.startswith("the next"):
        column = quoted(wanted.name)
        yield f"CREATE SEQUENCE {owns[1]} OWNED BY {table.sql_name}.{column}"
        yield f"{alter} SET DEFAULT nextval('{owns[1]}')"
        return
    yield f"{alter} SET DEFAULT {default}" if default else f"{alter} DROP DEFAULT"
    if owned and found.facts["default"].startswith("the next"):
        yield f"DROP SEQUENCE {owned[1]}"


def _cure_options(difference: Difference, table: Table) -> Iterator[str]:
    assert difference.wanted is not None
    assert difference.found is not None
    wanted, found = difference.wanted.facts, difference.found.facts
    alter = f"ALTER TABLE {table.sql_name}"
    if wanted["unlogged"] != found["unlogged"]:
        yield f"{alter} SET {'UNLOGGED' if wanted['unlogged'] else 'LOGGED'}"
    if wanted["storage"] != found["storage"]:
        if found["storage"]:
            names = ", ".join(one.partition("=")[0] for one in found["storage"].split(", "))
            yield f"{alter} RESET ({names})"
        if wanted["storage"]:
            yield f"{alter} SET ({wanted['storage']})"
    if wanted["tablespace"] != found["tablespace"]:
        yield f"{alter} SET TABLESPACE {quoted(wanted['tablespace'] or 'pg_default')}"
    if wanted["inherits"] != found["inherits"]:
        for verb, facts in (("NO INHERIT", found), ("INHERIT", wanted)):
            for parent in filter(None, facts["inherits"].split(", ")):
                yield f"{alter} {verb} {parent}"
