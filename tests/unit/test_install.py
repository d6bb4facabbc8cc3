"""What `init` has a CI install, run as the CI would run it: by a shell, from the root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.init.install import NOTHING, install_commands

PROJECT = "[project]\nname = 'x'\n"


def environment(directory: str) -> Environment:
    return Environment("alembic.ini", directory, "m", ("m/versions",))


def command(files: Mapping[str, str], *directories: str) -> str:
    return install_commands(map(environment, directories or ("",)), files, files.get)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"uv.lock": "", "requirements.txt": "x"}, "pip install uv && uv sync --frozen"),
        ({"poetry.lock": "", "pyproject.toml": PROJECT}, "pip install poetry && poetry install"),
        ({"pyproject.toml": "[tool.poetry]\n"}, "pip install poetry && poetry install"),
        ({"requirements.txt": "alembic\n", "pyproject.toml": PROJECT}, "-r requirements.txt"),
        # Nothing is listed, or it is no project that could be installed.
        ({"requirements.txt": "# none\n\n", "pyproject.toml": PROJECT}, "pip install -e ."),
        ({"pyproject.toml": "[tool.ruff]\n", "requirements-dev.txt": "a"}, "-r requirements-dev"),
        ({"pyproject.toml": "[tool.ruff]\n", "requirements/base.txt": "a"}, "-r requirements/base"),
        ({"pyproject.toml": "[tool.ruff]\n", "setup.py": ""}, "pip install -e ."),
        ({"pyproject.toml": "[build-system]\n"}, "pip install -e ."),
        ({"pyproject.toml": "[tool.ruff]\n"}, NOTHING),
        ({"pyproject.toml": "broken"}, NOTHING),
        ({}, NOTHING),
    ],
)
def test_what_exists_is_installed(files: dict[str, str], expected: str) -> None:
    assert expected in command(files)


def test_a_member_of_a_workspace_is_installed_from_its_folder() -> None:
    workspace = PROJECT + "[tool.uv.workspace]\nmembers = ['apps/*']\n"
    files = {"uv.lock": "", "pyproject.toml": workspace, "apps/api/pyproject.toml": PROJECT}
    assert command(files, "apps/api/db") == "(cd apps/api && pip install uv && uv sync --frozen)"
    assert command(files, "apps/other") == "pip install uv && uv sync --frozen"
    files["pyproject.toml"] = PROJECT  # no workspace: that member is a project of its own
    assert command(files, "apps/api") == "(cd apps/api && pip install -e .)"


def test_a_monorepo_is_installed_folder_by_folder(tmp_path: Path) -> None:
    files = {"back end/requirements.txt": "a", "jobs/requirements.txt": "a", "web/setup.py": ""}
    for name in files:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    pip = tmp_path / "bin/pip"
    pip.parent.mkdir()
    pip.write_text('#!/bin/sh\nfor last; do :; done; test -e "$last" && basename "$PWD"\n')
    pip.chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-c", command(files, "back end", "jobs", "back end", "web/db")],
        cwd=tmp_path,
        env={"PATH": f"{pip.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["back end", "jobs", "web"]
