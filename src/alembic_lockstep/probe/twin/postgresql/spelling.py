"""One form for what PostgreSQL itself spells in several ways.

The server writes an expression down as it was parsed, and parses it anew where a column's type is
altered. What is left of that are casts of texts to texts, and brackets around them.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Dict, List, Set

_TOKEN = re.compile(
    r"""[eE]?'(?:[^']|'')*'|"(?:[^"]|"")*"|[\w.$]+|::|[-+*/<>=~!@#%^&|`?]+|\s+|.""", re.DOTALL
)
_LITERAL = re.compile(r"""\(*(?P<text>'(?:[^']|'')*'|-?[\d.]+)\)*(?:::[\w ]+.*)?""", re.DOTALL)
_TEXTS = {"text", "varchar", "bpchar", "character"}
_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_CONNECTIVES = {"AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "WHERE"}
# One transaction's start, under three names.
_NOW = {"CURRENT_TIMESTAMP", "transaction_timestamp()"}


def normal_form(expression: str) -> str:
    """An expression without casts between kinds of text, and without idle brackets."""
    tokens = _without_casts([one for one in _TOKEN.findall(expression) if not one.isspace()])
    return _joined(_without_brackets(tokens))


def default_form(expression: str, kind: str) -> str:
    """A column's default; a literal is what it is in the column's type."""
    if expression in _NOW:
        return "now()"
    literal = _LITERAL.fullmatch(expression)
    if literal is None:
        return normal_form(expression)
    plain = literal["text"]
    plain = plain[1:-1] if plain.startswith("'") else plain
    if kind.startswith(_NUMBERS):
        try:
            return f"{Decimal(plain).normalize():f}"
        except InvalidOperation:  # 'NaN', 'Infinity'
            return normal_form(expression)
    if kind == "json":
        try:
            value = json.dumps(json.loads(plain.replace("''", "'")), ensure_ascii=False)
            return "'" + value.replace("'", "''") + "'::json"
        except ValueError:
            return normal_form(expression)
    return normal_form(expression)


def _without_casts(tokens: List[str]) -> List[str]:
    kept: List[str] = []
    place = 0
    while place < len(tokens):
        end = _end_of_cast(tokens, place)
        if end == place:
            kept.append(tokens[place])
            end += 1
        place = end
    return kept


def _end_of_cast(tokens: List[str], place: int) -> int:
    """Where `::character varying(10)[]` ends; the place itself where no such cast begins."""
    if tokens[place] != "::" or tokens[place + 1] not in _TEXTS:
        return place
    end = place + 2
    if tokens[end : end + 1] == ["varying"]:
        end += 1
    if tokens[end : end + 1] == ["("] and tokens[end + 1].isdigit():
        end += 3
    while tokens[end : end + 2] == ["[", "]"]:
        end += 2
    return end


def _without_brackets(tokens: List[str]) -> List[str]:
    """Without those around one token, or around others; a function's stay."""
    closing = _pairs(tokens)
    idle: Set[int] = set()
    for opening, end in closing.items():
        before = tokens[opening - 1] if opening else ""
        is_call = re.fullmatch(r"""[\w.$]+|".*"|\]""", before) and before not in _CONNECTIVES
        is_doubled = closing.get(opening - 1) == end + 1 and "," not in tokens[opening:end]
        if is_doubled or (end == opening + 2 and not is_call):
            idle.update((opening, end))
    if not idle:
        return tokens
    return _without_brackets([one for place, one in enumerate(tokens) if place not in idle])


def _pairs(tokens: List[str]) -> Dict[int, int]:
    pairs: Dict[int, int] = {}
    opened: List[int] = []
    for place, one in enumerate(tokens):
        if one == "(":
            opened.append(place)
        elif one == ")" and opened:
            pairs[opened.pop()] = place
    return pairs


def _joined(tokens: List[str]) -> str:
    text = " ".join(tokens)
    text = re.sub(r" ?(::|\[) ?", r"\1", text)
    return re.sub(r"\( | (?=[),\]])|(?<=\w) (?=\()", lambda found: found[0].strip(), text)
