"""Optuna, as its wheel has it: a package of some size, with differences older than the commit.

Alembic runs in ``optuna/storages/_rdb``, where ``script_location = alembic`` is relative to; the
package itself is importable because it is installed editable. No setting of ours is needed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import SessionCache, make_precious
from .harness import Project, begin_repository, clean_environ, make_venv
from .samples import OPTUNA

WHEEL = "optuna==5.0.0"
LIBRARIES = ("colorlog", "numpy", "packaging", "PyYAML", "tqdm")

#: What ``alembic upgrade head && alembic check`` finds there, on SQLite and PostgreSQL: the table
#: trial_heartbeats, a nullable column of trial_values, an index of trials by its old and new names.
OLD_DIFFERENCES = 4


@pytest.fixture(scope="session")
def downloaded(session_cache: SessionCache, pip: Callable[..., None]) -> Path:
    def build(new: Path) -> None:
        pip("install", "--quiet", "--no-deps", "--target", str(new / "package"), WHEEL, cwd=new)
        pip("install", "--quiet", "--target", str(new / "libraries"), *LIBRARIES, cwd=new)

    return session_cache("optuna", build)


@pytest.fixture
def optuna(downloaded: Path, tmp_path: Path, home: Path) -> Project:
    root = tmp_path / "my projects" / "optuna"
    ignored = shutil.ignore_patterns("__pycache__", "bin")
    shutil.copytree(downloaded / "package", root, ignore=ignored)
    (root / ".gitignore").write_text(".venv/\n__pycache__/\n*.db\n")
    libraries = make_venv(root / ".venv", downloaded / "libraries")
    (libraries / "__editable__.optuna-5.0.0.pth").write_text(f"{root}\n")
    project = Project(OPTUNA, root, clean_environ(home))
    begin_repository(root, project.environ)
    project.stage(".")
    project.git("commit", "--quiet", "-m", "First")
    make_precious(project.database)
    return project


def test_a_docstring_passes_although_old_differences_stand(optuna: Project) -> None:
    header = "class TrialModel(BaseModel):\n"
    optuna.replace(OPTUNA.models, header, header + '    """A trial of a study."""\n\n')
    optuna.stage(".")
    with optuna.untouched():
        report = optuna.check("--output-format", "json").json
    assert report["verdict"] == "clean"
    assert report["environments"][0]["old_differences"] == OLD_DIFFERENCES


def test_an_injected_column_is_blocked_at_its_line(optuna: Project) -> None:
    where = optuna.add_column()
    optuna.stage(".")
    with optuna.untouched():
        result = optuna.check("--output-format", "concise")
    assert result.returncode == 1, result.output
    found = [line for line in result.stdout.splitlines() if ": missing-migration: " in line]
    assert len(found) == 1, result.output
    assert found[0].startswith(where)


def test_an_injected_column_with_its_migration_passes(optuna: Project) -> None:
    optuna.add_column()
    optuna.autogenerate("a note")
    optuna.stage(".")
    with optuna.untouched():
        result = optuna.check()
    assert result.returncode == 0, result.output
