"""The schema of a MySQL or MariaDB database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from alembic_lockstep.described_schema.schema_parts import SchemaPart
from alembic_lockstep.rows import RowsDatabase, StatementError

_TABLES = """
    SELECT t.table_name, t.table_type, t.engine, t.table_collation, coalesce(v.view_definition, '')
    FROM information_schema.tables t LEFT JOIN information_schema.views v
      ON v.table_schema = t.table_schema AND v.table_name = t.table_name
    WHERE t.table_schema = database()
"""
_COLUMNS = """
    SELECT c.table_name, c.column_name, c.column_type, c.is_nullable, c.column_default, c.extra,
        c.collation_name, c.generation_expression, t.table_collation
    FROM information_schema.columns c JOIN information_schema.tables t
      ON t.table_schema = c.table_schema AND t.table_name = c.table_name
    WHERE c.table_schema = database() AND t.table_type <> 'VIEW'
"""
_INDEXES = """
    SELECT table_name, index_name, max(non_unique), max(index_type),
        group_concat(coalesce(column_name, '?'), coalesce(concat('(', sub_part, ')'), '')
            ORDER BY seq_in_index SEPARATOR ', ')
    FROM information_schema.statistics WHERE table_schema = database()
    GROUP BY table_name, index_name
"""
_FOREIGN_KEYS = """
    SELECT k.table_name, k.constraint_name, max(k.referenced_table_name),
        group_concat(k.column_name ORDER BY k.ordinal_position SEPARATOR ', '),
        group_concat(k.referenced_column_name ORDER BY k.ordinal_position SEPARATOR ', '),
        max(r.update_rule), max(r.delete_rule)
    FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
      ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
        AND r.table_name = k.table_name
    WHERE k.table_schema = database() AND k.referenced_table_name IS NOT NULL
    GROUP BY k.table_name, k.constraint_name
"""
# MariaDB says the table here; MySQL says it elsewhere.
_CHECKS = (
    """
    SELECT table_name, constraint_name, check_clause FROM information_schema.check_constraints
    WHERE constraint_schema = database()
    """,
    """
    SELECT t.table_name, c.constraint_name, c.check_clause
    FROM information_schema.check_constraints c JOIN information_schema.table_constraints t
      ON t.constraint_schema = c.constraint_schema AND t.constraint_name = c.constraint_name
    WHERE c.constraint_schema = database()
    """,
)
_OTHERS = (
    """
    SELECT 'trigger', trigger_name, event_object_table,
        concat_ws(' ', action_timing, event_manipulation, action_statement)
    FROM information_schema.triggers WHERE trigger_schema = database()
    """,
    """
    SELECT lower(routine_type), routine_name, '', coalesce(routine_definition, '')
    FROM information_schema.routines WHERE routine_schema = database()
    """,
)
_KINDS = {"VIEW": "view", "SEQUENCE": "sequence"}
_GENERATED = re.compile(r".*_(ibfk|chk)_\d+|CONSTRAINT_\d+|\d+")


def mysql_parts(database: RowsDatabase) -> Iterator[SchemaPart]:
    """Yield the parts of the schema."""
    for name, kind, engine, collation, view in _rows(database, _TABLES):
        kind = _KINDS.get(kind, "table")
        definition = view if kind == "view" else f"{engine} {collation}" if kind == "table" else ""
        yield SchemaPart(kind, name, definition=_without_schema(database, definition))
    yield from _columns(database)
    foreign = list(_rows(database, _FOREIGN_KEYS))
    for table, name, target, columns, targets, update, delete in foreign:
        definition = f"({columns}) REFERENCES {target} ({targets})"
        definition += f" ON UPDATE {_rule(update)} ON DELETE {_rule(delete)}"
        yield SchemaPart("foreign key", name, table, definition, bool(_GENERATED.fullmatch(name)))
    # The server makes an index for a foreign key, and leaves it there when the key is dropped. It
    # has the key's name or, where the key got none, the first column's.
    columns_of = {(table, name): columns for table, name, _, columns, *_ in foreign}
    keyed = {(table, columns) for table, _, _, columns, *_ in foreign}
    for table, name, is_repeatable, kind, columns in _rows(database, _INDEXES):
        first = columns.partition(",")[0].partition("(")[0]
        generated = re.fullmatch(rf"{re.escape(first)}(_\d+)?", name) is not None
        is_of_key = generated and (table, columns) in keyed
        if is_of_key or columns_of.get((table, name)) == columns:
            continue
        unique = "" if int(is_repeatable) else "UNIQUE "
        if name == "PRIMARY":
            yield SchemaPart("primary key", "", table, columns, is_generated=True)
        else:
            yield SchemaPart("index", name, table, f"{unique}{kind} ({columns})", generated)
    for table, name, clause in _checks(database):
        yield SchemaPart(
            "check", name, table, clause, bool(_GENERATED.fullmatch(name)) or name == table
        )
    for statement in _OTHERS:
        for kind, name, table, definition in _rows(database, statement):
            yield SchemaPart(kind, name, table, _without_schema(database, definition))


def _columns(database: RowsDatabase) -> Iterator[SchemaPart]:
    for table, name, spelling, null, default, extra, collation, computed, usual in _rows(
        database, _COLUMNS
    ):
        words = [spelling]
        words += ["NOT NULL"] if null == "NO" else []
        words += [f"COLLATE {collation}"] if collation and collation != usual else []
        words += [f"DEFAULT {default}"] if default is not None and default != "NULL" else []
        words += [f"AS ({computed})"] if computed else []
        words += [extra.replace("DEFAULT_GENERATED", "").strip()] if extra else []
        yield SchemaPart("column", name, table, " ".join(filter(None, words)))


def _checks(database: RowsDatabase) -> list[Any]:
    for statement in _CHECKS:
        try:
            return _rows(database, statement)
        except StatementError:  # noqa: PERF203 - the other server, or one without checks
            continue
    return []


def _rows(database: RowsDatabase, statement: str) -> list[Any]:
    """Return rows with text in the place of bytes, which some columns of the catalogue have."""
    return [
        [value.decode() if isinstance(value, bytes) else value for value in row]
        for row in database.query(statement)
    ]


def _rule(rule: str) -> str:
    """Return a foreign key's rule; two of them are the same."""
    return "NO ACTION" if rule == "RESTRICT" else rule


def _without_schema(database: RowsDatabase, text: str) -> str:
    ((schema,),) = _rows(database, "SELECT database()")
    return " ".join(text.replace(f"`{schema}`.", "").split())
