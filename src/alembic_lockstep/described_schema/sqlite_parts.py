"""The schema of a SQLite database.

CHECK constraints are left out: Alembic's batch mode, by which tables are rebuilt, loses them in
both directions, and no pragma lists them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy.dialects.sqlite.base import ischema_names

from alembic_lockstep.described_schema.schema_parts import SchemaPart
from alembic_lockstep.rows import RowsDatabase

_LISTED = """
    SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master
    WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name
"""


def sqlite_parts(database: RowsDatabase) -> Iterator[SchemaPart]:
    """Yield the parts of the schema."""
    for kind, name, table, sql in database.query(_LISTED):
        if kind == "table":
            yield SchemaPart("table", name)
            if not sql.upper().startswith("CREATE VIRTUAL"):
                yield from _table_parts(database, name)
        elif kind in ("view", "trigger"):
            owner = table if kind == "trigger" else ""
            yield SchemaPart(kind, name, owner, _normal(sql.partition(name)[2]))


def _table_parts(database: RowsDatabase, table: str) -> Iterator[SchemaPart]:
    key: list[tuple[int, str]] = []
    for _, name, spelling, is_required, default, position, _ in _pragma(
        database, "table_xinfo", table
    ):
        words = [_type(spelling)]
        words += ["NOT NULL"] if is_required and not position else []
        words += [f"DEFAULT {_default(default)}"] if default is not None else []
        yield SchemaPart("column", name, table, " ".join(filter(None, words)))
        if position:
            key.append((position, name))
    if key:
        columns = ", ".join(name for _, name in sorted(key))
        yield SchemaPart("primary key", "", table, columns, is_generated=True)
    for definition in _foreign_keys(database, table):
        yield SchemaPart("foreign key", "", table, definition, is_generated=True)
    for _, name, is_unique, origin, is_partial in _pragma(database, "index_list", table):
        if origin != "pk":
            yield _index(database, table, name, bool(is_unique), origin, bool(is_partial))


def _foreign_keys(database: RowsDatabase, table: str) -> Iterator[str]:
    keys: dict[int, list[Any]] = {}
    for row in _pragma(database, "foreign_key_list", table):
        keys.setdefault(row[0], []).append(row)
    for rows in keys.values():
        columns = ", ".join(row[3] for row in rows)
        targets = ", ".join(row[4] for row in rows if row[4])
        _, _, target, _, _, update, delete, _ = rows[0]
        yield f"({columns}) REFERENCES {target} ({targets}) ON UPDATE {update} ON DELETE {delete}"


def _index(
    database: RowsDatabase, table: str, name: str, is_unique: bool, origin: str, is_partial: bool
) -> SchemaPart:
    rows = _pragma(database, "index_xinfo", name)
    terms = [
        f"{column or 'expression'}{' DESC' if descending else ''}"
        for _, _, column, descending, _, is_key in rows
        if is_key
    ]
    definition = f"({', '.join(terms)})"
    if origin == "u":  # a constraint; its name is in the table's text only
        return SchemaPart("unique", "", table, definition, is_generated=True)
    if is_partial or "expression" in definition:
        ((sql,),) = database.query(f"SELECT sql FROM sqlite_master WHERE name = {_literal(name)}")
        definition = _normal(sql.partition("(")[2])
    return SchemaPart("index", name, table, f"{'UNIQUE ' if is_unique else ''}{definition}")


def _pragma(database: RowsDatabase, pragma: str, name: str) -> list[Any]:
    return list(database.query(f"PRAGMA {pragma}({_literal(name)})"))


def _literal(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def _normal(sql: str) -> str:
    return re.sub(r'["`\[\]\s]+', " ", sql).strip().lower()


def _type(spelling: str) -> str:
    """Return a column's type; a rebuilt table has an affinity where the type was a made-up one."""
    text = re.sub(r"\s+", "", spelling.upper())
    name = text.partition("(")[0]
    if name.replace("UNSIGNED", "") in {spelt.replace(" ", "") for spelt in ischema_names}:
        return text
    rules = (("INT", "INTEGER"), ("CHAR|CLOB|TEXT", "TEXT"), ("REAL|FLOA|DOUB", "REAL"))
    return next((kind for words, kind in rules if re.search(words, text)), "NUMERIC")


def _default(text: str) -> str:
    """Return a default without the parentheses around it."""
    while re.fullmatch(r"\(.*\)", text, re.DOTALL):
        text = text[1:-1].strip()
    return text
