"""The oldest versions that are supported, and some of the middle; other tests have the newest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import MakeProject, SessionCache
from .harness import Project, clean_environ, run

OLDEST_MINOR = 9


@dataclass(frozen=True)
class Versions:
    """What a project's environment is made of.

    Attributes:
        oldest_python: Or else the Python of the tests.
        sqlalchemy: The beginning of its version.
    """

    name: str
    oldest_python: bool
    sqlalchemy: str
    requirements: tuple[str, ...]


OLD = Versions(
    "old",
    True,
    "1.4.",
    (
        "SQLAlchemy==1.4.*",
        "alembic==1.9.*",
        "Flask-Migrate==3.*",
        "Flask-SQLAlchemy==2.5.*",
        "Flask<2.3",
        "Werkzeug<3",
    ),
)
MIDDLE = Versions(
    "middle",
    False,
    "2.0.",
    (
        "SQLAlchemy[asyncio]==2.0.*",
        "alembic==1.13.*",
        "Flask-Migrate==4.*",
        "Flask-SQLAlchemy==3.*",
        "aiosqlite",
    ),
)


@pytest.mark.parametrize(
    ("versions", "sample"),
    [
        pytest.param(versions, sample, id=f"{versions.name}-{sample}")
        for versions, sample in (
            (OLD, "trivia"),
            (OLD, "old_drift"),
            (MIDDLE, "trivia"),
            (MIDDLE, "async_settings"),
        )
    ],
)
def test_a_column_is_blocked_and_passes_with_its_migration(
    make_project: MakeProject, session_cache: SessionCache, versions: Versions, sample: str
) -> None:
    project = make_project(sample, hook=None)
    use_environment(project, session_cache, versions)

    project.change_no_schema()
    project.stage(".")
    result = project.check()
    assert result.returncode == 0, result.output

    where = project.add_column()
    project.stage(".")
    result = project.check()
    assert result.returncode == 1, result.output
    assert where in result.stdout
    assert "missing-migration" in result.stdout

    project.stage(project.autogenerate("a column"))
    result = project.check()
    assert result.returncode == 0, result.output


def use_environment(project: Project, session_cache: SessionCache, versions: Versions) -> None:
    """Give the project an environment, and have it refuse to run in any other."""

    def build(new: Path) -> None:
        environ = clean_environ(new)
        python = oldest_python() if versions.oldest_python else sys.executable
        run((python, "-m", "venv", "env"), cwd=new, environ=environ, check=True)
        install = ("-m", "pip", "install", "--quiet", *versions.requirements)
        run((str(new / "env/bin/python"), *install), cwd=new, environ=environ, check=True)

    environment = session_cache(f"versions-{versions.name}", build) / "env"
    shutil.rmtree(project.root / ".venv")
    (project.root / ".venv").symlink_to(environment)
    (project.root / ".git/info/exclude").write_text("/.venv\n")
    check = f"assert sqlalchemy.__version__.startswith({versions.sqlalchemy!r})\n"
    text = project.read(project.sample.models)
    project.write(project.sample.models, f"{text}\n\nimport sqlalchemy\n\n{check}")
    project.stage(".")
    assert project.commit("The versions").returncode == 0


def oldest_python() -> str:
    """Find the oldest supported Python of the machine; one that does not start is none."""
    for minor in range(OLDEST_MINOR, sys.version_info.minor):
        for python in pythons(minor):
            asked = subprocess.run([python, "-c", "import ensurepip"], capture_output=True)
            if asked.returncode == 0:
                return python
    return sys.executable


def pythons(minor: int) -> Iterator[str]:
    on_path = shutil.which(f"python3.{minor}")
    if on_path:
        yield on_path
    # There, what is on PATH may be a shim that starts only what was selected.
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python")))
