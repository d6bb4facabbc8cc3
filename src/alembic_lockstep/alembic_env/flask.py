"""Find the application of a Flask-Migrate environment as Flask would, and where it would."""

from __future__ import annotations

import re
from dataclasses import dataclass

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
    """How Flask gets at an application.

    Attributes:
        name: As `FLASK_APP`; "" for Flask's own discovery.
        implied: Flask finds it without being told.
        directory: Where a person runs `flask` for it.
    """

    name: str
    implied: bool
    directory: str


def is_flask(sources: Sources, folder: str) -> bool:
    """Tell whether the env.py of that folder is one of Flask-Migrate's."""
    return bool(folder) and "current_app" in (sources.read(join(folder, "env.py")) or "")


def find_flask_app(sources: Sources, folder: str) -> FlaskApp:
    """Find the application whose migrations stand in that folder."""
    parent = folder_of(folder)
    told = sources.flask_app
    name = told or _from_dotenv(sources, parent)
    directory = _directory(sources, parent, name)
    if name:
        return FlaskApp(name, not told, directory)
    # Also where Flask would find another by itself: who types `make migrate` never has that one.
    written = written_app(sources, "FLASK_APP")
    if written and _finds_app(sources, directory, written):
        return FlaskApp(written, False, directory)
    is_implied = _finds_app(sources, directory, "")
    return FlaskApp("" if is_implied else _guess(sources, directory), is_implied, directory)


def _from_dotenv(sources: Sources, folder: str) -> str:
    """Return the `FLASK_APP` that Flask loads: the nearest file of each name, `.env` wins.

    https://flask.palletsprojects.com/en/stable/api/#flask.cli.load_dotenv
    """
    for name, read in ((".env", _either(sources)), (".flaskenv", sources.read)):
        texts = (read(join(directory, name)) for directory in upward(folder))
        nearest = next((text for text in texts if text is not None), "")
        app = _variable(nearest, "FLASK_APP")
        if app:
            return app
    return ""


def _either(sources: Sources) -> Read:
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
    finds = (directory for directory in upward(parent) if _finds_app(sources, directory, name))
    return next(finds, parent)


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
    """Return the one application that stands where Flask does not look, else ""."""
    prefix = f"{directory}/" if directory else ""
    inner = (file[len(prefix) :] for file in sources.files if file.startswith(prefix))
    likely = (
        one for one in inner if _LIKELY_APP.fullmatch(one) and not is_material(folder_of(one))
    )
    apps = {_app_in(sources.read(prefix + file) or "", file) for file in likely} - {""}
    return apps.pop() if len(apps) == 1 else ""


def _app_in(text: str, file: str) -> str:
    found = _FACTORY.search(text) or _INSTANCE.search(text)
    module = file.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
    return f"{module.replace('/', '.')}:{found[1]}" if found else ""
