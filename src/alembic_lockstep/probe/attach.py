"""Make `ATTACH` and `VACUUM INTO`, by which SQLite opens further files, use copies.

The driver's own classes are extended: a connect listener or a migration may go past SQLAlchemy's
cursors. An authorizer of SQLite's could only refuse.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Callable, Dict, Tuple

GAP = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
FILE = r"(?P<file>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\?\d*|[:@$]\w+|[a-z_]\w*)"
BEGIN = rf"(?:{GAP};)*{GAP}"
FLAGS = re.IGNORECASE | re.DOTALL
ATTACH = re.compile(rf"{BEGIN}ATTACH\b{GAP}(?:DATABASE\b{GAP})?{FILE}{GAP}\bAS\b", FLAGS)
# Without the word, which may be left out before a quote.
ATTACHES = re.compile(rf"{BEGIN}ATTACH\b", FLAGS)
VACUUM = re.compile(rf"{BEGIN}VACUUM\b{GAP}(?:\w+{GAP})?\bINTO\b{GAP}{FILE}{GAP};?{GAP}$", FLAGS)
VACUUMS = re.compile(rf"{BEGIN}VACUUM\b.*\bINTO\b", FLAGS)

# From a path in a statement to the path to open; raises for what must not be opened.
Replace = Callable[[str], str]


def guarded(connection: Any, cursor: Any, replace: Replace) -> Any:
    """Return a subclass of a driver's connection class, whose statements open copies."""

    def cursor_class(base: Any) -> Any:
        return _cursor_class(base, replace)

    class Connection(connection):  # type: ignore[misc]
        def cursor(self, factory: Any = None) -> Any:
            return super().cursor(cursor_class(factory or cursor))

        # Which in C make a cursor of the driver's own.
        def execute(self, sql: Any, *parameters: Any) -> Any:
            return self.cursor().execute(sql, *parameters)

        def executescript(self, script: Any) -> Any:
            return self.cursor().executescript(script)

    return Connection


@functools.lru_cache(maxsize=None)
def _cursor_class(base: Any, replace: Replace) -> Any:
    if not isinstance(base, type):
        return base

    class Cursor(base):  # type: ignore[misc]
        def execute(self, sql: Any, *parameters: Any) -> Any:
            if _may_open(sql):
                sql, parameters = rewritten(sql, parameters, replace)
            return super().execute(sql, *parameters)

        def executescript(self, script: Any) -> Any:
            if _may_open(script):
                script = "".join(
                    rewritten(statement, (), replace)[0] for statement in statements(script)
                )
            return super().executescript(script)

    return Cursor


def _may_open(sql: Any) -> bool:
    if not isinstance(sql, str):
        return False
    text = sql.lower()
    return "attach" in text or "vacuum" in text


def statements(script: str) -> Any:
    """Yield a script's statements, each with its end."""
    from sqlite3 import complete_statement

    rest = ""
    for part in script.split(";"):
        rest += part + ";"
        if complete_statement(rest):
            yield rest
            rest = ""
    if rest.strip("; \n\t"):
        yield rest


def rewritten(sql: str, parameters: Tuple[Any, ...], replace: Replace) -> Tuple[str, Any]:
    """Return a statement and its parameters with the path of what it opens replaced."""
    match = ATTACH.match(sql) or VACUUM.match(sql)
    if match is None:
        if ATTACHES.match(sql) or VACUUMS.match(sql):
            replace("")  # a path that only SQLite can work out
        return sql, parameters
    word = match["file"]
    if word[0] in "?:@$":
        return sql, (_bound(word, parameters, replace),)
    path = word[1:-1].replace(word[0] * 2, word[0]) if word[0] in "'\"" else word
    quoted = "'" + replace(path).replace("'", "''") + "'"
    return sql[: match.start("file")] + quoted + sql[match.end("file") :], parameters


def _bound(word: str, parameters: Tuple[Any, ...], replace: Replace) -> Any:
    values = parameters[0] if parameters else ()
    if isinstance(values, dict):
        named: Dict[str, Any] = dict(values)
        named[word[1:]] = replace(str(named[word[1:]]))
        return named
    ordered = list(values)
    number = int(word[1:] or 1) - 1 if word[0] == "?" else 0
    ordered[number] = replace(str(ordered[number]))
    return ordered
