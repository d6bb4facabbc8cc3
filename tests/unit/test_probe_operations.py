"""What the probe makes of autogenerate's operations, with the Alembic of the tests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import ops

from alembic_lockstep.probe.operations import flatten

OPTIONS = {
    "alembic_module_prefix": "op.",
    "sqlalchemy_module_prefix": "sa.",
    "user_module_prefix": None,
    "render_item": None,
    "render_as_batch": False,
}


def code(op: ops.MigrateOperation) -> list[str]:
    migrations = MigrationContext.configure(dialect_name="postgresql", opts=OPTIONS)
    context = AutogenContext(migrations)
    (operation,) = flatten(ops.UpgradeOps([op]), context)
    lines: list[str] = operation["code"]
    return lines


def test_arguments_that_alembic_does_not_indent_are_indented() -> None:
    op = ops.CreateTableOp("tags", [sa.Column("id", sa.Integer()), sa.Column("name", sa.Text())])
    first, *arguments, last = code(op)
    assert (first, last) == ("op.create_table('tags',", ")")
    assert {len(line) - len(line.lstrip()) for line in arguments} == {4}


def test_arguments_that_alembic_indents_stay_aligned() -> None:
    """The last one used to stand four columns left of the others."""
    altered = ops.AlterColumnOp(
        "tags", "name", existing_type=sa.String(9), existing_nullable=True, modify_type=sa.Text()
    )
    first, *arguments = code(altered)
    assert first == "op.alter_column('tags', 'name',"
    assert len(arguments) == 3
    assert len({len(line) - len(line.lstrip()) for line in arguments}) == 1
