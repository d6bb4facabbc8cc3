"""Printed code does what the models say, whatever characters a default or a condition holds."""

from __future__ import annotations

import ast
from io import StringIO
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from sqlalchemy.dialects import mysql, postgresql, sqlite

from alembic_lockstep.probe.operations import flatten
from alembic_lockstep.probe.rendering import escape_colons
from alembic_lockstep.probe.twin.code import code_of
from alembic_lockstep.probe.twin.postgresql.postgresql_fix import fix_statements
from alembic_lockstep.probe.twin.schema import DatabaseSchema, Part, SchemaDifference, TableSchema

OPTIONS = {
    "alembic_module_prefix": "op.",
    "sqlalchemy_module_prefix": "sa.",
    "user_module_prefix": None,
    "render_item": None,
    "render_as_batch": False,
}
DIALECTS = ["sqlite", "postgresql", "mysql"]
TEXTS = [
    '{"a":2}',
    ":name, :other",
    "C:\\:temp",
    "\\:a \\\\:b",
    ":a:b :c: ::d 12:30:00",
    "100% %(a)s %%",
    ":größe",
]


def run(dialect: str, code: list[str] | None = None, op: Any = None) -> str:
    """Give the SQL of code, or of an operation."""
    output = StringIO()
    options = {"as_sql": True, "output_buffer": output}
    operations = Operations(MigrationContext.configure(dialect_name=dialect, opts=options))
    if code is None:
        operations.invoke(op)
    else:
        names = {"op": operations, "sa": sa}
        names.update({"sqlite": sqlite, "postgresql": postgresql, "mysql": mysql})
        exec("\n".join(code), names)
    # What a driver with percent signs for parameters is sent.
    sql = output.getvalue()
    return sql if dialect == "sqlite" else sql.replace("%%", "%")


def rendered(dialect: str, op: ops.MigrateOperation) -> list[str]:
    context = AutogenContext(MigrationContext.configure(dialect_name=dialect, opts=OPTIONS))
    (operation,) = flatten(ops.UpgradeOps([op]), context)
    return [*operation["before"], *operation["code"], *operation["after"]]


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def as_text(sql: str) -> sa.TextClause:
    return sa.text(sql.replace(":", "\\:"))


@pytest.mark.parametrize("text", TEXTS)
def test_a_colon_that_is_escaped_is_no_parameter(text: str) -> None:
    escaped = sa.text(escape_colons(text))
    assert str(escaped.compile(dialect=sqlite.dialect())) == text
    assert escape_colons("'12:30'::time AT TIME ZONE x") == "'12:30'::time AT TIME ZONE x"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", TEXTS)
def test_a_table_is_created_with_what_its_texts_say(dialect: str, text: str) -> None:
    sql = quoted(text)
    columns = [
        sa.Column("a", sa.String(99), server_default=as_text(sql)),
        sa.Column("b", sa.String(99), sa.Computed(as_text(f"a || {sql}"))),
        sa.Column("c", sa.String(99), server_default=text),
        sa.CheckConstraint(as_text(f"a <> {sql}"), name="ck"),
        sa.CheckConstraint(sa.column("c") != sa.literal(text), name="other"),
    ]
    op = ops.CreateTableOp("games", columns)
    assert run(dialect, rendered(dialect, op)) == run(dialect, op=op)
    in_strings = sql.replace("\\", "\\\\") if dialect == "mysql" else sql
    assert in_strings in run(dialect, op=op)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", TEXTS)
def test_an_index_is_created_with_what_its_texts_say(dialect: str, text: str) -> None:
    table = sa.Table("games", sa.MetaData(), sa.Column("a", sa.String(99)))
    where = as_text(f"a <> {quoted(text)}")
    expression = sa.func.coalesce(table.c.a, sa.literal(text))
    index = sa.Index("ix", expression, sqlite_where=where, postgresql_where=where)
    op = ops.CreateIndexOp.from_index(index)
    assert run(dialect, rendered(dialect, op)) == run(dialect, op=op)


@pytest.mark.parametrize("text", ["'", "it''s'", "'q'", '"'])
def test_a_default_keeps_its_own_quotes(text: str) -> None:
    op = ops.AddColumnOp("games", sa.Column("a", sa.String(9), server_default=text))
    assert run("postgresql", rendered("postgresql", op)) == run("postgresql", op=op)


@pytest.mark.parametrize("text", TEXTS)
def test_a_default_that_mysql_states_again_stays_as_it_was(text: str) -> None:
    """A reflected default is a text, whose colons are no parameters."""
    existing = sa.DefaultClause(sa.text(quoted(text)), _reflected=True)
    op = ops.AlterColumnOp(
        "games",
        "a",
        existing_type=sa.String(9),
        modify_nullable=False,
        existing_server_default=existing,
    )
    assert f"DEFAULT {quoted(text)};" in run("mysql", rendered("mysql", op))


@pytest.mark.parametrize("text", TEXTS)
def test_what_the_twin_prints_runs_as_it_is(text: str) -> None:
    sql = quoted(text)
    default = {"type": "text", "default": sql, "identity": "", "computed": ""}
    column = Part("column", "a", default, sql=f"a text DEFAULT {sql}")
    bare = Part("column", "a", {**default, "default": ""}, sql="a text")
    check = Part("check", "ck", {"definition": sql}, ("a",), sql=f"CHECK (a <> {sql})")
    statement = f"CREATE INDEX ix ON games (a) WHERE a <> {sql}"
    index = Part("index", "ix", {"definition": sql}, ("a",), sql=statement)
    for difference, expected in (
        (SchemaDifference("games", column, bare, "default"), f"SET DEFAULT {sql}"),
        (SchemaDifference("games", check, None), f"CHECK (a <> {sql})"),
        (SchemaDifference("games", index, None), statement),
    ):
        code = code_of(difference, [statement], "postgresql")
        assert expected in run("postgresql", code.main)


def test_a_tab_in_a_default_stays_one() -> None:
    statement = "CREATE TABLE t (\n\ta TEXT DEFAULT '\n\tx'\n)"
    difference = SchemaDifference("t", Part("column", "a", {}), None)
    (line,) = code_of(difference, [statement], "sqlite").main
    assert ast.literal_eval(line[len("op.execute(") : -1]) == statement.replace("\ta", "    a")


def test_names_with_percent_signs_are_not_doubled() -> None:
    comment = Part("comment", "", {"comment": "half"})
    column = Part("column", "100%", {"type": "text", "comment": "half"}, sql='"100%" text')
    schema = DatabaseSchema({"games": TableSchema("games", [comment])})
    (added, _) = fix_statements(SchemaDifference("games", column, None), schema, schema)
    assert added == 'ALTER TABLE games ADD COLUMN "100%" text'
    index = Part("index", "50%", {})
    assert fix_statements(SchemaDifference("games", None, index), schema, schema) == [
        'DROP INDEX "50%"'
    ]
