"""The command that installs a project where it has not been before: in a CI's job."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable
from typing import Any

from alembic_lockstep.alembic_env.config_sources import Read, join, upward
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.config import parse_toml
from alembic_lockstep.errors import CouldNotJudge

# What is installed is the working copy: another copy of the project would not be what is judged.
_EDITABLE = "pip install -e ."
# From lock files to the commands that install what they name, best first.
_LOCKED = {
    "uv.lock": "pip install uv && uv sync --frozen",
    "poetry.lock": "pip install poetry && poetry install",
    "pdm.lock": "pip install pdm && pdm sync",
    "Pipfile.lock": "pip install pipenv && pipenv sync",
}
# Of several files of requirements, the one with most in it may be the only one with Alembic.
_REQUIREMENTS = (
    "requirements.txt",
    *(f"requirements{between}{name}.txt" for name in ("dev", "base") for between in "-/"),
    "requirements/requirements.txt",
)
NOTHING = "pip install alembic # and what else the project needs"


def install_commands(
    environments: Iterable[Environment], files: Collection[str], read: Read
) -> str:
    """Return what installs the projects of all environments, in one line for a shell."""
    commands = [install_command(one, files, read) for one in environments]
    return " && ".join(dict.fromkeys(filter(None, commands))) or NOTHING


def install_command(environment: Environment, files: Collection[str], read: Read) -> str:
    """Return what installs the project of an environment, "" if nothing tells.

    It stays where it is: of several such commands each begins at the repository's root.
    """
    for folder in upward(environment.directory):
        command = _command_in(folder, files, read)
        if command:
            return f"(cd {shlex.quote(folder)} && {command})" if folder else command
    return ""


def _command_in(folder: str, files: Collection[str], read: Read) -> str:
    for name, command in _LOCKED.items():
        if join(folder, name) in files:
            return command
    listed = [name for name in _REQUIREMENTS if _lists_something(join(folder, name), files, read)]
    if listed:
        return f"pip install -r {listed[0]}"
    project = _pyproject(folder, files, read)
    # The lock file of a workspace stands above its members; each is installed from its own folder.
    if project and any(_is_workspace(above, files, read) for above in upward(folder)):
        return _LOCKED["uv.lock"]
    if "poetry" in project.get("tool", {}) and "project" not in project:
        return _LOCKED["poetry.lock"]
    if {"project", "build-system"} & project.keys() or join(folder, "setup.py") in files:
        return _EDITABLE
    return ""


def _is_workspace(folder: str, files: Collection[str], read: Read) -> bool:
    if join(folder, "uv.lock") not in files:
        return False
    return "workspace" in _pyproject(folder, files, read).get("tool", {}).get("uv", {})


def _lists_something(path: str, files: Collection[str], read: Read) -> bool:
    if path not in files:
        return False
    return re.search(r"(?m)^\s*[^#\s]", read(path) or "") is not None


def _pyproject(folder: str, files: Collection[str], read: Read) -> dict[str, Any]:
    """Read a pyproject.toml, which often holds the settings of linters only."""
    path = join(folder, "pyproject.toml")
    try:
        return parse_toml((read(path) or "") if path in files else "", path)
    except CouldNotJudge:  # it was no hindrance so far
        return {}
