"""Tell whether a value is still the same after its column has got another type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from alembic_lockstep.rows.content import ReadColumn, Value

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(\.\d+)?)?(?:Z|[+-]00(?::?00)?| UTC)?")
_TRUE, _FALSE = {"t", "true", "1", "yes", "y", "on"}, {"f", "false", "0", "no", "n", "off"}
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.I)
_NUMERIC = {"integer", "decimal", "float", "money", "year"}
_JSON = {"json", "array"}


def survives(before: Value, after: Value, old: ReadColumn, new: ReadColumn) -> bool:
    """Return whether a value means the same in the old and the new column.

    A NULL that was filled is no loss.
    """
    if before is None or before == after:
        return True
    if after is None:
        return False
    if old.spelling == new.spelling and old.kind not in ("json", "float"):
        return False
    return not forms(before, old, new).isdisjoint(forms(after, new, old))


def is_cut(before: Value, after: Value) -> bool:
    """Return whether a value lost its end: of a text, of a number's digits, of a time."""
    if before is None or after is None:
        return False
    text = before.rstrip()
    if len(after.rstrip()) < len(text) and text.startswith(after.rstrip()):
        return True
    numbers = _number(before), _number(after)
    if numbers[0] is not None and numbers[1] is not None:
        return numbers[0] != numbers[0].to_integral_value() and abs(numbers[0] - numbers[1]) < 1
    times = _time(before), _time(after)
    if times[0] and times[1]:
        return abs(times[0] - times[1]) <= timedelta(days=1)
    return False


def forms(value: str, own: ReadColumn, other: ReadColumn) -> set[object]:
    """Return all that a value of a column can be taken for; `other` is what it turned into."""
    return set(_forms(value, own, {own.kind, other.kind}))


def _forms(value: str, own: ReadColumn, kinds: set[str]) -> Iterator[object]:
    yield value.rstrip()
    yield value.strip().casefold()
    number = _number(value.strip("$").replace(",", "") if own.kind == "money" else value)
    if number is not None:
        yield number.normalize() if number else Decimal(0)
        if "float" in kinds:
            yield float(f"{number:.6g}")
    if "boolean" in kinds:
        word = value.strip().casefold()
        if word in _TRUE | _FALSE:
            yield ("boolean", word in _TRUE)
        elif number is not None:
            yield ("boolean", bool(number))
    time = _time(value)
    if time:
        yield time
    if _UUID.fullmatch(value):
        yield value.replace("-", "").casefold()
    if value.startswith("\\x"):
        yield from _decoded(value)
    if kinds & _JSON:
        yield from _parsed(value, own)
    if "bits" in kinds and re.fullmatch("[01]+", value):
        yield Decimal(int(value, 2))


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _time(text: str) -> datetime | None:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    day, time, fraction = match.groups()
    digits = (fraction or ".0")[1:7].ljust(6, "0")
    try:
        return datetime.fromisoformat(f"{day} {time or '00:00:00'}.{digits}")
    except ValueError:
        return None


def _decoded(text: str) -> Iterator[object]:
    try:
        data = bytes.fromhex(text[2:])
    except ValueError:
        return
    yield data.hex()
    yield Decimal(int.from_bytes(data, "big"))
    try:
        yield data.decode().rstrip("\0").rstrip()
    except UnicodeDecodeError:
        return


def _parsed(text: str, own: ReadColumn) -> Iterator[object]:
    """Yield JSON in its shortest spelling, arrays as JSON, and the single element of a list."""
    try:
        value = json.loads(text)
    except ValueError:
        value = _array(text) if own.kind == "array" else text
    yield json.dumps(value, sort_keys=True)
    yield from (json.dumps([value], sort_keys=True), json.dumps(str(value)))
    if isinstance(value, list):
        yield json.dumps([str(item) for item in value])
        if len(value) == 1:
            yield str(value[0])
    elif isinstance(value, (str, int)):
        yield json.dumps([str(value)])


def _array(text: str) -> object:
    """Return the elements of a flat PostgreSQL array, or the text."""
    if not re.fullmatch(r"(?s)\{.*\}", text):
        return text
    pairs = re.findall(r'"((?:[^"\\]|\\.)*)"|([^",{}]+)', text)
    return [re.sub(r"\\(.)", r"\1", quoted) or bare for quoted, bare in pairs]
