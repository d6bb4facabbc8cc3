"""Guess values that satisfy conditions from the literals in them; the database judges them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from alembic_lockstep.rows.described_tables import Condition, RowColumn
from alembic_lockstep.rows.value_samples import Value
from alembic_lockstep.rows.value_series import LONGEST, long_text, uuid_text

_STRING = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?!\w)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DAYS_BEFORE_CHRIST = 366  # MySQL counts TO_DAYS from a year 0
#: Texts that patterns often ask for.
_COMMON = (
    *("name1@example.com", "name2@example.com", "https://example.com/1", "https://example.com/2"),
    *("/path/1", "abc1", "abc2", "abc", "ABC", "AB", "ab", "A", "a", "0", "1", "2", "12", "123"),
    *("1234", "00000", "0123456789", "2001-01-01", "12:34", "#a1b2c3", "+4930123456", "en", "de"),
    *("en-US", "EUR", "USD", "a-b-1", "a_b_1", "a.b", "a:b", "1.0", "1.0.0", "v1.2.3", "192.0.2.1"),
    *("{}", "[]", "true", "a" * 40, "0" * 40, "a1" * 32, uuid_text(0, 0), "sha256:" + "a1" * 32),
    *("s3://bucket/key", "file.txt", "image/png", "Europe/Berlin", "$2b$12$" + "a" * 53),
)
_JSON = ("[]", "[1]", '["a"]', '"text"', "1", "true", '{"a": "b"}', '{"type": "a"}', "[{}]")


def literals_for(column: RowColumn, conditions: Iterable[Condition]) -> list[Value]:
    """Return values of a column's type that the conditions' literals suggest, best first."""
    values: list[Value] = []
    for condition in conditions:
        if column.name not in condition.columns:
            continue
        strings = [text.replace("''", "'") for text in _STRING.findall(condition.sql)]
        numbers = _NUMBER.findall(_STRING.sub(" ", condition.sql))
        values += _suggested(column, strings, numbers)
    return list(dict.fromkeys(values))


def spare_values(column: RowColumn) -> list[Value]:
    """Return further values that a condition may ask for."""
    if column.type.kind == "json":
        return list(_JSON)
    if column.type.kind != "text":
        return []
    length = column.type.length
    return [text for text in _COMMON if length is None or len(text) <= length]


def _suggested(column: RowColumn, strings: list[str], numbers: list[str]) -> Iterator[Value]:
    kind = column.type
    if kind.kind in ("text", "citext", "json", "set"):
        yield from _texts(column, strings, numbers)
    elif kind.kind in ("integer", "year"):
        for number in [*numbers, *(text for text in strings if _NUMBER.fullmatch(text))]:
            near = int(float(number))
            values = (near, near + 1, near - 1, -near)
            yield from (n for n in values if kind.kind == "year" or kind.low <= n <= kind.high)
    elif kind.kind in ("decimal", "float"):
        for number in numbers:
            yield number
            yield from (f"{float(number) + step:.2f}".removesuffix(".00") for step in (1, -1, 0.01))
    elif kind.kind in ("date", "timestamp"):
        yield from _days(strings, numbers)
    elif kind.kind == "time":
        yield from strings
    elif kind.kind == "bytes":
        for length in _lengths(numbers):
            yield bytes([length % 255 + 1]) * length
    elif kind.kind not in ("boolean", "enum"):
        yield from strings


def _texts(column: RowColumn, strings: list[str], numbers: list[str]) -> Iterator[Value]:
    limit = column.type.length
    for text in strings:
        forms = [text]
        if "%" in text:
            forms = [text.replace("%", "a").replace("_", "b"), text.replace("%", "")]
        elif "_" in text:
            forms.append(text.replace("_", "b"))
        yield from (form for form in forms if limit is None or len(form) <= limit)
    for length in _lengths(numbers):
        for size in (length, length - 1, length + 1):
            if 0 <= size <= (LONGEST if limit is None else limit):
                yield long_text(size, column.name, 1)
                yield long_text(size, column.name, 2)
    yield from numbers  # MySQL compares texts with numbers


def _lengths(numbers: list[str]) -> list[int]:
    return [int(number) for number in numbers if number.isdigit() and int(number) <= LONGEST]


def _days(strings: list[str], numbers: list[str]) -> Iterator[Value]:
    for text in strings:
        match = _DATE.search(text)
        if match:
            try:
                day = date.fromisoformat(match.group())
            except ValueError:
                continue
            yield day.isoformat()
            yield from ((day + timedelta(days=days)).isoformat() for days in (1, 32, 400, -1))
    for number in map(int, _lengths(numbers)):
        if 1900 <= number <= 2100:
            yield from (f"{year}-01-02" for year in (number, number - 1, number + 1))
    for text in numbers:
        days = int(float(text)) - _DAYS_BEFORE_CHRIST
        if 693_000 < days < 766_000:
            yield (date.fromordinal(days) - timedelta(days=1)).isoformat()
