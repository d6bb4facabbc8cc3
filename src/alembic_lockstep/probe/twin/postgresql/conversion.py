"""Conversions of a column's type, for some of which ALTER TYPE needs a USING."""

from __future__ import annotations

import re

_TEXTS = {"text", "character varying", "character", "bpchar"}
_INTEGERS = {"smallint", "integer", "bigint"}
_NUMBERS = {*_INTEGERS, "numeric", "real", "double precision"}
#: The server casts in assignments between all types of one of these.
_FAMILIES = (
    _NUMBERS,
    {*_INTEGERS, "numeric", "money"},
    {"date", "timestamp without time zone", "timestamp with time zone"},
    {"time without time zone", "time with time zone"},
    {"json", "jsonb"},
    {"inet", "cidr"},
    {"bit", "bit varying"},
)
_MODIFIER = re.compile(r"\([\d, ]+\)")


def needs_using(actual: str, expected: str) -> bool:
    """Return whether the server refuses to convert a column by itself, as it does text to JSON."""
    old, new = _MODIFIER.sub("", actual), _MODIFIER.sub("", expected)
    if old.endswith("[]") and new.endswith("[]"):
        return needs_using(old[:-2], new[:-2])
    if old == new or new in _TEXTS or (old.startswith("interval") and new.startswith("interval")):
        return False
    return not any({old, new} <= family for family in _FAMILIES)


def converted(column: str, actual: str, expected: str) -> str:
    """Return the expression of a USING: by the text, as most types have no other way."""
    if actual == "boolean" and _MODIFIER.sub("", expected) in _NUMBERS:
        return f"{column}::integer::{expected}"
    return f"{column}::text::{expected}"
