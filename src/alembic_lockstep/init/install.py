"""Find the command that installs a project in a fresh CI job."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable
from typing import Any

from alembic_lockstep.alembic_env.config_sources import Read, join, upward
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.config import parse_toml
from alembic_lockstep.errors import CouldNotJudge

# Editable: an installed copy of the project would be loaded instead of the judged files.
_EDITABLE = "pip install -e ."
# From lock files to the commands that install from them, best first.
_LOCKED = {
    "uv.lock": "pip install uv && uv sync --frozen",
    "poetry.lock": "pip install poetry && poetry install",
    "pdm.lock": "pip install pdm && pdm sync",
    "Pipfile.lock": "pip install pipenv && pipenv sync",
}
# Best first: the longest list of requirements may be the only one with Alembic.
_REQUIREMENTS = (
    "requirements.txt",
    *(f"requirements{between}{name}.txt" for name in ("dev", "base") for between in "-/"),
    "requirements/requirements.txt",
)
NOTHING = "pip install alembic # and what else the project needs"


def install_commands(
    environments: Iterable[Environment], files: Collection[str], read: Read
) -> str:
    """Return a shell line that installs the projects of all environments."""
    commands = [install_command(environment, files, read) for environment in environments]
    return " && ".join(dict.fromkeys(filter(None, commands))) or NOTHING


def install_command(environment: Environment, files: Collection[str], read: Read) -> str:
    """Return the command that installs an environment's project; "" if no file names one.

    It leaves the shell at the repository's root, so that several can follow each other.
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
    # The lock file of a workspace is above its members; each is installed from its own folder.
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
    """Return the content of a folder's pyproject.toml; empty if it is missing or invalid."""
    path = join(folder, "pyproject.toml")
    try:
        return parse_toml((read(path) or "") if path in files else "", path)
    except CouldNotJudge:  # `init` goes on without it: the first check passed
        return {}
