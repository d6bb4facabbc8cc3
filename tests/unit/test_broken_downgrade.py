"""broken-downgrade: the way back of new migrations, from facts to findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dry_runs import begin, facts_of, observed
from graphs import Graph
from trials import NEW, change, failure, tried

from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.rules import broken_downgrade

UP = 'op.add_column("games", sa.Column("mood", sa.Enum("a", name="mood")))'
DOWN = 'op.drop_column("games", "mood")'
# The line of the first statement of downgrade().
BACK = 10
EXISTS = 'type "mood" already exists\n'
NEW_COLUMN = 'column "x" of relation "games" contains null values'


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return begin(tmp_path)


def only(facts: Facts) -> Finding:
    (finding,) = broken_downgrade.check(facts)
    assert finding.rule == "broken-downgrade"
    return finding


def test_without_a_dry_run_nothing_is_broken(graph: Graph) -> None:
    assert broken_downgrade.check(graph.facts()) == []


def test_without_a_trial_nothing_is_broken(graph: Graph) -> None:
    assert broken_downgrade.check(facts_of(graph, observed())) == []


def test_a_trial_that_was_left_out_passes(graph: Graph) -> None:
    assert broken_downgrade.check(tried(graph, UP, note="the way back is off")) == []


def test_a_way_back_that_leads_back_passes(graph: Graph) -> None:
    nothing: dict[str, Any] = {key: [] for key in ("left", "lost", "differs_again")}
    facts = tried(graph, UP, downgrade=DOWN, changes_back=[], empty_downgrades=[], **nothing)
    assert broken_downgrade.check(facts) == []


def test_an_upgrade_that_fails_is_another_rules(graph: Graph) -> None:
    facts = tried(graph, UP, phase="upgrade", error=failure("no"), empty_downgrades=["0002"])
    assert broken_downgrade.check(facts) == []


def test_rows_that_the_upgrade_lost_are_another_rules(graph: Graph) -> None:
    facts = tried(graph, UP, downgrade=DOWN, changes=[change("rows-vanished", "games")])
    assert broken_downgrade.check(facts) == []


ONE_WAY: dict[str, Any] = {
    "one_way": ["0002"],
    "downgrade": 'raise NotImplementedError("no way back")',
}


def test_a_migration_that_says_there_is_no_way_back_passes(graph: Graph) -> None:
    assert broken_downgrade.check(tried(graph, UP, **ONE_WAY)) == []


def test_what_it_leaves_then_is_no_finding(graph: Graph) -> None:
    facts = tried(graph, UP, **ONE_WAY, left=["type mood"], lost=["index ix of games"])
    assert broken_downgrade.check(facts) == []


def test_its_failure_is_none_either(graph: Graph) -> None:
    error = failure("no way back", "", BACK, type="NotImplementedError")
    facts = tried(graph, UP, **ONE_WAY, phase="downgrade", revision="0002", error=error)
    assert broken_downgrade.check(facts) == []


def test_an_empty_downgrade_that_is_one_way_passes(graph: Graph) -> None:
    facts = tried(graph, UP, **ONE_WAY, empty_downgrades=["0002"])
    assert broken_downgrade.check(facts) == []


@pytest.mark.parametrize(
    "downgrade",
    [
        'op.execute("UPDATE games SET name = upper(name)")',
        'op.execute("DELETE FROM games WHERE name IS NULL")\nop.execute("UPDATE games SET name=1")',
    ],
)
def test_rows_that_the_way_back_is_meant_to_change_pass(graph: Graph, downgrade: str) -> None:
    changes = [change("value-changed", "games.name")]
    facts = tried(graph, "pass", downgrade=downgrade, changes_back=changes)
    assert broken_downgrade.check(facts) == []


def test_values_that_the_upgrade_is_meant_to_change_cannot_come_back(graph: Graph) -> None:
    upgrade = 'op.execute("UPDATE games SET name = lower(name)")'
    facts = tried(graph, upgrade, changes_back=[change("value-changed", "games.name")])
    assert broken_downgrade.check(facts) == []


def test_rows_that_the_upgrade_is_meant_to_delete_cannot_come_back(graph: Graph) -> None:
    upgrade = 'op.execute("DELETE FROM games WHERE name IS NULL")'
    facts = tried(graph, upgrade, changes_back=[change("rows-vanished", "games")])
    assert broken_downgrade.check(facts) == []


def test_an_empty_downgrade_is_found_at_its_line(graph: Graph) -> None:
    facts = tried(graph, UP, empty_downgrades=["0002"], left=["type mood", "column games.mood"])
    finding = only(facts)
    assert finding.message == "downgrade() of 0002 is empty, and its upgrade() is not"
    assert finding.location.source == "def downgrade() -> None:"
    assert finding.location.path == NEW
    assert finding.hint.endswith("write in downgrade(): raise NotImplementedError")


def test_a_second_upgrade_after_an_empty_downgrade_is_not_found_again(graph: Graph) -> None:
    error = failure(EXISTS, "", 6)
    facts = tried(
        graph, UP, empty_downgrades=["0002"], phase="upgrade-again", revision="0002", error=error
    )
    assert "is empty" in only(facts).message


def test_a_downgrade_that_fails_is_found_at_its_line(graph: Graph) -> None:
    error = failure('column "mod" of relation "games" does not exist', "ALTER …", BACK)
    facts = tried(graph, UP, downgrade=DOWN, phase="downgrade", revision="0002", error=error)
    finding = only(facts)
    assert finding.message == (
        'downgrade() of 0002 fails: Error: column "mod" of relation "games" does not exist'
    )
    assert finding.location.source == f"    {DOWN}"
    assert "This fails: ALTER …" in finding.hint


def test_an_index_that_a_foreign_key_needs_is_explained(graph: Graph) -> None:
    message = "(1553, \"Cannot drop index 'ix': needed in a foreign key constraint\")"
    error = failure(message, "DROP INDEX ix ON games", BACK)
    facts = tried(graph, UP, downgrade=DOWN, phase="downgrade", revision="0002", error=error)
    assert "leave this line out if the table is dropped as well" in only(facts).hint


def test_a_downgrade_that_fails_on_rows_says_which(graph: Graph) -> None:
    down = 'op.add_column("games", sa.Column("x", sa.Integer(), nullable=False))'
    error = failure(NEW_COLUMN, "ALTER TABLE games ADD COLUMN x INTEGER NOT NULL", BACK)
    facts = tried(graph, UP, downgrade=down, phase="downgrade", revision="0002", error=error)
    finding = only(facts)
    assert "games.x is NOT NULL without a default" in finding.message
    assert 'op.execute("UPDATE games SET x = 0")' in finding.hint
    assert "ignore[broken-downgrade]" in finding.hint


def test_what_it_leaves_is_dropped_by_the_fix(graph: Graph) -> None:
    left = [
        "type mood",
        "sequence s",
        "table other.maps",
        "column games.x",
        "index ix of games",
        "unique uq of other.games",
    ]
    finding = only(tried(graph, UP, downgrade=DOWN, left=left))
    assert finding.message == f"downgrade() of 0002 leaves {', '.join(left)} behind"
    assert finding.location.source == "def downgrade() -> None:"
    assert finding.hint.splitlines()[1:-1] == [
        'op.execute("DROP TYPE mood")',
        'op.execute("DROP SEQUENCE s")',
        "op.drop_table('maps', schema='other')",
        "op.drop_column('games', 'x')",
        "op.drop_index('ix', table_name='games')",
        "op.drop_constraint('uq', 'games', schema='other')",
    ]


def test_a_thing_without_code_is_named_all_the_same(graph: Graph) -> None:
    finding = only(tried(graph, UP, downgrade=DOWN, left=["function f(integer, text)"]))
    assert "leaves function f(integer, text) behind" in finding.message


def test_what_it_does_not_bring_back(graph: Graph) -> None:
    finding = only(tried(graph, UP, downgrade=DOWN, lost=["index ix_games of games"]))
    assert finding.message == "downgrade() of 0002 does not bring back index ix_games of games"


def test_each_revision_has_what_is_its_own(graph: Graph) -> None:
    facts = tried(graph, UP, downgrade=DOWN, left=["type mood", "table maps"])
    graph.put(
        {"0003": "0002"},
        '\n\ndef upgrade():\n    op.create_table("maps")\n\n\ndef downgrade(): ...\n',
    )
    now = observed(trial={**facts.comparison.now.trial, "revisions": ["0002", "0003"]})  # type: ignore[union-attr]
    first, second = broken_downgrade.check(facts_of(graph, now))
    assert first.message == "downgrade() of 0002 leaves type mood behind"
    assert second.message == "downgrade() of 0003 leaves table maps behind"


def test_rows_that_are_not_as_they_were(graph: Graph) -> None:
    finding = only(tried(graph, UP, downgrade=DOWN, changes_back=[change("nulled", "games.name")]))
    assert finding.message == "up and down again, 0002 sets games.name to NULL in 2 rows"


def test_an_upgrade_that_fails_the_second_time_names_what_was_left(graph: Graph) -> None:
    facts = tried(
        graph,
        UP,
        downgrade=DOWN,
        phase="upgrade-again",
        revision="0002",
        error=failure(EXISTS, "CREATE TYPE mood", 6),
    )
    finding = only(facts)
    assert finding.message == (
        'upgrade() of 0002 fails after its downgrade(): Error: type "mood" already exists'
    )
    assert finding.location.source == "def downgrade() -> None:"
    assert [related.source for related in finding.related] == [f"    {UP}"]
    assert 'op.execute("DROP TYPE mood")' in finding.hint


@pytest.mark.parametrize(
    ("left", "message"),
    [
        ("type mood", EXISTS),
        ("index ix of games", "index ix already exists"),
        ("index ix of games", 'relation "ix" already exists'),
        ("table maps", 'relation "maps" already exists'),
        ("table maps", "(1050, \"Table 'maps' already exists\")"),
        ("column games.mood", 'column "mood" of relation "games" already exists'),
        ("column games.mood", "(1060, \"Duplicate column name 'mood'\")"),
        ("column games.mood", "duplicate column name: mood"),
        ("index ix of games", "(1061, \"Duplicate key name 'ix'\")"),
    ],
)
def test_what_was_left_and_then_exists_is_one_finding(
    graph: Graph, left: str, message: str
) -> None:
    facts = tried(
        graph,
        UP,
        downgrade=DOWN,
        left=[left],
        phase="upgrade-again",
        revision="0002",
        error=failure(message, "CREATE …", 6),
    )
    assert f"leaves {left} behind" in only(facts).message


def test_a_schema_that_differs_after_the_second_upgrade(graph: Graph) -> None:
    facts = tried(graph, UP, downgrade=DOWN, differs_again=["column games.x is more"])
    assert only(facts).message == (
        "down and up again, the schema differs from what the first upgrade made: "
        "column games.x is more"
    )


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "Can't emit DROP CONSTRAINT for <Collection object at 0x7f9799af4ae0>; it has no name",
            "Error: Can't emit DROP CONSTRAINT for <Collection object>; it has no name",
        ),
        (
            "object of type 'NoneType' has no len()",
            "Error: object of type 'NoneType' has no len()",
        ),
    ],
)
def test_a_constraint_without_a_name(graph: Graph, message: str, said: str) -> None:
    down = 'op.drop_constraint(None, "games", type_="foreignkey")'
    error = failure(message, "", 10)
    facts = tried(graph, UP, downgrade=down, phase="downgrade", revision="0002", error=error)
    finding = only(facts)
    assert finding.message == "downgrade() of 0002 fails: drop_constraint() is given no name"
    assert finding.location.source.strip() == down
    assert finding.hint.splitlines()[:2] == [
        said,
        "Give the constraint a name where upgrade() makes it, and the same name here.",
    ]


def test_values_of_a_column_that_does_not_get_its_type_back_are_not_found_again(
    graph: Graph,
) -> None:
    cut = change("value-cut", "games.played", before="1.5", after="1")
    lost = ["column games.played was datetime(6), is datetime"]
    assert "does not bring back" in only(tried(graph, UP, changes_back=[cut], lost=lost)).message
    facts = tried(graph, UP, changes_back=[cut], lost=["column games.player was text, is name"])
    assert len(broken_downgrade.check(facts)) == 2


def test_a_label_that_is_added_again(graph: Graph) -> None:
    up = "op.execute(\"ALTER TYPE mood ADD VALUE 'fair'\")"
    error = failure('enum label "fair" already exists', "", 6)
    finding = only(tried(graph, up, phase="upgrade-again", revision="0002", error=error))
    assert "fails after its downgrade()" in finding.message
    assert finding.hint.splitlines()[0] == (
        "PostgreSQL cannot remove a label. Write ADD VALUE IF NOT EXISTS in upgrade()."
    )
