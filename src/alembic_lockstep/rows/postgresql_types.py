"""Read PostgreSQL's types: domains, enums, arrays, ranges and composite types in their parts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from alembic_lockstep.rows.described_tables import ValueType
from alembic_lockstep.rows.rows_database import RowsDatabase

_TYPES = """
    SELECT t.oid, t.typname, t.typtype::text, t.typcategory::text, t.typelem, t.typbasetype,
        t.typtypmod, t.typrelid, format_type(t.oid, NULL), t.typnotnull,
        (SELECT r.rngsubtype FROM pg_range r WHERE {range})
    FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typrelid = 0 OR c.relkind = 'c'
"""
_LABELS = "SELECT enumtypid, enumlabel FROM pg_enum ORDER BY enumtypid, enumsortorder"
_FIELDS = """
    SELECT attrelid, atttypid, atttypmod FROM pg_attribute
    WHERE attnum > 0 AND NOT attisdropped
    AND attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c') ORDER BY attrelid, attnum
"""
_DOMAIN_CHECKS = """
    SELECT contypid, pg_get_expr(conbin, 0) FROM pg_constraint
    WHERE contypid <> 0 AND contype = 'c' ORDER BY conname
"""

_KINDS = {
    "bool": "boolean",
    "numeric": "decimal",
    "float4": "float",
    "float8": "float",
    "text": "text",
    "varchar": "text",
    "bpchar": "text",
    "name": "text",
    "citext": "text",
    "bytea": "bytes",
    "date": "date",
    "time": "time",
    "timetz": "time",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
    "json": "json",
    "jsonb": "json",
    "bit": "bits",
    "varbit": "bits",
    "cidr": "cidr",
}
_BYTES_OF_INTEGERS = {"int2": 2, "int4": 4, "int8": 8, "oid": 4}
_BIT_LENGTH_OF_NAME = 63


@dataclass(frozen=True)
class _TypeRow:
    """Row of pg_type."""

    name: str
    group: str
    category: str
    element: int
    base: int
    modifier: int
    relation: int
    spelling: str
    is_not_null: bool
    subtype: int | None


class PostgreSQLTypes:
    """The types of one database."""

    def __init__(self, database: RowsDatabase, version: int) -> None:
        ranges = "t.oid IN (r.rngtypid, r.rngmultitypid)" if version >= 14 else "t.oid = r.rngtypid"
        rows = database.query(_TYPES.format(range=ranges))
        self._entries = {oid: _TypeRow(*facts) for oid, *facts in rows}
        self._labels: defaultdict[int, list[str]] = defaultdict(list)
        for oid, label in database.query(_LABELS):
            self._labels[oid].append(label)
        self._fields: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for relation, oid, modifier in database.query(_FIELDS):
            self._fields[relation].append((oid, modifier))
        self._checks: defaultdict[int, list[str]] = defaultdict(list)
        for oid, check in database.query(_DOMAIN_CHECKS):
            self._checks[oid].append(check)

    def domain(self, oid: int) -> tuple[list[str], bool]:
        """Return the conditions of a domain on its VALUE, and whether it is NOT NULL."""
        checks, is_not_null = [], False
        while oid in self._entries and self._entries[oid].group == "d":
            checks += self._checks[oid]
            is_not_null = is_not_null or self._entries[oid].is_not_null
            oid = self._entries[oid].base
        return checks, is_not_null

    def type(self, oid: int, modifier: int) -> ValueType:
        """Return the type of an OID and a modifier (-1: none); a domain's is that of its base."""
        entry = self._entries.get(oid)
        if entry is None:
            return ValueType("unknown", "text")
        if entry.group == "d":
            return self.type(entry.base, entry.modifier if modifier < 0 else modifier)
        if entry.group == "e":
            return ValueType("enum", entry.spelling, labels=tuple(self._labels[oid]))
        if entry.group in "rm" and entry.subtype is not None:
            kind = "range" if entry.group == "r" else "multirange"
            return ValueType(kind, entry.spelling, element=self.type(entry.subtype, -1))
        if entry.category == "A" and entry.element:
            element = self.type(entry.element, modifier)
            return ValueType("array", f"{element.spelling}[]", element=element)
        if entry.group == "c":
            fields = tuple(self.type(*field) for field in self._fields[entry.relation])
            return ValueType("composite", entry.spelling, fields=fields)
        return _modified(entry, modifier)


def _modified(entry: _TypeRow, modifier: int) -> ValueType:
    """Return a base type with the lengths that its modifier holds."""
    name, spelling = entry.name, entry.spelling
    kind = _KINDS.get(name, name)
    size = _BYTES_OF_INTEGERS.get(name)
    if size:
        low, high = (0, 2**32 - 1) if name == "oid" else (-(2 ** (8 * size - 1)), 0)
        return ValueType("integer", spelling, low=low, high=high or -low - 1)
    plain = ValueType(kind, spelling, length=_BIT_LENGTH_OF_NAME if name == "name" else None)
    if modifier < 0:
        return replace(plain, length=1) if name in ("bit", "char") else plain
    if name in ("varchar", "bpchar"):
        spelling = f"{spelling}({modifier - 4})"
        return ValueType(kind, spelling, length=modifier - 4)
    if name == "numeric":
        precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
        scale = scale - 2048 if scale > 1023 else scale  # PostgreSQL 15 knows negative ones
        spelling = f"numeric({precision},{scale})"
        return ValueType(kind, spelling, precision=precision, scale=scale)
    if kind in ("time", "timestamp"):
        return replace(plain, precision=modifier)
    length = modifier if kind == "bits" or name in ("vector", "halfvec", "sparsevec") else None
    return replace(plain, length=length, spelling=f"{spelling}({length})" if length else spelling)
