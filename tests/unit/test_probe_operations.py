"""Turn autogenerate's operations into facts, with the Alembic of the tests."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import renderers
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy.dialects import postgresql

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import operations as operations_of
from alembic_lockstep.dryrun.schema_operations import upgrade_functions
from alembic_lockstep.probe.database_facts import OperationFacts
from alembic_lockstep.probe.operations import flatten
from alembic_lockstep.probe.renames import with_new_name

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
    missing = operations_of(Observation(databases=({"name": "", "operations": facts},)))
    return [line.strip() for line in upgrade_functions(missing).splitlines()[1:]]


def operation_of(op: ops.MigrateOperation) -> OperationFacts:
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
    """Before, the last one was four columns left of the others."""
    altered = ops.AlterColumnOp(
        "tags", "name", existing_type=sa.String(9), existing_nullable=True, modify_type=sa.Text()
    )
    first, *arguments = code(altered)
    assert first == "op.alter_column('tags', 'name',"
    assert len(arguments) == 3
    assert len({len(line) - len(line.lstrip()) for line in arguments}) == 1


class Encoded(sa.types.UserDefinedType[str]):
    """Type whose `repr` holds the address of a function."""

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
        expected = operation_of(op)["expected"]
        assert "Encoded(" in expected
        assert " at 0x" not in expected


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


@pytest.mark.parametrize(
    ("column", "recreates"),
    [
        (sa.Column("b", sa.Text()), False),
        (sa.Column("b", sa.Text(), server_default="text("), False),
        (sa.Column("b", sa.Text(), server_default=sa.text("'x'")), True),
        (sa.Column("b", sa.DateTime(), server_default=sa.func.now()), True),
        (sa.Column("b", sa.Integer(), sa.Computed("id + 1")), True),
        (sa.Column("b", sa.Boolean(create_constraint=True, name="yes")), True),
    ],
)
def test_a_new_column_is_marked_if_sqlite_cannot_add_it_as_it_is(
    column: sa.Column[Any], recreates: bool
) -> None:
    assert operation_of(ops.AddColumnOp("tags", column))["recreates"] is recreates


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


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mariadb"])
def test_a_reference_goes_before_the_table_to_which_it_leads(dialect: str) -> None:
    """The server refuses another order; in a batch block, SQLAlchemy does not find the table."""
    games = table("games")
    key = sa.ForeignKeyConstraint(["over"], ["games.id"], name="fk")
    moves = sa.Table("moves", games.metadata, sa.Column("over", sa.Integer), key)
    lines = printed(
        dialect,
        ops.DropTableOp.from_table(games),
        modify("moves", ops.DropConstraintOp.from_constraint(key)),
        modify("moves", ops.DropColumnOp.from_column_and_tablename(None, "moves", moves.c.over)),
    )
    dropped = [line for line in lines if "drop_" in line]
    assert ["drop_constraint" in dropped[0], dropped[1]] == [True, "op.drop_table('games')"]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_table_that_takes_the_name_of_an_index_comes_after_it(dialect: str) -> None:
    old = table("games", sa.Index("moves", "id"))
    (gone,) = old.indexes
    lines = printed(
        dialect,
        ops.CreateTableOp.from_table(table("moves")),
        modify("games", ops.DropIndexOp.from_index(gone)),
    )
    assert lines[0].startswith("op.drop_index('moves', table_name='games'")


def test_all_tables_go_first_if_the_name_of_one_is_taken() -> None:
    """Others may refer to it, and go before it."""
    games = table("games", sa.UniqueConstraint("id", name="uq"))
    key = sa.ForeignKeyConstraint(["over"], ["games.id"])
    moves = sa.Table("moves", games.metadata, sa.Column("over", sa.Integer), key)
    lines = printed(
        "postgresql",
        ops.CreateTableOp.from_table(table("new", sa.UniqueConstraint("id", name="uq"))),
        ops.DropTableOp.from_table(games),
        ops.DropTableOp.from_table(moves),
    )
    assert lines[:2] == ["op.drop_table('moves')", "op.drop_table('games')"]


def test_a_table_that_goes_first_takes_its_indexes_along() -> None:
    both = sa.UniqueConstraint("id", name="uq")
    new, old = table("new", both), table("old", both._copy(), sa.Index("ix", "id"))
    (gone,) = old.indexes
    lines = printed(
        "postgresql",
        ops.CreateTableOp.from_table(new),
        modify("old", ops.DropIndexOp.from_index(gone)),
        ops.DropTableOp.from_table(old),
    )
    assert lines[:2] == ["op.drop_index('ix', table_name='old')", "op.drop_table('old')"]


def test_an_index_on_an_expression_comes_after_what_makes_its_table_anew() -> None:
    (index,) = table("games", sa.Index("ix", sa.text("id DESC"))).indexes
    lines = printed(
        "sqlite",
        modify("games", ops.CreateIndexOp.from_index(index)),
        modify("games", ops.AlterColumnOp("games", "a", modify_nullable=False)),
    )
    assert lines[0].startswith("with op.batch_alter_table(")
    assert lines[-1].startswith("op.create_index('ix', 'games', [")


KEY = ops.CreateForeignKeyOp("fk", "moves", "old", ["x"], ["id"])


def test_an_index_that_moves_to_another_table_goes_there_first() -> None:
    table_a, table_b = (table(name, sa.Index("ix", "id")) for name in ("a", "b"))
    (index,), (gone,) = table_a.indexes, table_b.indexes
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


def flat(op: ops.MigrateOperation) -> OperationFacts:
    context = AutogenContext(MigrationContext.configure(dialect_name="postgresql", opts=OPTIONS))
    (operation,) = flatten(ops.UpgradeOps([op]), context)
    return operation


def test_an_index_of_another_package_that_cannot_be_reversed_is_described() -> None:
    operation = flat(DropShapeOp("ix", "lakes"))
    assert (operation["columns"], operation["actual"]) == (["shape"], "")
    assert operation["code"] == ["op.drop_index('ix', table_name='lakes')"]
    assert operation["foreign"]
    assert not flat(ops.DropColumnOp("lakes", "shape"))["foreign"]


def test_a_constraint_or_an_index_without_its_reverse_is_described_by_its_name() -> None:
    dropped = flat(ops.DropConstraintOp("ck", "lakes", type_="check"))
    assert (dropped["name"], dropped["columns"], dropped["actual"]) == ("ck", [], "")
    dropped = flat(ops.DropIndexOp("ix", "lakes"))
    assert (dropped["name"], dropped["columns"], dropped["actual"]) == ("ix", [], "")


def test_an_operation_without_a_renderer_has_no_code() -> None:
    select: Any = sa.select(sa.literal(1))
    assert flat(ops.ExecuteSQLOp(select))["code"] == []
    assert printed("postgresql", ops.ExecuteSQLOp(select)) == ["pass"]
    assert flat(ops.CreatePrimaryKeyOp("pk", "lakes", ["id"]))["code"] == []


def new_table(*parts: Any, name: str = "games") -> ops.CreateTableOp:
    key: Any = sa.Column("id", sa.Integer(), primary_key=True)
    return ops.CreateTableOp.from_table(sa.Table(name, sa.MetaData(), key, *parts))


class CreateViewOp(ops.MigrateOperation):
    """Operation whose renderer returns several statements as one text, as alembic_utils' do."""


@renderers.dispatch_for(CreateViewOp)
def render_view(context: AutogenContext, op: CreateViewOp) -> str:  # noqa: ARG001
    context.imports.add("from views import View\nfrom views import unused")
    return 'v = View(\n    name="(v",\nsql="""SELECT 1\n FROM [\n"""\n)\nop.create_view(v)\n'


def test_each_statement_of_a_rendered_text_stands_at_the_margin() -> None:
    facts = flat(CreateViewOp())
    assert facts["code"] == [
        "v = View(",
        '    name="(v",',
        '    sql="""SELECT 1\n FROM [\n"""',
        ")",
        "op.create_view(v)",
    ]
    assert printed("postgresql", CreateViewOp())[0] == "from views import View"


class NotItsRepr(sa.types.TypeDecorator[str]):
    """As SQLAlchemy-Utils' ChoiceType: its repr lacks an argument that it needs."""

    impl = sa.String
    cache_ok = True

    def __init__(self, choices: list[str], length: int = 20) -> None:
        super().__init__(length)
        self.choices = choices

    def __repr__(self) -> str:
        return "NotItsRepr(length=20)"


class NoPython(NotItsRepr):
    def __repr__(self) -> str:
        return "NoPython(choices=<class 'Choices'>)"


class OwnType(sa.types.TypeDecorator[str]):
    impl = sa.String
    cache_ok = True


@pytest.mark.parametrize("kind", [NotItsRepr, NoPython])
def test_a_type_whose_repr_does_not_make_it_is_what_it_is_to_the_database(kind: Any) -> None:
    code = flat(ops.AddColumnOp("games", sa.Column("a", kind([]))))["code"]
    assert code == ["op.add_column('games', sa.Column('a', sa.String(length=20), nullable=True))"]


def test_the_module_of_a_type_of_the_project_is_imported() -> None:
    first, second = printed("sqlite", ops.AddColumnOp("games", sa.Column("a", OwnType(9))))
    assert first == f"import {__name__}"
    assert f"sa.Column('a', {__name__}.OwnType(length=9)" in second


def test_what_alembic_leaves_out_of_a_new_table_is_there() -> None:
    checked: Any = sa.Column("size", sa.Integer(), sa.CheckConstraint("size > 0"))
    assert "sa.CheckConstraint('size > 0')" in "".join(printed("mysql", new_table(checked)))
    table = new_table(sa.Column("name", sa.Text()), sa.Index("ix", sa.text("lower(name)")))
    assert printed("sqlite", table)[-1].startswith("op.create_index('ix', 'games', [sa.")


@pytest.mark.parametrize(("name", "counts"), [("numbers", False), ("games_n_seq", True)])
def test_a_key_with_a_sequence_of_its_own_is_no_serial(name: str, counts: bool) -> None:
    key: Any = sa.Column("n", sa.Integer(), sa.Sequence(name), primary_key=True)
    table = sa.Table("games", sa.MetaData(), key)
    code = "".join(printed("postgresql", ops.CreateTableOp.from_table(table)))
    assert ("autoincrement=False" in code) is not counts


def test_a_table_makes_no_enum_type_that_another_makes() -> None:
    mood: Any = sa.Column("mood", sa.Enum("a", "b", name="mood"))
    first, second = (new_table(mood._copy(), name=name) for name in ("games", "moves"))
    lines = [line for line in printed("postgresql", first, second) if "mood" in line]
    assert [("create_type=False" in line) for line in lines] == [False, True]


def test_a_rename_has_the_new_name_whatever_alembic_renders() -> None:
    older = ["op.alter_column('games', 'title',", "           existing_nullable=True)"]
    newer = ["op.alter_column('games', 'title',", "           new_column_name='name')"]
    assert with_new_name(older, "it's") == [
        older[0],
        """           existing_nullable=True, new_column_name="it's")""",
    ]
    assert with_new_name(newer, "name") == newer
