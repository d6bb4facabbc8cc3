"""Revisions are read as Alembic would load them, without being imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_lockstep.alembic_env.revisions import (
    Broken,
    History,
    Revision,
    migration_files,
    parse_revision,
    read_revisions,
)


def parse(text: str) -> Revision:
    revision = parse_revision("versions/a.py", text)
    assert revision is not None
    return revision


def rev(name: str, *down: str, depends_on: tuple[str, ...] = (), label: str = "") -> Revision:
    return Revision(name, f"versions/{name}.py", down, depends_on, (label,) if label else (), {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import sqlalchemy as sa\n\ndef helper():\n    revision = 'a'\n",
        "revision = None\n",
        "revision = ''\n",
        "revision: str\n",
        "revision = True\n",
        "revision = make()\n",
        "class A:\n    revision = 'a'\n",
        "revision = (\n",
        "\x00",
        "-" * 100_000 + "1",
    ],
)
def test_no_revision(text: str) -> None:
    assert parse_revision("versions/a.py", text) is None


@pytest.mark.parametrize(
    ("text", "down"),
    [
        ("down_revision = None", ()),
        ("down_revision = ()", ()),
        ("down_revision = ''", ()),
        ("down_revision: Union[str, None] = None", ()),
        ("down_revision = 'b'", ("b",)),
        ("down_revision: str | Sequence[str] | None = ('b', 'c')", ("b", "c")),
        ("down_revision = ['b', 'c']", ("b", "c")),
        ("down_revision = 'b' 'c'", ("bc",)),
        ("down_revision = 'b' + 'c'", ("bc",)),
        ("PREVIOUS = 'b'\ndown_revision = PREVIOUS", ("b",)),
        ("down_revision = down = 'b'", ("b",)),
        ("down_revision = 'b'\ndown_revision = 'c'", ("c",)),
        ("down_revision = 41", ("41",)),
        ("down_revision = -41", ("-41",)),
    ],
)
def test_down_revision(text: str, down: tuple[str, ...]) -> None:
    revision = parse(f"revision = 'a'\n{text}\n")
    assert (revision.down, revision.unread) == (down, ())


def test_all_fields_in_their_places() -> None:
    revision = parse(
        "\ufeff# é\r\nrevision: str = 'a'\r\né = 1; down_revision = ('b',\r\n  'c')\r\n"
        "depends_on = 'é'\r\nbranch_labels = {'x'}\r\n"
    )
    assert (revision.id, revision.down) == ("a", ("b", "c"))
    assert (revision.depends_on, revision.branch_labels) == (("é",), ("x",))
    assert revision.lines == {
        "revision": (2, 17, 3),
        "down_revision": (3, 24, 5),
        "depends_on": (5, 14, 3),
        "branch_labels": (6, 17, 5),
    }


def test_a_computed_field_is_reported_as_unread() -> None:
    revision = parse("revision = 'a'\ndown_revision = previous()\ndepends_on = 'x'\n")
    assert (revision.down, revision.depends_on) == ((), ("x",))
    assert revision.unread == ("down_revision",)


@pytest.mark.filterwarnings("error")
def test_an_old_escape_warns_nobody() -> None:
    assert parse("revision = 'a'\npattern = '\\d'\n").id == "a"


@settings(deadline=None)
@given(
    st.text()
    | st.text(alphabet="ab'\"=+-(),[]{}:.# \n\r\t\f\\é\x00\ud800").map("revision = ".__add__)
)
def test_parsing_never_raises(text: str) -> None:
    parse_revision("versions/a.py", text)


def test_only_the_files_that_alembic_loads() -> None:
    files = [
        "m/versions/b.py",
        "m/versions/__init__.py",
        "m/versions/__init__helper.py",
        "m/versions/.#b.py",
        "m/versions/a.pyc",
        "m/versions/README",
        "m/versions/old/c.py",
        "m/versions/__pycache__/d.py",
        "m/versions_old/e.py",
        "m/env.py",
    ]
    assert migration_files(files, ["m/versions"]) == ["m/versions/b.py"]
    deep = migration_files(files, ["m/versions"], recursive=True)
    assert deep == ["m/versions/b.py", "m/versions/old/c.py"]


def test_reading_tells_revisions_helpers_and_broken_files_apart() -> None:
    texts = {
        "v/a.py": "revision = 'a'\n",
        "v/helper.py": "X = 1\n",
        "v/broken.py": "revision = 'b'\ndef (:\n",
        "v/null.py": "\x00",
        "v/__init__.py": "revision = 'c'\n",
    }
    revisions, broken = read_revisions([*texts, "v/gone.py"], texts.get)
    assert [revision.id for revision in revisions] == ["a"]
    assert [(each.path, each.line) for each in broken] == [("v/broken.py", 2), ("v/null.py", 1)]
    assert all(isinstance(each, Broken) and each.message for each in broken)


@pytest.mark.parametrize(
    ("revisions", "heads"),
    [
        ([], ()),
        ([rev("a")], ("a",)),
        ([rev("a"), rev("b", "a")], ("b",)),
        ([rev("b", "a"), rev("c", "a"), rev("a")], ("b", "c")),
        ([rev("a"), rev("b", "a"), rev("c", "a"), rev("d", "b", "c")], ("d",)),
        # A dependency does not take a head away.
        ([rev("a"), rev("b", depends_on=("a",))], ("a", "b")),
        ([rev("a"), rev("b", "a"), rev("c", "gone")], ("b", "c")),
        ([rev("a", "gone"), rev("b", "a", depends_on=("away",))], ("b",)),
        # Duplicates, cycles and forbidden ids must not crash.
        ([rev("a"), rev("b", "a"), rev("b", "a")], ("b",)),
        ([rev("a"), rev("b", "c"), rev("c", "b")], ("a",)),
        ([rev("a", "a")], ()),
        ([rev("a"), rev("b-1", "a")], ("b-1",)),
        ([rev("a", label="x"), rev("b", "a", label="x")], ("b",)),
    ],
)
def test_heads(revisions: list[Revision], heads: tuple[str, ...]) -> None:
    assert History(revisions).heads == heads


@pytest.mark.parametrize(
    "revisions",
    [
        [],
        [rev("a"), rev("b", "a")],
        [rev("a"), rev("b", depends_on=("a",))],
        [rev("a", label="x"), rev("b", depends_on=("x",))],
        [rev("a", label="x"), rev("b", depends_on=("x@head", "a@head", "a+1", "a-1"))],
    ],
)
def test_no_parent_is_missing(revisions: list[Revision]) -> None:
    assert History(revisions).missing_parents() == []


@pytest.mark.parametrize(
    ("revision", "field", "name"),
    [
        (rev("b", "gone"), "down_revision", "gone"),
        (rev("b", "abcdef", "gone"), "down_revision", "gone"),
        (rev("b", depends_on=("gone",)), "depends_on", "gone"),
        (rev("b", depends_on=("gone@head",)), "depends_on", "gone@head"),
        (rev("b", "gone+1"), "down_revision", "gone+1"),
        # Alembic raises KeyError for these two in a file.
        (rev("b", "abcd"), "down_revision", "abcd"),
        (rev("b", "label"), "down_revision", "label"),
    ],
)
def test_a_missing_parent(revision: Revision, field: str, name: str) -> None:
    history = History([rev("abcdef", label="label"), revision])
    assert history.missing_parents() == [(revision, field, name)]


def test_new_revisions_come_parents_first() -> None:
    base = History([rev("a"), rev("b", "a")])
    tree = [
        rev("e", "c", "d"),
        rev("d", "b", depends_on=("x",)),
        rev("c", "b", label="x"),
        *base.revisions,
    ]
    assert [new.id for new in History(tree).new_since(base)] == ["c", "d", "e"]
    assert base.new_since(History(tree)) == []


def test_new_revisions_of_a_broken_graph() -> None:
    new = [rev("b", "c"), rev("c", "b"), rev("d", "gone"), rev("d", "b")]
    added = History([rev("a"), *new]).new_since(History([rev("a")]))
    assert sorted(revision.id for revision in added) == ["b", "c", "d", "d"]


IDS = st.sampled_from(["aaaa", "bbbb", "cccc", "d-1", "e@head", "label"])
PARENTS = st.lists(IDS, max_size=2).map(tuple)
LABELS = st.lists(st.sampled_from(["label", "other", "aaaa"]), max_size=1).map(tuple)
GRAPHS = st.lists(
    st.builds(Revision, IDS, st.just("v/a.py"), PARENTS, PARENTS, LABELS, st.just({})), max_size=6
)


@settings(deadline=None)
@given(GRAPHS, GRAPHS)
def test_no_graph_crashes(tree: list[Revision], base: list[Revision]) -> None:
    history, before = History(tree), History(base)
    assert set(history.heads) <= history.ids
    assert {revision.id for revision in history.new_since(before)} == history.ids - before.ids
    history.missing_parents()


def test_a_long_history_does_not_recurse() -> None:
    chain = [rev("0"), *(rev(str(n), str(n - 1)) for n in range(1, 2 * sys.getrecursionlimit()))]
    new = History(reversed(chain)).new_since(History([]))
    assert new == chain


def test_alembic_agrees(tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    texts = {
        "a.py": "revision = 'aaaa'\ndown_revision = None\nbranch_labels = ('one',)\n",
        "b.py": "revision: str = 'bbbb'\ndown_revision: str = 'aaaa'\ndepends_on = None\n",
        "c.py": "revision = 'cccc'\ndown_revision = None\ndepends_on = ('one',)\n",
        "d.py": "revision = 'dddd'\ndown_revision = ('bbbb',)\n",
    }
    for name, text in texts.items():
        (versions / name).write_text(text, "utf-8")
    script = ScriptDirectory(str(tmp_path))
    revisions, _ = read_revisions(texts, texts.get)
    history = History(revisions)
    assert history.heads == tuple(sorted(script.get_heads()))
    assert history.ids == {revision.revision for revision in script.walk_revisions()}


def test_several_names_in_one_assignment() -> None:
    revision = parse("revision, down_revision = 'b', ('a', 'x')\n")
    assert (revision.id, revision.down) == ("b", ("a", "x"))
    assert parse_revision("versions/a.py", "revision, *others = 'b', 'a'\n") is None
