"""The history on disk, and the environment and the database that belong together."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphs import Graph

from alembic_lockstep.context import RunContext
from alembic_lockstep.doctor.code_history import CodeHistory, code_of, read_code
from alembic_lockstep.doctor.configured_url import configured_url
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.repository import Repository

ENV = """\
from alembic import context
from sqlalchemy import engine_from_config
engine = engine_from_config(context.config.get_section("alembic"))
"""


def codes_of(graph: Graph, *config: str) -> list[CodeHistory]:
    return read_code(RunContext(Repository.discover(graph.root), {}, {"config": config}))


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = Graph(tmp_path)
    graph.commit({"a": None, "b": "a"})
    return graph


def test_the_history_is_that_of_the_files_on_disk(graph: Graph) -> None:
    graph.put({"c": "b"})  # staged
    (graph.root / "m/versions/d.py").write_text('"""New\n"""\nrevision = "d"\ndown_revision = "c"')
    (graph.root / "m/versions/a.py").unlink()
    index = (graph.root / ".git/index").read_bytes()
    (code,) = codes_of(graph)
    assert [revision.id for revision in code.newest_first] == ["d", "c", "b"]
    assert code.title(code.newest_first[0]) == "New"
    authors = [code.authorship(revision).author for revision in code.newest_first]
    assert authors == ["not committed", "not committed", "Ada"]
    assert (graph.root / ".git/index").read_bytes() == index


def test_the_environment_of_a_database_is_named_by_the_option(graph: Graph) -> None:
    other = {"other/m/env.py": "", "other/m/versions/x.py": "revision = 'x'\ndown_revision = None"}
    graph.write({"other/alembic.ini": "[alembic]\nscript_location = %(here)s/m\n", **other})
    codes = codes_of(graph)
    assert code_of(codes, ["x"]).name == "other/alembic.ini"
    with pytest.raises(CouldNotJudge) as failure:
        code_of(codes, ["unknown"])
    _, _, name = failure.value.fix.partition("--config ")
    assert code_of(codes_of(graph, name), ["unknown"]).name == name


def test_the_configured_database_is_that_of_the_ini_file_alone(graph: Graph) -> None:
    ini = "[alembic]\nscript_location = m\nsqlalchemy.url = sqlite:///app.db\n"
    graph.write({"alembic.ini": ini, "m/env.py": ENV})
    (code,) = codes_of(graph)
    assert configured_url(code) == f"sqlite:///{graph.root / 'app.db'}"
    graph.write({"m/env.py": f"import os\n{ENV}"})
    assert configured_url(codes_of(graph)[0])
    graph.write({"m/env.py": f"{ENV}url = os.environ['DATABASE_URL']\n"})
    with pytest.raises(CouldNotJudge, match="the project's code decides") as failure:
        configured_url(codes_of(graph)[0])
    assert failure.value.fix.endswith('--database "$DATABASE_URL"')


def test_version_locations_that_only_env_py_names_are_read(graph: Graph) -> None:
    graph.write({"m/versions/a.py": None, "m/versions/b.py": None})
    graph.write({"m/sqlite/a.py": "revision = 'a'\n", "m/helper.py": "x = 1\n"})
    (code,) = codes_of(graph)
    assert code.history.ids == {"a"}
    assert code.env.environment.version_locations == ("m/sqlite",)
