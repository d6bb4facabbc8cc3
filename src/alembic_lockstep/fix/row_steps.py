"""Code that takes a migration over rows: in place of, or before, what fails on them."""

from __future__ import annotations

import ast
import copy
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from alembic_lockstep.advice.row_errors import RowError
from alembic_lockstep.dryrun.enforcement import without_enforcement
from alembic_lockstep.pysource.row_statements import (
    ColumnCode,
    added_column,
    altered_column,
    body_lines,
    check_condition,
    foreign_key,
)
from alembic_lockstep.pysource.source import keyword

CHOOSE = "  # choose the value for rows that exist"
CHOOSE_FATE = "  # choose what becomes of them"

# Neutral values by the type's name in Python; the first that is part of it counts.
_VALUES = (
    ("interval", "'0'"),
    ("int", "0"),
    ("numeric", "0"),
    ("decimal", "0"),
    ("float", "0"),
    ("double", "0"),
    ("datetime", "CURRENT_TIMESTAMP"),
    ("timestamp", "CURRENT_TIMESTAMP"),
    ("date", "CURRENT_DATE"),
    ("time", "'00:00:00'"),
    ("json", "'{}'"),
    ("array", "'{}'"),
    ("uuid", "'00000000-0000-0000-0000-000000000000'"),
    ("string", "''"),
    ("text", "''"),
    ("char", "''"),
    ("unicode", "''"),
    ("binary", "''"),
)
# Conditions, in PostgreSQL and in MySQL, of texts that are no value of a type.
_UNFIT = {
    "int": ("{} !~ '^ *[+-]?[0-9]{{1,9}} *$'", "{} NOT REGEXP '^[+-]?[0-9]{{1,9}}$'"),
    "numeric": (
        "{} !~ '^ *[+-]?[0-9]+([.][0-9]+)? *$'",
        "{} NOT REGEXP '^[+-]?[0-9]+([.][0-9]+)?$'",
    ),
    "bool": ("lower({}) NOT IN ('true', 'false', 't', 'f', '1', '0')", "{} NOT IN ('0', '1')"),
    "date": (
        "{} !~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'",
        "{} NOT REGEXP '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'",
    ),
    "timestamp": (
        "{} !~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'",
        "{} NOT REGEXP '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'",
    ),
}


@dataclass(frozen=True)
class Steps:
    """What to do about rows that a statement fails on.

    Attributes:
        words: A sentence that says how, and ends in a colon if code follows.
        code: Lines of Python.
        more: What else there is to say.
    """

    words: str
    code: tuple[str, ...] = ()
    more: str = ""

    @property
    def text(self) -> str:
        """Return all lines."""
        return "\n".join(filter(None, [self.words, *self.code, self.more]))


def steps_for(error: RowError, dialect: str, text: str) -> Steps:
    """Return the steps for rows that a migration fails on.

    Args:
        error: The failure.
        dialect: The database's.
        text: The migration.
    """
    if error.kind == "null" and error.columns:
        return _RowCode(error, dialect, text).not_null()
    if error.kind == "duplicate" and error.columns:
        return _RowCode(error, dialect, text).unique()
    if error.kind == "cast" and error.columns:
        return _RowCode(error, dialect, text).cast()
    if error.kind == "check":
        return _RowCode(error, dialect, text).check()
    if error.kind == "orphan":
        return _RowCode(error, dialect, text).orphan()
    if error.kind == "referred" and dialect == "sqlite" and not error.changes_rows:
        return Steps(
            f"Switch foreign keys off while {error.table} is made again. Write as the body of "
            "upgrade():",
            tuple(without_foreign_keys(text, error.table)),
        )
    if error.kind == "pending":
        return Steps(
            "Rows that the migration wrote have deferred constraints. Before this line:",
            ('op.execute("SET CONSTRAINTS ALL IMMEDIATE")',),
        )
    return Steps("Write what becomes of such rows before this line.")


@dataclass(frozen=True)
class _RowCode:
    """Code about the rows of an error."""

    error: RowError
    dialect: str
    text: str

    def not_null(self) -> Steps:
        table, column = self.error.table, self.error.columns[0]
        added = added_column(self.text, table, column)
        if added is not None and not self.error.changes_rows:
            return self._not_null_from_the_start(table, column, added)
        altered = altered_column(self.text, table, column)
        value = self._neutral(altered.type if altered else None)
        assignment = f"SET {self._quoted(column)} = {value} WHERE {self._quoted(column)} IS NULL"
        return Steps(
            "Before this line, give rows without a value one:",
            (_execute(f"UPDATE {self._quoted(table)} {assignment}") + CHOOSE,),
        )

    def _not_null_from_the_start(self, table: str, column: str, added: ColumnCode) -> Steps:
        """Return the steps for a new column.

        SQLite alters a column by making its table again, where ADD COLUMN takes a constant.
        """
        value = self._neutral(added.type)
        if self.dialect == "sqlite" and re.fullmatch(r"'.*'|\d+", value):
            default = f"nullable=False, server_default=sa.text({_literal(value)})"
            return Steps(
                "Give rows a value by a server_default, here and, if new rows need it, in the "
                "model. In place of this line:",
                (self._added(table, added, default) + CHOOSE,),
            )
        lines = [*self._three_steps(table, column, added)]
        return Steps(
            "Give the column a server_default, here and in the model; or take three steps in "
            "place of this line, nullable first:",
            tuple(without_enforcement(lines, [table]) if self.dialect == "sqlite" else lines),
        )

    def _added(self, table: str, added: ColumnCode, options: str) -> str:
        """Return the call that adds the column with other options for NULL and the default."""
        assert added.column is not None
        column = copy.deepcopy(added.column)
        column.keywords = [word for word in column.keywords if word.arg != "nullable"]
        code = ast.unparse(column)
        name, schema = _table_arguments(table, added)
        return f"op.add_column({name}, {code[:-1]}, {options}){schema})"

    def _three_steps(self, table: str, column: str, added: ColumnCode) -> Iterator[str]:
        name, schema = _table_arguments(table, added)
        yield self._added(table, added, "nullable=True")
        value = self._neutral(added.type)
        yield (
            _execute(f"UPDATE {self._quoted(table)} SET {self._quoted(column)} = {value}") + CHOOSE
        )
        existing = f", existing_type={ast.unparse(added.type)}" if added.type else ""
        arguments = f"{column!r}{existing}, nullable=False"
        if self.dialect == "sqlite":
            yield f"with op.batch_alter_table({name}{schema}) as batch_op:"
            yield f"    batch_op.alter_column({arguments})"
        else:
            yield f"op.alter_column({name}, {arguments}{schema})"

    def unique(self) -> Steps:
        table = self._quoted(self.error.table)
        columns = ", ".join(map(self._quoted, self.error.columns))
        query = f"SELECT {columns}, count(*) FROM {table} GROUP BY {columns} HAVING count(*) > 1"
        filled = " AND ".join(f"{self._quoted(name)} IS NOT NULL" for name in self.error.columns)
        first = f"SELECT min(id) AS id FROM {table} GROUP BY {columns}"
        # MySQL reads no table that it deletes from, unless in a table of its own.
        delete = (
            f"DELETE FROM {table} WHERE {filled} AND id NOT IN (SELECT id FROM ({first}) AS firsts)"
        )
        return Steps(
            f"These rows repeat: {query}\nBefore this line, make them differ, or delete all but "
            "the first of each, if id is the key and nothing refers to them:",
            (_execute(delete) + CHOOSE_FATE,),
        )

    def cast(self) -> Steps:
        column, table = self._quoted(self.error.columns[0]), self._quoted(self.error.table)
        unfit, cut = self._unfit(column)
        code = [_execute(f"UPDATE {table} SET {column} = {cut} WHERE {unfit}") + CHOOSE_FATE]
        more = ""
        if self.dialect == "postgresql":
            more = (
                "Where the values need a conversion, write it into op.alter_column: "
                f'postgresql_using="{column.replace(chr(34), chr(92) + chr(34))}'
                f'::{self.error.type or "…"}"'
            )
        return Steps("Keep the type, or change such values before this line:", tuple(code), more)

    def _unfit(self, column: str) -> tuple[str, str]:
        """Return the condition of values that do not fit the type, and what they can become."""
        kind = self.error.type.lower()
        length = re.search(r"char\w*(?: varying)?\s?\((\d+)\)", kind)
        if length:
            return f"char_length({column}) > {length[1]}", f"left({column}, {length[1]})"
        is_mysql = self.dialect != "postgresql"
        if "tinyint" in kind and is_mysql:
            return _UNFIT["bool"][1].format(column), "NULL"
        for name, conditions in _UNFIT.items():
            if name in kind and (self.error.value or not is_mysql):
                return conditions[is_mysql].format(column), "NULL"
        return "…", "NULL"

    def check(self) -> Steps:
        condition = self.error.condition or check_condition(self.text, self.error.constraint)
        if not condition and " " in self.error.constraint.strip():
            condition = self.error.constraint  # SQLite says the text of one without a name
        if not self.error.table or not condition:
            return Steps("Write what becomes of such rows before this line.")
        table, name = self._quoted(self.error.table), self.error.constraint
        update = f"UPDATE {table} SET … WHERE NOT ({condition})"
        more = ""
        if self.dialect == "postgresql" and not self.error.changes_rows:
            more = self._validated(name)
        return Steps(
            "Before this line, make them fulfil it:", (_execute(update) + CHOOSE_FATE,), more
        )

    def orphan(self) -> Steps:
        columns, target, targets = self.error.columns, self.error.target, self.error.target_columns
        if not columns or not target or not targets:
            columns, target, targets = foreign_key(self.text, self.error.constraint)
        if not columns or not self.error.table:
            return Steps("Write what becomes of such rows before this line.")
        table, column = self._quoted(self.error.table), self._quoted(columns[0])
        target, referred = self._quoted(target), self._quoted(targets[0])
        lacking = f"{column} NOT IN (SELECT {referred} FROM {target})"
        update = f"UPDATE {table} SET {column} = NULL WHERE {lacking}"
        more = self._validated(self.error.constraint) if self.dialect == "postgresql" else ""
        return Steps(
            "Before this line, let them refer to nothing, or delete them:",
            (_execute(update) + CHOOSE_FATE,),
            more,
        )

    def _validated(self, constraint: str) -> str:
        statement = f"ALTER TABLE {self._quoted(self.error.table)} VALIDATE CONSTRAINT {constraint}"
        return (
            "On a large table, create the constraint with postgresql_not_valid=True, which takes "
            "no long lock, then change the rows, and then:\n"
            f"{_execute(statement)}"
        )

    def _neutral(self, kind: ast.expr | None) -> str:
        name = _type_name(kind)
        if "bool" in name:
            return "false" if self.dialect == "postgresql" else "0"
        if name == "enum" and isinstance(kind, ast.Call) and kind.args:
            label = kind.args[0]
            if isinstance(label, ast.Constant) and isinstance(label.value, str):
                return f"'{label.value}'"
        return next((value for part, value in _VALUES if part in name), "…")

    def _quoted(self, name: str) -> str:
        return quoted(name, self.dialect)


def _table_arguments(table: str, added: ColumnCode) -> tuple[str, str]:
    """Return the code of a table's name, and of a further argument for its schema."""
    return repr(table.rpartition(".")[2]), f", schema={added.schema!r}" if added.schema else ""


def without_foreign_keys(text: str, table: str) -> list[str]:
    """Return the body of a migration's upgrade() in which SQLite enforces no foreign keys.

    Args:
        text: The migration.
        table: The table that it drops to make it again.
    """
    return without_enforcement(body_lines(text, "upgrade"), [table])


def quoted(name: str, dialect: str) -> str:
    """Return a name in a dialect's quotes, if it needs them; of an expression the text itself.

    Args:
        name: Of a table or column, perhaps with its schema.
        dialect: SQLAlchemy's name of the dialect.
    """
    if re.search(r"[()]", name):
        return name
    module = importlib.import_module(
        f"sqlalchemy.dialects.{'mysql' if dialect == 'mariadb' else dialect or 'sqlite'}"
    )
    preparer = module.dialect().identifier_preparer
    return ".".join(str(preparer.quote(part)) for part in name.split("."))


def type_code(code: ColumnCode | None) -> str:
    """Return the type of a column as a migration writes it; empty if it is not known."""
    return ast.unparse(code.type) if code is not None and code.type is not None else ""


def is_nullable(code: ColumnCode | None) -> bool:
    """Return whether a migration adds a column as nullable."""
    nullable = keyword(code.column, "nullable") if code is not None and code.column else None
    return not (isinstance(nullable, ast.Constant) and nullable.value is False)


def _type_name(kind: ast.expr | None) -> str:
    function = kind.func if isinstance(kind, ast.Call) else kind
    if isinstance(function, ast.Attribute):
        return function.attr.lower()
    return function.id.lower() if isinstance(function, ast.Name) else ""


def _execute(statement: str) -> str:
    """Return the call that runs a statement, in which colons are no parameters."""
    escaped = re.sub(r"(?<!:):(?=\w)", r"\\:", statement)
    return f"op.execute({_literal(escaped)})"


def _literal(text: str) -> str:
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return repr(text)
