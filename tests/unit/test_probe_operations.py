"""What the probe makes of autogenerate's operations, with the Alembic of the tests."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy.dialects import postgresql

from alembic_lockstep.dryrun.operations import operations as operations_of
from alembic_lockstep.dryrun.operations import upgrade_functions
from alembic_lockstep.dryrun.process import Observation
from alembic_lockstep.probe.operations import flatten

OPTIONS = {
    "alembic_module_prefix": "op.",
    "sqlalchemy_module_prefix": "sa.",
    "user_module_prefix": None,
    "render_item": None,
    "render_as_batch": False,
}


def printed(dialect: str, *operations: ops.MigrateOperation) -> list[str]:
    """Give the lines of the body."""
    migrations = MigrationContext.configure(dialect_name=dialect, opts=OPTIONS)
    facts = flatten(ops.UpgradeOps([*operations]), AutogenContext(migrations))
    found = operations_of(Observation(databases=({"name": "", "operations": facts},)))
    return [line.strip() for line in upgrade_functions(found).splitlines()[1:]]


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
def table(name: str, *parts: Any) -> sa.Table:
    return sa.Table(name, sa.MetaData(), sa.Column("id", sa.Integer()), *parts)


def modify(name: str, op: ops.MigrateOperation) -> ops.ModifyTableOps:
    return ops.ModifyTableOps(name, [op])


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_an_index_of_a_renamed_table_goes_before_the_new_one_takes_its_name(dialect: str) -> None:
    new, old = (table(name, sa.Index("ix", "id")) for name in ("new", "old"))
    (index,), (gone,) = new.indexes, old.indexes
    lines = printed(
        dialect,
        ops.CreateTableOp.from_table(new),
        modify("new", ops.CreateIndexOp.from_index(index)),
        modify("old", ops.DropIndexOp.from_index(gone)),
        ops.DropTableOp.from_table(old),
    )
    assert lines[0].startswith("op.drop_index('ix', table_name='old'")
    assert lines[-1] == "op.drop_table('old')"
    assert not [line for line in lines[1:] if "drop_index" in line]


def test_a_table_whose_constraint_another_takes_over_goes_first_after_its_references() -> None:
    new, old = (table(name, sa.UniqueConstraint("id", name="uq")) for name in ("new", "old"))
    lines = printed(
        "postgresql",
        ops.CreateTableOp.from_table(new),
        ops.DropTableOp.from_table(old),
        modify("moves", ops.DropConstraintOp("fk", "moves", type_="foreignkey", _reverse=KEY)),
    )
    assert lines[:2] == [
        "op.drop_constraint('fk', 'moves', type_='foreignkey')",
        "op.drop_table('old')",
    ]


KEY = ops.CreateForeignKeyOp("fk", "moves", "old", ["x"], ["id"])


def test_an_index_that_moves_to_another_table_goes_there_first() -> None:
    one, other = (table(name, sa.Index("ix", "id")) for name in ("a", "b"))
    (index,), (gone,) = one.indexes, other.indexes
    first, second = printed(
        "postgresql",
        modify("a", ops.CreateIndexOp.from_index(index)),
        modify("b", ops.DropIndexOp.from_index(gone)),
    )
    assert (first[:13], second[:15]) == ("op.drop_index", "op.create_index")


def test_sqlite_alters_in_a_batch_block_also_if_the_project_does_not() -> None:
    altered = ops.AlterColumnOp("games", "a", existing_type=sa.Text(), modify_nullable=False)
    assert printed("sqlite", modify("games", altered))[0].startswith("with op.batch_alter_table(")
    added = ops.AddColumnOp("games", sa.Column("b", sa.Text()))
    assert printed("sqlite", modify("games", added))[0].startswith("op.add_column(")


class DropShapeOp(ops.DropIndexOp):
    """GeoAlchemy2's, of a column by its name."""

    column_name = "shape"

    def reverse(self) -> Any:
        raise TypeError("missing 1 required positional argument: 'columns'")


def flat(op: ops.MigrateOperation) -> dict[str, Any]:
    context = AutogenContext(MigrationContext.configure(dialect_name="postgresql", opts=OPTIONS))
    (operation,) = flatten(ops.UpgradeOps([op]), context)
    return operation


def test_an_index_of_another_package_that_cannot_be_reversed_is_described() -> None:
    operation = flat(DropShapeOp("ix", "lakes"))
    assert (operation["columns"], operation["found"]) == (["shape"], "")
    assert operation["code"] == ["op.drop_index('ix', table_name='lakes')"]


def test_a_constraint_or_an_index_without_its_reverse_is_described_by_its_name() -> None:
    dropped = flat(ops.DropConstraintOp("ck", "lakes", type_="check"))
    assert (dropped["name"], dropped["columns"], dropped["found"]) == ("ck", [], "")
    dropped = flat(ops.DropIndexOp("ix", "lakes"))
    assert (dropped["name"], dropped["columns"], dropped["found"]) == ("ix", [], "")


def test_an_operation_without_a_renderer_has_no_code() -> None:
    select: Any = sa.select(sa.literal(1))
    assert flat(ops.ExecuteSQLOp(select))["code"] == []
    assert printed("postgresql", ops.ExecuteSQLOp(select)) == ["pass"]
    assert flat(ops.CreatePrimaryKeyOp("pk", "lakes", ["id"]))["code"] == []
