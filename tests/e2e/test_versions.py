"""The oldest versions that are supported, the newest, and some between, in real environments."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import Project
from .uv_tools import Tools


@dataclass(frozen=True)
class Versions:
    """The packages of a project's environment.

    Attributes:
        python: The minor version, or the nearest newer one that the machine has.
        sqlalchemy: The beginning of its version.
        sample: The project that runs there; docs/python.md has the table.
        app_option: Whether its `flask` has `--app`.
    """

    python: int
    sqlalchemy: str
    sample: str
    requirements: tuple[str, ...]
    app_option: bool = True


VERSIONS = {
    "oldest": Versions(
        9,
        "1.4.0",
        "trivia",
        (
            "SQLAlchemy==1.4.0",
            "alembic==1.9.0",
            "Flask-Migrate==3.0.0",
            "Flask-SQLAlchemy==2.5.0",
            "Flask==2.0.3",
            "Werkzeug==2.0.3",
            "setuptools<81",  # by whose means this Flask finds the commands of others
        ),
        app_option=False,
    ),
    "newest 1.4": Versions(13, "1.4.", "old_drift", ("SQLAlchemy==1.4.*", "alembic")),
    "oldest 2.0": Versions(
        10,
        "2.0.0",
        "trivia",
        (
            "SQLAlchemy==2.0.0",
            "alembic==1.9.4",
            "Flask-Migrate==4.0.0",
            "Flask-SQLAlchemy==3.0.2",
            "Flask==2.2.5",
            "Werkzeug<3",
        ),
    ),
    "newest 2.0": Versions(
        11, "2.0.", "async_settings", ("SQLAlchemy[asyncio]==2.0.*", "alembic==1.13.0", "aiosqlite")
    ),
    "oldest SQLModel": Versions(
        10, "1.4.41", "sqlmodel_app", ("sqlmodel==0.0.8", "SQLAlchemy==1.4.41", "alembic==1.10.0")
    ),
    # 3.14 and later where a machine has them.
    "newest": Versions(
        99,
        "2.1.",
        "trivia",
        ("SQLAlchemy==2.1.*", "alembic>=1.20", "Flask-Migrate>=4.1", "Flask-SQLAlchemy>=3.1"),
    ),
}


@pytest.mark.sampled(8)
@pytest.mark.parametrize("name", VERSIONS)
def test_a_column_is_blocked_and_passes_with_its_migration(
    make_project: MakeProject, tools: Tools, name: str
) -> None:
    versions = VERSIONS[name]
    project = make_project(versions.sample, hook=None)
    use_environment(project, tools, versions)

    where = project.add_column()
    project.stage(".")
    result = project.check()
    assert result.returncode == 1, result.output
    assert where in result.stdout
    assert "missing-migration" in result.stdout

    if not versions.app_option:
        assert "    FLASK_APP=backend.app:create_app flask db migrate -m " in result.stdout
        project.environ["FLASK_APP"] = "backend.app:create_app"
        project.sample = replace(project.sample, command=("flask", "db"))
    project.stage(project.autogenerate("a column"))
    result = project.check()
    assert result.returncode == 0, result.output


def use_environment(project: Project, tools: Tools, versions: Versions) -> None:
    """Give the project an environment, and have it refuse to run in any other."""
    shutil.rmtree(project.root / ".venv")
    python = nearest_python(versions.python)
    tools.make_environment(project.root / ".venv", python, *versions.requirements)
    (project.root / ".git/info/exclude").write_text("/.venv\n")
    check = f"assert sqlalchemy.__version__.startswith({versions.sqlalchemy!r})\n"
    text = project.read(project.sample.models)
    project.write(project.sample.models, f"{text}\n\nimport sqlalchemy\n\n{check}")
    project.stage(".")
    assert project.commit("The versions").returncode == 0


def nearest_python(minor: int) -> str:
    """Find the Python of that version, else the nearest newer one, else the newest there is.

    One that does not start is none.
    """
    ours = sys.version_info.minor
    programs = {ours: sys.executable}
    for other in range(9, 20):
        for python in pythons(other) if other != ours else ():
            if subprocess.run([python, "-c", "import venv"], capture_output=True).returncode == 0:
                programs[other] = python
    return programs[
        min((version for version in programs if version >= minor), default=max(programs))
    ]


def pythons(minor: int) -> Iterator[str]:
    on_path = shutil.which(f"python3.{minor}")
    if on_path:
        yield on_path
    # There, what is on PATH may be a shim that starts only what was selected.
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python")))
