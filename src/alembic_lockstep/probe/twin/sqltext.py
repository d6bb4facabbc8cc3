"""Split SQL text as SQLite stores it into tokens."""

from __future__ import annotations

import re
from typing import List, NamedTuple, Sequence

_TOKEN = re.compile(
    r"""
    (?P<space> [ \t\n\f\r]+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<string> [xX]?'(?:[^']|'')*' )
    | (?P<quoted> "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] )
    | (?P<number> 0[xX][0-9a-fA-F]+ | (?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)? )
    | (?P<word> [A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]* )
    | (?P<operator> ->> | -> | \|\| | << | >> | <= | >= | <> | != | == | . )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


class Token(NamedTuple):
    """Token; `kind` is word, quoted, string, number or operator."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """Identifier without its quotes."""
        if self.kind not in ("quoted", "string"):
            return self.text
        closing = self.text[-1]
        return self.text[1:-1].replace(closing * 2, closing)

    def is_word(self, *words: str) -> bool:
        """Return whether it is one of these words or operators, unquoted."""
        return self.kind in ("word", "operator") and self.text.upper() in words


def tokenize(sql: str) -> List[Token]:
    """Return the tokens of a statement, without white space and comments."""
    return [
        Token(str(match.lastgroup), match.group(), match.start(), match.end())
        for match in _TOKEN.finditer(sql)
        if match.lastgroup != "space"
    ]


FOREIGN_KEYS_OFF = "PRAGMA foreign_keys = OFF"


def fold(name: str) -> str:
    """Return a name in lower case, of ASCII letters only, as SQLite compares names."""
    return name.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def split(tokens: Sequence[Token]) -> List[List[Token]]:
    """Return the tokens between top-level commas."""
    pieces: List[List[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.is_word("(") - token.is_word(")")
        if depth == 0 and token.is_word(","):
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces


class Reader:
    """Cursor over tokens."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self.at = 0

    def __bool__(self) -> bool:
        return self.at < len(self._tokens)

    def sees(self, *words: str) -> bool:
        """Return whether the next token is one of these words or operators."""
        return bool(self) and self._tokens[self.at].is_word(*words)

    def accept(self, *words: str) -> bool:
        """Go past these words if they are the next ones."""
        following = self._tokens[self.at : self.at + len(words)]
        if [token.text.upper() for token in following if token.kind == "word"] != list(words):
            return False
        self.at += len(words)
        return True

    def next(self) -> Token:
        """Return the next token and go past it."""
        self.at += 1
        return self._tokens[self.at - 1]

    def group(self) -> Sequence[Token]:
        """Return the tokens in the parentheses that open here, and go past them."""
        start, depth = self.at + 1, 0
        while True:
            token = self.next()
            depth += token.is_word("(") - token.is_word(")")
            if depth == 0:
                return self._tokens[start : self.at - 1]

    def rest(self) -> Sequence[Token]:
        """Return all tokens that follow, and go past them."""
        start, self.at = self.at, len(self._tokens)
        return self._tokens[start:]

    def since(self, start: int) -> Sequence[Token]:
        """Return the tokens from that position to the current one."""
        return self._tokens[start : self.at]
