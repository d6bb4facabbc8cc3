"""lost-rows: rows and values that do not survive, from facts to findings."""

from __future__ import annotations

from pathlib import Path

import pytest
from dry_runs import begin, column, facts_of, observed, table
from graphs import Graph
from trials import NEW, change, failure, tried

from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.rules import lost_rows

BATCH = 'with op.batch_alter_table("users") as batch_op:\n    batch_op.alter_column("score")'
DROP = 'op.drop_column("games", "winners")'
RENAME = f'op.add_column("games", sa.Column("victors", sa.String(9), nullable=False))\n{DROP}'
VANISHED = change("rows-vanished", "orders", before="1")


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return begin(tmp_path)


def only(facts: Facts) -> Finding:
    (finding,) = lost_rows.check(facts)
    assert finding.rule == "lost-rows"
    assert lost_rows.intended_losses(facts) == []
    return finding


def test_without_a_dry_run_nothing_is_lost(graph: Graph) -> None:
    assert lost_rows.check(graph.facts()) == []


def test_without_a_trial_nothing_is_lost(graph: Graph) -> None:
    assert lost_rows.check(facts_of(graph, observed())) == []


def test_rows_that_survive_pass(graph: Graph) -> None:
    assert lost_rows.check(tried(graph, DROP, changes=[], filled={"games": 3})) == []


def test_an_upgrade_that_fails_is_another_rules(graph: Graph) -> None:
    facts = tried(graph, DROP, phase="upgrade", revision="0002", error=failure("no"))
    assert lost_rows.check(facts) == []


def test_what_the_way_back_does_is_another_rules(graph: Graph) -> None:
    assert lost_rows.check(tried(graph, DROP, changes_back=[VANISHED])) == []


def test_a_dropped_column_that_the_models_drop_too_is_a_note(graph: Graph) -> None:
    facts = tried(graph, DROP, changes=[change("column-dropped", "games.winners")])
    assert lost_rows.check(facts) == []
    assert lost_rows.intended_losses(facts) == [
        "0002 drops games.winners with the values (1 kind of data)"
    ]


def test_a_dropped_table_that_the_models_drop_too_is_a_note(graph: Graph) -> None:
    changes = [change("table-dropped", "maps"), change("column-dropped", "games.winners")]
    facts = tried(graph, 'op.drop_table("maps")', changes=changes)
    assert lost_rows.check(facts) == []
    assert lost_rows.intended_losses(facts) == [
        "0002 drops table maps, games.winners with the values (2 kinds of data)"
    ]


def test_values_in_a_column_that_the_models_have_computed_are_a_note(graph: Graph) -> None:
    computed = change("column-computed", "games.score", before="41", after="42")
    facts = tried(graph, 'op.execute("ALTER TABLE games …")', changes=[computed])
    assert lost_rows.check(facts) == []
    assert lost_rows.intended_losses(facts) == [
        "0002 drops games.score with the values (1 kind of data)"
    ]


WRITES = [
    'op.execute("UPDATE games SET name = lower(name)")',
    'op.execute(sa.text("update only games set name = x.name from x"))',
    'table = "games"\nop.execute(f"UPDATE {table} SET name = trim(name)")',
    'op.execute(games.update().values(name="x"))',
    'op.get_bind().execute(sa.update(games).values({"name": "x"}))',
    "op.get_bind().execute(sa.update(games).values({games.c.name: 1}))",
    "for game in session.query(Game):\n    game.name = game.name.lower()",
    'session.query(Game).update({"name": "x"})',
    'op.execute("MERGE INTO games USING x ON true WHEN MATCHED THEN UPDATE SET name = 1")',
]


@pytest.mark.parametrize("upgrade", WRITES)
@pytest.mark.parametrize("kind", ["value-changed", "value-cut", "nulled"])
def test_values_that_the_migration_itself_writes_are_a_note(
    graph: Graph, upgrade: str, kind: str
) -> None:
    facts = tried(graph, upgrade, changes=[change(kind, "games.name")])
    assert lost_rows.check(facts) == []
    assert lost_rows.intended_losses(facts) == [
        "0002 itself changes or deletes values of games.name"
    ]


@pytest.mark.parametrize(
    "upgrade",
    [
        'op.execute("DELETE FROM orders WHERE user_id IS NULL")',
        'op.execute("TRUNCATE orders")',
        "op.execute(orders.delete().where(orders.c.id > 1))",
        'orders = sa.table("orders")\nop.execute(sa.delete(orders))',
    ],
)
def test_rows_that_the_migration_itself_deletes_are_a_note(graph: Graph, upgrade: str) -> None:
    facts = tried(graph, upgrade, changes=[VANISHED])
    assert lost_rows.check(facts) == []
    assert lost_rows.intended_losses(facts) == ["0002 itself changes or deletes values of orders"]


def test_a_new_column_that_a_relationship_fills_is_no_rename(graph: Graph) -> None:
    upgrade = "for game in session.query(Game):\n    game.map = Map(name=game.map_name)"
    dropped = change("column-dropped", "games.map_name", successor="map_id")
    assert lost_rows.check(tried(graph, upgrade, changes=[dropped])) == []


def test_a_new_column_that_the_migration_fills_is_no_rename(graph: Graph) -> None:
    upgrade = RENAME.replace("\n", '\nop.execute("UPDATE games SET victors = upper(winners)")\n')
    changes = [change("column-dropped", "games.winners", successor="victors")]
    facts = tried(graph, upgrade, changes=changes)
    assert lost_rows.check(facts) == []
    assert "drops games.winners" in lost_rows.intended_losses(facts)[0]


def test_a_column_that_may_have_been_renamed_is_asked_for(graph: Graph) -> None:
    changes = [change("column-dropped", "games.winners", 3, successor="victors")]
    finding = only(tried(graph, RENAME, changes=changes))
    assert finding.message == (
        "upgrade() of 0002 drops games.winners with the values of 3 rows, and adds victors: "
        "was it renamed?"
    )
    assert (finding.location.path, finding.location.source) == (NEW, f"    {DROP}")
    assert "op.alter_column('games', 'winners', new_column_name='victors')" in finding.hint


def test_a_rename_on_mysql_tells_the_whole_column(graph: Graph) -> None:
    changes = [change("column-dropped", "games.winners", successor="victors")]
    finding = only(tried(graph, RENAME, changes=changes, dialect="mysql"))
    assert "existing_type=sa.String(9), existing_nullable=False)" in finding.hint


def test_a_table_that_may_have_been_renamed_is_asked_for(graph: Graph) -> None:
    changes = [change("table-dropped", "maps", successor="charts")]
    finding = only(tried(graph, 'op.drop_table("maps")', changes=changes))
    assert finding.message.endswith("and adds charts: was it renamed?")
    assert "op.rename_table('maps', 'charts')" in finding.hint


def test_a_column_that_the_models_still_have_is_lost(graph: Graph) -> None:
    changes = [change("column-dropped", "games.winners")]
    finding = only(tried(graph, DROP, changes=changes, columns=("id", "winners")))
    assert finding.message == "upgrade() of 0002 drops games.winners with the values of 2 rows"
    # Of a table without a class, only the difference says that the models have it.
    missing = (column("add_column"), table("add_table", "maps"))
    changes.append(change("table-dropped", "maps"))
    facts = tried(graph, DROP, *missing, changes=changes)
    assert len(lost_rows.check(facts)) == 2


def test_rows_that_a_rebuild_deletes_are_found_at_the_batch(graph: Graph) -> None:
    finding = only(tried(graph, BATCH, changes=[VANISHED], dialect="sqlite"))
    assert finding.message == (
        "upgrade() of 0002 deletes 2 rows of orders, such as 1: SQLite drops users to make it "
        "again, and ON DELETE CASCADE follows"
    )
    assert finding.location.source.strip() == 'with op.batch_alter_table("users") as batch_op:'
    lines = finding.hint.splitlines()
    assert 'op.execute("PRAGMA foreign_keys = OFF")' in lines
    assert '        batch_op.alter_column("score")' in lines


@pytest.mark.parametrize(
    ("upgrade", "source"),
    [
        ('op.execute("DROP TABLE users")\nop.rename_table("new", "users")', "op.execute("),
        (
            'with op.batch_alter_table("orders") as batch_op:\n    batch_op.drop_column("x")',
            "with ",
        ),
        (
            'with op.batch_alter_table("tags") as batch_op:\n'
            '    batch_op.add_column(sa.Column("x"))\n'
            f"{BATCH}",
            'with op.batch_alter_table("users")',
        ),
    ],
    ids=["in SQL", "of the table itself", "and a batch that alters in place"],
)
def test_each_kind_of_rebuild_is_found(graph: Graph, upgrade: str, source: str) -> None:
    finding = only(tried(graph, upgrade, changes=[VANISHED], dialect="sqlite"))
    assert "to make it again" in finding.message
    assert finding.location.source.strip().startswith(source)


def test_references_that_a_rebuild_empties(graph: Graph) -> None:
    changes = [change("nulled", "orders.user_id", before="1")]
    finding = only(tried(graph, BATCH, changes=changes, dialect="sqlite"))
    assert "sets orders.user_id to NULL in 2 rows, such as 1" in finding.message
    assert "ON DELETE SET NULL follows" in finding.message


def test_rows_that_vanish_elsewhere_are_no_rebuild(graph: Graph) -> None:
    finding = only(tried(graph, BATCH, changes=[VANISHED]))
    assert finding.message == "upgrade() of 0002 deletes 2 rows of orders, such as 1"
    assert finding.location.source == "def upgrade() -> None:"


def test_rows_that_a_delete_of_others_takes_along(graph: Graph) -> None:
    finding = only(tried(graph, 'op.execute("DELETE FROM users")', changes=[VANISHED]))
    assert "deletes 2 rows of orders" in finding.message


def test_columns_of_a_table_without_rows_have_nothing_more_to_lose(graph: Graph) -> None:
    dropped = change("column-dropped", "orders.total", successor="sum")
    facts = tried(graph, "pass", changes=[VANISHED, dropped], filled={"orders": 2})
    assert only(facts).message.startswith("upgrade() of 0002 deletes 2 rows of orders")
    facts = tried(graph, "op.execute('DELETE FROM orders')", changes=[VANISHED, dropped])
    assert lost_rows.check(facts) == []


def test_columns_of_rows_that_stay_are_lost_by_themselves(graph: Graph) -> None:
    dropped = change("column-dropped", "orders.total", successor="sum")
    facts = tried(graph, "pass", changes=[VANISHED, dropped], filled={"orders": 3})
    assert len(lost_rows.check(facts)) == 2


def test_an_update_of_the_way_back_excuses_nothing(graph: Graph) -> None:
    back = 'op.execute("UPDATE games SET name = 1")'
    facts = tried(graph, "pass", downgrade=back, changes=[change("nulled", "games.name")])
    assert "sets games.name to NULL in 2 rows" in only(facts).message


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("value-cut", "cuts games.name in 2 rows: 'abcdef' becomes 'abc'"),
        ("value-changed", "changes games.name in 2 rows: 'abcdef' becomes 'abc'"),
    ],
)
def test_values_are_shown_with_an_example(graph: Graph, kind: str, words: str) -> None:
    upgrade = 'op.alter_column("games", "name", type_=sa.String(3))'
    changes = [change(kind, "games.name", before="'abcdef'", after="'abc'")]
    finding = only(tried(graph, upgrade, changes=changes))
    assert finding.message == f"upgrade() of 0002 {words}"
    assert finding.location.source == f"    {upgrade}"
    assert finding.hint.splitlines()[-1] == (
        "If they should change, say why at that line: # lockstep: ignore[lost-rows] the reason"
    )
