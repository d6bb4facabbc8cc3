"""migration-mismatch: new migrations after which models and database still differ."""

from __future__ import annotations

from pathlib import Path

import pytest
from dry_runs import GAME, MODELS, WINNERS, begin, column, facts_of, observed
from graphs import Graph

from alembic_lockstep.rules import migration_mismatch

ADDED = column("add_column")


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = begin(tmp_path)
    graph.write({MODELS: GAME + WINNERS})
    return graph


def test_without_a_new_migration_it_is_missing_and_no_mismatch(graph: Graph) -> None:
    assert migration_mismatch.check(facts_of(graph, observed("winners"), ADDED)) == []


def test_a_new_migration_after_which_nothing_differs_passes(graph: Graph) -> None:
    graph.put({"0002": "0001"})
    assert migration_mismatch.check(facts_of(graph, observed("winners"))) == []


def test_without_a_dry_run_nothing_differs(graph: Graph) -> None:
    graph.put({"0002": "0001"})
    assert migration_mismatch.check(graph.facts()) == []


def test_an_old_difference_that_the_new_migration_leaves_is_not_this_commits(graph: Graph) -> None:
    graph.put({"0002": "0001"})
    assert migration_mismatch.check(facts_of(graph, observed("winners"), old=(ADDED,))) == []


def test_a_difference_that_a_file_on_disk_fixes_is_no_mismatch(graph: Graph) -> None:
    graph.put({"0002": "0001"})
    facts = facts_of(graph, observed("winners"), ADDED, fixed=(ADDED,))
    assert migration_mismatch.check(facts) == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("add_column", "is in the models, but the new migration 0002 never adds it"),
        ("modify_type", "is different in the models, but the new migration 0002 never alters it"),
        ("other", "differs, but the new migration 0002 never changes it"),
    ],
)
def test_what_one_new_migration_leaves_out(graph: Graph, kind: str, message: str) -> None:
    graph.put({"0002": "0001"})
    (finding,) = migration_mismatch.check(
        facts_of(graph, observed("winners"), column(kind, columns=("winners",)))
    )
    assert (finding.rule, finding.message) == (
        "migration-mismatch",
        f"column games.winners {message}",
    )
    assert (finding.location.path, finding.location.line) == (MODELS, 4)


def test_what_a_new_migration_makes_beyond_the_models_is_found_in_it(graph: Graph) -> None:
    graph.put({"0002": "0001"}, "\n\ndef upgrade():\n    op.add_column('games', 'losers')\n")
    removed = column("remove_column", "losers")
    (finding,) = migration_mismatch.check(facts_of(graph, observed("winners"), removed))
    assert finding.message == (
        "after 0002 the database has column games.losers, which the models lack"
    )
    assert (finding.location.path, finding.location.line) == ("m/versions/0002.py", 6)


@pytest.mark.parametrize(
    ("count", "added", "removed"),
    [
        (3, "none of 0002, 0003, 0004 adds it", "after 0002, 0003, 0004 the database has"),
        (4, "none of the 4 new migrations adds it", "after the 4 new migrations the database has"),
    ],
    ids=["as many as are named", "more than are named"],
)
def test_several_new_migrations_are_named_or_counted(
    graph: Graph, count: int, added: str, removed: str
) -> None:
    graph.put({f"000{number}": f"000{number - 1}" for number in range(2, 2 + count)})
    facts = facts_of(graph, observed("winners"), ADDED, column("remove_column", "losers"))
    assert [finding.message for finding in migration_mismatch.check(facts)] == [
        f"column games.winners is in the models, but {added}",
        f"{removed} column games.losers, which the models lack",
    ]
