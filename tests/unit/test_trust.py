"""A branch under `--settings-from base`: what it may not permit itself, and what is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphs import Graph

from alembic_lockstep.ignores.ignoring import Directives
from alembic_lockstep.ignores.influences import named_influences

IGNORE = "  # lockstep: ignore[missing-migration] made by hand"
CLASS = f"class Game(Base):\n    paid = Column(Boolean){IGNORE}\n"
TABLE = f"games = Table(\n    'games',\n    Column('paid', Boolean),{IGNORE}\n)\n"
FUNCTION = f"def upgrade():\n    op.drop_column('games', 'paid'){IGNORE}\n"


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = Graph(tmp_path)
    graph.commit({"0001": None})
    return graph


def honoured(graph: Graph, before: str, after: str) -> list[int]:
    """Give the lines of the directives that count when the first text has become the second."""
    graph.write({"models.py": before})
    graph.commit({})
    graph.write({"models.py": after})
    facts = graph.facts()
    directives = Directives(facts.repository, facts.tree, facts.base)
    return [directive.line for directive in directives.of("models.py") if not directive.fault]


@pytest.mark.parametrize(
    ("before", "copy"),
    [
        pytest.param(CLASS, CLASS.replace("Game", "Player"), id="class"),
        pytest.param(TABLE, TABLE.replace("games", "players"), id="table"),
        pytest.param(FUNCTION, FUNCTION.replace("upgrade", "downgrade"), id="function"),
        pytest.param(
            CLASS, CLASS.replace("class", "class Outer:\n  class").replace("  paid", "    paid")
        ),
    ],
)
def test_a_directive_that_is_copied_to_another_place_is_not_the_bases(
    graph: Graph, before: str, copy: str
) -> None:
    (own,) = honoured(graph, before, f"# A word.\n\n{before}\n\n{copy}")
    assert own == before.splitlines().index(next(x for x in before.splitlines() if IGNORE in x)) + 3


MARKED = f"#{IGNORE.partition('#')[2]}\n@table\n"
GAME, PLAYER = "class Game(Base): ...\n", "class Player(Base): ...\n"


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        (f"A = 1\n{MARKED}{GAME}@table\n{PLAYER}", [2]),
        (f"@table\n{GAME}{MARKED}{PLAYER}", []),
    ],
)
def test_a_directive_that_moves_to_another_class_is_not_the_bases(
    graph: Graph, after: str, lines: list[int]
) -> None:
    assert honoured(graph, f"{MARKED}{GAME}@table\n{PLAYER}", after) == lines


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("missing-migration", "migration-mismatch"),
        ("made by hand", "because"),
    ],
    ids=["another rule", "another reason"],
)
def test_a_directive_that_is_edited_is_not_the_bases(graph: Graph, old: str, new: str) -> None:
    # Its line is its own: the code below is the same.
    before = f"#{IGNORE.partition('#')[2]}\na = Column()\n"
    assert honoured(graph, before, before.replace(old, new)) == []


def test_a_directive_that_moves_within_a_table_is_not_the_bases(graph: Graph) -> None:
    marked, other = f"  #{IGNORE.partition('#')[2]}\n", "  Column('x'),\n"
    parts = ["games = Table(\n", "  Column('a'),\n", other, "  Column('b'),\n", other, ")\n"]
    before, after = ("".join([*parts[:number], marked, *parts[number:]]) for number in (1, 3))
    assert honoured(graph, before, after) == []


def test_no_directive_of_a_new_file_is_the_bases_and_a_fault_stays_its_own(graph: Graph) -> None:
    graph.write({"models.py": CLASS, "other.py": CLASS.replace(" made by hand", "")})
    facts = graph.facts()
    directives = Directives(facts.repository, facts.tree, facts.base)
    faults = [each.fault for path in ("models.py", "other.py") for each in directives.of(path)]
    assert faults == ["the base does not have it there", "it gives no reason"]


def test_of_two_that_are_alike_neither_is_known_to_be_the_bases(graph: Graph) -> None:
    assert honoured(graph, CLASS, f"{CLASS}\n\n{CLASS}") == []


def test_what_is_moved_and_edited_around_is_still_the_bases(graph: Graph) -> None:
    edited = CLASS.replace("(Base)", "(Mixin, Base)").replace("    paid", "    a = 1\n    paid")
    assert honoured(graph, CLASS, f"import os\n\n@decorated\n{edited}") == [6]


@pytest.mark.parametrize(
    "path",
    [
        "m/env.py",
        "alembic.ini",
        ".flaskenv",
        "service/.env",
        "sitecustomize.py",
        "usercustomize.py",
        "sqlalchemy.py",
        "lib/flask_migrate.py",
        "alembic_lockstep.py",
        "lib/sqlalchemy/__init__.py",
    ],
)
def test_what_decides_the_verdict_is_named(graph: Graph, path: str) -> None:
    graph.write({path: "[alembic]\nscript_location = m\n# A word, of sys.meta_path.\n"})
    (note,) = named_influences(graph.facts())
    assert note == (
        f"this change affects its own verdict by {path}: settings and ignores are "
        "the base's, the project's code is the change's"
    )


def test_each_module_of_a_package_that_replaces_a_library_is_named(graph: Graph) -> None:
    graph.write({"lib/alembic/__init__.py": ""})
    graph.commit({})
    graph.write({"lib/alembic/a/b.py": "", "lib/alembic/notes.txt": "", "notes.txt": ""})
    (note,) = named_influences(graph.facts())
    assert "by lib/alembic/a/b.py: " in note


def test_a_file_that_is_deleted_or_renamed_is_named_as_it_was(graph: Graph) -> None:
    graph.write({"sitecustomize.py": "import sys\n" * 9, ".env": "A=1\n", "a.py": "A = 1\n"})
    graph.commit({})
    graph.git("mv", "sitecustomize.py", "customize.py")
    graph.write({".env": None, "a.py": None})
    (note,) = named_influences(graph.facts())
    assert "by .env, sitecustomize.py: " in note


def test_the_configuration_that_the_base_had_elsewhere_is_named(graph: Graph) -> None:
    graph.write({"alembic.ini": None, "service/alembic.ini": "[alembic]\nscript_location = m\n"})
    (note,) = named_influences(graph.facts())
    assert "alembic.ini, service/alembic.ini: " in note


@pytest.mark.parametrize(
    "text",
    [
        "import alembic_lockstep\n",
        "from alembic.autogenerate import compare\n",
        "def include_object(*_): return False\n",
        "def include_name(*_): return False\n",
        "from alembic.migration import compare_metadata\n",
        "process_revision_directives = None\n",
        "sys.addaudithook(print)\n",
        "sys.meta_path.append(None)\n",
    ],
)
def test_what_reaches_into_the_comparison_is_named(graph: Graph, text: str) -> None:
    graph.write({"app/models.py": text})
    (note,) = named_influences(graph.facts())
    assert "by app/models.py: " in note
    graph.commit({})
    graph.write({"app/models.py": None, "app/tables.py": text})
    assert named_influences(graph.facts()) == ()


def test_models_and_migrations_are_not_named(graph: Graph) -> None:
    graph.write({"app/models.py": CLASS, "alembic/README": "", "app/alembic/versions/a.py": ""})
    graph.write({"notes.txt": "alembic_lockstep", "app/.env.py": "", "alembic.py/notes.txt": ""})
    graph.put({"0002": "0001"})
    assert named_influences(graph.facts()) == ()
