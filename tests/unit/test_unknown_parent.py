"""unknown-parent: parents that no committed migration defines, and where each of them is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from graphs import Graph

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.rules import unknown_parent

DEFINES = "revision = 'lost'\ndown_revision = '0001'\n"
KEY_ERROR = {"type": "KeyError", "message": "'lost'"}
LOADED = ("m/versions/0001.py",)


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = Graph(tmp_path)
    graph.commit({"0001": None})
    return graph


def lose(graph: Graph) -> Facts:
    """Stage a migration on top of an unknown one."""
    graph.put({"0003": "lost"})
    return graph.facts()


def ran(facts: Facts, now: Observation) -> list[Finding]:
    return unknown_parent.check(replace(facts, comparison=Comparison(now, None, "replay")))


def hint(facts: Facts) -> str:
    (finding,) = unknown_parent.check(facts)
    return finding.hint


def test_parents_that_the_tree_defines_pass(graph: Graph) -> None:
    graph.put({"0002": "0001"}, "depends_on = '0001'\n")
    assert unknown_parent.check(graph.facts()) == []


def test_a_parent_that_the_base_lacks_too_is_not_this_commits(graph: Graph) -> None:
    graph.commit({"0003": "lost"})
    graph.put({"0003": "lost", "0004": "0003"}, "# Touched.\n")
    assert unknown_parent.check(graph.facts()) == []
    graph.put({"0004": "lost"})
    (finding,) = unknown_parent.check(graph.facts())
    assert finding.location.path == "m/versions/0004.py"


def test_a_file_that_cannot_be_read_may_define_it(graph: Graph) -> None:
    graph.write({"m/versions/x.py": "def upgrade(:\n"})
    assert unknown_parent.check(lose(graph)) == []


def test_what_alembic_loaded_is_known_even_if_the_upgrade_fails(graph: Graph) -> None:
    facts = lose(graph)
    assert ran(facts, Observation(scripts=LOADED)) == []
    assert ran(facts, Observation(scripts=LOADED, error={"type": "OperationalError"})) == []
    # A copy on disk says nothing about where Alembic has it from.
    (graph.root / "m/versions/copy.py").write_text(DEFINES)
    assert ran(graph.facts(), Observation(scripts=LOADED)) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("m/versions/lost.pyc", "m/versions/lost.pyc"),
        ("m/versions/__pycache__/lost.cpython-313.pyc", "m/versions/lost.pyc"),
        ("m/versions/__pycache__/0001.cpython-313.pyc", ""),
        ("m/versions/lost.txt", ""),
        ("m/lost.pyc", ""),
    ],
    ids=["alone", "cached", "with its source", "no bytecode", "another folder"],
)
def test_bytecode_without_its_source_may_define_it_where_nothing_ran(
    graph: Graph, path: str, source: str
) -> None:
    graph.write({path: ""})
    facts = lose(graph)
    assert unknown_parent.sourceless_files(facts) == ([source] if source else [])
    assert len(ran(facts, Observation())) == (0 if source else 1)
    # Alembic did not find it there.
    assert len(ran(facts, Observation(error=KEY_ERROR))) == 1
    assert len(unknown_parent.check(facts)) == 1


def test_an_ignored_file_is_named_although_alembic_loaded_it_beside_bytecode(graph: Graph) -> None:
    (graph.root / ".git/info/exclude").write_text("local*\n")
    (graph.root / "m/versions/local.py").write_text(DEFINES)
    (graph.root / "m/versions/local 1.py").write_text(DEFINES.replace("lost", "0009"))
    graph.write({"m/versions/other.pyc": ""})
    (finding,) = ran(lose(graph), Observation(scripts=LOADED))
    assert finding.hint == (
        "It is in m/versions/local.py, which git ignores: git add --force :/m/versions/local.py"
    )


def test_it_is_found_at_its_name(graph: Graph) -> None:
    (finding,) = unknown_parent.check(lose(graph))
    assert finding.rule == "unknown-parent"
    assert finding.message == (
        "down_revision 'lost' is defined by no committed migration; "
        "every upgrade will say: Can't locate revision identified by 'lost'"
    )
    assert finding.location == Location(
        "m/versions/0003.py", 2, 17, "down_revision = 'lost'", len("'lost'")
    )
    assert finding.environment == "alembic.ini"
    assert finding.hint == (
        "No file on disk and nothing in this clone has it: fetch the branch it was made on."
    )


def test_a_file_that_is_not_staged_has_it(graph: Graph) -> None:
    lose(graph)
    files = {"a.py": "A = 1\n", "b.py": DEFINES.replace("lost", "0009"), "c.py": DEFINES}
    for name, text in files.items():
        (graph.root / "m/versions" / name).write_text(text)
    facts = graph.facts()
    assert hint(facts) == (
        "It is in m/versions/c.py, which is not staged: git add :/m/versions/c.py"
    )
    gone = replace(facts, forgotten=("m/versions/gone.py", *facts.forgotten))
    assert hint(gone) == hint(facts)


def test_a_tracked_file_that_is_no_migration_is_not_ignored(graph: Graph) -> None:
    graph.write({"m/versions/__init__.py": DEFINES})
    assert hint(lose(graph)).startswith("No file on disk")


def test_a_file_that_the_commit_deletes_is_put_back(graph: Graph) -> None:
    graph.commit({"lost": "0001"})
    graph.write({"m/versions/lost.py": None})
    facts = lose(graph)
    assert hint(facts) == (
        "This commit deletes the file that defines it. Put it back, or set another parent: "
        f"git checkout {facts.base.sha[:12]} -- :/m/versions/lost.py"
    )


def test_a_branch_that_has_it_is_merged(graph: Graph) -> None:
    for name in ("side", "trial"):
        graph.branch(name)
        graph.commit({"lost": "0001"})
    graph.branch("main", "main")
    assert hint(lose(graph)) == (
        "The branch side has it: merge it, rebase onto it, or take over the file alone: "
        "git checkout side -- :/m/versions/lost.py"
    )
