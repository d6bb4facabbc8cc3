"""Environment variables that a project lacks, and values with which its dry runs start."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.templates import database_url
from alembic_lockstep.dryrun.observation import Observation

_NAME = re.compile(r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b")
# pydantic's words for a settings class: the field, then what it is about.
_FIELD = re.compile(r"(?im)^(\w+(?:\.\w+)*)\n +field required")
# Words of `os.environ`, decouple, environs, starlette, dynaconf, and of hand-written checks.
_IS_MISSING = re.compile(
    r"(?i)environment|env ?var|(?:not|un)[ -]?set\b|must be set|no value|required|missing"
    r"|not (?:found|given|provided|configured)|is empty|undefined(?! name)"
)
# Errors of Python's own, whose messages hold words of the source.
_OF_THE_SOURCE = {"AttributeError", "ImportError", "NameError", "SyntaxError", "TypeError"}
# What SQLAlchemy, Flask-SQLAlchemy and `engine_from_config()` say where no URL was given.
_NO_URL = re.compile(
    r"Expected string or URL object, got None|Could not parse .*URL from .*string(?: '')?$"
    r"|'SQLALCHEMY_DATABASE_URI' or 'SQLALCHEMY_BINDS' must be set"
    r"|SQLALCHEMY_DATABASE_URI.* (?:is|must be) (?:not )?set|^'url'$"
    # `config.set_main_option("sqlalchemy.url", os.getenv(…))`
    r"|^option values must be strings$"
)
# Of what `os.getenv()` gives where the variable is not set, used at once.
_OF_NONE = re.compile(r"\bNoneType\b")
# Where the name is all that is given, or only a type beside it: without it the module fails.
_STRICT_READ = re.compile(
    r"""(?P<by>[\w.]*(?:environ\[|config\(|env(?:\.\w+)?\())\s*["'](?P<name>\w+)["']"""
    r"""\s*(?:,\s*cast=[\w.]+\s*)?[\])]"""
)
_READ = re.compile(r"""(?:environ(?:\.get)?|getenv|config|env(?:\.\w+)?)[(\[]\s*["'](\w+)["']""")

_OF_DATABASE = re.compile(r"(?i)(?:^|_)(?:DB|DATABASE|SQLALCHEMY|SQL|POSTGRES\w*|PG|MYSQL|MARIADB)")
_IS_PORT = re.compile(r"(?i)(?:^|_)PORT$")
_IS_URL = re.compile(r"(?i)(?:URL|URI|DSN|CONNECTION_STRING)$")
_IS_CREDENTIALS = re.compile(r"(?i)(?:^|_)CREDENTIALS$")
_OTHER_URLS = {
    "REDIS": "redis://localhost:6379/0",
    "CELERY": "redis://localhost:6379/0",
    "BROKER": "amqp://localhost",
    "AMQP": "amqp://localhost",
    "RABBIT": "amqp://localhost",
    "MONGO": "mongodb://localhost/app",
}
VALUE = "a value for dry runs"
# What fits the types of a settings class that do not take any text.
_OF_TYPE = {"bool": "false", "int": "1", "float": "1"}


def missing_fields(message: str) -> list[str]:
    """Return the fields of a pydantic settings class that have no value."""
    return list(dict.fromkeys(_FIELD.findall(message)))


def missing_variables(seen: Observation, env: EnvironmentAtTree | None = None) -> list[str]:
    """Return the names of the environment variables for want of which a run failed.

    Args:
        env: What was run: where no URL was given, its files name the variable that holds it.
    """
    message = str(seen.error["message"])
    if seen.phase not in {"start", "env"}:
        return []
    if seen.error["variable"]:
        return _with_next([str(seen.error["variable"])], seen, env)
    fields = [name.replace(".", "__").upper() for name in missing_fields(message)]
    if fields:
        return fields
    if env and _OF_NONE.search(message):
        return list(dict.fromkeys(_READ.findall(_failing_line(seen, env))))
    if _NO_URL.search(message):
        return list(dict.fromkeys(_url_variables(seen, env))) if env else []
    if seen.error["type"] in _OF_THE_SOURCE:
        return []
    is_key = seen.error["type"] == "KeyError" and _NAME.fullmatch(message.strip("'"))
    names = _NAME.findall(message) if is_key or _IS_MISSING.search(message) else ()
    return _with_next(list(dict.fromkeys(names)), seen, env)


def _with_next(names: list[str], seen: Observation, env: EnvironmentAtTree | None) -> list[str]:
    """Return names with those that are not set and the same module reads below in the same way.

    Each would be asked for by a run of its own.
    """
    frames = [frame for frame in seen.error["frames"] if frame["path"]] if env else []
    for frame in reversed(frames):
        lines = ((env and env.tree.read(frame["path"])) or "").splitlines()
        failing, below = lines[frame["line"] - 1 :][:1], "\n".join(lines[frame["line"] :])
        for read in _STRICT_READ.finditer("".join(failing)):
            if read["name"] in names:
                alike = (one for one in _STRICT_READ.finditer(below) if one["by"] == read["by"])
                unset = (one["name"] for one in alike if one["name"] not in os.environ)
                return list(dict.fromkeys([*names, *unset]))
    return names


def _url_variables(seen: Observation, env: EnvironmentAtTree) -> Iterator[str]:
    """Yield the variables that may hold the database's URL, of the files in the traceback first."""
    failing = [frame["path"] for frame in reversed(seen.error["frames"]) if frame["path"]]
    for path in dict.fromkeys([*failing, *_python(seen.reads.get("opened", ()))]):
        names = _READ.findall(env.tree.read(path) or "")
        yield from (name for name in names if _OF_DATABASE.search(name) and _IS_URL.search(name))


def _failing_line(seen: Observation, env: EnvironmentAtTree) -> str:
    """Return the project's line at which the run failed; "" if it is not known."""
    frames = [frame for frame in seen.error["frames"] if frame["path"]]
    if not frames:
        return ""
    lines = (env.tree.read(frames[-1]["path"]) or "").splitlines()
    number = frames[-1]["line"] - 1
    return lines[number] if 0 <= number < len(lines) else ""


def _python(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if path.endswith(".py")]


def placeholder(
    name: str, env: EnvironmentAtTree | None = None, seen: Observation | None = None
) -> str:
    """Return a value for a variable with which a dry run can start; nobody is contacted by it.

    Args:
        env, seen: What was run, and how it failed: its files may say the variable's type.
    """
    if _IS_PORT.search(name):
        return "5432"
    if _IS_CREDENTIALS.search(name):
        return "user:password"
    if not _IS_URL.search(name):
        return _of_type(name, env, seen) if env and seen else VALUE
    others = (url for word, url in _OTHER_URLS.items() if word in name.upper())
    if _OF_DATABASE.search(name) and env:
        return database_url(env.environment, env.tree)
    return next(others, "http://localhost")


def _of_type(name: str, env: EnvironmentAtTree, seen: Observation) -> str:
    """Return a value of the type that a class in the traceback's files gives to a field."""
    field = re.compile(rf"(?im)^[ \t]+{re.escape(name)}[ \t]*:[ \t]*(\w+)")
    paths = dict.fromkeys(frame["path"] for frame in seen.error["frames"] if frame["path"])
    fields = (field.search(env.tree.read(path) or "") for path in paths)
    return next((_OF_TYPE.get(one[1], VALUE) for one in fields if one), VALUE)
