"""Commits after which `alembic` or `flask db` find nothing any more, although we might."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from graphs import Graph

from alembic_lockstep.config import load_settings
from alembic_lockstep.errors import CouldNotJudge

INI = "[alembic]\nscript_location = m\n"
OTHER = {"o/alembic.ini": "[alembic]\nscript_location = s\n", "o/s/env.py": "x\n"}
FLASK = {
    "m/alembic.ini": "[alembic]\n",
    "m/env.py": "from flask import current_app\n",
    "alembic.ini": None,
    "shop/factory.py": "def create_app(): ...\n",
    ".flaskenv": "FLASK_APP=shop.factory\n",
}
PLAIN_FLASK = {
    **FLASK,
    ".flaskenv": "A=1\n",
    "app.py": "def create_app(): ...\n",
    "shop/factory.py": "",
}
Files = Mapping[str, "str | None"]


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = Graph(tmp_path)
    graph.commit({"0001": None})
    return graph


def begin(graph: Graph, files: Files, change: Files) -> None:
    graph.write(files)
    graph.git("commit", "--quiet", "--allow-empty", "-m", "A change")
    graph.write(change)


@pytest.mark.parametrize(
    ("files", "change", "said"),
    [
        ({}, {"alembic.ini": INI.replace("alembic", "migrations")}, "alembic -n migrations"),
        (
            {"alembic.ini": f"{INI}[tenant]\nscript_location = m\n"},
            {"alembic.ini": "[tenant]\nscript_location = m\n"},
            "alembic -n tenant",
        ),
        (OTHER, {"alembic.ini": "[alembic]\nscript_locations = m\n"}, "leaves that file there"),
        (OTHER, {"o/alembic.ini": None}, "o/alembic.ini configures o/s/env.py in the base"),
        (FLASK, {".flaskenv": "FLASK_APPS=shop.factory\n"}, "FLASK_APP=shop.factory:create_app"),
        (FLASK, {".flaskenv": None}, "FLASK_APP=shop.factory:create_app"),
        (
            PLAIN_FLASK,
            {"app.py": None, "shop/main.py": "def create_app(): ...\n"},
            'flask-app = "shop.main:create_app"',
        ),
    ],
)
def test_what_the_projects_command_does_not_find_any_more_is_no_pass(
    graph: Graph, files: Files, change: Files, said: str
) -> None:
    begin(graph, files, change)
    with pytest.raises(CouldNotJudge) as caught:
        graph.environments()
    assert said in f"{caught.value.message}\n{caught.value.fix}"
    type_advice(graph, caught.value)


def type_advice(graph: Graph, error: CouldNotJudge) -> None:
    """Do each of the things that a message names, and judge again."""
    head, table, settings = error.fix.partition("[tool.alembic-lockstep]\n")
    if table:
        assert graph.all_facts(load_settings(table + settings, {}, {}))
    else:
        (folder,) = re.findall(r"configures (\S+)/env.py", error.message)
        graph.git("rm", "--quiet", "-r", "--force", folder)
        assert graph.environments()
    if "FLASK_APP=" in head:
        graph.write({".flaskenv": head.splitlines()[1]})
        assert graph.environments()


@pytest.mark.parametrize(
    ("files", "change", "names"),
    [
        (
            {},
            {"alembic.ini": None, "pyproject.toml": "[tool.alembic]\nscript_location = 'm'\n"},
            ["pyproject.toml"],
        ),
        ({}, {"alembic.ini": f"{INI}[tenant]\nscript_location = m\n"}, None),
        (OTHER, {"o/alembic.ini": None, "o/s/env.py": None}, ["alembic.ini"]),
        (FLASK, {".flaskenv": "FLASK_APP='shop.factory:create_app'\n"}, ["m/alembic.ini"]),
        (
            FLASK,
            {".flaskenv": None, "shop/factory.py": None, "app.py": "def create_app(): ...\n"},
            ["m/alembic.ini"],
        ),
        ({**FLASK, ".flaskenv": "A=1\n"}, {".flaskenv": None}, ["m/alembic.ini"]),
        ({"alembic.ini": "[alembic\n"}, {"alembic.ini": INI}, ["alembic.ini"]),
    ],
)
def test_what_it_still_finds_and_what_it_never_did_is_judged(
    graph: Graph, files: Files, change: Files, names: list[str] | None
) -> None:
    begin(graph, files, change)
    environments = graph.environments()
    assert names is None or environments == names


def test_a_section_that_the_settings_name_is_meant(graph: Graph) -> None:
    begin(graph, {}, {"alembic.ini": INI.replace("alembic", "tenant")})
    assert graph.environments(config=("alembic.ini:tenant",)) == ["alembic.ini:tenant"]
