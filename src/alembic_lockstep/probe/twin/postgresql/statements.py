"""Write the statements that create and drop parts of a PostgreSQL table."""

from __future__ import annotations

import re
from typing import Callable, Iterator, List, Optional, Tuple

from sqlalchemy.dialects import postgresql

from ..schema import DatabaseSchema, Early, Late, Part, TableSchema, differences

# With the parameter style of its drivers it would double percent signs.
_PREPARER = postgresql.dialect(paramstyle="named").identifier_preparer  # type: ignore[no-untyped-call]
_DEPENDENT_KINDS = ("check", "exclusion", "index", "unique")
_STRING = re.compile(r"'(?:[^']|'')*'")


def drop(table: TableSchema, part: Optional[Part]) -> Iterator[str]:
    """Drop a part, before other statements: columns and types take their dependents along."""
    if part is None:
        return
    alter = f"ALTER TABLE {table.sql_name}"
    if part.kind == "column":
        yield Early(f"{alter} DROP COLUMN {quoted(part.name)}")
    elif part.kind == "index":
        schema, _ = split_name(table.sql_name)
        yield Early(f"DROP INDEX {schema}{quoted(part.name)}")
    else:
        yield Early(f"{alter} DROP CONSTRAINT {quoted(part.name)}")


def add(table: TableSchema, part: Optional[Part]) -> Iterator[str]:
    """Create a column, a constraint or an index."""
    if part is None:
        return
    alter = f"ALTER TABLE {table.sql_name}"
    if part.kind == "index":
        yield part.sql
    elif part.kind == "column":
        yield f"{alter} ADD COLUMN {part.sql}"
        if part.facts["comment"]:
            yield comment_on_column(table, part)
    else:
        is_named = part.facts["comment"] or not part.has_generated_name
        name = f"CONSTRAINT {quoted(part.name)} " if is_named else ""
        yield f"{alter} ADD {name}{part.sql}"
        if part.facts["comment"]:
            yield comment_on(table, part.name, part)


def comment_on_column(table: TableSchema, column: Part) -> str:
    """Set a column's comment."""
    return f"COMMENT ON COLUMN {table.sql_name}.{quoted(column.name)} IS {comment(column)}"


def comment_on(table: TableSchema, name: str, constraint: Part) -> str:
    """Set a constraint's comment."""
    constraint_name = f"{quoted(name)} ON {table.sql_name}"
    return f"COMMENT ON CONSTRAINT {constraint_name} IS {comment(constraint)}"


def recreate_dependents(
    database: DatabaseSchema,
    models: DatabaseSchema,
    is_dependent: Callable[[TableSchema, Part], bool],
) -> Tuple[List[str], List[str]]:
    """Return statements that drop the dependents of a change, and that create them again.

    A dependent that differs itself has statements of its own.
    """
    changed = {id(difference.actual) for difference in differences(database, models)}
    dependents = [
        (table, part)
        for key, table in database.tables.items()
        for part in table.of(*_DEPENDENT_KINDS, "column")
        if key in models.tables and id(part) not in changed and is_dependent(table, part)
    ]
    dependents.sort(key=lambda pair: pair[1].kind == "column")  # it takes its dependents along
    drops = [statement for table, part in dependents for statement in drop(table, part)]
    adds = [Late(sql) for table, part in reversed(dependents) for sql in add(table, part)]
    return drops, list(adds)


def concerns(part: Part, column: Part) -> bool:
    """Return whether an index or a constraint may be about a column."""
    return column.name in part.columns or mentions(part.sql, quoted(column.name))


def mentions(sql: str, name: str) -> bool:
    """Return whether an expression may contain a name, as it is written in SQL."""
    pattern = rf'(?<![\w"$]){re.escape(name)}(?![\w"$])'
    return re.search(pattern, _STRING.sub("''", sql)) is not None


def split_name(sql_name: str) -> Tuple[str, str]:
    """Split a name as it is written in SQL: its schema with the dot, and the bare name."""
    match = re.fullmatch(r'(?P<schema>.*\.)?(?P<name>"(?:[^"]|"")*"|[^".]+)', sql_name, re.DOTALL)
    assert match is not None
    name = match["name"]
    bare = name[1:-1].replace('""', '"') if name.startswith('"') else name
    return match["schema"] or "", bare


def changed_facts(expected: Part, actual: Part) -> List[str]:
    """Return the aspects in which two parts differ."""
    return [name for name in expected.facts if expected.facts[name] != actual.facts.get(name, "")]


def comment(part: Optional[Part]) -> str:
    """Return a comment as it is written in SQL."""
    text = part.facts["comment"].replace("'", "''") if part else ""
    return f"'{text}'" if text else "NULL"


def quoted(name: str) -> str:
    """Return a name as it is written in SQL."""
    in_quotes: str = _PREPARER.quote(name)
    return in_quotes
