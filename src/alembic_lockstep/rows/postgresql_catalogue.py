"""Read the tables of a PostgreSQL database from its catalogues."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic_lockstep.rows.described_tables import (
    Condition,
    Reference,
    RowColumn,
    RowTable,
    TableName,
    Tables,
    UniqueKey,
)
from alembic_lockstep.rows.postgresql_types import PostgreSQLTypes
from alembic_lockstep.rows.rows_database import RowsDatabase

#: Tables of the project: not the server's, not an extension's, not those of a session.
_OWN = """
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e'
        AND d.classid = 'pg_class'::regclass AND d.objid = c.oid)
"""
_TABLES = f"""
    SELECT c.oid, CASE WHEN n.nspname = current_schema() THEN '' ELSE n.nspname END,
        c.relname, c.relkind::text, EXISTS (SELECT FROM pg_trigger g
            WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgtype & 16 <> 0), i.inhparent,
        CASE WHEN c.relispartition AND c.relkind = 'r'
            THEN pg_get_partition_constraintdef(c.oid) END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
    WHERE c.oid IN ({_OWN}) ORDER BY n.nspname, c.relname
"""
_COLUMNS = """
    SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
        a.attidentity <> '', {generated}, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute a
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN ({own})
    ORDER BY a.attrelid, a.attnum
"""
_CONSTRAINTS = f"""
    SELECT conrelid, contype::text, conkey, confrelid, confkey, condeferrable,
        CASE WHEN contype = 'c' THEN pg_get_expr(conbin, conrelid) END
    FROM pg_constraint WHERE conrelid IN ({_OWN}) AND contype IN ('c', 'f', 'x')
    ORDER BY conrelid, conname
"""
_INDEXES = """
    SELECT indrelid, indkey::int2[], {keys}, indisprimary, indpred IS NOT NULL,
        pg_get_expr(indexprs, indrelid), {nulls}
    FROM pg_index WHERE indisunique AND indislive AND indrelid IN ({own})
    ORDER BY indrelid, indisprimary DESC, indexrelid
"""
_LITERAL = re.compile(r"'(?:[^']|'')*'")


@dataclass
class _Parts:
    """What is read of one table."""

    name: TableName
    has_triggers: bool
    parent: int | None
    bound: str | None
    columns: dict[int, RowColumn] = field(default_factory=dict)
    keys: list[UniqueKey] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)

    def names(self, numbers: Sequence[int] | None) -> tuple[str, ...]:
        return tuple(self.columns[n].name for n in numbers or () if n in self.columns)


def read_postgresql_tables(database: RowsDatabase) -> Tables:
    """Return all tables of the project; partitions are parts of their table."""
    ((number,),) = database.query("SELECT current_setting('server_version_num')::int / 10000")
    version = int(number)
    parts: dict[int, _Parts] = {}
    partitioned: dict[int, bool] = {}
    for oid, schema, name, relkind, *facts in database.query(_TABLES):
        parts[oid] = _Parts(TableName(schema, name), *facts)
        partitioned[oid] = relkind == "p"
    types = PostgreSQLTypes(database, version)
    _read_columns(database, version, types, parts)
    _read_constraints(database, parts)
    _read_unique_indexes(database, version, parts)
    leaves = _leaves(parts)
    tables = {}
    for oid, part in parts.items():
        if part.parent not in parts:
            tables[part.name] = _table(part, partitioned[oid], leaves[oid])
    return tables


def _read_columns(
    database: RowsDatabase, version: int, types: PostgreSQLTypes, parts: dict[int, _Parts]
) -> None:
    generated = "a.attgenerated <> ''" if version >= 12 else "false"
    rows = database.query(_COLUMNS.format(generated=generated, own=_OWN))
    for oid, number, name, type_oid, modifier, not_null, identity, computed, default in rows:
        part = parts[oid]
        checks, is_strict = types.domain(type_oid)
        part.columns[number] = RowColumn(
            name,
            types.type(type_oid, modifier),
            is_nullable=not (not_null or is_strict),
            default="" if computed else default or "",
            is_counted=identity or (default or "").startswith("nextval("),
            is_computed=computed,
            position=len(part.columns),
        )
        for check in checks:
            part.conditions.append(Condition(_of_column(check, name), (name,)))


def _of_column(check: str, name: str) -> str:
    """Return a domain's condition with a column in the place of VALUE."""
    quoted = '"{}"'.format(name.replace('"', '""'))
    pieces = re.split(f"({_LITERAL.pattern})", check)
    return "".join(
        piece if piece[:1] == "'" else re.sub(r"\bVALUE\b", lambda _: quoted, piece)
        for piece in pieces
    )


def _read_constraints(database: RowsDatabase, parts: dict[int, _Parts]) -> None:
    rows = database.query(_CONSTRAINTS)
    for oid, kind, numbers, target, target_numbers, is_deferrable, check in rows:
        part = parts[oid]
        columns = part.names(numbers)
        if kind == "c":
            part.conditions.append(Condition(check, columns))
        elif kind == "x":
            part.keys.append(UniqueKey(columns, is_loose=True))
        elif target in parts:
            targets = parts[target].names(target_numbers)
            name = parts[_root(parts, target)].name
            part.references.append(Reference(columns, name, targets, is_deferrable))


def _read_unique_indexes(database: RowsDatabase, version: int, parts: dict[int, _Parts]) -> None:
    nulls = "indnullsnotdistinct" if version >= 15 else "false"
    keys = "indnkeyatts" if version >= 11 else "indnatts"
    sql = _INDEXES.format(nulls=nulls, keys=keys, own=_OWN)
    for oid, numbers, count, is_primary, is_partial, expressions, counts_nulls in database.query(
        sql
    ):
        part = parts[oid]
        columns = (*part.names(numbers[:count]), *_mentioned(expressions or "", part))
        is_loose = is_partial or bool(expressions)
        part.keys.append(UniqueKey(columns, is_primary, is_loose, counts_nulls))


def _mentioned(expressions: str, part: _Parts) -> list[str]:
    names = [column.name for column in part.columns.values()]
    return [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", expressions)]


def _root(parts: dict[int, _Parts], oid: int) -> int:
    parent = parts[oid].parent
    return oid if parent is None or parent not in parts else _root(parts, parent)


def _leaves(parts: dict[int, _Parts]) -> defaultdict[int, list[_Parts]]:
    """Return the partitions of each table, those of all levels."""
    leaves: defaultdict[int, list[_Parts]] = defaultdict(list)
    for oid in parts:
        root = _root(parts, oid)
        if root != oid:
            leaves[root].append(parts[oid])
    return leaves


def _table(part: _Parts, is_partitioned: bool, partitions: list[_Parts]) -> RowTable:
    bounds = [partition.bound for partition in partitions if partition.bound]
    is_open = any(partition.bound == "" for partition in partitions)
    conditions = [*part.conditions]
    if bounds and not is_open:
        sql = " OR ".join(f"({bound})" for bound in bounds)
        names = [column.name for column in part.columns.values()]
        conditions.append(Condition(sql, tuple(name for name in names if name in sql)))
    return RowTable(
        part.name,
        tuple(part.columns.values()),
        tuple(part.keys),
        tuple(_distinct(part.references)),
        tuple(_distinct(conditions)),
        tuple(partition.name for partition in partitions),
        part.has_triggers,
        "it has no partition" if is_partitioned and not partitions else "",
    )


def _distinct(values: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
