"""Advice on the application that a framework's command needs, where it is not found."""

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

# Most applications that are proposed: more say nothing.
_MOST = 5


def application_advice(
    seen: Observation, environment: Environment, repository: Repository, tree: str
) -> str:
    """Return the line that names the application; "" where it is not what is wrong.

    Args:
        tree: The id of what ran.
    """
    advise = _alchemy_config_advice if environment.alchemy else _flask_app_advice
    return advise(seen, environment, repository, tree)


def _flask_app_advice(
    seen: Observation, environment: Environment, repository: Repository, tree: str
) -> str:
    if not environment.flask or not _is_about_the_app(seen, environment.flask_app):
        return ""
    files = repository.grep(tree, "-E", FLASK.pattern, among="*.py")
    judged = Tree(repository, tree)
    apps = find_applications(FLASK, files, judged.read, environment.directory)
    sources = Sources(frozenset(judged.files), judged.read, lambda _: None, "")
    apps = list(dict.fromkeys(filter(None, [written_app(sources, "FLASK_APP"), *apps])))
    others = [app for app in apps if app != environment.flask_app][:_MOST]
    if not others and environment.flask_app in apps:
        is_without = seen.error["type"] == NO_MIGRATE
        return f"{environment.flask_app} has to call Migrate(app, db)." if is_without else ""
    first, *more = others or ["module:create_app"]
    how = "" if others else ", as FLASK_APP does"
    if "(" in first:
        how = ", with arguments that it accepts"
    lines = [f"Name the application{how}:", "[tool.alembic-lockstep]", f'flask-app = "{first}"']
    return "\n".join([*lines, *(f'# or: flask-app = "{app}"' for app in more)])


def _alchemy_config_advice(
    seen: Observation, environment: Environment, repository: Repository, tree: str
) -> str:
    """Return the line that names advanced-alchemy's configuration; "" where that is not wrong."""
    if not _lacks_config(seen, environment.alchemy_config.replace(":", ".")):
        return ""
    files = repository.grep(tree, "-E", HOLDS_CONFIG, among="*.py")
    names = alchemy_configs(files, Tree(repository, tree).read, environment.directory)
    first, *more = names[:_MOST] or ["module.config"]
    lines = ["Name it, as `litestar --app` or `alchemy --config` does:", "[tool.alembic-lockstep]"]
    lines += [f'alchemy-config = "{first}"']
    return "\n".join([*lines, *(f'# or: alchemy-config = "{one}"' for one in more)])


def _is_about_the_app(seen: Observation, app: str) -> bool:
    error = seen.error
    if error["type"] in ("NoAppException", NO_MIGRATE):
        return True
    # A module that the application imports is another matter.
    module, name = app.partition(":")[0], str(error["module"])
    is_missing = error["type"] == "ModuleNotFoundError" and error["raised"] == "NoAppException"
    return is_missing and f"{module}.".startswith(f"{name}.")


def _lacks_config(seen: Observation, name: str) -> bool:
    error = seen.error
    if error["type"] == NO_ALCHEMY_CONFIG:
        return True
    # A module that the configuration imports is another matter.
    parts = tuple(map(repr, name.rpartition(".")[::2]))
    is_missing = error["type"] == "ImportError" and all(one in error["message"] for one in parts)
    module = str(error["module"])
    return is_missing or (
        error["type"] == "ModuleNotFoundError" and f"{name}.".startswith(f"{module}.")
    )
