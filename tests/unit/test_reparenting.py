"""Texts of migrations that are put on another head, and the choice of which."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphs import Graph

from alembic_lockstep.alembic_env.revisions import parse_revision
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.fix.reparenting import merge_revision, reparented
from alembic_lockstep.rebase.rebase_plan import plan_merge, plan_rebase, refuse_unstaged

FIRST = "revision = '000a'\ndown_revision = '0001'\n"


def moved(text: str) -> str | None:
    revision = parse_revision("versions/b.py", text)
    assert revision is not None
    return reparented(text, revision, "new")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("down_revision = 'a'\n", "down_revision = 'new'\n"),
        ('down_revision = "a"\n', 'down_revision = "new"\n'),
        ("down_revision = ('a',)\n", "down_revision = 'new'\n"),
        ("down_revision = None\n", "down_revision = 'new'\n"),
        (
            "down_revision: str | None = 'a'  # Two.\n",
            "down_revision: str | None = 'new'  # Two.\n",
        ),
        ("x = 'é'; down_revision = 'a'\n", "x = 'é'; down_revision = 'new'\n"),
    ],
)
def test_the_value_alone_changes(old: str, new: str) -> None:
    head, body = "revision = 'b'\n", "\n\ndef upgrade():\n    a = 'down_revision = a'\n"
    assert moved(head + old + body) == head + new + body


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_docstring_says_the_same_and_line_ends_stay(end: str) -> None:
    text = '"""B\n\nRevision ID: b\nRevises: a\n\x0cCreate Date: a\n"""\n'
    text = f"{text}revision = 'b'\ndown_revision = 'a'\n".replace("\n", end)
    after = text.replace("Revises: a", "Revises: new").replace("= 'a'", "= 'new'")
    assert moved(text) == after


def test_a_docstring_that_names_another_parent_stays(graph: Graph) -> None:
    del graph
    text = '"""B\n\nRevises: z\n"""\nrevision = "b"\ndown_revision = "a"\n'
    assert moved(text) == text.replace('"a"', '"new"')


@pytest.mark.parametrize(
    "field", ["", "parent = 'a'\ndown_revision = parent + ''\n", "down_revision = (\n    'a',\n)\n"]
)
def test_what_is_no_plain_value_of_one_line_is_left_to_people(field: str) -> None:
    text = f"revision = 'b'\n{field}"
    changed = moved(text)
    assert changed is None or changed == text.replace("parent + ''", "'new'")


def test_a_merge_revision_is_a_migration_of_both(tmp_path: Path) -> None:
    del tmp_path
    path, text = merge_revision(["a1", "b2"], "m/versions")
    revision = parse_revision(path, text)
    assert revision is not None
    assert revision.down == ("a1", "b2")
    assert path == f"m/versions/{revision.id}_merge_a1_b2.py"
    assert merge_revision(["a1", "b2"], "")[0] == path.removeprefix("m/versions/")


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """A branch with 000a and 000b above 0001, and 0002 on main, in a merge that is going on."""
    graph = Graph(tmp_path)
    graph.commit({"0001": None})
    graph.branch("side")
    graph.commit({"000a": "0001", "000b": "000a"})
    graph.branch("main", "main")
    graph.commit({"0002": "0001"})
    graph.branch("side", "side")
    graph.merge("main")
    return graph


def test_the_first_of_the_branch_moves_and_databases_go_back_to_its_old_parent(
    graph: Graph,
) -> None:
    facts = graph.facts()
    path = "m/versions/000a.py"
    plan = plan_rebase(facts, {path: (graph.root / path).read_text()})
    assert (plan.path, plan.parent, plan.moved) == (path, "0002", ("000b",))
    assert plan.text == "revision = '000a'\ndown_revision = '0002'\n"
    assert plan.way_on == ("alembic downgrade 0002", "alembic stamp 0001", "alembic upgrade head")


def test_a_database_that_ran_a_merge_of_main_is_stamped_with_what_main_had(graph: Graph) -> None:
    graph.put({"000c": ("000b", "0002")})
    graph.git("commit", "--quiet", "-m", "Merge")
    graph.branch("main", "main")
    graph.commit({"0003": "0002"})
    graph.branch("side", "side")
    graph.merge("main")
    plan = plan_rebase(graph.facts(), {"m/versions/000a.py": FIRST})
    assert plan.moved == ("000c",)
    assert plan.way_on[:2] == ("alembic downgrade 0003", "alembic stamp 0002")


def test_a_merge_leaves_all_files_as_they_are(graph: Graph) -> None:
    plan = plan_merge(graph.facts())
    assert (plan.before, plan.parent) == (None, "")
    graph.write({plan.path: plan.text})
    assert len(graph.facts().history.heads) == 1


def test_edits_on_disk_are_staged_first(graph: Graph) -> None:
    refuse_unstaged(graph.facts())
    (graph.root / "m/versions/000a.py").write_text("# Gone.\n")
    with pytest.raises(CouldNotJudge, match="not staged"):
        refuse_unstaged(graph.facts())


def test_where_both_heads_are_published_they_are_merged(graph: Graph) -> None:
    graph.git("commit", "--quiet", "-m", "Merge")
    graph.git("update-ref", "refs/remotes/origin/main", "HEAD")
    with pytest.raises(CouldNotJudge) as raised:
        plan_rebase(graph.facts(), {})
    assert raised.value.fix.endswith("alembic-lockstep rebase --merge")
