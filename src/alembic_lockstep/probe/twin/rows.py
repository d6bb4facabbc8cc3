"""Write values for the rows of a table of which a column becomes NOT NULL."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Callable, Dict, List, Optional, Tuple

from .schema import Part, TableSchema
from .sqltext import fold

_CHOOSE = "/* choose the value for rows that exist */"
_ENUM = re.compile(r"enum\(('(?:[^']|'')*')", re.IGNORECASE)
# Neutral values by a part of the type's name; the first that fits counts.
_NEUTRAL = (
    (r"INT|BOOL|REAL|FLOA|DOUB|NUM|DEC|BIT|YEAR", "0"),
    (r"TIMESTAMP|DATETIME", "CURRENT_TIMESTAMP"),
    (r"DATE", "CURRENT_DATE"),
    (r"TIME", "'00:00:00'"),
    (r"UUID", "'00000000-0000-0000-0000-000000000000'"),
    (r"JSON", "'{}'"),
)


def values_for(
    actual: TableSchema, expected: TableSchema, quote: Callable[[str], str]
) -> Dict[str, str]:
    """Return the columns of a table that is made again and get a value, each with its SQL.

    A column that becomes NOT NULL gets a value instead of NULL: its default, or one to choose.
    """
    old = {fold(column.name): column for column in actual.of("column")}
    renamed = possible_renames(actual, expected)
    values: Dict[str, str] = {}
    for column in expected.of("column"):
        if column.facts.get("computed"):
            continue
        before, name = old.get(fold(column.name)), quote(column.name)
        value = missing_value(column, before, expected, quote)
        if before is None and column.name in renamed:
            values[column.name] = _renamed_value(quote(renamed[column.name]), value)
        elif before is None:
            if value and not column.facts.get("default"):
                values[column.name] = value
        else:
            values[column.name] = f"coalesce({name}, {value})" if value else name
    return values


def possible_renames(actual: TableSchema, expected: TableSchema) -> Dict[str, str]:
    """Return new columns, each with one that goes and is of the same type."""
    gone, new = _only_in(actual, expected), _only_in(expected, actual)
    tables = (actual, expected)
    keys = {name for table in tables for key in table.of("primary_key") for name in key.columns}
    pairs = [
        (SequenceMatcher(None, old.name, column.name).ratio(), old.name, column.name)
        for old in gone
        for column in new
        if _shape(old) == _shape(column) and not {old.name, column.name} & keys
    ]
    renamed: Dict[str, str] = {}
    for _, before, now in sorted(pairs, reverse=True):
        if now not in renamed and before not in renamed.values():
            renamed[now] = before
    return renamed


def _only_in(table: TableSchema, other: TableSchema) -> List[Part]:
    names = {fold(column.name) for column in other.of("column")}
    return [column for column in table.of("column") if fold(column.name) not in names]


def _shape(column: Part) -> Tuple[str, ...]:
    return tuple(column.facts.get(name, "") for name in ("type", "collation", "computed"))


def _renamed_value(name: str, value: str) -> str:
    if value:
        return f"coalesce({name}, {value}) /* if it was renamed, else only the value */"
    return f"{name} /* if it was renamed, else NULL */"


def missing_value(
    column: Part, before: Optional[Part], table: TableSchema, quote: Callable[[str], str]
) -> str:
    """Return the SQL for rows without a value, if the column is NOT NULL and was not; else nothing.

    Args:
        column: The column of the models.
        before: The column of the database; None for a new one.
        table: The table of the models.
    """
    facts = column.facts
    is_filled = any(facts.get(name) for name in ("computed", "identity", "autoincrement"))
    if facts.get("nullable") != "no" or is_filled:
        return ""
    if any(column.name in key.columns for key in table.of("primary_key")):
        return ""
    if before is not None and before.facts.get("nullable") == "no":
        return ""
    return facts.get("default") or f"{_neutral(column, table, quote)} {_CHOOSE}"


def _neutral(column: Part, table: TableSchema, quote: Callable[[str], str]) -> str:
    keys = [key.columns for key in table.of("primary_key")]
    alone = [part for part in table.of("unique", "index") if part.columns == (column.name,)]
    is_unique = any(part.kind == "unique" or part.facts.get("unique") for part in alone)
    if is_unique and keys and len(keys[0]) == 1:
        return quote(keys[0][0])
    kind = column.facts["type"]
    label = _ENUM.match(kind)
    if label:
        return label[1]
    checks = (part.sql for part in table.of("check") if part.columns == (column.name,))
    if any("json_valid" in check for check in checks):  # MariaDB's JSON
        return "'{}'"
    return next((value for part, value in _NEUTRAL if re.search(part, kind.upper())), "''")
