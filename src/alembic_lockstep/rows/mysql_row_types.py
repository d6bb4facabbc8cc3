"""Read the types of MySQL and MariaDB."""

from __future__ import annotations

import re

from alembic_lockstep.rows.described_tables import ValueType

_TYPE = re.compile(r"(?i)(\w+)(?:\((.*)\))?(.*)", re.DOTALL)
_LABEL = re.compile(r"'((?:[^']|'')*)'")
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_KINDS = {
    "char": "text",
    "varchar": "text",
    "tinytext": "text",
    "text": "text",
    "mediumtext": "text",
    "longtext": "text",
    "binary": "bytes",
    "varbinary": "bytes",
    "tinyblob": "bytes",
    "blob": "bytes",
    "mediumblob": "bytes",
    "longblob": "bytes",
    "decimal": "decimal",
    "float": "float",
    "double": "float",
    "bit": "bits",
    "datetime": "timestamp",
}
_LENGTHS = {"tinytext": 255, "tinyblob": 255}


def mysql_type(spelling: str) -> ValueType:
    """Return the type of a COLUMN_TYPE, such as "int(10) unsigned" or "enum('a','b')"."""
    match = _TYPE.fullmatch(spelling.strip())
    name, inner, rest = match.groups() if match else (spelling, None, "")
    name = name.lower()
    if name in ("enum", "set"):
        labels = tuple(label.replace("''", "'") for label in _LABEL.findall(inner or ""))
        return ValueType(name, spelling, labels=labels)
    numbers = [int(number) for number in re.findall(r"\d+", inner or "")]
    if name in _BITS:
        return _integer(spelling, name, numbers, "unsigned" in rest.lower())
    first = numbers[0] if numbers else None
    kind = _KINDS.get(name, name)
    if kind == "decimal":
        scale = numbers[1] if len(numbers) > 1 else 0
        return ValueType(kind, spelling, precision=first or 10, scale=scale)
    if name in ("time", "datetime", "timestamp"):
        return ValueType(kind, spelling, precision=first or 0, length=4 if name[-1] == "p" else 8)
    length = first if first is not None else _LENGTHS.get(name)
    if name == "float" and len(numbers) > 1:
        return ValueType("decimal", spelling, precision=numbers[0], scale=numbers[1])
    return ValueType(kind, spelling, length=length or (1 if name in ("bit", "char") else None))


def _integer(spelling: str, name: str, numbers: list[int], is_unsigned: bool) -> ValueType:
    if name == "tinyint" and numbers[:1] == [1]:
        return ValueType("boolean", spelling)
    bits = _BITS[name]
    low, high = (0, 2**bits - 1) if is_unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return ValueType("integer", spelling, low=low, high=high)
