"""Bring types and defaults of SQLite's columns to a normal form."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Sequence

from .expression import expression
from .sqltext import Token

# Synonyms of types, for Alembic or in the SQL standard.
_SYNONYMS = {
    "INT": "INTEGER",
    "INT2": "SMALLINT",
    "INT4": "INTEGER",
    "INT8": "BIGINT",
    "BOOL": "BOOLEAN",
    "DEC": "NUMERIC",
    "DECIMAL": "NUMERIC",
    "DOUBLE": "DOUBLE PRECISION",
    "CHARACTER": "CHAR",
    "CHARACTER VARYING": "VARCHAR",
    "CHAR VARYING": "VARCHAR",
    "VARYING CHARACTER": "VARCHAR",
    "NATIONAL CHARACTER": "NCHAR",
    "NATIONAL CHAR": "NCHAR",
    "NATIVE CHARACTER": "NCHAR",
    "NATIONAL CHARACTER VARYING": "NVARCHAR",
    "NATIONAL CHAR VARYING": "NVARCHAR",
    "NATIONAL VARCHAR": "NVARCHAR",
    "CHARACTER LARGE OBJECT": "CLOB",
    "BINARY LARGE OBJECT": "BLOB",
}
_NUMBER = re.compile(r"([+-]?)\s*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|0X[0-9A-F]+)\Z", re.ASCII)


def type_name(tokens: Sequence[Token]) -> str:
    """Return the normal form of a type: `VARCHAR(20)`."""
    words = [token.name.upper() for token in tokens]
    opening = words.index("(") if "(" in words else len(words)
    name = " ".join(words[:opening])
    arguments = "".join(words[opening:]).replace(",", ", ")
    return _SYNONYMS.get(name, name) + arguments


def default(tokens: Sequence[Token], declared: str) -> str:
    """Return the normal form of a column's default; empty for NULL, every column's default.

    SQLite gives a default the column's affinity as it does with any value: in a column of numbers
    `'1'` is 1, and in one of texts 1 is `'1'`.
    """
    value = expression(tokens)
    if len(tokens) == 1 and tokens[0].kind == "word" and value == tokens[0].text.lower():
        value = f"'{tokens[0].text}'"  # SQLite takes a bare word for a string
    affinity = _affinity(declared)
    quoted = value.startswith("'") and value.endswith("'")
    number = _NUMBER.match(value[1:-1].strip() if quoted else value)
    if number and affinity == "NUMERIC":
        value = _number(number)
    elif number and affinity == "TEXT" and number.group(2).isdigit():
        value = value if quoted else f"'{_number(number)}'"
    return "" if value == "NULL" else value


def _number(match: "re.Match[str]") -> str:
    sign, digits = match.groups()
    value = Decimal(int(digits, 16)) if digits.startswith("0X") else Decimal(digits).normalize()
    return f"-{value:f}" if sign == "-" and value else f"{value:f}"


def _affinity(declared: str) -> str:
    """Return the affinity of a type: NUMERIC, TEXT or none. https://www.sqlite.org/datatype3.html"""
    if "INT" in declared:
        return "NUMERIC"
    if any(word in declared for word in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    return "" if not declared or "BLOB" in declared or declared == "ANY" else "NUMERIC"
