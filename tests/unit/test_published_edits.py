"""deleted-migration, and edited-migration by effect, from hand-made outcomes of retracings."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from graphs import Graph, Parents

from alembic_lockstep.alembic_env.at_tree import EnvironmentFinder
from alembic_lockstep.config import Settings
from alembic_lockstep.dryrun.retraced import Retraced
from alembic_lockstep.facts import Facts, read_histories
from alembic_lockstep.findings import Finding
from alembic_lockstep.git.change_set import read_change_set
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.rules import deleted_migration, edited_migration
from alembic_lockstep.rules.published_edits import (
    needs_retracing,
    published_changes,
    retracing_notes,
    revisions_that_ran,
)

BODY = """
def upgrade():
    op.add_column("games", sa.Column("winners", sa.JSON()))


def downgrade():
    op.drop_column("games", "winners")
"""
SECOND = "m/versions/0002.py"


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """A repository whose `main` has 0001 to 0003, all with a body."""
    graph = Graph(tmp_path)
    graph.commit({"0001": None, "0002": "0001", "0003": "0002"}, BODY)
    return graph


def edit(graph: Graph, old: str, new: str, path: str = SECOND) -> None:
    text = (graph.root / path).read_text()
    assert old in text
    graph.write({path: text.replace(old, new)})


def deleted(facts: Facts) -> list[Finding]:
    return deleted_migration.check(facts)


def tagged(graph: Graph, *globs: str) -> Facts:
    (facts,) = graph.all_facts(Settings(published=globs))
    return facts


def type_restore(graph: Graph, finding: Finding) -> None:
    (command,) = re.findall(r"git checkout .*$", finding.hint)
    folder = graph.root / "m"
    subprocess.run(("bash", "-ec", command), cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\ndef upgrade():", "\n# As the board wants it.\ndef upgrade():"),
        ("revision = '0002'", '"""Winners."""\nrevision = \'0002\''),
        ('op.drop_column("games", "winners")', "pass"),
        (
            'sa.Column("winners", sa.JSON())',
            'sa.Column(\n        "winners",\n        sa.JSON(),\n    )',
        ),
        ("def upgrade():\n", 'def upgrade():\n    """Keep the winners."""\n'),
    ],
    ids=["comment", "docstring", "downgrade", "formatting", "docstring of upgrade()"],
)
def test_what_upgrade_does_stays_so_nothing_has_to_run(graph: Graph, old: str, new: str) -> None:
    edit(graph, old, new)
    facts = graph.facts()
    assert published_changes(facts) == []
    assert not needs_retracing(facts)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"winners"', '"winner"'),
        ("sa.JSON()", "sa.Text()"),
        ("def upgrade():\n", "def upgrade():\n    return\n"),
        ("def upgrade", "LIMIT = 10\n\n\ndef upgrade"),
        ("= '0001'", "= None"),
    ],
    ids=["column", "type", "early return", "constant", "parent"],
)
def test_other_edits_have_to_run(graph: Graph, old: str, new: str) -> None:
    edit(graph, old, new)
    assert needs_retracing(graph.facts())


def test_only_new_files_and_files_that_moved_do_not_have_to_run(graph: Graph) -> None:
    graph.put({"0004": "0003"}, BODY)
    graph.git("mv", SECOND, "m/versions/0002_winners.py")
    assert not needs_retracing(graph.facts())


def test_a_revision_of_this_branch_alone_is_free_to_edit_and_to_delete(graph: Graph) -> None:
    graph.branch("side")
    graph.commit({"0004": "0003"}, BODY)
    edit(graph, "sa.JSON()", "sa.Text()", "m/versions/0004.py")
    facts = graph.facts()
    assert not needs_retracing(facts)
    assert edited_migration.check(facts) == deleted(facts) == []
    rest = ", which refs/heads/main does not have yet: downgrade databases that have it first"
    assert edited_migration.unpublished(facts) == [f"0004 was edited{rest}"]
    graph.write({"m/versions/0004.py": None})
    facts = graph.facts()
    assert deleted(facts) == []
    assert edited_migration.unpublished(facts) == [f"0004 was deleted{rest}"]


def test_who_merges_an_edit_of_main_did_not_make_it(graph: Graph) -> None:
    graph.branch("side")
    graph.commit({"0004": "0003"}, BODY)
    graph.branch("main", "main")
    edit(graph, "sa.JSON()", "sa.Text()")
    assert needs_retracing(graph.facts())
    graph.commit({})
    graph.branch("side", "side")
    graph.merge("main")
    assert not needs_retracing(graph.facts())


def test_of_two_heads_the_one_that_is_put_on_the_other_has_run_nowhere(graph: Graph) -> None:
    """`upgrade head` refused to choose, and databases are at the head that was first."""
    graph.commit({"000a": "0003", "000b": "0003"}, BODY)
    edit(graph, "down_revision = '0003'", "down_revision = '000a'", "m/versions/000b.py")
    facts = graph.facts()
    assert needs_retracing(facts)
    assert revisions_that_ran(facts) == {"0001", "0002", "0003", "000a"}
    # Where there is one head, all has run: it would run once more.
    graph.commit({})
    edit(graph, "down_revision = '000a'", "down_revision = '0003'", "m/versions/000b.py")
    edit(graph, "down_revision = '0003'", "down_revision = '000b'", "m/versions/000a.py")
    assert revisions_that_ran(graph.facts()) == graph.facts().base_history.ids


def test_a_database_that_comes_to_another_end_is_said_at_the_edited_line(graph: Graph) -> None:
    edit(graph, "sa.JSON()", "sa.Text()")
    edit(graph, "def upgrade", "LIMIT = 10\n\n\ndef upgrade", "m/versions/0003.py")
    facts = graph.facts()
    words = ("column games.winners was JSON, is TEXT", "lacks column games.rounds")
    (finding,) = edited_migration.check(replace(facts, retraced=Retraced(words)))
    assert finding.message == (
        "0002 is in the base, and does something else now: a database that has run it "
        "column games.winners was JSON, is TEXT, lacks column games.rounds"
    )
    assert (finding.location.path, finding.location.line) == (SECOND, 5)
    assert [location.path for location in finding.related] == ["m/versions/0003.py"]
    type_restore(graph, finding)
    assert not needs_retracing(graph.facts())


def test_a_database_that_cannot_be_upgraded_is_said_with_the_revision(graph: Graph) -> None:
    edit(graph, "sa.JSON()", "sa.Text()")
    error = {"type": "OperationalError", "message": "duplicate column", "frames": []}
    facts = replace(graph.facts(), retraced=Retraced(revision="0003", error=error))
    (finding,) = edited_migration.check(facts)
    assert finding.message.endswith(
        "cannot be upgraded: upgrade() of 0003 fails: OperationalError: duplicate column"
    )


def test_the_same_end_is_no_finding_and_a_missing_answer_is_a_note(graph: Graph) -> None:
    edit(graph, "sa.JSON()", "sa.Text()")
    facts = graph.facts()
    for retraced in (None, Retraced(), Retraced(note="no server")):
        assert edited_migration.check(replace(facts, retraced=retraced)) == []
    said = "edited migrations were not compared by what they do: "
    assert retracing_notes(replace(facts, retraced=Retraced(note="no server"))) == [
        f"{said}no server"
    ]
    assert retracing_notes(replace(facts, retraced=Retraced())) == []
    assert retracing_notes(facts) == [f"{said}nothing was run"]
    graph.git("reset", "--quiet", "--hard")
    assert retracing_notes(graph.facts()) == []


def test_a_head_that_is_deleted_leaves_its_databases_behind(graph: Graph) -> None:
    graph.write({"m/versions/0003.py": None})
    (finding,) = deleted(graph.facts())
    assert finding.message == (
        "0003 is in the base and is gone: every upgrade of a database at 0003 will say: "
        "Can't locate revision identified by '0003'"
    )
    assert (finding.location.path, finding.location.in_base) == ("m/versions/0003.py", True)
    assert not needs_retracing(graph.facts())
    type_restore(graph, finding)
    assert deleted(graph.facts()) == []


@pytest.mark.parametrize("name", ["0002", "0003"])
@pytest.mark.parametrize("path", ["same", "other"])
def test_an_id_that_is_renamed_is_given_back(graph: Graph, name: str, path: str) -> None:
    file = f"m/versions/{name}.py"
    edit(graph, f"revision = '{name}'", "revision = 'new'", file)
    if name == "0002":
        edit(graph, "down_revision = '0002'", "down_revision = 'new'", "m/versions/0003.py")
    if path == "other":
        graph.git("mv", file, "m/versions/new.py")
    (finding,) = deleted(graph.facts())
    assert f"{name} is in the base and is now called new" in finding.message
    assert finding.hint == f"Give it its id back: revision = '{name}'"
    assert not finding.location.in_base


@pytest.mark.parametrize(
    ("gone", "put"),
    [
        (["0001", "0002"], {"0003": None}),
        (["0002"], {"0003": "0001"}),
        (["0001"], {"base": None, "0002": "base"}),
    ],
    ids=["all into the last", "one in the middle", "the first into a new one"],
)
def test_a_squash_that_keeps_the_last_id_has_to_come_to_the_same_end(
    graph: Graph, gone: list[str], put: dict[str, Parents]
) -> None:
    graph.put(put, BODY.replace("winners", "all_of_it"))
    graph.write({f"m/versions/{name}.py": None for name in gone})
    facts = graph.facts()
    assert deleted(facts) == edited_migration.check(facts) == []
    assert needs_retracing(facts)
    assert deleted_migration.squashed(facts) == [
        f"{name} is gone: upgrade databases that are still at it before this is deployed"
        for name in gone
    ]


def test_a_revision_that_is_left_out_without_another_edit_is_deleted(graph: Graph) -> None:
    graph.commit({"0004": "0003"}, "branch_labels = None\n" + BODY)
    graph.write({"m/versions/0003.py": None})
    edit(graph, "down_revision = '0003'", "down_revision = '0002'", "m/versions/0004.py")
    facts = replace(graph.facts(), retraced=Retraced(("has column games.winners as well",)))
    # Both files are in question: the one that was edited is shown first.
    (finding,) = edited_migration.check(facts)
    assert "has column games.winners as well" in finding.message
    assert deleted(facts) == []


def test_where_a_file_cannot_be_read_no_id_is_said_to_be_gone(graph: Graph) -> None:
    graph.write({"m/versions/0003.py": "def upgrade(:\n"})
    assert deleted(graph.facts()) == []


def test_bytecode_without_source_may_have_the_id(graph: Graph) -> None:
    graph.write({"m/versions/0003.py": None, "m/versions/0003.pyc": ""})
    assert deleted(graph.facts()) == []


def test_with_tags_what_no_release_has_is_free(graph: Graph) -> None:
    graph.git("tag", "v1")
    graph.git("tag", "nightly")
    graph.commit({"0004": "0003"}, BODY)
    graph.write({"m/versions/0004.py": None})
    assert len(deleted(graph.facts())) == 1
    facts = tagged(graph, "v*")
    assert deleted(facts) == []
    (note,) = edited_migration.unpublished(facts)
    assert note.startswith("0004 was deleted, which a tag like v* does not have yet")


def test_the_last_id_of_each_release_has_to_stay(graph: Graph) -> None:
    graph.git("tag", "v1")
    graph.commit({"0004": "0003"}, BODY)
    graph.git("tag", "v2")
    graph.put({"0004": None}, BODY)
    graph.write({f"m/versions/{name}.py": None for name in ("0001", "0002", "0003")})
    assert deleted(graph.facts()) == []
    (finding,) = deleted(tagged(graph, "v*"))
    assert "a database at 0003" in finding.message
    assert deleted(tagged(graph, "v2")) == []


def test_what_was_pushed_to_main_is_compared_with_what_main_had(graph: Graph) -> None:
    """In CI, after the push, the default branch has lost it already."""
    graph.write({"m/versions/0003.py": None})
    graph.commit({})
    repository = Repository.discover(graph.root)
    change_set = read_change_set(repository, *map(repository.tree_of, ("HEAD^", "HEAD")))
    finder = EnvironmentFinder(repository, Settings(), {})
    (histories,) = read_histories(finder, finder.find(change_set.tree), change_set)
    assert len(deleted(Facts.of(histories))) == 1
