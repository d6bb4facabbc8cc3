"""Bring names, expressions and options of MySQL and MariaDB to a normal form."""

from __future__ import annotations

import re
from typing import Dict, List, Tuple

_NOW = re.compile(r"(?i)(?:now|current_timestamp|localtime|localtimestamp)(?:\((\d*)\))?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_LITERAL = re.compile(r"(?s)(?:_\w+)?('(?:[^'\\]|\\.|'')*')")
_BARE = re.compile(r"(?:tiny|small|medium|big)?int|decimal|float|double|year|bit")
_OPTION = re.compile(r"`?(\w+)`?=('(?:[^']|'')*'|\S+)")


def quoted(name: str) -> str:
    """Return a name as it is written in SQL."""
    return f"`{name.replace('`', '``')}`"


def listed(names: Tuple[str, ...]) -> str:
    """Return names in brackets."""
    return f"({', '.join(map(quoted, names))})"


def literal(text: str) -> str:
    """Return a string literal of SQL."""
    doubled = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def names_in(text: str) -> List[str]:
    """Return the quoted names in an expression."""
    return [name.replace("``", "`") for name in re.findall(r"`((?:[^`]|``)+)`", text)]


def expression(text: str, database: str, is_mariadb: bool) -> str:
    """Return an expression without the name of its database, which differs in each database.

    MySQL stores it with its quotes escaped, as within a string.
    """
    if not is_mariadb:
        text = text.replace("\\'", "'")
    return text.replace(f"{quoted(database)}.", "")


def mysql_default(text: str, data_type: str, extra: str) -> str:
    """Return a column's default as it is written in SQL, from MySQL's text without quotes.

    `DEFAULT_GENERATED` in the column's EXTRA marks an expression.
    """
    if "DEFAULT_GENERATED" not in extra:
        return text if _BARE.match(data_type) else literal(text)
    now = _NOW.fullmatch(text)
    if now:
        return f"CURRENT_TIMESTAMP({now[1]})" if now[1] else "CURRENT_TIMESTAMP"
    plain = _LITERAL.fullmatch(text)
    if plain or _NUMBER.fullmatch(text):
        return plain[1] if plain else text
    return f"({text})"


def create_options(text: str) -> Dict[str, str]:
    """Return the options at the end of CREATE TABLE: `ROW_FORMAT=COMPRESSED` and the like."""
    return {name.lower(): value for name, value in _OPTION.findall(text)}


def partitions(rows: List[Dict[str, str]]) -> str:
    """Return the text after PARTITION BY, from a table's rows in PARTITIONS."""
    first = rows[0]
    if not first["PARTITION_METHOD"]:
        return ""
    text = f"{first['PARTITION_METHOD']} ({first['PARTITION_EXPRESSION']})"
    by_name = {row["PARTITION_NAME"]: row["PARTITION_DESCRIPTION"] for row in rows}
    within = first["SUBPARTITION_METHOD"]
    if within:
        count = len(rows) // len(by_name)
        expression = first["SUBPARTITION_EXPRESSION"]
        text += f" SUBPARTITION BY {within} ({expression}) SUBPARTITIONS {count}"
    if not first["PARTITION_DESCRIPTION"]:
        return f"{text} PARTITIONS {len(by_name)}"
    words = "LESS THAN" if first["PARTITION_METHOD"].startswith("RANGE") else "IN"
    values = (f"PARTITION {quoted(k)} VALUES {words} ({v})" for k, v in by_name.items())
    return f"{text} ({', '.join(values)})"


def column_definition(facts: Dict[str, str]) -> str:
    """Return a column's definition as in CREATE TABLE."""
    words = [facts["type"]]
    if facts["collation"]:
        words.append(f"COLLATE {facts['collation']}")
    if facts["computed"]:
        words.append(f"GENERATED ALWAYS AS {facts['computed']}")
    if facts["nullable"] == "no":
        words.append("NOT NULL")
    elif facts["type"].startswith("timestamp"):
        words.append("NULL")
    if facts["default"]:
        words.append(f"DEFAULT {facts['default']}")
    if facts["on_update"]:
        words.append(f"ON UPDATE {facts['on_update']}")
    if facts["autoincrement"]:
        words.append("AUTO_INCREMENT")
    if facts["invisible"]:
        words.append("INVISIBLE")
    if facts["comment"]:
        words.append(f"COMMENT {literal(facts['comment'])}")
    return " ".join(words)
