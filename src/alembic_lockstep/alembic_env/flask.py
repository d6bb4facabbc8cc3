"""Find the application of a Flask-Migrate environment as Flask would, and where it would."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alembic_lockstep.alembic_env.applications import module_of
from alembic_lockstep.alembic_env.config_sources import (
    Read,
    Sources,
    folder_of,
    is_material,
    join,
    upward,
)
from alembic_lockstep.alembic_env.written import written_app

_LIKELY_APP = re.compile(
    r"(?:src/)?(?:\w+/)?(?:__init__|app|application|factory|main|manage|run|server|wsgi)\.py"
)
_FACTORY = re.compile(r"^def (create_app|make_app)\(", re.MULTILINE)
_INSTANCE = re.compile(r"^(app|application)\s*(?::.*)?=\s*Flask\(", re.MULTILINE)


@dataclass(frozen=True)
class FlaskApp:
    """Application that Flask loads.

    Attributes:
        name: As `FLASK_APP`; "" for Flask's own discovery.
        implied: Flask finds it without a variable or an option.
        directory: The folder in which a person runs `flask` for it.
    """

    name: str
    implied: bool
    directory: str


def is_flask(sources: Sources, folder: str) -> bool:
    """Return whether the env.py of a folder is Flask-Migrate's."""
    return bool(folder) and "current_app" in (sources.read(join(folder, "env.py")) or "")


def find_flask_app(sources: Sources, folder: str) -> FlaskApp:
    """Return the application whose migrations are in a folder."""
    parent = folder_of(folder)
    name = sources.flask_app or _from_dotenv(sources, parent)
    directory = _directory(sources, parent, name)
    if name:
        return FlaskApp(name, not sources.flask_app, directory)
    # These files come before Flask's own discovery: `make migrate` sets the variable.
    written = written_app(sources, "FLASK_APP")
    if written and _finds_app(sources, directory, written):
        return FlaskApp(written, False, directory)
    is_implied = _finds_app(sources, directory, "")
    return FlaskApp("" if is_implied else _guess(sources, directory), is_implied, directory)


def _from_dotenv(sources: Sources, folder: str) -> str:
    """Return the `FLASK_APP` that Flask loads: the nearest file of each name, `.env` wins.

    https://flask.palletsprojects.com/en/stable/api/#flask.cli.load_dotenv
    """
    for name, read in ((".env", _read_or_ignored(sources)), (".flaskenv", sources.read)):
        texts = (read(join(directory, name)) for directory in upward(folder))
        nearest = next((text for text in texts if text is not None), "")
        app = _variable(nearest, "FLASK_APP")
        if app:
            return app
    return ""


def _read_or_ignored(sources: Sources) -> Read:
    def read(path: str) -> str | None:
        text = sources.read(path)
        return sources.read_ignored(path) if text is None else text

    return read


def _variable(text: str, name: str) -> str:
    """Read one variable as python-dotenv does, without its expansions."""
    lines = re.findall(rf"^[ \t]*(?:export[ \t]+)?{name}[ \t]*=[ \t]*(.*)$", text, re.MULTILINE)
    if not lines:
        return ""
    quoted = re.match(r"""(['"])(.*?)\1""", lines[-1])
    return quoted[2] if quoted else re.split(r"\s+#", str(lines[-1]))[0].strip()


def _directory(sources: Sources, parent: str, name: str) -> str:
    """Return the first folder from `parent` upward in which Flask finds the app."""
    directories = (folder for folder in upward(parent) if _finds_app(sources, folder, name))
    return next(directories, parent)


def _finds_app(sources: Sources, directory: str, name: str) -> bool:
    module = re.split(r":(?![\\/])", name)[0].strip()
    if not module:
        paths = ["wsgi.py", "app.py", "wsgi/__init__.py", "app/__init__.py"]
    elif module.endswith(".py"):
        paths = [module]
    else:
        path = module.replace(".", "/")
        paths = [f"{path}.py", f"{path}/__init__.py"]
    return any(join(directory, path) in sources.files for path in paths)


def _guess(sources: Sources, directory: str) -> str:
    """Return the only application at a usual path that Flask does not try; else ""."""
    prefix = f"{directory}/" if directory else ""
    inner = (file[len(prefix) :] for file in sources.files if file.startswith(prefix))
    likely = (
        file for file in inner if _LIKELY_APP.fullmatch(file) and not is_material(folder_of(file))
    )
    apps = {_app_in(sources.read(prefix + file) or "", file) for file in likely} - {""}
    return apps.pop() if len(apps) == 1 else ""


def _app_in(text: str, file: str) -> str:
    match = _FACTORY.search(text) or _INSTANCE.search(text)
    return f"{module_of(file)}:{match[1]}" if match else ""
