"""Bring expressions of SQLite to a normal form."""

from __future__ import annotations

import re
from typing import Collection, List, Optional, Sequence, Tuple

from .sqltext import Token, fold

_PLAIN = re.compile(r"[a-z_\x80-\U0010ffff][a-z0-9_$\x80-\U0010ffff]*\Z")

# Binding strength of operators, as in SQLite's grammar.
_OR, _AND, _NOT, _EQUAL, _UNARY, _OPERAND = 1, 2, 3, 4, 12, 99
_BINDING = {"OR": _OR, "AND": _AND, "NOT": _NOT, "ESCAPE": 6, "COLLATE": 11, "~": _UNARY}
_POSTFIX = {"ISNULL": ["IS", "NULL"], "NOTNULL": ["IS", "NOT", "NULL"]}
_TESTS = ("IN", "LIKE", "GLOB", "REGEXP", "MATCH", "BETWEEN")
_BINDING.update(dict.fromkeys((*_TESTS, *_POSTFIX, "IS", "DISTINCT", "FROM", "=", "<>"), _EQUAL))
_BINDING.update(dict.fromkeys(("<", "<=", ">", ">="), 5))
_BINDING.update(dict.fromkeys(("&", "|", "<<", ">>"), 7))
_BINDING.update(dict.fromkeys(("+", "-"), 8))
_BINDING.update(dict.fromkeys(("*", "/", "%"), 9))
_BINDING.update(dict.fromkeys(("||", "->", "->>"), 10))
_BINDING.update(dict.fromkeys((",", "(", "AS", "CASE", "WHEN", "THEN", "ELSE"), 0))
_VALUES = ("NULL", "TRUE", "FALSE", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP")
_KEYWORDS = {*(word for word in _BINDING if word.isalpha()), *_VALUES}
_KEYWORDS |= {"END", "CAST"}
_SPELLINGS = {"==": "=", "!=": "<>"}

Symbol = Tuple[str, int]  # the text, and its binding strength


def identifier(name: str) -> str:
    """Return the normal form of an identifier, quoted where it is ambiguous."""
    folded = fold(name)
    if _PLAIN.match(folded) and folded.upper() not in _KEYWORDS:
        return folded
    return '"{}"'.format(folded.replace('"', '""'))


def expression(tokens: Sequence[Token], table: str = "", columns: Collection[str] = ()) -> str:
    """Return the normal form of an expression, without redundant parentheses.

    Args:
        table: The table of the expression: its name before a column is redundant.
        columns: The folded names of the columns; other words in double quotes are strings.
    """
    return _joined(_flattened(_bound(_symbols(tokens, fold(table), columns))))


def _symbols(tokens: Sequence[Token], table: str, columns: Collection[str]) -> List[str]:
    """Return the tokens in normal form: keywords in capitals, identifiers folded."""
    symbols: List[str] = []
    for at, token in enumerate(tokens):
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        qualified = after is not None and after.is_word(".")
        called = after is not None and after.is_word("(")
        word = token.text.upper()
        if table and qualified and fold(token.name) == table:
            continue
        if token.is_word(".") and (at and fold(tokens[at - 1].name) == table):
            continue
        if token.kind == "quoted":
            is_identifier = (
                qualified or called or fold(token.name) in columns or token.text[0] != '"'
            )
            symbols.append(identifier(token.name) if is_identifier else _string(token.name))
        elif token.kind == "string":
            symbols.append(token.text if token.text[0] == "'" else word)
        elif token.kind == "number":
            symbols.append(word)
        elif token.kind == "operator":
            symbols.append(_SPELLINGS.get(word, word))
        elif word in _POSTFIX:
            symbols += _postfix(word, after)
        elif word == "NULL" and symbols[-1:] == ["NOT"] and _is_operand(symbols[-2:-1]):
            symbols[-1:] = _postfix("NOTNULL", after)
        elif word in ("TRUE", "FALSE") and not _follows_is(symbols):
            symbols.append("1" if word == "TRUE" else "0")
        else:
            symbols.append(word if word in _KEYWORDS else identifier(token.text))
    return symbols


def _string(value: str) -> str:
    return "'{}'".format(value.replace("'", "''"))


def _postfix(word: str, after: Optional[Token]) -> List[str]:
    """Return NOTNULL as IS NOT NULL, unless what follows would be compared with that NULL."""
    tighter = after is not None and _BINDING.get(after.text.upper(), 0) > _EQUAL
    return [word] if tighter else _POSTFIX[word]


def _is_operand(symbols: Sequence[str]) -> bool:
    """Return whether the last of these ends an operand."""
    return bool(symbols) and (symbols[-1] not in _BINDING or symbols[-1] in _POSTFIX)


def _follows_is(symbols: Sequence[str]) -> bool:
    """Return whether TRUE follows IS, where it is a test and 1 is not."""
    end = len(symbols)
    while symbols[end - 1 : end] == ["("]:
        end -= 1
    return symbols[end - 1 : end] == ["IS"] or symbols[max(end - 2, 0) : end] == ["IS", "NOT"]


def _bound(symbols: Sequence[str]) -> List[Symbol]:
    """Return each symbol with its binding strength at its position."""
    bound: List[Symbol] = []
    betweens = [0]  # for each open parenthesis, how many BETWEEN still wait for their AND
    for at, symbol in enumerate(symbols):
        binding = _BINDING.get(symbol, _OPERAND)
        if symbol in ("+", "-") and not _is_operand(symbols[max(at - 1, 0) : at]):
            binding = _UNARY
        elif symbol == "NOT" and (
            symbols[at - 1 : at] == ["IS"]
            or symbols[at + 1 : at + 2] in [[word] for word in _TESTS]
        ):
            binding = _EQUAL
        elif symbol == "BETWEEN":
            betweens[-1] += 1
        elif symbol == "AND" and betweens[-1]:
            betweens[-1] -= 1
            binding = _EQUAL
        if symbol in ("(", "CASE"):
            betweens.append(0)
        elif symbol in (")", "END"):
            betweens.pop()
        bound.append((symbol, binding))
    return bound


def _flattened(symbols: Sequence[Symbol]) -> List[Symbol]:
    """Return the symbols of the top level; a group, a call and a CASE become one operand each."""
    frames: List[List[Symbol]] = [[]]
    for at, (text, binding) in enumerate(symbols):
        if text == "CASE":
            frames.append([(text, 0)])
        elif text == "(":
            frames.append([])
        elif text == "END":
            inner = frames.pop()
            frames[-1].append((f"{_joined(inner)} END", _OPERAND))
        elif text == ")":
            inner, outer = frames.pop(), frames[-1]
            left = outer[-1] if outer else ("", 0)
            right = symbols[at + 1] if at + 1 < len(symbols) else ("", 0)
            if left[1] == _OPERAND:
                outer[-1] = (f"{left[0]}({_joined(inner)})", _OPERAND)
            elif _is_redundant(left, inner, right):
                outer += inner
            else:
                outer.append((f"({_joined(inner)})", _OPERAND))
        else:
            frames[-1].append((text, binding))
    assert len(frames) == 1
    return frames[0]


def _is_redundant(left: Symbol, inner: Sequence[Symbol], right: Symbol) -> bool:
    """Return whether the parentheses around the inner part are redundant."""
    loosest = min((binding for _, binding in inner), default=0)
    after = 0 if right[0] in (")", "END") else right[1]
    if left[0] == "IN" or loosest < after:
        return False
    # AND and OR are associative; of the others only the left operand needs no parentheses.
    return loosest > left[1] or (loosest == left[1] and loosest in (_OR, _AND))


def _joined(symbols: Sequence[Symbol]) -> str:
    text = ""
    for symbol, _ in symbols:
        text += symbol if symbol == "," or not text else f" {symbol}"
    return text
