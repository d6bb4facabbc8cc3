"""Differences of two dry runs, subtracted; and the body that cures them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import (
    Operation,
    operations,
    subtract,
    upgrade_functions,
    without_leftovers,
    without_uncompared,
)
from alembic_lockstep.probe.twin.declared import declared_parts

WINNERS = Operation(
    database="",
    kind="add_column",
    table="games",
    name="winners",
    columns=(),
    expected="sa.Column('winners', sa.JSON())",
    actual="",
    text="column games.winners",
    code=("op.add_column('games', sa.Column('winners', sa.JSON()))",),
)
TITLE = replace(
    WINNERS, kind="modify_type", name="title", expected="String(length=80)", text="type of column"
)


def test_what_the_base_lacks_too_is_old() -> None:
    assert subtract([WINNERS, TITLE], [TITLE]) == [WINNERS]


def test_the_databases_side_does_not_count() -> None:
    moved = replace(TITLE, code=("op.alter_column(existing_type=sa.String(length=40))",))
    assert subtract([moved], [TITLE]) == []


def test_a_difference_of_which_the_models_want_something_else_is_new() -> None:
    longer = replace(TITLE, expected="String(length=90)")
    assert subtract([longer], [TITLE]) == [longer]


def test_sets_are_subtracted_and_not_counts() -> None:
    healed, brought = TITLE, WINNERS
    assert subtract([brought], [healed]) == [brought]


def test_the_same_thing_in_another_database_is_another_difference() -> None:
    elsewhere = replace(WINNERS, database="archive")
    assert subtract([WINNERS, elsewhere], [WINNERS]) == [elsewhere]


def test_batch_blocks_of_one_table_are_merged() -> None:
    head = "with op.batch_alter_table('games') as batch_op:"
    first = replace(WINNERS, code=(head, "    batch_op.add_column(a)"))
    second = replace(WINNERS, name="b", code=(head, "    batch_op.add_column(b)"))
    added = "        batch_op.add_column(a)\n        batch_op.add_column(b)"
    assert upgrade_functions([first, second]) == f"def upgrade() -> None:\n    {head}\n{added}"


def test_one_alter_of_two_differences_is_written_once() -> None:
    nullable = replace(TITLE, kind="modify_nullable", expected="False")
    assert upgrade_functions([TITLE, nullable]) == f"def upgrade() -> None:\n    {TITLE.code[0]}"


def test_each_database_has_its_own_function_as_in_the_multidb_templates() -> None:
    first, default = (
        replace(WINNERS, database="engine1_upgrades"),
        replace(TITLE, database="_upgrades"),
    )
    text = upgrade_functions([first, default])
    assert text == (
        f"def upgrade_engine1() -> None:\n    {WINNERS.code[0]}\n\n"
        f"def upgrade_() -> None:\n    {TITLE.code[0]}"
    )


@pytest.mark.parametrize(
    ("name", "label"),
    [("engine1_upgrades", " (engine1)"), ("_upgrades", " (default)"), ("a", " (a)")],
)
def test_of_several_databases_each_difference_names_its_own(name: str, label: str) -> None:
    fact = {name: value for name, value in asdict(WINNERS).items() if name != "database"}
    databases = [{"name": each, "operations": [fact]} for each in (name, "other")]
    first, other = operations(Observation(databases=tuple(databases)))
    assert (first.database, first.text) == (name, f"column games.winners{label}")
    assert (other.database, other.text) == ("other", "column games.winners (other)")
    alone = operations(Observation(databases=(databases[0],)))
    assert [(each.database, each.text) for each in alone] == [("", "column games.winners")]


def test_a_difference_has_what_the_probe_says_of_it() -> None:
    fields = ("kind", "table", "name", "columns", "expected", "actual", "text", "code")
    fact = {name: value for name, value in asdict(WINNERS).items() if name in fields}
    (plain,) = operations(Observation(databases=({"name": "", "operations": [fact]},)))
    assert plain == WINNERS
    more: dict[str, Any] = {
        name: (name,) for name in ("sql", "instead", "before", "after", "imports")
    }
    fact = {**fact, **more, "declared": ["column winners", "aaaa"]}
    (whole,) = operations(Observation(databases=({"name": "", "operations": [fact]},)))
    assert whole == replace(WINNERS, **more, declared=("column winners", "aaaa"))
    assert whole.whole_code == ("before", *WINNERS.code, "after")


def test_tenants_that_lack_the_same_thing_are_one_difference() -> None:
    fact = {name: value for name, value in asdict(WINNERS).items() if name != "database"}
    database = {"name": "upgrades", "operations": [fact]}
    assert operations(Observation(databases=(database, database))) == [WINNERS]


def body(*missing: Operation) -> list[str]:
    """Return the lines of upgrade(), without their indentation."""
    head, *lines = upgrade_functions(missing).splitlines()
    assert head == "def upgrade() -> None:"
    assert all(line.startswith("    ") for line in lines if line)
    return [line.removeprefix("    ") for line in lines]


def change(kind: str, *code: str, **fields: Any) -> Operation:
    return replace(WINNERS, kind=kind, code=code, **fields)


def test_what_no_code_fixes_leaves_a_body() -> None:
    assert body(change("other")) == ["pass"]


def test_an_empty_line_is_not_indented() -> None:
    text = upgrade_functions([change("other", "a = 1", "", "b = 2")])
    assert text == "def upgrade() -> None:\n    a = 1\n\n    b = 2"


def test_what_hinders_several_changes_is_dropped_and_made_once() -> None:
    around: dict[str, Any] = {"before": ("drop()",), "after": ("create()",)}
    assert body(change("modify_type", "a()", **around), change("modify_type", "b()", **around)) == [
        "drop()",
        "a()",
        "b()",
        "create()",
    ]


def test_references_are_dropped_first_and_made_last() -> None:
    kinds = ("modify_type", "remove_index", "add_fk", "add_constraint")
    lines = body(*(change(kind, before=(f"drop {kind}",), after=(kind,)) for kind in kinds))
    assert lines == [
        *(f"drop {kind}" for kind in ("add_fk", "remove_index", "add_constraint", "modify_type")),
        *("modify_type", "remove_index", "add_constraint", "add_fk"),
    ]


def test_statements_of_several_lines_stay_whole() -> None:
    first = ("op.drop_index(", "    'a',", ")", "op.execute(", "    'x'", ")")
    second = ("op.drop_index(", "    'b',", ")", "op.execute(", "    'x'", ")")
    blocks = [change("modify_type", before=lines) for lines in (first, second)]
    assert body(*blocks) == [*first, *second[:3]]
    assert body(*(change("other", *lines) for lines in (first, second))) == [*first, *second]


def test_batches_that_hinder_are_whole_and_merged() -> None:
    batch = "with op.batch_alter_table('games') as batch_op:"
    both = (batch, "    batch_op.drop_index('a')", "    batch_op.drop_index('b')")
    other = (batch, "    batch_op.drop_index('c')")
    blocks = [change("modify_type", before=lines) for lines in (both, other, both)]
    assert body(*blocks) == [*both, other[1]]


def test_what_another_change_fixes_too_is_written_once() -> None:
    whole = change("modify_type", "alter(type, default)")
    part = change(
        "modify_default", "alter(default)", instead=whole.code, before=("drop()",), after=("set()",)
    )
    assert body(whole, part) == ["alter(type, default)"]
    assert body(part) == ["drop()", "alter(default)", "set()"]
    # A change without code has nothing that another could be written with.
    assert body(replace(part, instead=()), change("other")) == ["drop()", "alter(default)", "set()"]


def test_only_what_the_code_names_is_imported() -> None:
    imports = ("import app.types", "from geo import Point", "import geo as g", "from a import Int")
    lines = body(change("add_column", "add(Point(Integer), g.Line)", imports=imports))
    assert lines == ["from geo import Point", "import geo as g", "add(Point(Integer), g.Line)"]
    lines = body(change("add_column", "add(app.types.JSON)", imports=imports))
    assert lines == ["import app.types", "add(app.types.JSON)"]


LEFT = replace(WINNERS, name="mood", expected="", sql=("DROP",))


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("remove_enum", "enum mood"),
        ("remove_domain", "domain mood"),
        ("remove_sequence", "sequence mood"),
        ("modify_default", "default games.mood"),
        ("modify_validity", "not valid games.mood"),
    ],
)
def test_what_migrations_made_for_themselves_is_kept_out_unless_the_base_had_it(
    kind: str, key: str
) -> None:
    left = replace(LEFT, kind=kind)
    assert without_leftovers([left], None) == without_leftovers([left], made("enum other")) == []
    assert without_leftovers([left], made(key)) == [left]


def made(*keys: str) -> Observation:
    """Return a run of the base whose models made these objects."""
    return Observation(databases=({"twin": {"model_objects": [*keys]}},))


@pytest.mark.parametrize(
    "operation",
    [
        replace(LEFT, kind="add_enum"),
        replace(LEFT, kind="remove_column"),
        replace(LEFT, kind="modify_type"),
        replace(LEFT, kind="modify_default", expected="0"),
        replace(LEFT, kind="modify_default", sql=()),
    ],
    ids=["lacks it", "a column", "a type", "another default", "as autogenerate compares"],
)
def test_what_the_models_may_want_is_a_difference(operation: Operation) -> None:
    assert without_leftovers([operation], None) == [operation]


CHECK = replace(WINNERS, kind="add_constraint", name="won", declared=("check won", "aaaa"))


@pytest.mark.parametrize(
    ("operation", "declared", "is_older"),
    [
        (CHECK, {"check won": "aaaa"}, True),
        (CHECK, {"check won": "bbbb"}, False),
        (CHECK, {}, False),
        (replace(CHECK, kind="remove_constraint", declared=("check won", "")), {}, True),
        (
            replace(CHECK, kind="remove_constraint", declared=("check won", "")),
            {"check won": "aaaa"},
            False,
        ),
        (WINNERS, {"column winners": "aaaa"}, False),  # autogenerate's own
    ],
)
def test_what_the_bases_models_could_not_make_is_older_if_they_said_the_same_of_it(
    operation: Operation, declared: dict[str, str], is_older: bool
) -> None:
    """Who mended the models was blamed for all that was not seen before."""
    before = Observation(databases=({"twin": {"declared": {"games": declared}}},))
    assert (without_uncompared([operation], before) == []) is is_older
    elsewhere = Observation(databases=({"twin": {"declared": {"other": declared}}},))
    assert without_uncompared([operation], elsewhere) == [operation]
    assert without_uncompared([operation], None) == [operation]


def test_parts_are_told_apart_by_what_the_models_say_of_each() -> None:
    def parts(check: str, default: str) -> dict[str, str]:
        columns: list[Any] = [
            sa.Column("a", sa.Integer(), server_default=default),
            sa.Column("b", sa.Enum("x", "y", name="kind"), unique=True),
            sa.Column("c", sa.types.NullType()),
        ]
        constraints = [sa.CheckConstraint(check, name="ok"), sa.CheckConstraint("b <> a")]
        index = sa.Index("ix", "a")
        table = sa.Table("games", sa.MetaData(), *columns, *constraints, index)
        return declared_parts(table, postgresql.dialect())  # type: ignore[no-untyped-call]

    first, second = parts("a > 0", "1"), parts("a > 1", "2")
    assert parts("a > 0", "1") == first
    assert {name for name in first if first[name] != second[name]} == {"check ok", "column a"}
    assert {"column c", "check ", "unique ", "index ix", "enum kind", "options "} <= set(first)
