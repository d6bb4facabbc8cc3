"""Environments in the folders and under the names that tools give them."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from pathlib import Path

import pytest

from alembic_lockstep.config import Settings
from alembic_lockstep.interpreters.candidates import OWN, Candidate, Search, candidates

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def mark_of(path: Path) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(str(path).encode()).digest())[:8].decode()


def environments_of(project: Path, **more: str) -> list[str]:
    """Return the environments of a project, from the folder above it."""
    outer = {"PATH": "/nonexistent", "HOME": str(project.parent / "home"), **more}
    search = Search(project, "", Settings(), outer)
    paths = [candidate.path for candidate in candidates(search)]
    assert paths.pop() == sys.executable
    top, end = f"{project.parent}/", "/bin/python"
    return [path.removeprefix(top).removesuffix(end) for path in paths if path]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


def make(project: Path, *environments: str) -> list[str]:
    for name in environments:
        put(project.parent, f"{name}/bin/python", "#!/bin/sh\nexit 1\n")
    return list(environments)


@pytest.mark.parametrize(
    "name",
    [
        *(".pixi/envs/default", ".pixi/envs/dev", ".direnv/python-3.12.4", ".venv3.12"),
        *(".venv-dev", ".venv_39", "venv3", "venv-linux", ".conda"),
    ],
)
def test_in_the_project(project: Path, name: str) -> None:
    assert environments_of(project) == []
    assert make(project, f"shop/{name}") == environments_of(project)


@pytest.mark.parametrize("name", [".venvs", "venvironment", ".direnv/bin"])
def test_not_everything_in_the_project(project: Path, name: str) -> None:
    make(project, f"shop/{name}")
    assert environments_of(project) == []


def test_the_order_in_the_project(project: Path) -> None:
    names = [".venv", "venv", ".venv-a", ".venv3.9", ".direnv/python-3", ".pixi/envs/default"]
    names += [".pixi/envs/a"]
    assert make(project, *(f"shop/{name}" for name in names)) == environments_of(project)


@pytest.mark.parametrize("text", ["{top}/away", "{top}/away\n", "../away", "~/../away", "away"])
def test_a_file_names_the_environment(
    project: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(project.parent / "home"))
    make(project, "home/.virtualenvs/away" if text == "away" else "away")
    put(project, ".venv", text.format(top=project.parent))
    (path,) = environments_of(project)
    assert path.endswith("away")


@pytest.mark.parametrize("text", ["", "\0", "\n\n", "x" * 10000, "/gone", "gone", "../.."])
def test_a_file_that_names_none_is_passed_over(project: Path, text: str) -> None:
    put(project, ".venv", text)
    put(project, ".pdm-python", text)
    put(project, ".python-version", text)
    assert environments_of(project) == []


def test_pdm(project: Path) -> None:
    make(project, "away")
    put(project, ".pdm-python", f"{project.parent}/away/bin/python\n")
    assert environments_of(project) == ["away"]


def test_pyenv(project: Path) -> None:
    make(project, "home/.pyenv/versions/shop-3.12", "pyenv/versions/shop-3.12")
    put(project, ".python-version", "shop-3.12\n")
    assert environments_of(project) == ["home/.pyenv/versions/shop-3.12"]
    root = str(project.parent / "pyenv")
    assert environments_of(project, PYENV_ROOT=root) == ["pyenv/versions/shop-3.12"]


def test_a_folder_that_cannot_be_looked_into_is_passed_over(project: Path) -> None:
    """Such as root's, of `sudo -E`; to root itself only a name that is too long is like that."""
    make(project, "shop/.venv")
    put(project, ".python-version", "3.12\n")
    assert environments_of(project, PYENV_ROOT=f"/{'x' * 300}") == ["shop/.venv"]


@pytest.mark.parametrize(
    ("variable", "home"),
    [
        ("", "home/.cache/pypoetry/virtualenvs"),
        ("XDG_CACHE_HOME", "x/pypoetry/virtualenvs"),
        ("POETRY_CACHE_DIR", "x/virtualenvs"),
        ("POETRY_VIRTUALENVS_PATH", "x"),
    ],
)
def test_poetry(project: Path, variable: str, home: str) -> None:
    environ = {variable: str(project.parent / "x")} if variable else {}
    put(project, "pyproject.toml", "")
    make(project, f"{home}/other-AAAAAAAA-py3.12")
    environment = f"{home}/the-shop-{mark_of(project)}-py3.12"
    assert make(project, environment) == environments_of(project, **environ)
    # Of two, poetry itself has to say which one it takes.
    make(project, f"{home}/the-shop-{mark_of(project)}-py3.13")
    assert environments_of(project, **environ) == []


def test_hatch(project: Path) -> None:
    put(project, "pyproject.toml", "")
    folder = f"home/.local/share/hatch/env/virtual/the-shop/{mark_of(project)}"
    assert make(project, f"{folder}/test") == environments_of(project)
    make(project, f"{folder}/the-shop")
    assert environments_of(project) == [f"{folder}/the-shop"]


@pytest.mark.parametrize("home", ["home/.local/share/virtualenvs", "x"])
def test_pipenv(project: Path, home: str) -> None:
    put(project, "Pipfile", "")
    environ = {"WORKON_HOME": str(project.parent / "x")} if home == "x" else {}
    environment = f"{home}/shop-{mark_of(project / 'Pipfile')}"
    assert make(project, environment) == environments_of(project, **environ)


def test_virtualenvwrapper(project: Path) -> None:
    make(project, "home/.virtualenvs/a", "home/.virtualenvs/b")
    put(project.parent, "home/.virtualenvs/b/.project", f"{project}\n")
    put(project.parent, "home/.virtualenvs/a/.project", "/elsewhere\n")
    assert environments_of(project) == ["home/.virtualenvs/b"]


@pytest.mark.parametrize("file", ["environment.yml", "environment.yaml"])
@pytest.mark.parametrize("root", ["home/miniconda3", "home/.conda", "mamba", "conda"])
def test_conda(project: Path, file: str, root: str) -> None:
    put(project, file, "# ours\nname: 'shop'\ndependencies:\n  - name: x\n")
    top = project.parent
    environ = {"MAMBA_ROOT_PREFIX": f"{top}/mamba", "CONDA_EXE": f"{top}/conda/bin/conda"}
    assert make(project, f"{root}/envs/shop") == environments_of(project, **environ)


def test_our_own_interpreter_is_named_in_the_summary() -> None:
    assert "`python` names one" in Candidate(OWN, "/x").note
    assert Candidate(".venv at the root", "/x").note == ""
