"""Advise on the application that a framework's command needs and does not find."""

from __future__ import annotations

from alembic_lockstep.alembic_env.alchemy import HOLDS_CONFIG, alchemy_configs
from alembic_lockstep.alembic_env.applications import FLASK, find_applications
from alembic_lockstep.alembic_env.config_sources import Sources
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.written import written_app
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.probe.protocol import NO_ALCHEMY_CONFIG, NO_MIGRATE

# Applications that are proposed at most: a longer list does not help to choose.
_MOST = 5


def application_advice(
    observation: Observation, environment: Environment, repository: Repository, tree: str
) -> str:
    """Return the line that names the application; "" where the failure has another cause.

    Args:
        tree: The id of the tree that ran.
    """
    advise = _alchemy_config_advice if environment.alchemy else _flask_app_advice
    return advise(observation, environment, repository, tree)


def _flask_app_advice(
    observation: Observation, environment: Environment, repository: Repository, tree: str
) -> str:
    if not environment.flask or not _lacks_application(observation, environment.flask_app):
        return ""
    files = repository.grep(tree, "-E", FLASK.pattern, among="*.py")
    files_of_tree = Tree(repository, tree)
    apps = find_applications(FLASK, files, files_of_tree.read, environment.directory)
    sources = Sources(frozenset(files_of_tree.files), files_of_tree.read, lambda _: None, "")
    apps = list(dict.fromkeys(filter(None, [written_app(sources, "FLASK_APP"), *apps])))
    others = [app for app in apps if app != environment.flask_app][:_MOST]
    if not others and environment.flask_app in apps:
        is_without = observation.error["type"] == NO_MIGRATE
        return f"{environment.flask_app} has to call Migrate(app, db)." if is_without else ""
    first, *more = others or ["module:create_app"]
    how = "" if others else ", as FLASK_APP does"
    if "(" in first:
        how = ", with arguments that it accepts"
    lines = [f"Name the application{how}:", "[tool.alembic-lockstep]", f'flask-app = "{first}"']
    return "\n".join([*lines, *(f'# or: flask-app = "{app}"' for app in more)])


def _alchemy_config_advice(
    observation: Observation, environment: Environment, repository: Repository, tree: str
) -> str:
    """Return the line that names advanced-alchemy's configuration; "" for another cause."""
    if not _lacks_alchemy_config(observation, environment.alchemy_config.replace(":", ".")):
        return ""
    files = repository.grep(tree, "-E", HOLDS_CONFIG, among="*.py")
    names = alchemy_configs(files, Tree(repository, tree).read, environment.directory)
    first, *more = names[:_MOST] or ["module.config"]
    lines = ["Name it, as `litestar --app` or `alchemy --config` does:", "[tool.alembic-lockstep]"]
    lines += [f'alchemy-config = "{first}"']
    return "\n".join([*lines, *(f'# or: alchemy-config = "{name}"' for name in more)])


def _lacks_application(observation: Observation, app: str) -> bool:
    error = observation.error
    if error["type"] in ("NoAppException", NO_MIGRATE):
        return True
    # A missing module that the application imports has another cause.
    module, name = app.partition(":")[0], str(error["module"])
    is_missing = error["type"] == "ModuleNotFoundError" and error["raised"] == "NoAppException"
    return is_missing and f"{module}.".startswith(f"{name}.")


def _lacks_alchemy_config(observation: Observation, name: str) -> bool:
    error = observation.error
    if error["type"] == NO_ALCHEMY_CONFIG:
        return True
    # A missing module that the configuration imports has another cause.
    parts = tuple(map(repr, name.rpartition(".")[::2]))
    is_missing = error["type"] == "ImportError" and all(part in error["message"] for part in parts)
    module = str(error["module"])
    return is_missing or (
        error["type"] == "ModuleNotFoundError" and f"{name}.".startswith(f"{module}.")
    )
