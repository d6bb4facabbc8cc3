"""Parse the CREATE statements that SQLite stores into the parts of a table.

The grammar is that of https://www.sqlite.org/lang_createtable.html and lang_createindex.html.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from .expression import expression, identifier
from .schema import Part
from .sqlite_values import default, type_name
from .sqltext import Reader, Token, fold, split, tokenize

_OF_TABLES = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")
_OF_COLUMNS = (
    *("CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE"),
    *("REFERENCES", "GENERATED", "AS"),
)


def read_table(sql: str) -> List[Part]:
    """Return what a CREATE TABLE statement makes: columns, constraints, options."""
    return _TableReader(sql).parts


def read_index(sql: str, columns: Sequence[Part]) -> Part:
    """Return the index that a CREATE INDEX statement makes on a table of these columns."""
    reader = Reader(tokenize(sql))
    reader.accept("CREATE")
    unique = reader.accept("UNIQUE")
    reader.accept("INDEX")
    name = reader.next().name
    reader.accept("ON")
    scope = _Scope(reader.next().name, [column.name for column in columns])
    for column in columns:
        scope.collations[fold(column.name)] = column.facts["collation"]
    start = reader.at
    facts = {"columns": scope.terms(reader.group()), "unique": "yes" if unique else ""}
    facts["where"] = scope.expression(reader.rest()) if reader.accept("WHERE") else ""
    return Part("index", name, facts, scope.mentioned(reader.since(start)), sql=sql)


class _Scope:
    """Name and columns of the table that expressions are about."""

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        self._table = table
        self._columns = {fold(name): name for name in columns}
        self.collations: Dict[str, str] = {}

    def expression(self, tokens: Sequence[Token]) -> str:
        return expression(tokens, self._table, self._columns)

    def terms(self, tokens: Sequence[Token]) -> str:
        """Return the terms of a key, without ASC and without the column's own collation."""
        return ", ".join(map(self._term, split(tokens)))

    def _term(self, tokens: Sequence[Token]) -> str:
        order = " DESC" if tokens[-1].is_word("DESC") else ""
        if tokens[-1].is_word("ASC", "DESC"):
            tokens = tokens[:-1]
        column = fold(tokens[0].name)
        collated = len(tokens) == 3 and tokens[1].is_word("COLLATE")
        if collated and self.collations.get(column) == collation(tokens[2]):
            tokens = tokens[:1]
        if len(tokens) == 1:
            return identifier(tokens[0].name) + order  # also where it is a 'string'
        return self.expression(tokens) + order

    def mentioned(self, tokens: Sequence[Token]) -> Tuple[str, ...]:
        names = dict.fromkeys(fold(token.name) for token in tokens)
        return tuple(self._columns[name] for name in names if name in self._columns)


class _TableReader:
    def __init__(self, sql: str) -> None:
        self._sql = sql
        reader = Reader(tokenize(sql))
        reader.accept("CREATE", "TABLE")
        table = reader.next().name
        pieces = split(reader.group())
        options = [token.text.upper() for token in reader.rest()]
        self._without_rowid, self._strict = "ROWID" in options, "STRICT" in options
        columns = [piece for piece in pieces if not piece[0].is_word(*_OF_TABLES)]
        self._scope = _Scope(table, [piece[0].name for piece in columns])
        self._types: Dict[str, str] = {}
        self._constraints: List[Part] = []
        self.parts = [self._column(piece) for piece in columns]
        for piece in pieces:
            if piece[0].is_word(*_OF_TABLES):
                rest = Reader(piece)
                while rest:  # SQLite needs no comma between them
                    self._constraint(rest)
        self._fill_in_keys()
        self.parts += self._constraints
        if self._without_rowid or self._strict:
            facts = {"without_rowid": "yes" if self._without_rowid else ""}
            facts["strict"] = "yes" if self._strict else ""
            self.parts.append(Part("options", "", facts))

    def _text(self, tokens: Sequence[Token]) -> str:
        return self._sql[tokens[0].start : tokens[-1].end]

    def _column(self, tokens: Sequence[Token]) -> Part:
        reader = Reader(tokens)
        name = reader.next().name
        while reader and not reader.sees(*_OF_COLUMNS):
            if reader.sees("("):
                reader.group()
            else:
                reader.next()
        words = reader.since(1)
        self._types[fold(name)] = " ".join(token.name.upper() for token in words)
        facts = {"type": type_name(words), "collation": "", "nullable": "yes"}
        while reader:
            if not self._property(reader, facts):
                self._constraint(reader, name)
        self._scope.collations[fold(name)] = facts["collation"]
        return Part("column", name, facts, (name,), sql=self._text(tokens))

    def _property(self, reader: Reader, facts: Dict[str, str]) -> bool:
        """Read a property of the column itself; a constraint name for it has no meaning."""
        start = reader.at
        while reader.accept("CONSTRAINT"):
            reader.next()
        if reader.accept("NOT", "NULL"):
            facts["nullable"] = "no"
            facts["on_conflict"] = _on_conflict(reader)
        elif reader.accept("NULL"):
            _on_conflict(reader)
        elif reader.accept("DEFAULT"):
            facts["default"] = default(_value(reader), facts["type"])
        elif reader.accept("COLLATE"):
            facts["collation"] = collation(reader.next())
        elif reader.accept("GENERATED", "ALWAYS", "AS") or reader.accept("AS"):
            value = self._scope.expression(reader.group())
            stored = reader.accept("STORED")
            reader.accept("VIRTUAL")
            facts["computed"] = f"({value}) {'STORED' if stored else 'VIRTUAL'}"
        elif reader:
            reader.at = start
            return False
        return True

    def _constraint(self, reader: Reader, column: Optional[str] = None) -> None:
        """Read a constraint; of that column, if the constraint is part of its definition."""
        start, name = reader.at, ""
        while reader.accept("CONSTRAINT"):
            name = reader.next().name
        if reader.accept("PRIMARY", "KEY"):
            kind, (columns, facts) = "primary_key", self._primary_key(reader, column)
        elif reader.accept("UNIQUE"):
            over, columns = self._over(column, reader)
            kind, facts = "unique", {"columns": over, "on_conflict": _on_conflict(reader)}
        elif reader.accept("CHECK"):
            tokens = reader.group()
            kind, columns = "check", self._scope.mentioned(tokens)
            facts = {"expression": self._scope.expression(tokens)}
            _on_conflict(reader)  # SQLite reads and forgets it
        elif reader.accept("FOREIGN", "KEY") or reader.sees("REFERENCES"):
            over, columns = self._over(column, reader)
            kind, facts = "foreign_key", {"columns": over, **_reference(reader)}
        elif reader.sees("NOT", "DEFERRABLE"):  # may stand apart from its REFERENCES
            self._constraints[-1].facts.update(_reference_options(reader))
            return
        elif reader:
            raise ValueError(f"not understood: {self._text(reader.rest())}")
        else:
            return  # a name that names nothing
        text = self._text(reader.since(start))
        self._constraints.append(Part(kind, name, facts, columns, not name, text))

    def _over(self, column: Optional[str], reader: Reader) -> Tuple[str, Tuple[str, ...]]:
        if column is not None:
            return identifier(column), (column,)
        tokens = reader.group()
        return self._scope.terms(tokens), self._scope.mentioned(tokens)

    def _primary_key(
        self, reader: Reader, column: Optional[str]
    ) -> Tuple[Tuple[str, ...], Dict[str, str]]:
        start = reader.at
        over, columns = self._over(column, reader)
        descending = column is not None and reader.accept("DESC")
        reader.accept("ASC")
        conflict = _on_conflict(reader)
        reader.accept("AUTOINCREMENT")
        automatic = any(token.is_word("AUTOINCREMENT") for token in reader.since(start))
        is_rowid = (
            [self._types.get(fold(name)) for name in columns] == ["INTEGER"]
            and not descending
            and not self._without_rowid
        )
        facts = {"columns": identifier(columns[0]) if is_rowid else over, "on_conflict": conflict}
        facts["columns"] += " DESC" if descending else ""
        facts["autoincrement"] = "yes" if automatic else ""
        facts["rowid"] = "yes" if is_rowid else ""
        return columns, facts

    def _fill_in_keys(self) -> None:
        """Mark columns as NOT NULL that the primary key makes so."""
        keys = [part for part in self._constraints if part.kind == "primary_key"]
        named = {fold(name) for key in keys for name in key.columns}
        strict = self._without_rowid or self._strict or any(key.facts["rowid"] for key in keys)
        for column in self.parts:
            if strict and fold(column.name) in named:
                column.facts["nullable"] = "no"


def collation(token: Token) -> str:
    """Return the normal form of a collation; empty for the default one."""
    name = token.name.upper()
    return "" if name == "BINARY" else name


def _value(reader: Reader) -> Sequence[Token]:
    start = reader.at
    if reader.sees("("):
        return reader.group()
    if reader.next().is_word("+", "-"):
        reader.next()
    return reader.since(start)


def _on_conflict(reader: Reader) -> str:
    how = reader.next().text.upper() if reader.accept("ON", "CONFLICT") else ""
    return "" if how == "ABORT" else how


def _reference(reader: Reader) -> Dict[str, str]:
    reader.accept("REFERENCES")
    target = identifier(reader.next().name)
    if reader.sees("("):
        names = ", ".join(identifier(piece[0].name) for piece in split(reader.group()))
        target += f" ({names})"
    return {"target": target, **_reference_options(reader)}


def _reference_options(reader: Reader) -> Dict[str, str]:
    facts = {}
    while True:
        if reader.accept("ON"):
            event = "on_delete" if reader.accept("DELETE") else "on_update"
            reader.accept("UPDATE")
            action = _action(reader)
            facts[event] = "" if action == "NO ACTION" else action
        elif reader.accept("MATCH"):
            match = reader.next().name.upper()
            facts["match"] = "" if match == "SIMPLE" else match
        elif reader.accept("NOT", "DEFERRABLE"):
            _initially(reader)
        elif reader.accept("DEFERRABLE"):
            facts["deferrable"] = "DEFERRABLE" + _initially(reader)
        else:
            return facts


def _action(reader: Reader) -> str:
    first = reader.next().text.upper()
    return f"{first} {reader.next().text.upper()}" if first in ("SET", "NO") else first


def _initially(reader: Reader) -> str:
    if not reader.accept("INITIALLY"):
        return ""
    return " INITIALLY DEFERRED" if reader.next().is_word("DEFERRED") else ""
