"""Find environment variables that a project lacks, and values with which its dry runs start."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.templates import database_url
from alembic_lockstep.dryrun.observation import Observation

_NAME = re.compile(r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b")
# pydantic's message for a settings class: the field, then the problem.
_FIELD = re.compile(r"(?im)^(\w+(?:\.\w+)*)\n +field required")
# Words of `os.environ`, decouple, environs, starlette, dynaconf and hand-written checks.
_IS_MISSING = re.compile(
    r"(?i)environment|env ?var|(?:not|un)[ -]?set\b|must be set|no value|required|missing"
    r"|not (?:found|given|provided|configured)|is empty|undefined(?! name)"
)
# Python's own errors, whose messages quote the source.
_PYTHON_ERRORS = {"AttributeError", "ImportError", "NameError", "SyntaxError", "TypeError"}
# Messages of SQLAlchemy, Flask-SQLAlchemy and `engine_from_config()` without a URL.
_NO_URL = re.compile(
    r"Expected string or URL object, got None|Could not parse .*URL from .*string(?: '')?$"
    r"|'SQLALCHEMY_DATABASE_URI' or 'SQLALCHEMY_BINDS' must be set"
    r"|SQLALCHEMY_DATABASE_URI.* (?:is|must be) (?:not )?set|^'url'$"
    # `config.set_main_option("sqlalchemy.url", os.getenv(…))`
    r"|^option values must be strings$"
)
# `os.getenv()` returned None, and the project used it at once.
_OF_NONE = re.compile(r"\bNoneType\b")
# Reads of a variable without a default (with or without a type): the module fails without it.
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
# Values for fields of a settings class whose type does not accept any text.
_VALUES_BY_TYPE = {"bool": "false", "int": "1", "float": "1"}


def missing_fields(message: str) -> list[str]:
    """Return the fields of a pydantic settings class that have no value."""
    return list(dict.fromkeys(_FIELD.findall(message)))


def missing_variables(observation: Observation, env: EnvironmentAtTree | None = None) -> list[str]:
    """Return the names of the environment variables whose absence made a run fail.

    Args:
        env: The environment that ran: its files name the variable that holds the URL.
    """
    message = str(observation.error["message"])
    if observation.phase not in {"start", "env"}:
        return []
    if observation.error["variable"]:
        return _with_later_reads([str(observation.error["variable"])], observation, env)
    fields = [name.replace(".", "__").upper() for name in missing_fields(message)]
    if fields:
        return fields
    if env and _OF_NONE.search(message):
        return list(dict.fromkeys(_READ.findall(_failing_line(observation, env))))
    if _NO_URL.search(message):
        return list(dict.fromkeys(_url_variables(observation, env))) if env else []
    if observation.error["type"] in _PYTHON_ERRORS:
        return []
    is_key = observation.error["type"] == "KeyError" and _NAME.fullmatch(message.strip("'"))
    names = _NAME.findall(message) if is_key or _IS_MISSING.search(message) else ()
    return _with_later_reads(list(dict.fromkeys(names)), observation, env)


def _with_later_reads(
    names: list[str], observation: Observation, env: EnvironmentAtTree | None
) -> list[str]:
    """Add the unset variables that the same module reads further down in the same way.

    Otherwise each would take a run of its own to find.
    """
    frames = [frame for frame in observation.error["frames"] if frame["path"]] if env else []
    for frame in reversed(frames):
        lines = ((env and env.tree.read(frame["path"])) or "").splitlines()
        failing, below = lines[frame["line"] - 1 :][:1], "\n".join(lines[frame["line"] :])
        for read in _STRICT_READ.finditer("".join(failing)):
            if read["name"] in names:
                later = (
                    match["name"]
                    for match in _STRICT_READ.finditer(below)
                    if match["by"] == read["by"] and match["name"] not in os.environ
                )
                return list(dict.fromkeys([*names, *later]))
    return names


def _url_variables(observation: Observation, env: EnvironmentAtTree) -> Iterator[str]:
    """Yield variables that may hold the database's URL; those of the traceback's files first."""
    failing = [frame["path"] for frame in reversed(observation.error["frames"]) if frame["path"]]
    opened = (path for path in observation.reads.get("opened", ()) if path.endswith(".py"))
    for path in dict.fromkeys([*failing, *opened]):
        names = _READ.findall(env.tree.read(path) or "")
        yield from (name for name in names if _OF_DATABASE.search(name) and _IS_URL.search(name))


def _failing_line(observation: Observation, env: EnvironmentAtTree) -> str:
    """Return the project's line at which the run failed; "" if the traceback has none."""
    frames = [frame for frame in observation.error["frames"] if frame["path"]]
    if not frames:
        return ""
    lines = (env.tree.read(frames[-1]["path"]) or "").splitlines()
    number = frames[-1]["line"] - 1
    return lines[number] if 0 <= number < len(lines) else ""


def placeholder(
    name: str, env: EnvironmentAtTree | None = None, observation: Observation | None = None
) -> str:
    """Return a value for a variable with which a dry run can start; dry runs contact no server.

    Args:
        env, observation: The failed run, whose files may state the variable's type.
    """
    if _IS_PORT.search(name):
        return "5432"
    if _IS_CREDENTIALS.search(name):
        return "user:password"
    if not _IS_URL.search(name):
        return _value_of_type(name, env, observation) if env and observation else VALUE
    others = (url for word, url in _OTHER_URLS.items() if word in name.upper())
    if _OF_DATABASE.search(name) and env:
        return database_url(env.environment, env.tree)
    return next(others, "http://localhost")


def _value_of_type(name: str, env: EnvironmentAtTree, observation: Observation) -> str:
    """Return a value of the field's type, as classes in the traceback's files declare it."""
    field = re.compile(rf"(?im)^[ \t]+{re.escape(name)}[ \t]*:[ \t]*(\w+)")
    paths = dict.fromkeys(frame["path"] for frame in observation.error["frames"] if frame["path"])
    fields = (field.search(env.tree.read(path) or "") for path in paths)
    return next((_VALUES_BY_TYPE.get(match[1], VALUE) for match in fields if match), VALUE)
