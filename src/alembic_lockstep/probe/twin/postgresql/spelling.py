"""Bring expressions that PostgreSQL itself spells in several ways to a normal form.

The server spells an expression as it was parsed, and parses it again where a column's type is
altered. That leaves casts to a type of the same kind (texts, numbers, times), and brackets around
them. The server's own casts have no length: a cast to `varchar(10)` is the project's, and cuts the
text.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Dict, List, NamedTuple, Optional, Set

_TOKEN = re.compile(
    r"""[eE]?'(?:[^']|'')*'|"(?:[^"]|"")*"|[\w.$]+|::|[-+*/<>=~!@#%^&|`?]+|\s+|.""", re.DOTALL
)
_CAST = r"""::(?P<type>[\w ."]+(?:\([\d, -]+\))?(?:\[\])*)"""
_LITERAL = re.compile(
    rf"""\(*(?P<text>'(?:[^']|'')*'|-?[\d.]+)\)*(?P<casts>(?:{_CAST}\)*)*)""", re.DOTALL
)
_TEXTS = {"text", "varchar", "bpchar", "character", "character varying"}
_TIMES = {"date", "timestamp without time zone", "timestamp with time zone"}
_TIME = re.compile(
    r"'(?P<day>\d{4,}-\d\d-\d\d)(?P<time> \d\d:\d\d:\d\d(?:\.\d+)?)?(?:[+-]\d\d(?::\d\d)*)?'"
)
_NUMBER = re.compile(r"\d+(?:\.\d*)?|'-?\d+(?:\.\d*)?'")
_INTEGERS = {"smallint", "integer", "bigint"}
_WIDEST = {"numeric", "double precision"}
_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_CONNECTIVES = {"AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "WHERE"}
# One transaction's start, under three names.
_NOW = {"CURRENT_TIMESTAMP", "transaction_timestamp()"}


def normal_form(expression: str) -> str:
    """Return an expression without casts that change no value, and without redundant brackets."""
    tokens = _without_casts([token for token in _TOKEN.findall(expression) if not token.isspace()])
    return _joined(_without_brackets(tokens))


def default_form(expression: str, kind: str) -> str:
    """Return the normal form of a column's default; a literal is converted to the column's type."""
    if expression in _NOW:
        return "now()"
    literal = _LITERAL.fullmatch(expression)
    if literal is None:
        return normal_form(expression)
    plain = literal["text"]
    plain = plain[1:-1] if plain.startswith("'") else plain
    casts = [match["type"] for match in re.finditer(_CAST, literal["casts"])]
    if kind.startswith(_NUMBERS):
        number = _number(plain, casts)
        return normal_form(expression) if number is None else number
    if kind == "json" and set(casts) <= {"json", "text", "character varying"}:
        try:
            value = json.dumps(json.loads(plain.replace("''", "'")), ensure_ascii=False)
            return "'" + value.replace("'", "''") + "'::json"
        except ValueError:
            return normal_form(expression)
    if casts == [kind] and kind.startswith("character"):
        return literal["text"]  # the column would cut it likewise
    return normal_form(expression)


def _number(text: str, casts: List[str]) -> Optional[str]:
    """Return a number in normal form; None if one of the casts changes it."""
    try:
        number = Decimal(text)
        if not number.is_finite() or not all(_holds(kind, number) for kind in casts):
            return None
    except InvalidOperation:
        return None
    return f"{number.normalize():f}"


def _holds(kind: str, number: Decimal) -> bool:
    """Return whether a cast to the type leaves the number as it is."""
    name, _, sizes = kind.rstrip(")").partition("(")
    if name in _INTEGERS or name == "real":
        return number == number.to_integral_value()
    if name == "numeric" and sizes:
        _, _, scale = sizes.partition(",")
        return number == round(number, int(scale or 0))
    return name in {"numeric", "double precision", "text", "character varying"}


def _without_casts(tokens: List[str]) -> List[str]:
    plain_tokens: List[str] = []
    divides = bool({"/", "%"}.intersection(tokens))  # the type of an operand changes the result
    position = 0
    while position < len(tokens):
        cast = _cast_at(tokens, position)
        if cast is None or not _is_idle(cast, plain_tokens[-1], divides):
            plain_tokens.append(tokens[position])
            position += 1
        else:
            plain_tokens[-1] = _plain(cast, plain_tokens[-1])
            position = cast.end
    return plain_tokens


class _Cast(NamedTuple):
    """Cast without a length: the type, whether to an array of it, and the position of its end."""

    kind: str
    is_array: bool
    end: int


def _cast_at(tokens: List[str], position: int) -> Optional[_Cast]:
    """Read `::character varying[]`; None where no cast begins, or one to another type."""
    if tokens[position] != "::":
        return None
    for length in (4, 2, 1):
        end = position + 1 + length
        kind = " ".join(tokens[position + 1 : end])
        if kind in _TEXTS or kind in _NUMBERS or kind in _TIMES:
            break
    else:
        return None
    if tokens[end : end + 1] == ["("] and tokens[end + 1].isdigit():
        return None
    is_array = tokens[end : end + 2] == ["[", "]"]
    while tokens[end : end + 2] == ["[", "]"]:
        end += 2
    return _Cast(kind, is_array, end)


def _is_idle(cast: _Cast, operand: str, divides: bool) -> bool:
    """Return whether the cast changes only the choice of operators and functions."""
    if cast.kind in _TEXTS:
        return True
    if cast.is_array:
        return operand == "]" and not divides
    if cast.kind in _TIMES:
        return _TIME.fullmatch(operand) is not None
    if divides:
        return False
    if _NUMBER.fullmatch(operand):
        return _holds(cast.kind, Decimal(operand.strip("'")))
    return cast.kind in _WIDEST and not operand.startswith("'")


def _plain(cast: _Cast, operand: str) -> str:
    """Return a literal as it is without the cast: a number's digits, a day without midnight."""
    if cast.kind in _NUMBERS and _NUMBER.fullmatch(operand):
        return operand.strip("'")
    time = _TIME.fullmatch(operand) if cast.kind in _TIMES else None
    if time is None:
        return operand
    of_day = "" if time["time"] == " 00:00:00" else time["time"] or ""
    return f"'{time['day']}{of_day}'"


def _without_brackets(tokens: List[str]) -> List[str]:
    """Remove brackets around one token or around other brackets; a function's stay."""
    closing = _pairs(tokens)
    idle: Set[int] = set()
    for opening, end in closing.items():
        before = tokens[opening - 1] if opening else ""
        is_call = re.fullmatch(r"""[\w.$]+|".*"|\]""", before) and before not in _CONNECTIVES
        is_doubled = closing.get(opening - 1) == end + 1 and not _is_list(tokens[opening + 1 : end])
        if is_doubled or (end == opening + 2 and not is_call):
            idle.update((opening, end))
    if not idle:
        return tokens
    return _without_brackets(
        [token for position, token in enumerate(tokens) if position not in idle]
    )


def _is_list(tokens: List[str]) -> bool:
    """Return whether there is a comma that is in no further brackets."""
    depth = 0
    for text in tokens:
        depth += (text in ("(", "[")) - (text in (")", "]"))
        if text == "," and not depth:
            return True
    return False


def _pairs(tokens: List[str]) -> Dict[int, int]:
    pairs: Dict[int, int] = {}
    opened: List[int] = []
    for position, text in enumerate(tokens):
        if text == "(":
            opened.append(position)
        elif text == ")" and opened:
            pairs[opened.pop()] = position
    return pairs


def _joined(tokens: List[str]) -> str:
    text = " ".join(tokens)
    text = re.sub(r" ?(::|\[) ?", r"\1", text)
    return re.sub(r"\( | (?=[),\]])|(?<=\w) (?=\()", lambda match: match[0].strip(), text)
