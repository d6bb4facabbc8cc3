"""Advice on a Flask application that is not found, or is another one."""

from __future__ import annotations

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.history.environments import Environment
from alembic_lockstep.history.flask_apps import HOLDS_APP, flask_apps

# Most applications that are proposed: more say nothing.
_MOST = 5


def flask_app_advice(
    seen: Observation, environment: Environment, repository: Repository, tree: str
) -> str:
    """Return the line that names the application; "" where it is not what is wrong.

    Args:
        tree: The id of what ran.
    """
    if not environment.flask or not _is_about_the_app(seen, environment.flask_app):
        return ""
    files = repository.grep(tree, "-E", HOLDS_APP, among="*.py")
    apps = flask_apps(files, Tree(repository, tree).read, environment.directory)
    others = [app for app in apps if app != environment.flask_app][:_MOST]
    if not others and environment.flask_app in apps:
        is_without = seen.error["type"] == "NoMigrateError"
        return f"{environment.flask_app} has to call Migrate(app, db)." if is_without else ""
    first, *more = others or ["module:create_app"]
    how = "" if others else ", as FLASK_APP does"
    if "(" in first:
        how = ", with arguments that it accepts"
    lines = [f"Name the application{how}:", "[tool.alembic-lockstep]", f'flask-app = "{first}"']
    return "\n".join([*lines, *(f'# or: flask-app = "{app}"' for app in more)])


def _is_about_the_app(seen: Observation, app: str) -> bool:
    error = seen.error
    if error["type"] in ("NoAppException", "NoMigrateError"):
        return True
    # A module that the application imports is another matter.
    module, name = app.partition(":")[0], str(error["module"])
    is_missing = error["type"] == "ModuleNotFoundError" and error["raised"] == "NoAppException"
    return is_missing and f"{module}.".startswith(f"{name}.")
