"""Files that migrations read and that the commit lacks: untracked ones, and ignored ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphs import Graph

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.facts import Facts
from alembic_lockstep.git.absent import forgotten_data, forgotten_hint
from alembic_lockstep.rules import uncommitted_migration


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = Graph(tmp_path)
    graph.write({".gitignore": "*.sql\ndata/\n.env\n*.pyc\n"})
    graph.commit({"0001": None})
    return graph


def facts_of(graph: Graph, opened: Sequence[str]) -> Facts:
    """Give the facts of a run that opened these files, which lie there."""
    for path in opened:
        file = graph.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    comparison = Comparison(Observation(reads={"opened": opened}), None, "replay")
    return replace(graph.facts(), comparison=comparison)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("m/versions/fill.sql", "sql = read('fill.sql')"),
        ("m/sql/fill.sql", "sql = read_sql('fill')"),
        ("m/sql/0002_up.sql", "sql = read(f'{revision}_up.sql')"),
        ("m/sql/0002.sql", "sql = read(revision)"),
        ("m/sql/one.sql", "for file in sorted(glob('*.sql')): run(file)"),
        ("app/data/rows.csv", "rows = read('rows.csv')"),
        ("m/data/rows", "rows = read('rows')"),
    ],
)
def test_an_ignored_file_that_a_new_migration_reads_is_named(
    graph: Graph, path: str, text: str
) -> None:
    graph.put({"0002": "0001"}, f"\n{text}\n")
    (finding,) = uncommitted_migration.check(facts_of(graph, [path]))
    assert finding.message == f"0002 reads {path}, which git ignores: no other clone has it"
    assert finding.hint == f"git add --force :/{path}"
    assert finding.location.line == (1 if "revision" in text else 4)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param(".env", "url = settings.url", id="the environment"),
        pytest.param("m/sql/old.sql", "sql = read('new.csv')", id="another migration's"),
        pytest.param("app/data/fill.bin", "fill = 1", id="elsewhere, by half of its name"),
        pytest.param(
            "m/rows.csv.sql", "rows = [data for data in rows]", id="by a word of its name"
        ),
        pytest.param("app/data/fill.sql", "sql = read_sql('fill')", id="elsewhere, by its stem"),
        pytest.param("app/data/0002.sql", "sql = read(revision)", id="elsewhere, by the revision"),
        pytest.param("m/data/rows", "area = a * b", id="by no suffix"),
        pytest.param("m/versions/0002.pyc", "", id="bytecode"),
        pytest.param("m/data/rows.py", "load('rows.py')", id="a generated module"),
        pytest.param("m/data/rows.pyd", "load('rows.pyd')", id="a compiled one"),
        pytest.param("m/data/rows.so", "load('rows.so')", id="on Linux"),
        pytest.param("m/new.csv", "sql = read('new.csv')", id="not ignored"),
        pytest.param("m/env.py", "import env", id="tracked"),
    ],
)
def test_what_is_read_otherwise_is_the_environments(graph: Graph, path: str, text: str) -> None:
    graph.put({"0002": "0001"}, f"\n{text}\n")
    assert uncommitted_migration.check(facts_of(graph, [path])) == []


def test_a_database_is_each_clones_own(graph: Graph) -> None:
    graph.put({"0002": "0001"}, "\nATTACH = 'data/stats.db'\n")
    facts = facts_of(graph, ["data/stats.db"])
    assert len(uncommitted_migration.check(facts)) == 1
    with sqlite3.connect(graph.root / "data/stats.db") as database:
        database.execute("CREATE TABLE hits (id INTEGER)")
    assert uncommitted_migration.check(facts) == []


def test_a_file_that_is_called_as_the_migration_is_its_own(graph: Graph) -> None:
    text = "revision, down_revision = None, None\nrevision = '0002'\ndown_revision = '0001'\n"
    graph.write({"m/versions/fill_games.py": text})
    facts = facts_of(graph, ["m/sql/fill_games.sql"])
    (finding,) = uncommitted_migration.check(facts)
    assert (finding.location.path, finding.location.line) == ("m/versions/fill_games.py", 1)


def test_a_file_that_the_judged_commit_has_is_no_matter_of_the_index(graph: Graph) -> None:
    graph.put({"0002": "0001"}, "sql = read('fill.sql')\n")
    graph.write({"m/fill.sql": "SELECT 1"})
    graph.git("add", "--force", "m/fill.sql")
    facts = facts_of(graph, ["m/fill.sql"])
    graph.git("rm", "--quiet", "--cached", "m/fill.sql")
    assert uncommitted_migration.check(facts) == []


def test_without_a_dry_run_nobody_knows_what_is_read(graph: Graph) -> None:
    graph.put({"0002": "0001"}, "sql = read('fill.sql')\n")
    assert uncommitted_migration.check(graph.facts()) == []


def test_an_ignored_file_of_an_old_migration_is_not_the_commits(graph: Graph) -> None:
    graph.commit({"0002": "0001"}, "sql = read('fill.sql')\n")
    graph.put({"0003": "0002"})
    assert uncommitted_migration.check(facts_of(graph, ["m/fill.sql"])) == []


@pytest.mark.parametrize(
    ("message", "reads", "added"),
    [
        ("No such file: '/x/m/it is.csv'", {"absent": ["m/it is.csv"]}, "git add ':/m/it is.csv'"),
        ("no such table: fill", {"absent": ["m/it is.csv"]}, ""),
        ("No such file: '/x/m/it is.csv'", {"absent": ["elsewhere"]}, ""),
        ("No such file: '/x/m/it is.csv'", {}, ""),
    ],
)
def test_a_run_that_fails_for_an_untracked_file_names_it(
    graph: Graph, message: str, reads: Mapping[str, Any], added: str
) -> None:
    (graph.root / "m/it is.csv").touch()
    hint = forgotten_hint(message, reads, graph.facts().repository)
    assert hint.rpartition("\n")[2] == added


def test_untracked_files_that_migrations_looked_for_may_fix_it(graph: Graph) -> None:
    for path in ("m/a.csv", "m/rows/b.csv", "m/rows/c.py", "m/other/d.csv", "e.csv"):
        (graph.root / path).parent.mkdir(exist_ok=True)
        (graph.root / path).touch()
    reads = {"absent": ["m/a.csv", "e.csv"], "listed": {"m/rows": []}}
    repository = graph.facts().repository
    assert forgotten_data(repository, reads, "m") == ["m/a.csv", "m/rows/b.csv"]
