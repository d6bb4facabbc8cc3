"""Read the tables of a MySQL or MariaDB database from its information schema."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

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
from alembic_lockstep.rows.mysql_row_types import mysql_type
from alembic_lockstep.rows.rows_database import RowsDatabase, StatementError

_SCHEMA = "information_schema"
_TABLES = f"""
    SELECT table_name FROM {_SCHEMA}.tables WHERE table_schema = DATABASE()
    AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY table_name
"""
_COLUMNS = f"""
    SELECT table_name, column_name, column_type, is_nullable, column_default, extra
    FROM {_SCHEMA}.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position
"""
_KEYS = f"""
    SELECT table_name, index_name, column_name FROM {_SCHEMA}.statistics
    WHERE table_schema = DATABASE() AND non_unique = 0
    ORDER BY table_name, index_name <> 'PRIMARY', index_name, seq_in_index
"""
_REFERENCES = f"""
    SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name
    FROM {_SCHEMA}.key_column_usage
    WHERE table_schema = DATABASE() AND referenced_table_schema = DATABASE()
    ORDER BY table_name, constraint_name, ordinal_position
"""
_MARIADB_CHECKS = f"""
    SELECT table_name, check_clause FROM {_SCHEMA}.check_constraints
    WHERE constraint_schema = DATABASE() ORDER BY table_name, constraint_name
"""
_MYSQL_CHECKS = f"""
    SELECT t.table_name, c.check_clause FROM {_SCHEMA}.check_constraints c
    JOIN {_SCHEMA}.table_constraints t ON t.constraint_schema = c.constraint_schema
        AND t.constraint_name = c.constraint_name
    WHERE c.constraint_schema = DATABASE() AND t.enforced = 'YES'
    ORDER BY t.table_name, c.constraint_name
"""
_PARTITIONS = f"""
    SELECT table_name, partition_method, partition_expression, partition_description
    FROM {_SCHEMA}.partitions WHERE table_schema = DATABASE() AND partition_name IS NOT NULL
    AND COALESCE(subpartition_ordinal_position, 1) = 1
    ORDER BY table_name, partition_ordinal_position
"""
_TRIGGERS = f"""
    SELECT event_object_table FROM {_SCHEMA}.triggers
    WHERE event_object_schema = DATABASE() AND event_manipulation = 'UPDATE'
"""
_JSON = re.compile(r"(?i)json_valid\(`((?:[^`]|``)+)`\)")
_NAME = re.compile(r"`((?:[^`]|``)+)`")


def read_mysql_tables(database: RowsDatabase) -> Tables:
    """Return all tables of the connection's database."""
    conditions = _conditions(database)
    columns = _columns(database, conditions)
    keys, references = _keys(database), _references(database)
    for table, partitioning in _grouped(database.query(_PARTITIONS)).items():
        names = [column.name for column in columns[table]]
        conditions[table] += _partitioning(partitioning, names)
    triggers = {table for (table,) in database.query(_TRIGGERS)}
    return {
        TableName("", table): RowTable(
            TableName("", table),
            tuple(columns[table]),
            tuple(keys[table]),
            tuple(references[table]),
            tuple(conditions[table]),
            has_triggers=table in triggers,
        )
        for (table,) in database.query(_TABLES)
    }


def _grouped(rows: list[Sequence[Any]]) -> defaultdict[str, list[Sequence[Any]]]:
    """Return rows by their first field, without it."""
    groups: defaultdict[str, list[Sequence[Any]]] = defaultdict(list)
    for table, *row in rows:
        groups[table].append(row)
    return groups


def _conditions(database: RowsDatabase) -> defaultdict[str, list[Condition]]:
    rows: list[Sequence[Any]] = []
    for query in (_MARIADB_CHECKS, _MYSQL_CHECKS, f"{_TABLES} LIMIT 0"):
        try:
            rows = database.query(query)
        except StatementError:  # the columns of the other server, or a server that has no CHECK
            continue
        break
    conditions: defaultdict[str, list[Condition]] = defaultdict(list)
    for table, text in rows:
        sql = text.replace("\\'", "'")
        names = dict.fromkeys(name.replace("``", "`") for name in _NAME.findall(sql))
        conditions[table].append(Condition(sql, tuple(names)))
    return conditions


def _columns(
    database: RowsDatabase, conditions: defaultdict[str, list[Condition]]
) -> defaultdict[str, list[RowColumn]]:
    columns: defaultdict[str, list[RowColumn]] = defaultdict(list)
    for table, name, spelling, nullable, default, extra in database.query(_COLUMNS):
        kind = mysql_type(spelling)
        if kind.kind == "text" and name in _json_columns(conditions[table]):
            kind = ValueType("json", "json")  # MariaDB's JSON is a text with a CHECK
        columns[table].append(
            RowColumn(
                name,
                kind,
                nullable == "YES",
                "" if default in (None, "NULL") else str(default),
                is_counted="auto_increment" in extra.lower(),
                is_computed=bool(re.search(r"(?i)\bgenerated\b", extra)),
                is_touched="on update" in extra.lower(),
                position=len(columns[table]),
            )
        )
    return columns


def _json_columns(conditions: Sequence[Condition]) -> set[str]:
    matches = (_JSON.fullmatch(condition.sql) for condition in conditions)
    return {match[1].replace("``", "`") for match in matches if match}


def _keys(database: RowsDatabase) -> defaultdict[str, list[UniqueKey]]:
    keys: defaultdict[str, list[UniqueKey]] = defaultdict(list)
    for table, rows in _grouped(database.query(_KEYS)).items():
        names: defaultdict[str, list[str | None]] = defaultdict(list)
        for index, column in rows:
            names[index].append(column)
        for index, listed in names.items():
            columns = tuple(name for name in listed if name is not None)
            is_loose = None in listed  # an expression
            keys[table].append(UniqueKey(columns, index == "PRIMARY", is_loose))
    return keys


def _references(database: RowsDatabase) -> defaultdict[str, list[Reference]]:
    references: defaultdict[str, list[Reference]] = defaultdict(list)
    for table, rows in _grouped(database.query(_REFERENCES)).items():
        merged: dict[str, Reference] = {}
        for constraint, column, target, target_column in rows:
            reference = merged.get(constraint, Reference((), TableName("", target), ()))
            merged[constraint] = replace(
                reference,
                columns=(*reference.columns, column),
                targets=(*reference.targets, target_column),
            )
        references[table] += dict.fromkeys(merged.values())
    return references


def _partitioning(rows: list[Sequence[Any]], names: Sequence[str]) -> list[Condition]:
    """Return a condition that puts rows into the partitions of a table, as far as it can be."""
    method, expression, _ = rows[0]
    bounds = [str(description) for _, _, description in rows]
    if method is None or expression is None or "HASH" in method or "KEY" in method:
        return []
    columns = tuple(name for name in names if re.search(rf"\b{re.escape(name)}\b", expression))
    if "LIST" in method:
        sql = f"({expression}) IN ({', '.join(bounds)})"
    elif "MAXVALUE" in bounds[-1]:
        return []
    else:
        sql = f"({expression}) < ({bounds[-1]})"
    return [Condition(sql, columns)]
