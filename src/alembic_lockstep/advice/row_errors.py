"""Read what rows a statement failed on, from the messages of SQLite, PostgreSQL, MySQL, MariaDB."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["null", "duplicate", "cast", "check", "orphan", "referred", "pending"]

#: Alembic's name of a table that it makes again on SQLite.
_REBUILT = "_alembic_tmp_"
_WORD = r"(?:\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|\w+)"
_TABLE = rf"(?P<table>{_WORD}(?:\.{_WORD})?)"

# The patterns of each kind; the first that matches counts. asyncpg and MariaDB leave parts out.
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    (
        "null",
        r'column "(?P<column>[^"]+)" (?:of (?:relation|table) '
        r'"(?P<table>[^"]+)" )?contains null values',
    ),
    ("null", r'null value in column "(?P<column>[^"]+)"(?: of relation "(?P<table>[^"]+)")?'),
    ("null", r"NOT NULL constraint failed: (?P<table>.+)\.(?P<column>.+)"),
    ("null", r"Cannot add a NOT NULL column with default value NULL"),
    ("null", r"1048\b.*Column '(?P<column>[^']+)' cannot be null"),
    ("null", r"1138\b.*Invalid use of NULL value"),
    ("null", r"1364\b.*Field '(?P<column>[^']+)' doesn't have a default value"),
    (
        "null",
        r"1292\b.*Incorrect date\w* value: "
        r"'(?P<value>0000-00-00[^']*)'(?: for column (?P<path>\S+))?",
    ),
    ("duplicate", r'could not create unique index "(?P<constraint>[^"]+)"'),
    ("duplicate", r'duplicate key value violates unique constraint "(?P<constraint>[^"]+)"'),
    ("duplicate", r"UNIQUE constraint failed: index '(?P<constraint>[^']+)'"),
    ("duplicate", r"UNIQUE constraint failed: (?P<paths>.+)"),
    ("duplicate", r"1062\b.*Duplicate entry '(?P<value>.*)' for key '(?P<constraint>[^']+)'"),
    ("cast", r'invalid input syntax for type (?P<type>[\w ]+)(?:: "(?P<value>.*)")?'),
    ("cast", r'invalid input value for enum (?P<type>[^:]+): "(?P<value>.*)"'),
    ("cast", r"value too long for type (?P<type>.+)"),
    ("cast", r'value "(?P<value>.*)" is out of range for type (?P<type>[\w ]+)'),
    ("cast", r"^(?P<type>[\w ]+) out of range"),
    ("cast", r"numeric field overflow|date/time field value out of range"),
    ("cast", r"1406\b.*Data too long for column '(?P<column>[^']+)'"),
    ("cast", r"1264\b.*Out of range value for column '(?P<column>[^']+)'"),
    ("cast", r"1265\b.*Data truncated for column '(?P<column>[^']+)'"),
    ("cast", r"1366\b.*Incorrect \w+ value: '(?P<value>.*)'(?: for column (?P<path>\S+))?"),
    (
        "cast",
        r"1292\b.*(?:Truncated i|I)ncorrect \w+ value: "
        r"'(?P<value>.*?)'(?: for column (?P<path>\S+))?",
    ),
    ("cast", r"cannot store \w+ value in (?P<type>\w+) column (?P<table>.+)\.(?P<column>.+)"),
    (
        "check",
        r'check constraint "(?P<constraint>[^"]+)" of relation '
        r'"(?P<table>[^"]+)" is violated',
    ),
    ("check", r'relation "(?P<table>[^"]+)" violates check constraint "(?P<constraint>[^"]+)"'),
    ("check", r"CHECK constraint failed: (?P<constraint>.+)"),
    ("check", r"4025\b.*CONSTRAINT `(?P<constraint>[^`]+)` failed for (?P<table>[^'\"]+)"),
    ("check", r"3819\b.*Check constraint '(?P<constraint>[^']+)' is violated"),
    (
        "orphan",
        r'on table "(?P<table>[^"]+)" violates foreign key constraint '
        r'"(?P<constraint>[^"]+)"(?! on)',
    ),
    (
        "orphan",
        r"1452\b.*CONSTRAINT `(?P<constraint>[^`]+)` FOREIGN KEY "
        r"\((?P<columns>[^)]+)\) REFERENCES (?P<target>\S+)",
    ),
    (
        "referred",
        r'on table "(?P<table>[^"]+)" violates foreign key constraint '
        r'"(?P<constraint>[^"]+)" on table "(?P<target>[^"]+)"',
    ),
    (
        "orphan",  # what a printed fix says on SQLite
        r"rows refer to rows that do not exist: \[\('(?P<table>[^']+)', [^,]+, '(?P<target>[^']+)'",
    ),
    ("referred", r"1451\b.*foreign key constraint fails \((?P<target>[^,]+),"),
    ("pending", r'"(?P<table>[^"]+)" because it has pending trigger events'),
)
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)
_KEY = re.compile(r"Key \((?P<columns>.*)\)=\((?P<value>.*)\) ")

# The table of a statement, and the columns that it is about.
_STATEMENT_TABLE = re.compile(
    rf"(?is)^\s*(?:ALTER TABLE(?: IF EXISTS)?(?: ONLY)?|UPDATE(?: ONLY)?|INSERT INTO|DROP TABLE"
    rf"|DELETE FROM|CREATE UNIQUE INDEX.*?\bON(?: ONLY)?)\s+{_TABLE}"
)
# Words after ALTER and ADD that are no column.
_NO_COLUMN = "(?!(?:TABLE|COLUMN|CONSTRAINT|UNIQUE|CHECK|FOREIGN|PRIMARY|INDEX|KEY)\\b)"
_STATEMENT_COLUMNS = re.compile(
    rf"(?is)\b(?:ALTER(?: COLUMN)?|ADD(?: COLUMN)?(?: IF NOT EXISTS)?|MODIFY(?: COLUMN)?"
    rf"|CHANGE(?: COLUMN)?\s+{_WORD})\s+{_NO_COLUMN}(?P<column>{_WORD})"
    r"|(?:\bUNIQUE(?: KEY)?|\bFOREIGN KEY|\bUNIQUE INDEX.*?\bON\s+[^(]*?)\s*\((?P<columns>[^()]+)\)"
)
_TYPE = re.compile(
    rf"(?is)\b(?:TYPE\s+|(?:MODIFY(?: COLUMN)?|CHANGE(?: COLUMN)?\s+{_WORD})\s+{_WORD}\s+)"
    r"(?P<type>\w+(?: varying| precision)?(?:\s?\([^)]*\))?)"
)
_ADDS = re.compile(rf"(?i)\bADD(?: COLUMN)?\s+{_NO_COLUMN}")
_COPIED = re.compile(rf"(?is)^\s*INSERT INTO\s+[\"`]?{_REBUILT}[^(]*\((?P<columns>[^)]*)\)")
_CONDITION = re.compile(r"(?is)\bCHECK\s*\((?P<condition>.*)\)")
_IN_TABLE = re.compile(r'is not present in table "(?P<table>[^"]+)"')
_TARGET = re.compile(
    rf"(?is)\bREFERENCES\s+(?P<table>{_WORD}(?:\.{_WORD})?)\s*\((?P<columns>[^)]+)"
)


@dataclass(frozen=True)
class RowError:
    """Rows that a statement fails on.

    Attributes:
        kind: `null`: a NOT NULL column without a value; `duplicate`: a unique one with equal
            values; `cast`: values that do not fit a type; `check`: values that violate a CHECK;
            `orphan`: a foreign key's values that refer to no row; `referred`: rows that go and are
            referred to; `pending`: rows whose deferred constraints are not checked yet.
        table: As in the message or the statement; empty if neither says it.
        value: A value of such a row, if the message says it.
        constraint: Its name, or a CHECK's text.
        type: The type that values do not fit.
        condition: The condition of a CHECK.
        target, target_columns: What a foreign key refers to, or what refers to a row.
        adds: Whether the statement adds the column.
        changes_rows: Whether the statement writes rows, and does not change the schema.
    """

    kind: Kind
    table: str = ""
    columns: tuple[str, ...] = ()
    value: str = ""
    constraint: str = ""
    type: str = ""
    condition: str = ""
    target: str = ""
    target_columns: tuple[str, ...] = ()
    adds: bool = False
    changes_rows: bool = False

    @property
    def column(self) -> str:
        """Return the columns with their table: `users.email`."""
        return ", ".join(".".join(filter(None, [self.table, name])) for name in self.columns)


def row_error(error: Mapping[str, Any]) -> RowError | None:
    """Return what rows an error is about; None if it is about none, or says too little."""
    message, statement = str(error["message"]), str(error.get("statement") or "")
    for kind, pattern in _COMPILED:
        match = pattern.search(message)
        if match is not None:
            return _row_error(kind, match, message, statement)
    if "FOREIGN KEY constraint failed" in message:  # SQLite says no more
        is_referred = statement.lstrip().upper().startswith(("DROP TABLE", "DELETE"))
        return _row_error("referred" if is_referred else "orphan", None, message, statement)
    return None


def _row_error(kind: Kind, match: re.Match[str] | None, message: str, statement: str) -> RowError:
    groups = {name: text for name, text in (match.groupdict() if match else {}).items() if text}
    key = _KEY.search(message)
    if key:
        groups = {**key.groupdict(), **groups}
    if kind == "cast" and groups.get("column") and _sets_not_null(message, statement):
        kind = "null"
    path = groups.get("path") or groups.get("paths", "").partition(", ")[0]
    table, _, column = path.rpartition(".")
    in_statement = _STATEMENT_TABLE.search(statement)
    parts = _STATEMENT_COLUMNS.search(statement)
    if parts:
        groups.setdefault("columns", parts["columns"] or parts["column"])
    columns = _columns(groups, column)
    target = _TARGET.search(statement) or _TARGET.search(message)
    condition = _CONDITION.search(statement)
    its_type = _TYPE.search(statement)
    return RowError(
        kind,
        _table(groups.get("table") or table or (in_statement["table"] if in_statement else "")),
        columns,
        groups.get("value", ""),
        groups.get("constraint", ""),
        type=(its_type["type"] if its_type else groups.get("type", "")).strip(),
        condition=condition["condition"].strip() if condition and kind == "check" else "",
        target=_table(target["table"] if target else groups.get("target", _not_in(message))),
        target_columns=_names(target["columns"]) if target else (),
        adds=kind == "null" and _adds(statement, columns),
        changes_rows=_is_of_rows(statement),
    )


def _adds(statement: str, columns: Sequence[str]) -> bool:
    """Return whether a statement adds columns, or copies rows to a table that has them anew."""
    copied = _COPIED.match(statement)
    if copied:
        return bool(columns) and set(columns).isdisjoint(_names(copied["columns"]))
    return bool(_ADDS.search(statement))


def _not_in(message: str) -> str:
    match = _IN_TABLE.search(message)
    return match["table"] if match else ""


def _columns(groups: Mapping[str, str], of_path: str) -> tuple[str, ...]:
    if "paths" in groups:
        return tuple(path.rpartition(".")[2] for path in groups["paths"].split(", "))
    if of_path:
        return _names(of_path)
    return _names(groups.get("column") or groups.get("columns", ""))


def _sets_not_null(message: str, statement: str) -> bool:
    """Return whether MariaDB's `Data truncated` is about a NULL."""
    return "1265" in message and "NOT NULL" in statement.upper()


def _is_of_rows(statement: str) -> bool:
    words = statement.split(None, 3)[:3]
    if words[:1] == ["INSERT"] and words[-1].strip('"`').startswith(_REBUILT):
        return False
    return bool(words) and words[0].upper() in ("INSERT", "UPDATE", "DELETE", "MERGE", "WITH")


def _table(name: str) -> str:
    """Return a table's name without quotes, a MySQL database, and Alembic's prefix."""
    bare = re.sub(r'["`\[\]]', "", name).strip()
    if "`" in name:
        bare = bare.rpartition(".")[2]
    if bare.startswith("#sql"):  # MySQL's own name of a table that it alters
        return ""
    schema, _, table = bare.rpartition(".")
    return ".".join(filter(None, [schema, table.removeprefix(_REBUILT)]))


def _names(text: str) -> tuple[str, ...]:
    return tuple(re.sub(r'["`\[\]]', "", name).strip() for name in text.split(",") if name.strip())
