"""Fix differences of a migrated PostgreSQL database by SQL."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Iterator, List, Set

from ..rows import missing_value
from ..schema import DatabaseSchema, Early, Part, SchemaDifference, TableSchema
from .catalogues import OWN_SEQUENCE
from .conversion import converted, needs_using
from .schema_objects import schema_object_fix
from .statements import (
    add,
    changed_facts,
    comment,
    comment_on,
    comment_on_column,
    concerns,
    drop,
    quoted,
    recreate_dependents,
)

_NEXTVAL = re.compile(r"DEFAULT nextval\('((?:[^']|'')*)'")


def fix_statements(
    difference: SchemaDifference, database: DatabaseSchema, models: DatabaseSchema
) -> List[str]:
    """Return the statements that fix a difference, in the order to run them.

    Empty where none can: no statement makes a table a partitioned one.
    """
    expected, actual = difference.expected, difference.actual
    kind = difference.part.kind
    if not difference.table:
        return schema_object_fix(actual, expected, database, models)
    table = database.tables[difference.table]
    if kind == "column":
        return list(_column_fix(difference, table, database, models))
    if kind == "comment":
        return [f"COMMENT ON TABLE {table.sql_name} IS {comment(expected)}"]
    if kind == "options":
        return list(_options_fix(difference, table))
    if actual and difference.aspect == "validity":
        return [f"ALTER TABLE {table.sql_name} VALIDATE CONSTRAINT {quoted(actual.name)}"]
    if expected and actual and changed_facts(expected, actual) == ["comment"]:
        return [comment_on(table, actual.name, expected)]
    return [*drop(table, actual), *add(table, expected)]


def discard_statements(twin: DatabaseSchema, tables: Set[str]) -> List[str]:
    """Return the statements that drop those tables, and all types and sequences."""
    names = [table.sql_name for key, table in twin.tables.items() if key in tables]
    drops = [f"DROP TABLE {name} CASCADE" for name in names]
    for part in twin.objects:
        keyword = "TYPE" if part.kind == "enum" else part.kind.upper()
        drops.append(f"DROP {keyword} IF EXISTS {part.sql} CASCADE")
    return drops


def _column_fix(
    difference: SchemaDifference,
    table: TableSchema,
    database: DatabaseSchema,
    models: DatabaseSchema,
) -> Iterator[str]:
    expected, actual = difference.expected, difference.actual
    column = quoted(difference.part.name)
    alter = f"ALTER TABLE {table.sql_name}"
    if expected is None:
        yield f"{alter} DROP COLUMN {column}"
    elif actual is None:
        yield from _add_filled(table, expected, models.tables[difference.table])
    elif difference.aspect in ("type", "collation"):
        yield from _retype(f"{alter} ALTER COLUMN {column}", column, expected, actual)
    elif difference.aspect == "nullable":
        value = missing_value(expected, actual, models.tables[difference.table], quoted)
        if value:
            yield from _strict(table, expected.name, value)
        else:
            verb = "SET" if expected.facts["nullable"] == "no" else "DROP"
            yield f"{alter} ALTER COLUMN {column} {verb} NOT NULL"
    elif difference.aspect == "comment":
        yield comment_on_column(table, expected)
    elif not expected.facts["computed"]:
        yield from _refill(table, expected, actual)
    else:
        # A computed column cannot be altered before PostgreSQL 17; its dependents go with it.
        drops, adds = recreate_dependents(
            database,
            models,
            lambda other_table, part: (
                other_table is table and part.kind != "column" and concerns(part, actual)
            ),
        )
        yield from [*drops, *drop(table, actual), *add(table, expected), *adds]


def _add_filled(table: TableSchema, expected: Part, wanted: TableSchema) -> Iterator[str]:
    """Add a column; if it is NOT NULL without a default, in steps that a table with rows takes."""
    value = missing_value(expected, None, wanted, quoted)
    if not value or expected.facts["default"]:
        yield from add(table, expected)
        return
    yield from add(table, replace(expected, sql=expected.sql.replace(" NOT NULL", "", 1)))
    yield from _strict(table, expected.name, value)


def _strict(table: TableSchema, name: str, value: str) -> Iterator[str]:
    """Make a column NOT NULL, and give it a value in the rows that have none."""
    column = quoted(name)
    yield f"UPDATE {table.sql_name} SET {column} = {value} WHERE {column} IS NULL"
    yield f"ALTER TABLE {table.sql_name} ALTER COLUMN {column} SET NOT NULL"


def alembic_fails(difference: SchemaDifference) -> bool:
    """Return whether the server refuses what Alembic's own code does: it writes no USING."""
    expected, actual = difference.expected, difference.actual
    if difference.aspect != "type" or expected is None or actual is None:
        return False
    is_computed = bool(expected.facts["computed"])
    return not is_computed and needs_using(actual.facts["type"], expected.facts["type"])


def _retype(alter: str, column: str, expected: Part, actual: Part) -> Iterator[str]:
    kind, collation = expected.facts["type"], expected.facts["collation"]
    # A default of the old type may not convert to the new type.
    default = actual.facts["default"] if "type" in changed_facts(expected, actual) else ""
    if default:
        yield f"{alter} DROP DEFAULT"
    collate = f" COLLATE {collation}" if collation else ""
    conversion = converted(column, actual.facts["type"], kind)
    using = "" if expected.facts["computed"] else f" USING {conversion}"
    yield f"{alter} TYPE {kind}{collate}{using}"
    if default and expected.facts["default"]:
        yield f"{alter} SET DEFAULT {expected.facts['default']}"


def _refill(table: TableSchema, expected: Part, actual: Part) -> Iterator[str]:
    """Change default, identity or expression: a column has one at a time, so drops come first."""
    alter = f"ALTER TABLE {table.sql_name} ALTER COLUMN {quoted(expected.name)}"
    changed = changed_facts(expected, actual)
    if "computed" in changed:
        yield f"{alter} DROP EXPRESSION"
    if "identity" in changed and actual.facts["identity"]:
        yield f"{alter} DROP IDENTITY"
    if "default" in changed:
        yield from _redefault(table, alter, expected, actual)
    if "identity" in changed and expected.facts["identity"]:
        yield f"{alter} ADD GENERATED {expected.facts['identity']}"


def _redefault(table: TableSchema, alter: str, expected: Part, actual: Part) -> Iterator[str]:
    default = expected.facts["default"]
    owned, owns = _NEXTVAL.search(actual.sql), _NEXTVAL.search(expected.sql)
    if owns and default == OWN_SEQUENCE:
        column = quoted(expected.name)
        yield f"CREATE SEQUENCE {owns[1]} OWNED BY {table.sql_name}.{column}"
        yield f"{alter} SET DEFAULT nextval('{owns[1]}')"
        return
    yield f"{alter} SET DEFAULT {default}" if default else f"{alter} DROP DEFAULT"
    if owned and actual.facts["default"] == OWN_SEQUENCE:
        yield f"DROP SEQUENCE {owned[1]}"


def _options_fix(difference: SchemaDifference, table: TableSchema) -> Iterator[str]:
    assert difference.expected is not None
    assert difference.actual is not None
    expected, actual = difference.expected.facts, difference.actual.facts
    alter = f"ALTER TABLE {table.sql_name}"
    if expected["unlogged"] != actual["unlogged"]:
        yield f"{alter} SET {'UNLOGGED' if expected['unlogged'] else 'LOGGED'}"
    if expected["storage"] != actual["storage"]:
        if actual["storage"]:
            names = ", ".join(option.partition("=")[0] for option in actual["storage"].split(", "))
            yield f"{alter} RESET ({names})"
        if expected["storage"]:
            yield f"{alter} SET ({expected['storage']})"
    if expected["tablespace"] != actual["tablespace"]:
        yield f"{alter} SET TABLESPACE {quoted(expected['tablespace'] or 'pg_default')}"
    if expected["inherits"] != actual["inherits"]:
        for parent in filter(None, actual["inherits"].split(", ")):
            yield Early(f"{alter} NO INHERIT {parent}")  # inherited columns cannot be dropped
        for parent in filter(None, expected["inherits"].split(", ")):
            yield f"{alter} INHERIT {parent}"
