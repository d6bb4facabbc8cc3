"""Read the tables of an SQLite database: from its pragmas, CHECKs from the text of the tables."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from alembic_lockstep.probe.twin.sqltext import Reader, fold, tokenize
from alembic_lockstep.rows.described_tables import (
    Condition,
    Reference,
    RowColumn,
    RowTable,
    TableName,
    Tables,
    UniqueKey,
    ValueType,
)
from alembic_lockstep.rows.rows_database import RowsDatabase

_TABLES = "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name"
_JOIN = "sqlite_master m JOIN pragma_{}(m.name) p WHERE m.type = 'table'"
_COLUMNS = f"""
    SELECT m.name, p.name, p.type, p."notnull", p.dflt_value, p.pk, p.hidden
    FROM {_JOIN.format("table_xinfo")} ORDER BY m.name, p.cid
"""
_KEYS = """
    SELECT m.name, l.name, l.origin, l.partial, x.name, x.cid
    FROM sqlite_master m JOIN pragma_index_list(m.name) l JOIN pragma_index_xinfo(l.name) x
    WHERE m.type = 'table' AND l."unique" AND x.key
    ORDER BY m.name, l.origin <> 'pk', l.seq, x.seqno
"""
_REFERENCES = f"""
    SELECT m.name, p.id, p."table", p."from", p."to"
    FROM {_JOIN.format("foreign_key_list")} ORDER BY m.name, p.id, p.seq
"""
_TRIGGERS = "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
_INDEX_SQL = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
_TYPE = re.compile(r"([^(]*)(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?.*", re.DOTALL)
_INTEGER = 2**63
_FAMILIES = {
    "boolean": r"BOOL",
    "timestamp": r"DATETIME|TIMESTAMP",
    "date": r"DATE",
    "time": r"^TIME\b",
    "integer": r"INT",
    "json": r"JSON",
    "uuid": r"UUID|GUID",
    "text": r"CHAR|CLOB|TEXT|STRING",
    "bytes": r"BLOB|BINARY",
    "float": r"REAL|FLOA|DOUB",
    "decimal": r"NUMERIC|DECIMAL|NUMBER|MONEY",
}


def read_sqlite_tables(database: RowsDatabase) -> Tables:
    """Return all tables of the main database, without virtual ones and those behind them."""
    sources = {name: sql for name, sql in database.query(_TABLES) if not name.startswith("sqlite_")}
    virtual = [name for name, sql in sources.items() if re.match(r"(?i)CREATE\s+VIRTUAL", sql)]
    columns, keys, references = _columns(database), _keys(database), _references(database)
    triggers = {name for name, sql in database.query(_TRIGGERS) if "update" in sql.lower()}
    tables: Tables = {}
    for name, sql in sources.items():
        if any(name == other or name.startswith(f"{other}_") for other in virtual):
            continue
        listed = columns[name]
        primary = [column for _, column in sorted(listed.primary) if column]
        if primary and not any(key.is_primary for key in keys[name]):
            keys[name].insert(0, UniqueKey(tuple(primary), is_primary=True))
        own = [
            replace(column, is_counted=False) if _has_no_rowid(sql) else column
            for column in listed.columns
        ]
        tables[TableName("", name)] = RowTable(
            TableName("", name),
            tuple(own),
            tuple(keys[name]),
            tuple(references[name]),
            tuple(_conditions(sql, [column.name for column in listed.columns])),
            has_triggers=name in triggers,
        )
    return {name: _with_targets(table, tables) for name, table in tables.items()}


def _has_no_rowid(sql: str) -> bool:
    return bool(re.search(r"(?i)\bWITHOUT\s+ROWID\b[^)]*$", sql))


class _Columns:
    """The columns of one table, and those of its primary key with their order in it."""

    def __init__(self) -> None:
        self.columns: list[RowColumn] = []
        self.primary: list[tuple[int, str]] = []


def _columns(database: RowsDatabase) -> defaultdict[str, _Columns]:
    tables: defaultdict[str, _Columns] = defaultdict(_Columns)
    rows = database.query(_COLUMNS)
    keys = [table for table, _, _, _, _, key, _ in rows if key]
    for table, name, spelling, not_null, default, key, hidden in rows:
        listed = tables[table]
        if key:
            listed.primary.append((key, name))
        counted = bool(key) and keys.count(table) == 1 and str(spelling).upper() == "INTEGER"
        listed.columns.append(
            RowColumn(
                name,
                sqlite_type(spelling or ""),
                is_nullable=not not_null and not key,
                default="" if default in (None, "NULL") else str(default),
                is_counted=counted,
                is_computed=hidden in (2, 3),
                position=len(listed.columns),
            )
        )
    return tables


def sqlite_type(spelling: str) -> ValueType:
    """Return the type of the values that programs keep in a column of a declared type."""
    match = _TYPE.fullmatch(spelling.strip())
    name, length, scale = match.groups() if match else (spelling, None, None)
    patterns = _FAMILIES.items()
    kind = next((kind for kind, words in patterns if re.search(words, name.upper())), "text")
    number = int(length) if length else None
    if kind == "integer":
        return ValueType(kind, spelling, low=-_INTEGER, high=_INTEGER - 1)
    if kind == "decimal":
        return ValueType(kind, spelling, precision=number or 10, scale=int(scale or 0))
    precision = 6 if kind in ("time", "timestamp") else None
    return ValueType(kind, spelling, length=number, precision=precision)


def _keys(database: RowsDatabase) -> defaultdict[str, list[UniqueKey]]:
    texts = {str(index): str(sql) for index, sql in database.query(_INDEX_SQL)}
    grouped: dict[tuple[str, str, str, int], list[tuple[str | None, int]]] = {}
    for table, index, origin, partial, column, number in database.query(_KEYS):
        grouped.setdefault((table, index, origin, partial), []).append((column, number))
    keys: defaultdict[str, list[UniqueKey]] = defaultdict(list)
    for (table, index, origin, partial), terms in grouped.items():
        columns = tuple(column for column, _ in terms if column is not None)
        has_expression = any(number == -2 for _, number in terms)
        if has_expression:
            columns = (*columns, *_mentioned(texts.get(index, ""), database, table))
        is_loose = bool(partial) or has_expression
        keys[table].append(UniqueKey(columns, origin == "pk", is_loose))
    return keys


def _mentioned(sql: str, database: RowsDatabase, table: str) -> list[str]:
    quoted = table.replace("'", "''")
    names = [row[0] for row in database.query(f"SELECT name FROM pragma_table_info('{quoted}')")]
    body = sql.partition("(")[2]
    return [name for name in names if re.search(rf"(?i)\b{re.escape(name)}\b", body)]


def _references(database: RowsDatabase) -> defaultdict[str, list[Reference]]:
    grouped: dict[tuple[str, int, str], list[Sequence[Any]]] = {}
    for table, number, target, column, target_column in database.query(_REFERENCES):
        grouped.setdefault((table, number, target), []).append((column, target_column))
    references: defaultdict[str, list[Reference]] = defaultdict(list)
    for (table, _, target), pairs in grouped.items():
        columns = tuple(column for column, _ in pairs)
        targets = tuple(name for _, name in pairs if name is not None)
        references[table].append(Reference(columns, TableName("", target), targets, True))
    return references


def _with_targets(table: RowTable, tables: Tables) -> RowTable:
    """Return a table whose references name the tables and columns as these spell themselves."""
    folded = {name.name.lower(): name for name in tables}
    references = []
    for reference in table.references:
        target = tables.get(folded.get(reference.table.name.lower(), reference.table))
        if target is None:
            missing = f"it references the table {reference.table}, which is not there"
            return RowTable(table.name, table.columns, obstacle=missing)
        targets = reference.targets or target.primary_key
        names = {column.name.lower(): column.name for column in target.columns}
        targets = tuple(names.get(name.lower(), name) for name in targets)
        own = {column.name.lower(): column.name for column in table.columns}
        columns = tuple(own.get(name.lower(), name) for name in reference.columns)
        references.append(Reference(columns, target.name, targets, reference.is_deferrable))
    return replace(table, references=tuple(dict.fromkeys(references)))


def _conditions(sql: str, names: Sequence[str]) -> list[Condition]:
    """Return the CHECKs in the text of a table."""
    if "check" not in sql.lower():
        return []
    spellings = {fold(name): name for name in names}
    reader = Reader(tokenize(sql))
    conditions = []
    while reader:
        if not reader.next().is_word("CHECK") or not reader.sees("("):
            continue
        tokens = reader.group()
        folded = dict.fromkeys(fold(token.name) for token in tokens if token.kind != "string")
        columns = tuple(spellings[name] for name in folded if name in spellings)
        conditions.append(Condition(sql[tokens[0].start : tokens[-1].end], columns))
    return conditions
