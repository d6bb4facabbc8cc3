"""Rules about the revisions' graph, on small repositories: nothing of the project is run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from graphs import Graph, Parents

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.rules import edited_migration, multiple_heads, unknown_parent

#: A dry run in which Alembic itself loaded the history.
LOADED = Observation(scripts=("versions/0001.py",))


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """A repository whose `main` has 0001 and 0002."""
    graph = Graph(tmp_path)
    graph.commit({"0001": None, "0002": "0001"})
    return graph


def edited(graph: Graph) -> list[Finding]:
    return edited_migration.check(graph.facts())


def heads(graph: Graph) -> Finding:
    (finding,) = multiple_heads.check(graph.facts())
    return finding


def test_a_new_revision_put_below_one_that_the_base_has_is_never_run(graph: Graph) -> None:
    graph.put({"0003": "0001", "0002": "0003"})
    (finding,) = edited(graph)
    assert (finding.location.path, finding.location.line) == ("m/versions/0002.py", 2)
    assert finding.message.endswith("a database at 0002 will never run 0003")
    assert "back to '0001' here" in finding.hint
    assert "down_revision = '0002' there" in finding.hint


def test_a_new_root_two_new_ones_below_and_one_more_parent_of_a_merge(graph: Graph) -> None:
    graph.put({"0000": None, "000a": "0000", "0001": "000a"})
    (finding,) = edited(graph)
    assert finding.message.endswith("will never run 0000, 000a")
    assert "back to None" in finding.hint
    graph.commit({"0001": None, "0002b": "0001", "0003": ("0002", "0002b")})
    graph.put({"0002c": "0001", "0003": ("0002", "0002b", "0002c")})
    (finding,) = edited(graph)
    assert finding.location.path == "m/versions/0003.py"
    assert "back to ('0002', '0002b')" in finding.hint


def test_a_dependency_on_a_new_revision_or_on_its_label(graph: Graph) -> None:
    graph.put({"0003": "0001"}, "branch_labels = 'side'\n")
    graph.put({"0002": "0001"}, "depends_on = 'side'\n")
    (finding,) = edited(graph)
    assert finding.location.line == 3
    assert finding.hint == (
        "Set depends_on back to None here, and put 0003 on top: down_revision = '0002' there."
    )


def test_only_what_is_below_an_old_revision_is_named(graph: Graph) -> None:
    graph.put({"0003": "0001", "0002": "0003", "0004": "0002"})
    (finding,) = edited(graph)
    assert finding.message.endswith("will never run 0003")


@pytest.mark.parametrize(
    ("others", "top"),
    [({"000a": None}, "'0002'"), ({"000a": "0002", "000b": "0002"}, "the head")],
    ids=["of another history", "of the same one"],
)
def test_the_new_revision_goes_on_top_of_the_head_above_it(
    graph: Graph, others: dict[str, Parents], top: str
) -> None:
    graph.commit(others)
    graph.put({"0003": "0001", "0002": "0003"})
    (finding,) = edited(graph)
    assert finding.hint.endswith(f"put 0003 on top: down_revision = {top} there.")


@pytest.mark.parametrize(
    "parents",
    [
        {"0003": "0002"},
        {"0002b": "0001", "0003": ("0002", "0002b")},
        {"0003": "0001"},
        {"0001": None, "0002": "0001"},
    ],
    ids=["on top", "merged", "a second head", "only touched"],
)
def test_what_leaves_the_parents_of_old_revisions_is_no_edit(
    graph: Graph, parents: dict[str, Parents]
) -> None:
    graph.put(parents, "# Touched.\n")
    assert edited(graph) == []


def test_a_forgotten_parent_that_is_brought_is_no_edit(graph: Graph) -> None:
    graph.commit({"0004": "0003"})
    graph.put({"0003": "0002"})
    assert edited(graph) == []


def test_old_revisions_squashed_into_a_new_one_are_no_edit(graph: Graph) -> None:
    graph.git("rm", "--quiet", "m/versions/0001.py")
    graph.put({"all": None, "0002": "all"})
    assert edited(graph) == []


def test_where_a_migration_cannot_be_read_the_graph_is_not_judged(graph: Graph) -> None:
    """It may be the parent that seems to be new, and what is on top of several heads."""
    graph.put({"0003": "0001", "0002": "0003", "000b": "0001"})
    graph.write({"m/versions/x.py": "def upgrade(:\n"})
    facts = graph.facts()
    assert edited_migration.check(facts) == multiple_heads.check(facts) == []
    graph.write({"m/versions/x.py": None})
    assert len(edited(graph)) == 1


def test_where_a_migration_of_the_base_could_not_be_read_no_parent_is_new(graph: Graph) -> None:
    graph.write({"m/versions/x.py": "def upgrade(:\n"})
    graph.commit({})
    graph.write({"m/versions/x.py": None})
    graph.put({"0003": "0001", "0002": "0003"})
    assert edited(graph) == []


def test_a_parent_that_the_base_computes_may_be_the_same(graph: Graph) -> None:
    graph.put({"0002": "0001"}, "down_revision = parent()\n")
    graph.commit({})
    graph.put({"0003": "0001", "0002": "0003"})
    assert edited(graph) == []


def test_a_graph_that_stays_is_not_counted(graph: Graph) -> None:
    graph.write({"notes.txt": ""})
    assert multiple_heads.check(graph.facts()) == []


def test_who_merges_main_may_put_his_own_revision_on_top(graph: Graph) -> None:
    graph.branch("side")
    graph.commit({"aaaa": "0002"})
    graph.branch("main", "main")
    graph.commit({"bbbb": "0002"})
    graph.branch("side", "side")
    graph.merge("main")
    finding = heads(graph)
    assert finding.location.path == "m/versions/aaaa.py"
    assert finding.hint.startswith(
        "Set down_revision = 'bbbb' here (alembic-lockstep rebase does, and tries it), "
        "or make a merge revision"
    )
    graph.put({"aaaa": "bbbb"})
    facts = graph.facts()
    assert multiple_heads.check(facts) == edited_migration.check(facts) == []
    (note,) = edited_migration.unpublished(facts)
    assert note == (
        "bbbb was put below aaaa, which refs/heads/main does not have yet: "
        "downgrade databases that have it first"
    )


def test_who_merges_main_is_not_told_to_put_mains_revision_on_his(graph: Graph) -> None:
    graph.branch("side")
    graph.commit({"aaaa": "0002"})
    graph.branch("main", "main")
    graph.commit({"bbbb": "0002"})
    graph.merge("side")
    assert heads(graph).location.path == "m/versions/aaaa.py"
    graph.put({"aaaa": "0002", "bbbb": "aaaa"})
    facts = graph.facts()
    (finding,) = edited_migration.check(facts)
    assert finding.location.path == "m/versions/bbbb.py"
    assert edited_migration.unpublished(facts) == []


def test_the_remotes_main_counts_and_not_what_was_not_pushed(graph: Graph) -> None:
    graph.git("update-ref", "refs/remotes/origin/main", "main")
    graph.commit({"0003": "0002"})
    graph.put({"0004": "0002", "0003": "0004"})
    facts = graph.facts()
    assert edited_migration.check(facts) == []
    assert "refs/remotes/origin/main" in edited_migration.unpublished(facts)[0]
    graph.git("update-ref", "refs/remotes/origin/main", "main")
    assert len(edited(graph)) == 1


def test_of_two_branches_with_no_main_neither_is_to_be_moved(graph: Graph) -> None:
    graph.git("branch", "-m", "main", "trunk")
    graph.branch("side", "trunk")
    graph.commit({"aaaa": "0002"})
    graph.branch("other", "trunk")
    graph.commit({"bbbb": "0002"})
    graph.merge("side")
    assert heads(graph).hint.startswith("Make a merge revision")
    graph.put({"bbbb": "aaaa"})
    facts = graph.facts()
    assert edited_migration.check(facts) == []
    assert edited_migration.unpublished(facts) == []


def test_of_two_new_revisions_the_lower_one_gets_the_other_parent(graph: Graph) -> None:
    graph.commit({"0003": "0002"})
    graph.put({"000a": "0002", "000b": "000a"})
    finding = heads(graph)
    assert finding.location.path == "m/versions/000a.py"
    assert finding.hint.startswith("Set down_revision = '0003' here")


@pytest.mark.parametrize(
    ("base", "new"),
    [
        ({}, {"000a": "0002", "000b": "0002", "000c": ("000a", "000b")}),
        ({"0002b": "0001", "0003": ("0002", "0002b")}, {"000a": ("0002", "0002b")}),
    ],
    ids=["two that nothing is below", "a merge"],
)
def test_what_no_single_parent_moves_is_merged(
    graph: Graph, base: dict[str, Parents], new: dict[str, Parents]
) -> None:
    graph.commit({"0003": "0002", **base})
    graph.put(new)
    assert heads(graph).hint.startswith("Make a merge revision: alembic merge heads")


def test_a_merge_that_is_deleted_leaves_heads_that_nobody_may_move(graph: Graph) -> None:
    """The last of its parents is shown, and neither a head that was there nor a parent."""
    graph.commit({"x": None, "a": "x", "b": "x", "m": ("a", "b"), "z": None})
    graph.write({"m/versions/m.py": None})
    finding = heads(graph)
    assert finding.hint.startswith("Make a merge revision: ")
    assert finding.message.startswith("4 heads, where the base has 3: 0002, a, b, z; ")
    assert (finding.location.path, finding.location.line) == ("m/versions/b.py", 2)


def test_a_new_revision_without_the_line_is_found_at_its_first(graph: Graph) -> None:
    graph.write({"m/versions/0003.py": "# A root.\nrevision = '0003'\n"})
    finding = heads(graph)
    assert finding.hint.startswith("Set down_revision = '0002' here")
    assert finding.location == Location("m/versions/0003.py", 1, 1, "# A root.")


def test_of_two_heads_to_move_the_one_of_this_commit_is_moved(graph: Graph) -> None:
    graph.branch("side")
    graph.commit({"000y": "0002", "000z": "0002"})
    graph.branch("main", "main")
    graph.commit({"bbbb": "0002"})
    graph.branch("side", "side")
    graph.merge("main")
    assert heads(graph).location.path == "m/versions/000z.py"
    graph.put({"000a": "0002", "000y": "000a"})
    assert heads(graph).location.path == "m/versions/000a.py"


def test_of_two_histories_by_design_the_head_of_the_same_one_is_named(graph: Graph) -> None:
    graph.commit({"z1": None, "z2": "z1"})
    graph.put({"z3": "z1"})
    assert heads(graph).hint.startswith("Set down_revision = 'z2' here")


def test_a_parent_that_alembic_itself_could_load_is_not_unknown(graph: Graph) -> None:
    """From bytecode of a project without sources, from a package that is installed."""
    graph.put({"0003": "compiled"})
    facts = graph.facts()
    assert len(unknown_parent.check(facts)) == 1
    loaded = replace(facts, comparison=Comparison(LOADED, None, "replay"))
    assert unknown_parent.check(loaded) == []
    failed = Observation(error={"type": "KeyError", "message": "'compiled'"})
    assert unknown_parent.check(replace(facts, comparison=Comparison(failed, None, "replay")))


def test_a_parent_that_git_ignores_is_unknown_to_others(graph: Graph) -> None:
    (graph.root / ".git/info/exclude").write_text("local*\n")
    graph.put({"local 1": "0002", "0003": "local 1"})
    loaded = replace(graph.facts(), comparison=Comparison(LOADED, None, "replay"))
    (finding,) = unknown_parent.check(loaded)
    assert finding.hint.endswith("which git ignores: git add --force ':/m/versions/local 1.py'")
    # The history is not taken for whole: what builds on it would count as heads.
    assert multiple_heads.check(loaded) == []


@pytest.mark.parametrize("old", ["{{cookiecutter.slug}}", "templates/app", "docs/example"])
@pytest.mark.parametrize("renamed", [True, False], ids=["git knows", "another alembic.ini"])
def test_an_environment_that_leaves_a_folder_of_material_is_not_new(
    graph: Graph, old: str, renamed: bool
) -> None:
    graph.git("rm", "-r", "--quiet", "m", "alembic.ini")
    ini = "[alembic]\nscript_location = %(here)s/scripts\n" + "# A word.\n" * 9
    env_py = "from app import models\n" * 9
    graph.write({f"{old}/alembic.ini": ini, f"{old}/scripts/env.py": env_py})
    graph.write({f"{old}/scripts/versions/a.py": "revision = 'a'\ndown_revision = None\n"})
    graph.commit({})
    graph.git("mv", old, "service")
    graph.write({"service/alembic.ini": ini if renamed else ini.replace("# A word.\n", "")})
    facts = graph.facts()
    assert facts.environment.config == "service/alembic.ini"
    assert facts.in_base is not None
    assert facts.in_base.environment.config == f"{old}/alembic.ini"
    assert facts.new == ()
