"""unsafe-upgrade: statements that fail on tables with rows, from facts to findings."""

from __future__ import annotations

from pathlib import Path

import pytest
from dry_runs import begin, facts_of, observed
from graphs import Graph
from trials import NEW, change, failure, tried

from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.rules import unsafe_upgrade

ADD = 'op.add_column("games", sa.Column("name", sa.String(9), nullable=False))'
ADD_SQL = "ALTER TABLE games ADD COLUMN name VARCHAR(9) NOT NULL"
NULLS = 'column "name" of relation "games" contains null values'
# The line of the first statement of upgrade() in the migrations of `trials.py`.
FIRST = 6


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return begin(tmp_path)


def fails(
    graph: Graph, upgrade: str, message: str, statement: str = "", dialect: str = "postgresql"
) -> Finding:
    error = failure(message, statement, FIRST)
    facts = tried(graph, upgrade, phase="upgrade", revision="0002", error=error, dialect=dialect)
    (finding,) = unsafe_upgrade.check(facts)
    assert finding.rule == "unsafe-upgrade"
    return finding


def code(finding: Finding) -> list[str]:
    return [line for line in finding.hint.splitlines() if line.lstrip().startswith(("op.", "with"))]


def test_without_a_dry_run_nothing_fails(graph: Graph) -> None:
    assert unsafe_upgrade.check(graph.facts()) == []


def test_without_a_trial_nothing_fails(graph: Graph) -> None:
    assert unsafe_upgrade.check(facts_of(graph, observed())) == []


def test_a_trial_that_was_left_out_passes(graph: Graph) -> None:
    assert unsafe_upgrade.check(tried(graph, ADD, note="rows are off")) == []


def test_a_trial_that_comes_to_its_end_passes(graph: Graph) -> None:
    facts = tried(graph, ADD, filled={"games": 3}, unfilled={"maps": "a type"})
    assert unsafe_upgrade.check(facts) == []


def test_lost_rows_are_another_rules(graph: Graph) -> None:
    facts = tried(graph, ADD, changes=[change("rows-vanished", "games")])
    assert unsafe_upgrade.check(facts) == []


@pytest.mark.parametrize("phase", ["downgrade", "upgrade-again"])
def test_the_way_back_is_another_rules(graph: Graph, phase: str) -> None:
    facts = tried(graph, ADD, phase=phase, revision="0002", error=failure(NULLS, ADD_SQL, FIRST))
    assert unsafe_upgrade.check(facts) == []


def test_a_new_column_is_found_at_its_line(graph: Graph) -> None:
    finding = fails(graph, ADD, NULLS, ADD_SQL)
    assert finding.message == (
        "upgrade() of 0002 fails on tables with rows: games.name is NOT NULL without a default, "
        "and rows have no value for it"
    )
    assert finding.location == Location(NEW, FIRST, 5, f"    {ADD}", len(ADD))
    assert finding.hint.splitlines()[0] == f"Error: {NULLS}"


@pytest.mark.parametrize(
    ("dialect", "last"),
    [
        (
            "postgresql",
            "op.alter_column('games', 'name', existing_type=sa.String(9), nullable=False)",
        ),
        ("mysql", "op.alter_column('games', 'name', existing_type=sa.String(9), nullable=False)"),
    ],
)
def test_a_new_column_gets_there_in_steps(graph: Graph, dialect: str, last: str) -> None:
    assert code(fails(graph, ADD, NULLS, ADD_SQL, dialect)) == [
        "op.add_column('games', sa.Column('name', sa.String(9), nullable=True))",
        "op.execute(\"UPDATE games SET name = ''\")  # choose the value for rows that exist",
        last,
    ]


def test_a_new_column_of_sqlite_gets_a_default_which_needs_no_new_table(graph: Graph) -> None:
    assert code(fails(graph, ADD, NULLS, ADD_SQL, "sqlite")) == [
        "op.add_column('games', sa.Column('name', sa.String(9), nullable=False, "
        "server_default=sa.text(\"''\")))  # choose the value for rows that exist",
    ]


def test_a_table_of_sqlite_is_made_again_without_foreign_keys(graph: Graph) -> None:
    upgrade = 'op.add_column("games", sa.Column("name", sa.DateTime(), nullable=False))'
    hint = fails(graph, upgrade, NULLS, ADD_SQL, "sqlite").hint
    off, batch = 'op.execute("PRAGMA foreign_keys = OFF")', "with op.batch_alter_table('games')"
    assert 0 < hint.index(off) < hint.index(batch)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("sa.Integer()", "0"),
        ("sa.BigInteger", "0"),
        ("sa.Boolean()", "false"),
        ("sa.DateTime(timezone=True)", "CURRENT_TIMESTAMP"),
        ("sa.Date()", "CURRENT_DATE"),
        ("postgresql.JSONB()", "'{}'"),
        ("sa.Enum('sad', 'ok', name='mood')", "'sad'"),
        ("app.types.Money()", "…"),
    ],
)
def test_the_value_is_one_of_the_type(graph: Graph, kind: str, value: str) -> None:
    upgrade = f'op.add_column("games", sa.Column("name", {kind}, nullable=False))'
    _, update, _ = code(fails(graph, upgrade, NULLS, ADD_SQL))
    assert f'SET name = {value}")' in update


def test_a_column_that_becomes_not_null(graph: Graph) -> None:
    upgrade = 'op.alter_column("games", "name", existing_type=sa.Integer(), nullable=False)'
    finding = fails(graph, upgrade, NULLS, "ALTER TABLE games ALTER COLUMN name SET NOT NULL")
    assert "games.name becomes NOT NULL, and rows hold NULL in it" in finding.message
    (update,) = code(finding)
    assert update.startswith('op.execute("UPDATE games SET name = 0 WHERE name IS NULL")')


def test_names_that_need_quotes_have_them(graph: Graph) -> None:
    finding = fails(
        graph,
        'op.alter_column("order", "Name", existing_type=sa.Text(), nullable=False)',
        'column "Name" of relation "order" contains null values',
        'ALTER TABLE "order" ALTER COLUMN "Name" SET NOT NULL',
    )
    (update,) = code(finding)
    assert """'UPDATE "order" SET "Name" = \\'\\' WHERE "Name" IS NULL'""" in update


def test_a_unique_constraint_over_equal_values(graph: Graph) -> None:
    finding = fails(
        graph,
        'op.create_unique_constraint("uq", "games", ["name"])',
        'could not create unique index "uq"\nDETAIL:  Key (name)=(a) is duplicated.',
        "ALTER TABLE games ADD CONSTRAINT uq UNIQUE (name)",
    )
    assert "games.name becomes unique, and rows hold equal values in it (a)" in finding.message
    assert "SELECT name, count(*) FROM games GROUP BY name HAVING count(*) > 1" in finding.hint
    (delete,) = code(finding)
    assert "DELETE FROM games WHERE name IS NOT NULL AND id NOT IN" in delete


def test_a_type_that_values_do_not_fit(graph: Graph) -> None:
    finding = fails(
        graph,
        'op.alter_column("games", "name", type_=sa.String(5))',
        "value too long for type character varying(5)",
        "ALTER TABLE games ALTER COLUMN name TYPE VARCHAR(5)",
    )
    assert "rows hold values in games.name that do not fit VARCHAR(5)" in finding.message
    (update,) = code(finding)
    assert "SET name = left(name, 5) WHERE char_length(name) > 5" in update
    assert 'postgresql_using="name::VARCHAR(5)"' in finding.hint


def test_a_check_that_rows_violate(graph: Graph) -> None:
    finding = fails(
        graph,
        'op.create_check_constraint("ck", "games", "size > 5")',
        'check constraint "ck" of relation "games" is violated by some row',
        "ALTER TABLE games ADD CONSTRAINT ck CHECK (size > 5)",
    )
    assert "rows violate the check constraint ck of games" in finding.message
    update, validate = code(finding)
    assert "UPDATE games SET … WHERE NOT (size > 5)" in update
    assert validate == 'op.execute("ALTER TABLE games VALIDATE CONSTRAINT ck")'


def test_a_check_of_a_batch_is_read_from_the_migration(graph: Graph) -> None:
    upgrade = (
        'with op.batch_alter_table("games") as batch_op:\n'
        '    batch_op.create_check_constraint("ck", "size > 5")'
    )
    statement = "INSERT INTO _alembic_tmp_games (id) SELECT games.id FROM games"
    finding = fails(graph, upgrade, "CHECK constraint failed: ck", statement, "sqlite")
    (update,) = code(finding)
    assert "UPDATE games SET … WHERE NOT (size > 5)" in update


def test_a_foreign_key_whose_rows_refer_to_none(graph: Graph) -> None:
    finding = fails(
        graph,
        'op.create_foreign_key("fk", "games", "maps", ["map_id"], ["id"])',
        'insert or update on table "games" violates foreign key constraint "fk"',
        "ALTER TABLE games ADD CONSTRAINT fk FOREIGN KEY(map_id) REFERENCES maps (id)",
    )
    assert "rows refer in games.map_id to rows of maps that do not exist" in finding.message
    update, _ = code(finding)
    assert "SET map_id = NULL WHERE map_id NOT IN (SELECT id FROM maps)" in update


def test_a_table_that_sqlite_makes_again_and_rows_refer_to(graph: Graph) -> None:
    upgrade = 'with op.batch_alter_table("maps") as batch_op:\n    batch_op.drop_column("x")'
    finding = fails(graph, upgrade, "FOREIGN KEY constraint failed", "\nDROP TABLE maps", "sqlite")
    assert "rows of maps go, and rows of other tables refer to them" in finding.message
    assert 'op.execute("PRAGMA foreign_keys = OFF")' in finding.hint
    assert '    with op.batch_alter_table("maps") as batch_op:' in finding.hint


def test_rows_whose_constraints_are_deferred(graph: Graph) -> None:
    message = 'cannot ALTER TABLE "games" because it has pending trigger events'
    finding = fails(graph, ADD, message, ADD_SQL)
    assert code(finding) == ['op.execute("SET CONSTRAINTS ALL IMMEDIATE")']


def test_an_error_of_another_kind_is_shown_with_its_statement(graph: Graph) -> None:
    finding = fails(graph, ADD, "division by  zero", "UPDATE games\nSET x = 1 / 0")
    assert finding.message.endswith("fails on tables with rows: Error: division by zero")
    assert finding.hint.splitlines()[0] == "This fails: UPDATE games SET x = 1 / 0"


def test_an_error_of_python_is_one(graph: Graph) -> None:
    assert fails(graph, ADD, "'NoneType' object").message.endswith("Error: 'NoneType' object")


def test_an_error_outside_of_the_migration_is_found_at_its_file(graph: Graph) -> None:
    facts = tried(graph, ADD, phase="upgrade", revision="0002", error=failure("no", "COMMIT"))
    (finding,) = unsafe_upgrade.check(facts)
    assert (finding.location.path, finding.location.line) == (NEW, 1)


def test_each_finding_says_how_to_mark_the_line(graph: Graph) -> None:
    finding = fails(graph, ADD, NULLS, ADD_SQL)
    assert finding.hint.splitlines()[-1] == (
        "If there are no such rows, say why at that line: "
        "# lockstep: ignore[unsafe-upgrade] the reason"
    )
