"""What the probe makes of autogenerate's operations, with the Alembic of the tests."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy.dialects import postgresql

from alembic_lockstep.probe.operations import flatten

OPTIONS = {
    "alembic_module_prefix": "op.",
    "sqlalchemy_module_prefix": "sa.",
    "user_module_prefix": None,
    "render_item": None,
    "render_as_batch": False,
}


def operation_of(op: ops.MigrateOperation) -> dict[str, Any]:
    migrations = MigrationContext.configure(dialect_name="postgresql", opts=OPTIONS)
    context = AutogenContext(migrations)
    (operation,) = flatten(ops.UpgradeOps([op]), context)
    return operation


def code(op: ops.MigrateOperation) -> list[str]:
    lines: list[str] = operation_of(op)["code"]
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


class Encoded(sa.types.UserDefinedType[str]):
    """A type whose `repr` holds the address of a function."""

    cache_ok = True

    def __init__(self, encoder: Any) -> None:
        self.encoder = encoder

    def get_col_spec(self, **_: Any) -> str:
        return "TEXT"


def test_what_is_wanted_does_not_depend_on_the_process() -> None:
    """No older difference of such a column was ever subtracted."""
    added = ops.AddColumnOp("tags", sa.Column("name", Encoded(lambda _: "")))
    altered = ops.AlterColumnOp("tags", "name", modify_type=Encoded(lambda _: ""))
    for op in (added, altered):
        wanted = operation_of(op)["wanted"]
        assert "Encoded(" in wanted
        assert " at 0x" not in wanted


@pytest.mark.parametrize(
    ("constraint", "part", "text"),
    [
        (sa.CheckConstraint("a > 0", name="ok"), "check", "check constraint ok"),
        (sa.UniqueConstraint("a", name="ok"), "unique", "unique constraint ok"),
        (
            postgresql.ExcludeConstraint((sa.Column("a"), "="), name="ok"),
            "exclusion",
            "exclusion constraint ok",
        ),
    ],
)
def test_an_operation_of_alembic_says_what_it_is_about(
    constraint: sa.Constraint, part: str, text: str
) -> None:
    """SQLAlchemy's own name of a CHECK is `table_or_column_check_constraint`."""
    sa.Table("tags", sa.MetaData(), sa.Column("a", sa.Integer()), constraint)
    added = operation_of(ops.AddConstraintOp.from_constraint(constraint))
    assert (added["part"], added["text"]) == (part, text)


class Kind(sa.types.TypeDecorator[str]):
    impl = sa.Enum
    cache_ok = True


@pytest.mark.parametrize(
    ("kind", "checked"),
    [
        (sa.Boolean(create_constraint=True, name="yes"), True),
        (Kind("a", "b", create_constraint=True, native_enum=False), True),
        (sa.Enum("a", "b", native_enum=False), False),
        (sa.Text(), False),
    ],
)
def test_a_column_says_whether_its_type_brings_a_check(kind: Any, checked: bool) -> None:
    added = operation_of(ops.AddColumnOp("tags", sa.Column("kind", kind)))
    assert added["checked"] is checked
