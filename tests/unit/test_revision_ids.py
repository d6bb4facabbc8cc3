"""duplicate-revision, revision-cycle, and the notes on ids: on small repositories, statically."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from graphs import Graph, Parents

from alembic_lockstep.findings import Finding
from alembic_lockstep.rules import (
    duplicate_revision,
    edited_migration,
    multiple_heads,
    revision_cycle,
    revision_ids,
    unknown_parent,
)
from alembic_lockstep.rules.revision_ids import is_typed

COPY = "m/versions/copy.py"


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """A repository whose `main` has 0001 and 0002."""
    graph = Graph(tmp_path)
    graph.commit({"0001": None, "0002": "0001"})
    return graph


def text_of(revision: str, down: str | None, more: str = "") -> str:
    return f"revision = {revision!r}\ndown_revision = {down!r}\n{more}"


def duplicates(graph: Graph) -> list[Finding]:
    return duplicate_revision.check(graph.facts())


def cycles(graph: Graph) -> list[Finding]:
    return revision_cycle.check(graph.facts())


def all_rules(graph: Graph) -> list[Finding]:
    facts = graph.facts()
    rules = (duplicate_revision, revision_cycle, unknown_parent, multiple_heads, edited_migration)
    return [finding for rule in rules for finding in rule.check(facts)]


def type_hint(graph: Graph, finding: Finding) -> None:
    """Write the printed assignments into the file, or type the printed command."""
    path = finding.location.path
    for line in re.findall(r"(?:revision|down_revision|depends_on) = (?:'\w+'|None)", finding.hint):
        name = line.partition(" ")[0]
        text = (graph.root / path).read_text()
        graph.write({path: re.sub(rf"^{name} = .*$", line, text, flags=re.MULTILINE)})
    for command in re.findall(r"git rm .*$", finding.hint):
        folder = graph.root / "m"
        subprocess.run(("bash", "-ec", command), cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    "parents",
    [
        {"0003": "0002"},
        {"a1": None, "a2": "a1"},
        {"0002b": "0001", "0003": ("0002", "0002b")},
        {"00021": "0002"},
        {"0002": "0001"},
    ],
    ids=["another", "a second base", "a merge", "one that begins alike", "the same file"],
)
def test_ids_that_differ_are_no_duplicates(graph: Graph, parents: dict[str, Parents]) -> None:
    graph.put(parents, "# Touched.\nbranch_labels = None\n")
    assert duplicates(graph) == []


def test_a_file_that_is_renamed_keeps_its_id(graph: Graph) -> None:
    graph.git("mv", "m/versions/0002.py", "m/versions/0002_orders.py")
    assert duplicates(graph) == []


def test_a_file_of_another_folder_is_of_no_other_history(graph: Graph) -> None:
    graph.write({"docs/0002.py": text_of("0002", "0001"), "m/old/0002.py": text_of("0002", None)})
    assert duplicates(graph) == []


def test_what_the_base_has_twice_is_not_this_commits(graph: Graph) -> None:
    graph.write({COPY: text_of("0002", "0001", "# Another.\n")})
    graph.commit({})
    graph.put({"0003": "0002"})
    assert duplicates(graph) == []
    graph.write({COPY: text_of("0002", "0001", "# Edited.\n")})
    assert duplicates(graph) == []
    graph.write({"m/versions/third.py": text_of("0002", "0001")})
    assert [finding.location.path for finding in duplicates(graph)] == ["m/versions/third.py"]


def test_a_copied_file_is_deleted_by_the_printed_command(graph: Graph) -> None:
    graph.write({COPY: (graph.root / "m/versions/0002.py").read_text()})
    (finding,) = duplicates(graph)
    assert finding.message == (
        "revision '0002' is already the id of m/versions/0002.py; "
        "Alembic loads one of the files, and never runs the other"
    )
    assert (finding.location.path, finding.location.line, finding.location.column) == (COPY, 1, 12)
    assert [location.path for location in finding.related] == ["m/versions/0002.py"]
    type_hint(graph, finding)
    assert all_rules(graph) == []


def test_a_migration_written_after_another_gets_an_id_and_goes_on_top(graph: Graph) -> None:
    graph.write({COPY: text_of("0002", "0001", "def upgrade(): ...\n")})
    (finding,) = duplicates(graph)
    assert re.fullmatch(
        r"Give this file an id of its own: revision = '[0-9a-f]{12}', "
        r"and put it on top: down_revision = '0002'",
        finding.hint,
    )
    type_hint(graph, finding)
    assert all_rules(graph) == []


def test_one_that_stands_elsewhere_keeps_its_parent(graph: Graph) -> None:
    graph.write({COPY: text_of("0001", "0002", "def upgrade(): ...\n")})
    (finding,) = duplicates(graph)
    assert "down_revision" not in finding.hint
    type_hint(graph, finding)
    assert all_rules(graph) == []


def test_of_two_new_files_all_but_one_are_shown(graph: Graph) -> None:
    graph.write({f"m/versions/{name}.py": text_of("0003", "0002", name) for name in ("a", "b")})
    assert [finding.location.path for finding in duplicates(graph)] == ["m/versions/b.py"]


@pytest.mark.parametrize("merging", ["main", "side"])
def test_two_branches_that_chose_the_same_id_are_found_in_their_merge(
    graph: Graph, merging: str
) -> None:
    """What main has keeps its id, whichever branch is merged into which."""
    merged = {"main": "side", "side": "main"}[merging]
    for name in ("side", "main"):
        graph.branch(name)
        graph.write({f"m/versions/{name}.py": text_of("0003", "0002", f"# Of {name}.\n")})
        graph.commit({})
    graph.branch(merging, merging)
    graph.merge(merged)
    (finding,) = duplicates(graph)
    assert finding.location.path == "m/versions/side.py"
    type_hint(graph, finding)
    assert all_rules(graph) == []


@pytest.mark.parametrize(
    ("parents", "more"),
    [
        ({"0003": "0002", "0004": "0003"}, ""),
        ({"0002b": "0001", "0003": ("0002", "0002b")}, ""),
        ({"0003": "0002"}, "depends_on = '0001'\n"),
        ({"a1": None}, "depends_on = '0002'\nbranch_labels = 'side'\n"),
    ],
    ids=["a line", "a merge", "a dependency", "a branch that depends on another"],
)
def test_a_history_without_a_circle_passes(
    graph: Graph, parents: dict[str, Parents], more: str
) -> None:
    graph.put(parents, more)
    assert cycles(graph) == []


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ({"0003": "0004", "0004": "0003"}, "build on each other; .* Cycle is detected"),
        ({"0003": "0003"}, "0003 builds on itself; .* Self-loop is detected"),
        ({"0003": "0002", "0001": "0003"}, "0001.* build on each other; .* Cycle is detected"),
        ({"0003": "0005", "0004": "0003", "0005": "0004"}, "build on each other"),
    ],
    ids=["two new ones", "itself", "an old one on a new one", "three"],
)
def test_a_circle_is_cut_where_the_finding_says(
    graph: Graph, parents: dict[str, Parents], message: str
) -> None:
    graph.put(parents)
    (finding,) = cycles(graph)
    assert re.search(message, finding.message), finding.message
    assert [each.rule for each in all_rules(graph)] == ["revision-cycle"]
    type_hint(graph, finding)
    assert all_rules(graph) == []


def test_a_circle_through_a_dependency_or_a_label_is_cut_there(graph: Graph) -> None:
    graph.put({"0003": "0002"}, "branch_labels = 'side'\n")
    graph.put({"0002": "0001"}, "depends_on = 'side'\n")
    (finding,) = cycles(graph)
    assert finding.message.endswith("Dependency cycle is detected")
    assert (finding.location.path, finding.location.line) == ("m/versions/0002.py", 3)
    type_hint(graph, finding)
    assert all_rules(graph) == []


def test_a_circle_of_the_base_is_not_this_commits(graph: Graph) -> None:
    graph.commit({"0003": "0004", "0004": "0003"})
    graph.put({"0005": "0002"})
    assert cycles(graph) == []


def test_where_a_file_cannot_be_read_no_circle_is_said_to_be(graph: Graph) -> None:
    graph.write({"m/versions/0001.py": "def upgrade(:\n"})
    graph.put({"0003": "0004", "0004": "0003"})
    assert cycles(graph) == []


@pytest.mark.parametrize(
    "name",
    [
        "aaaaaaaaaaaa",
        "000000000000",
        "xxxxx",
        "123456789abc",
        "1234567890ab",
        "abcdef123456",
        "a1b2c3d4e5f6",
        "b2c3d4e5f6a7",
        "1a2b3c4d5e6f",
        "deadbeef",
        "TODO",
        "<revision>",
    ],
)
def test_an_id_that_looks_typed_is_said_to(name: str) -> None:
    assert is_typed(name)


@pytest.mark.parametrize(
    "name",
    [
        "0001",
        "12",
        "20240131",
        "2024_01_31",
        "20240131_add_paid",
        "add_user_table",
        "1a4b7c20d9e3",
        "5e0f93b61c7a",
        "3f1c0a9d7b21",
        "8d52e6f04c13",
        "b7a90c45e1d8",
        "v1",
    ],
)
def test_an_id_of_alembic_a_number_a_date_and_words_are_not(name: str) -> None:
    assert not is_typed(name)


def test_only_new_ids_are_worth_a_note(graph: Graph) -> None:
    graph.commit({"aaaaaaaa": "0002"})
    graph.put({"aaaaaaaab": "aaaaaaaa", "x1": "aaaaaaaab"})
    assert revision_ids.id_notes(graph.facts()) == [
        "the id aaaaaaaa is the beginning of aaaaaaaab: write the longer one in full in commands"
    ]
    graph.put({"bbbbbbbb": "x1"})
    (note, _) = sorted(revision_ids.id_notes(graph.facts()), reverse=True)
    assert note.startswith("the id bbbbbbbb looks typed by hand")
