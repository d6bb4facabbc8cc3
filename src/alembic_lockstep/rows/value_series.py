"""Values by type and length: usual ones, and those at the edges of what the type takes.

The values are the same in every run. Those of a column hold its name or position, so that equal
values in two columns mean that one was copied to the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alembic_lockstep.rows.described_tables import RowColumn, ValueType
from alembic_lockstep.rows.value_samples import (
    COUNT,
    MYSQL_SHAPES,
    SAMPLES,
    Expression,
    Value,
)

#: Characters of the longest string, where the type allows as many, and where it has no limit.
LONGEST, LONG = 4096, 300


#: Integers that the next smaller types cannot hold, nor floats of their size exactly. Not the
#: greatest: `position + 1` and `price * 100` in a migration are no fault of it.
_BOUNDS = (2**53 + 1, 2**24 + 1, 300)


@dataclass(frozen=True)
class Series:
    """Values of a column.

    Attributes:
        usual: Different ones, in ascending order.
        edges: The longest, the least and the like.
        labels: All values there are, of an enum or a boolean; else none.
    """

    usual: tuple[Value, ...]
    edges: tuple[Value, ...] = ()
    labels: tuple[Value, ...] = ()

    @property
    def all(self) -> tuple[Value, ...]:
        """Return every value once."""
        return tuple(dict.fromkeys((*self.labels, *self.usual, *self.edges)))


def series(column: RowColumn, dialect: str) -> Series:
    """Return the values of a column."""
    return _series(column.type, column.name, column.position, dialect)


def _series(kind: ValueType, name: str, position: int, dialect: str) -> Series:
    if kind.kind == "boolean":
        no, yes = ("false", "true") if dialect == "postgresql" else (0, 1)
        return Series((), labels=(yes, no))
    if kind.kind == "enum":
        return Series((), labels=kind.labels)
    if kind.kind == "set":
        return Series((), ("",), (*kind.labels, ",".join(kind.labels)))
    if kind.kind == "bits" and dialect == "mysql":
        return _mysql_bits(kind.length or 1)
    if kind.element or kind.fields:
        return _compound(kind, name, position, dialect)
    if kind.kind in MYSQL_SHAPES and dialect == "mysql":
        return Series(MYSQL_SHAPES[kind.kind])
    maker = _MAKERS.get(kind.kind)
    if maker:
        return maker(kind, name, position)
    samples = SAMPLES.get(kind.kind)
    return Series(samples) if samples else _text(kind, name, position)


def text_of(length: int | None, name: str, number: int) -> str:
    """Return a short text of at most that length; those of different numbers differ."""
    digits = str(number)
    if length is None or length >= len(name) + 1 + len(digits):
        return f"{name} {digits}"
    if length > len(digits):
        return f"{name[: length - len(digits)].strip() or 'x'}{digits}"
    return "abcdefghijklmnopqrstuvwxyz"[number % 26][:length]


def long_text(length: int, name: str, number: int) -> str:
    """Return a text of exactly that length."""
    text = f"{name} {number} " + "abcdefghij" * (length // 10 + 1)
    return text[: length - 1].ljust(max(length - 1, 0), "-") + "z" if length else ""


def _text(kind: ValueType, name: str, position: int) -> Series:
    length = kind.length
    if length in (32, 36):
        usual = [uuid_text(position, number) for number in range(COUNT)]
        # Programs may read nothing else there.
        return Series(tuple(text.replace("-", "") if length == 32 else text for text in usual))
    usual = [text_of(length, name, number) for number in range(1, COUNT + 1)]
    longest = LONG if length is None else min(length, LONGEST)
    return Series(tuple(dict.fromkeys(usual)), (long_text(longest, name, 1), ""))


def uuid_text(position: int, number: int) -> str:
    """Return a UUID of version 4."""
    return f"a{position % 4096:07x}-0000-4000-8000-{number + 1:012x}"


def _uuid(_: ValueType, __: str, position: int) -> Series:
    edges = ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff")
    return Series(tuple(uuid_text(position, number) for number in range(COUNT)), edges)


def _integer(kind: ValueType, _: str, position: int) -> Series:
    start = 1 if kind.high < 1000 else 1 + 20 * position
    usual = tuple(range(start, start + COUNT))
    high = next((bound for bound in _BOUNDS if bound <= kind.high // 100), 100)
    return Series(usual, (high, -high, 0) if kind.low else (high, 0))


def _decimal(kind: ValueType, _: str, position: int) -> Series:
    if kind.precision is None:
        edges: tuple[Value, ...] = ("12345678901234567890.123456789", "-0.000000001", "0")
        return Series(tuple(f"{position}{number}.5" for number in range(1, COUNT)), edges)
    scale = kind.scale or 0
    whole = kind.precision - scale
    digits = "1234567890" * (kind.precision // 10 + 1)
    highest = digits[: max(whole, 0)] or "0"
    if scale > 0:
        highest += "." + digits[max(whole, 0) : kind.precision].rjust(scale, "0")
    else:
        highest += "0" * -scale
    fraction = f".{'5' * min(scale, 2)}" if scale > 0 else ""
    numbers = range(1, 10 if whole < 2 else COUNT + 1)
    prefix = str(position % 9 + 1) if whole >= 3 else ""
    usual = [f"{prefix}{number}{fraction}" if whole > 0 else fraction for number in numbers]
    return Series(tuple(dict.fromkeys(usual)), (highest, f"-{highest}", "0"))


def _float(_: ValueType, __: str, position: int) -> Series:
    usual = tuple(f"{position * 20 + number}.5" for number in range(1, COUNT))
    return Series(usual, ("-123456.75", "0", "16777216"))


def _date(_: ValueType, __: str, position: int) -> Series:
    first = datetime(2001, 1, 1 + position % 27)
    days = [first + timedelta(days=31 * number) for number in range(COUNT)]
    return Series(tuple(f"{day:%Y-%m-%d}" for day in days), ("2099-12-31", "1970-01-02"))


def _timestamp(kind: ValueType, _: str, position: int) -> Series:
    digits = 6 if kind.precision is None else kind.precision
    fraction = f".{'123456'[:digits]}" if digits else ""
    first = datetime(2001, 1, 1 + position % 27, 12, 34, 56)
    times = [first + timedelta(days=31 * number) for number in range(COUNT)]
    # MySQL's TIMESTAMP ends in 2038.
    last = "2038-01-18" if kind.length == 4 else "2099-12-31"
    edges = (f"{last} 23:59:59{fraction}", "1970-01-02 00:00:00")
    return Series(tuple(f"{time:%Y-%m-%d %H:%M:%S}{fraction}" for time in times), edges)


def _time(kind: ValueType, _: str, position: int) -> Series:
    digits = 6 if kind.precision is None else kind.precision
    fraction = f".{'123456'[:digits]}" if digits else ""
    usual = tuple(f"{hour + 8:02}:{position % 60:02}:56{fraction}" for hour in range(COUNT))
    return Series(usual, (f"23:59:59{fraction}", "00:00:00"))


def _bytes(kind: ValueType, name: str, _: int) -> Series:
    length = 16 if kind.length is None else kind.length
    usual = tuple(text_of(kind.length, name, number).encode() for number in range(1, COUNT))
    longest = (bytes(range(256)) * (min(length, LONGEST) // 256 + 1))[::-1][:length]
    return Series(tuple(dict.fromkeys(usual)), (longest, b""))


def _json(_: ValueType, name: str, __: int) -> Series:
    usual = [json.dumps({name: number, "list": [1, None]}) for number in range(1, COUNT)]
    return Series(tuple(usual), ("{}",))


def _bits(kind: ValueType, _: str, __: int) -> Series:
    length = kind.length or 8
    usual = [f"{number:0{length}b}"[-length:] for number in range(1, COUNT)]
    return Series(tuple(dict.fromkeys(usual)), ("1" * length, "0" * length))


def _mysql_bits(length: int) -> Series:
    own = _bits(ValueType("bits", "", length=length), "", 0)
    return Series(
        tuple(Expression(f"b'{value!s}'") for value in own.usual),
        tuple(Expression(f"b'{value!s}'") for value in own.edges),
    )


def _vector(kind: ValueType, _: str, __: int) -> Series:
    length = min(kind.length or 3, LONGEST)
    vectors = [[number, *[0] * (length - 1)] for number in range(1, COUNT)]
    return Series(tuple(json.dumps(vector) for vector in vectors))


def _compound(kind: ValueType, name: str, position: int, dialect: str) -> Series:
    """Return arrays, ranges or composite values of the values of their parts."""
    if kind.fields:
        parts = [_series(field, name, position, dialect).all for field in kind.fields]
        rows = [[part[number % len(part)] for part in parts] for number in range(COUNT)]
        return Series(tuple(dict.fromkeys(f"({','.join(map(_element, row))})" for row in rows)))
    element = kind.element or replace(kind, kind="text")
    inner = _series(element, name, position, dialect)
    values = list(map(_element, inner.usual or inner.all))
    if kind.kind == "array":
        usual = [f"{{{value},{values[0]}}}" for value in values]
        edges = [_element(value) for value in inner.edges[:1]]
        return Series(tuple(usual), (f"{{{','.join([*values, *edges])}}}", "{}", "{NULL}"))
    pairs = zip(values[::2], values[1::2], strict=False)
    ranges = [f"[{low},{high})" for low, high in pairs]
    if kind.kind == "multirange":
        return Series(tuple(f"{{{text}}}" for text in ranges), ("{}",))
    return Series(tuple(ranges), (f"[{values[0]},)", "empty"))


def _element(value: Value) -> str:
    """Return a value as it stands in an array, a range or a composite value."""
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_Maker = Callable[[ValueType, str, int], Series]
_MAKERS: dict[str, _Maker] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "float": _float,
    "date": _date,
    "timestamp": _timestamp,
    "time": _time,
    "bytes": _bytes,
    "json": _json,
    "uuid": _uuid,
    "bits": _bits,
    "vector": _vector,
    "halfvec": _vector,
}
