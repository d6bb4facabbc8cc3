"""What findings about schema differences say, and where they point, from facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dry_runs import GAME, MODELS, WINNERS, begin, column, facts_of, observed, table
from graphs import Graph

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.facts import Facts
from alembic_lockstep.rules.differences import finding_of, locations, rule_of

ADDED, REMOVED = column("add_column"), column("remove_column")
MATCH = {"file": MODELS, "class": "Game", "columns": {}}
BASIC = {"file": "", "class": "", "columns": {}}


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return begin(tmp_path)


def where(facts: Facts, operation: Operation, *revisions: str) -> list[str]:
    """Return the locations as `path:line`, with a `-` before a deleted line.

    Args:
        revisions: Those whose migrations may drop the thing; none for the new ones.
    """
    these = [each for each in facts.history.revisions if each.id in revisions] or None
    return [
        f"{'-' * each.in_base}{each.path}:{each.line}"
        for each in locations(facts, operation, these)
    ]


def hint(facts: Facts, operation: Operation) -> str:
    return finding_of("missing-migration", facts, operation, "It differs").hint


def test_the_rule_depends_on_new_migrations_and_on_forgotten_ones(graph: Graph) -> None:
    facts = facts_of(graph, observed(), ADDED, REMOVED, fixed=(REMOVED,))
    assert rule_of(facts, ADDED) == "missing-migration"
    assert rule_of(facts, REMOVED) == "uncommitted-migration"
    graph.put({"0002": "0001"})
    facts = facts_of(graph, observed(), ADDED, REMOVED, fixed=(REMOVED,))
    assert rule_of(facts, ADDED) == "migration-mismatch"
    assert rule_of(facts, REMOVED) == "uncommitted-migration"


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        ("modify_type", {"expected": "BIGINT"}, ""),
        ("add_column", {"expected": "BIGINT", "sql": ("ALTER",)}, ""),
        ("modify_type", {"sql": ("ALTER",)}, "models:   none\ndatabase: none"),
        ("modify_type", {"sql": ("ALTER",), "actual": "INT"}, "models:   none\ndatabase: INT"),
    ],
)
def test_both_definitions_are_told_where_only_the_twin_tells_them(
    graph: Graph, kind: str, fields: dict[str, Any], text: str
) -> None:
    changed = column(kind, **fields)
    assert hint(facts_of(graph, observed("winners"), changed), changed) == text


def of_tables(then: dict[str, Any], now: dict[str, Any]) -> tuple[Observation, Observation]:
    """Return the dry runs of two trees whose models have no other tables."""
    before, after = observed(), observed()
    before.databases[0]["catalogue"]["tables"] = then
    after.databases[0]["catalogue"]["tables"] = now
    return before, after


@pytest.mark.parametrize(
    ("then", "now", "removed"),
    [
        ({"games": MATCH}, {"matches": {**MATCH, "class": "Match"}}, "games"),
        ({"games": MATCH}, {"matches": {**MATCH, "file": "app/other.py"}}, "games"),
        ({"games": BASIC}, {"matches": BASIC}, "games"),
        ({}, {}, "games"),
        ({"games": MATCH}, {"games": MATCH, "matches": MATCH}, "moves"),
    ],
    ids=["another class", "another file", "no classes", "unknown tables", "it is still there"],
)
def test_no_table_is_said_to_be_renamed_without_a_sign(
    graph: Graph, then: dict[str, Any], now: dict[str, Any], removed: str
) -> None:
    before, after = of_tables(then, now)
    added = table("add_table", "matches")
    introduced = (added, table("remove_table", removed), column("modify_type"))
    facts = facts_of(graph, after, *introduced, before=before)
    assert hint(facts, added) == ""
    assert hint(facts_of(graph, after, *introduced), added) == ""


@pytest.mark.parametrize(
    ("old", "new", "call"),
    [
        ("games", "matches", "op.rename_table('games', 'matches')"),
        ("shop.games", "shop.matches", "op.rename_table('games', 'matches', schema='shop')"),
    ],
)
def test_a_table_of_the_same_class_may_be_renamed(
    graph: Graph, old: str, new: str, call: str
) -> None:
    before, after = of_tables({old: MATCH}, {new: MATCH})
    added, removed = table("add_table", new), table("remove_table", old)
    others = (table("remove_table", "a"), table("remove_table", "z"))
    facts = facts_of(graph, after, others[0], added, removed, others[1], before=before)
    assert hint(facts, added) == (
        f"Was {old} renamed? To keep its rows, write {call} in place of both operations."
    )
    assert hint(facts, removed) == ""


ADDS = "\n\ndef upgrade():\n    op.add_column('games', 'winners')\n"


def test_a_removed_column_is_in_the_new_migration_the_models_and_the_base(graph: Graph) -> None:
    graph.write({MODELS: GAME + WINNERS})
    graph.commit({})
    graph.write({MODELS: GAME})
    graph.put({"0002": "0001"}, ADDS)
    facts = facts_of(graph, observed(), REMOVED, before=observed("winners"))
    assert where(facts, REMOVED) == ["m/versions/0002.py:6", f"{MODELS}:1", f"-{MODELS}:4"]
    # Only revisions that are asked for count, and only a removed thing is in them.
    assert where(facts, REMOVED, "0001") == [f"{MODELS}:1", f"-{MODELS}:4"]
    assert where(facts, ADDED) == [f"{MODELS}:1"]


def test_a_line_that_is_still_there_was_not_deleted(graph: Graph) -> None:
    graph.write({MODELS: GAME + WINNERS})
    graph.commit({})
    graph.write({MODELS: f"{GAME}\n\nclass Moved(Base):\n{WINNERS}"})
    facts = facts_of(graph, observed(), REMOVED, before=observed("winners"))
    assert where(facts, REMOVED) == [f"{MODELS}:1"]


def test_a_file_that_is_deleted_is_shown_as_the_base_has_it(graph: Graph) -> None:
    graph.write({MODELS: None, "app/other.py": "A = 1\n"})
    before, now = of_tables({"games": MATCH}, {})
    removed = table("remove_table", "games")
    assert where(facts_of(graph, now, removed, before=before), removed) == [f"-{MODELS}:1"]
    # Neither tree has a line of this one.
    other = table("remove_table", "others")
    assert where(facts_of(graph, now, other, before=before), other) == ["m/env.py:3"]


def test_a_table_that_code_copies_is_where_its_model_changes_alike(graph: Graph) -> None:
    graph.write({MODELS: GAME + WINNERS})
    copied = replace(ADDED, table="audit")
    now = observed("winners")
    assert where(facts_of(graph, now, copied, ADDED), copied) == [f"{MODELS}:4"]
    # Other changes of other tables say nothing of it.
    for other in (replace(ADDED, kind="modify_type"), replace(ADDED, name="points")):
        assert where(facts_of(graph, now, other, copied), copied) == ["m/env.py:3"]
    # What is called after a table is copied from it.
    version = replace(ADDED, table="games_version")
    assert where(facts_of(graph, now, version), version) == [f"{MODELS}:1"]


def test_what_no_model_ever_declared_is_where_a_migration_makes_it(graph: Graph) -> None:
    graph.commit({"0002": "0001"}, "\n\ndef upgrade():\n    op.create_table('logs')\n")
    graph.write({"notes.txt": ""})
    facts = facts_of(graph, observed(), before=observed())
    assert where(facts, table("remove_table", "logs")) == ["m/versions/0002.py:6"]
    assert where(facts, table("add_table", "logs")) == ["m/env.py:3"]


@pytest.mark.parametrize(
    ("env_py", "location"),
    [
        ("import app\n\nrun()\n", "m/env.py:1"),
        ("import app\n\ntarget_metadata = None\nrun(target_metadata)\n", "m/env.py:3"),
        ("", "alembic.ini:1"),
        (None, "alembic.ini:1"),
    ],
)
def test_what_has_no_line_is_where_env_py_names_the_models(
    graph: Graph, env_py: str | None, location: str
) -> None:
    graph.write({"m/env.py": env_py})
    facts = facts_of(graph, observed())
    assert where(facts, table("add_table", "logs")) == [location]
