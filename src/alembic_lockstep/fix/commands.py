"""Commands that fix an environment, as people of the project type them."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection
from dataclasses import replace

from alembic_lockstep.alembic_env.config_sources import join, upward
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.options import MAIN_SECTION
from alembic_lockstep.alembic_env.placement import Placement
from alembic_lockstep.git.pathspec import add_command

#: Our own command for two heads.
REBASE = "alembic-lockstep rebase"
_RUNNERS = {
    "uv.lock": "uv run ",
    "poetry.lock": "poetry run ",
    "pdm.lock": "pdm run ",
    "Pipfile.lock": "pipenv run ",
}
# Versions without `flask --app`, which came with 2.2.
_NO_APP = re.compile(r"[01]\.|2\.[01]\b")

_DEFAULT_PLACEMENT = Placement()


def fix_commands(
    environment: Environment,
    files: Collection[str],
    message: str,
    *,
    by_hand: Collection[str] = (),
    replaces: bool = False,
    flask: str = "",
    placement: Placement = _DEFAULT_PLACEMENT,
) -> tuple[str, ...]:
    """Return the commands that create the missing migration and add it, ready to paste in turn.

    Args:
        environment: The environment that lacks the migration.
        files: Every file of the tree; a lock file decides how commands are run.
        message: The migration's message: `add games.winners`.
        by_hand: The operations that autogenerate would leave out.
        replaces: Whether autogenerate's own `upgrade()` would lose rows, or fail on them.
        flask: The version of the project's Flask, if it is known.
        placement: The branch and the version location for the migration.
    """
    create = _command_line(environment, files, "migrate", "revision --autogenerate", version=flask)
    locations = (placement.version_path,) if placement.version_path else ()
    folders = locations or environment.version_locations
    command = f"{create}{_placement_options(environment, placement)} -m {_quoted(message)}"
    edit = f"# add to it what autogenerate does not see: {', '.join(by_hand)}"
    if replaces:
        edit = "# put the upgrade() above in place of its own, which loses rows or fails on them"
    lines = (command, edit if by_hand or replaces else "", add_command(folders) if folders else "")
    return tuple(filter(None, lines))


def _placement_options(environment: Environment, placement: Placement) -> str:
    head = f" --head {shlex.quote(placement.head)}" if placement.head else ""
    path = placement.version_path
    return head + (f" --version-path {shlex.quote(_relative(environment, path))}" if path else "")


def merge_command(environment: Environment, files: Collection[str]) -> str:
    """Return the command that makes a merge revision of all heads and adds it."""
    folders = environment.version_locations
    merge = f"{_command_line(environment, files, 'merge', 'merge')} heads"
    return f"{merge} && {add_command(folders)}" if folders else merge


def database_command(environment: Environment, files: Collection[str], words: str) -> str:
    """Return the command that does something with a database: `upgrade head`, `stamp base`."""
    return _command_line(environment, files, words, words)


def _command_line(
    environment: Environment, files: Collection[str], flask: str, alembic: str, version: str = ""
) -> str:
    directory = environment.directory
    enter = f"cd {shlex.quote(directory)} && " if directory else ""
    if environment.flask:
        app = f"FLASK_APP={shlex.quote(environment.flask_app)} " if _NO_APP.match(version) else ""
        if app and environment.flask_app and not environment.flask_app_implied:
            environment, enter = replace(environment, flask_app_implied=True), enter + app
        return enter + _runner(directory, files) + _flask_command(environment, flask)
    if environment.alchemy and environment.alchemy_config:
        name = "make-migrations" if alembic.startswith("revision") else alembic
        config = shlex.quote(environment.alchemy_config)
        is_app = ":" in environment.alchemy_config
        command = f"litestar --app {config} database" if is_app else f"alchemy --config {config}"
        return f"{enter}{_runner(directory, files)}{command} {name}"
    return enter + _runner(directory, files) + _alembic_command(environment, alembic)


def _runner(directory: str, files: Collection[str]) -> str:
    for folder in upward(directory):
        for lock, runner in _RUNNERS.items():
            if join(folder, lock) in files:
                return runner
    return ""


def _flask_command(environment: Environment, name: str) -> str:
    app, folder = environment.flask_app, _relative(environment, environment.script_location)
    options = "" if environment.flask_app_implied or not app else f" --app {shlex.quote(app)}"
    scripts = "" if folder == "migrations" else f" -d {shlex.quote(folder)}"
    return f"flask{options} db {name}{scripts}{_arguments(environment)}"


def _alembic_command(environment: Environment, name: str) -> str:
    config = _relative(environment, environment.config)
    is_default = config in ("alembic.ini", "pyproject.toml")
    option = "" if is_default else f" -c {shlex.quote(config)}"
    section = (
        "" if environment.section == MAIN_SECTION else f" -n {shlex.quote(environment.section)}"
    )
    return f"alembic{option}{section}{_arguments(environment)} {name}"


def _arguments(environment: Environment) -> str:
    return "".join(f" -x {shlex.quote(argument)}" for argument in environment.x)


def _relative(environment: Environment, path: str) -> str:
    """Return a path from the folder in which the environment's commands are run."""
    return posixpath.relpath(path or ".", environment.directory or ".")


def _quoted(message: str) -> str:
    """Quote for any shell if that is possible: cmd.exe has double quotes only."""
    return shlex.quote(message) if re.search(r'["$`\\!%\n]', message) else f'"{message}"'
