"""Propose settings for a failed run, from the error's words."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from alembic_lockstep.advice.env_script import NO_TABLE, env_script_advice
from alembic_lockstep.advice.lacks import REFUSED, scratch_server_advice
from alembic_lockstep.advice.services import stand_in_advice
from alembic_lockstep.advice.start_file import start_file_advice
from alembic_lockstep.advice.variables import (
    missing_fields,
    missing_variables,
    placeholder,
)
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.templates import complete_config_advice
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.probe.extension_names import extension_for

# Errors about placeholders for a URL: that of Alembic's template, and those of other templates.
_PLACEHOLDER = re.compile(r"Can't load plugin: sqlalchemy\.dialects:driver$|URL from .*'\{\w+\}'")

_NO_DIALECT = re.compile(r"Can't load plugin: sqlalchemy\.dialects:(?P<dialect>[\w.]+)$")

# Python's message where the kernel refuses to write (EACCES, EROFS); SQLite names no path.
_DENIED = re.compile(r"\[Errno (?:13|30)\] [^:]*: '(?P<path>/[^']+)'")
_READ_ONLY = re.compile("(?i)attempt to write a readonly database|unable to open database file")
# Our own folders: the cache, workplaces (by the account's number), root's for servers.
_OUR_FOLDERS = re.compile(r"/alembic-lockstep(-\d+|-root)?/")

# What a scratch database lacks and the project's other databases may have had from the start.
_PREREQUISITES = (
    (re.compile(r'schema "([^"]+)" does not exist'), 'CREATE SCHEMA "{}"'),
    (re.compile(r'role "([^"]+)" does not exist'), 'CREATE ROLE "{}"'),
)
# Extensions of PostgreSQL's own that the wheel was built without.
_EXTENSIONS_NOT_IN_WHEEL = ("pgcrypto", "uuid-ossp", "postgis")
_USE_PRIVATE_SERVER = (
    "Remove scratch.urls (or the variable ALEMBIC_LOCKSTEP_SCRATCH): a private server runs the "
    "statement, and nothing of it stays."
)
_NOT_IN_WHEEL = "# not in the wheel's server: install PostgreSQL, or name a server in scratch.urls"


def hint(observation: Observation, env: EnvironmentAtTree | None = None) -> str:
    """Return lines to paste; "" where no setting would help.

    Args:
        env: The environment that ran.
    """
    message = str(observation.error["message"])
    if observation.error["type"] == REFUSED:
        return _USE_PRIVATE_SERVER
    is_blamed = any(address.rpartition(":")[0] in message for address in observation.refused)
    dialect = observation.connections[-1]["dialect"] if observation.connections else "postgresql"
    return (
        _service_advice(observation, is_blamed=is_blamed)
        or scratch_server_advice(message, dialect)
        or _program_advice(observation)
        or _write_advice(observation, message)
        or env_script_advice(observation, _env_script_text(env))
        or _argument_advice(observation, message)
        or _template_advice(message, env)
        or _dialect_advice(message)
        or _variable_advice(observation, env)
        or _empty_database_advice(observation, message)
        or _setup_advice(message)
        or _start_advice(observation, dialect)
        or _connection_advice(observation, "If it fails because these were refused")
    )


def _service_advice(observation: Observation, *, is_blamed: bool) -> str:
    """Return how to replace the service for which the run failed, or to allow the connection."""
    hosts = (address.rpartition(":")[0] for address in observation.refused)
    is_refused = any(host and host in str(observation.error["message"]) for host in hosts)
    advice = stand_in_advice(observation, is_refused=is_refused)
    condition = "Or, if it must be contacted" if advice else "If it must"
    allowed = _connection_advice(observation, condition) if is_blamed else ""
    return "\n".join(filter(None, [advice, allowed]))


def _program_advice(observation: Observation) -> str:
    """Return how to allow the program for which the run failed; "" if it was none.

    Database clients have advice of their own.
    """
    program = observation.error.get("program", "")
    if not program:
        return ""
    return f"If it must:\n[tool.alembic-lockstep]\nallow-run = {_quoted([program])}"


def _write_advice(observation: Observation, message: str) -> str:
    """Return how to allow writing the file for which the run failed; "" for our own files."""
    paths = [path for path in observation.refused_writes if path in message]
    denied = _DENIED.search(message)
    if denied:
        paths.append(denied["path"])
    paths = [path for path in paths if not _is_ours(path)]
    if paths:
        names = _quoted(list(dict.fromkeys(paths)))
        return f"If it must be written to:\n[tool.alembic-lockstep]\nallow-write = {names}"
    if _READ_ONLY.search(message):
        return (
            "SQLite may write to a file outside of the checkout only if its folder is named:\n"
            '[tool.alembic-lockstep]\nallow-write = ["/its/folder"]'
        )
    return ""


def _env_script_text(env: EnvironmentAtTree | None) -> str:
    path = f"{env.environment.script_location}/env.py" if env else ""
    return (env and env.tree.read(path)) or ""


def _is_ours(path: str) -> bool:
    return _OUR_FOLDERS.search(path) is not None


def _quoted(names: Sequence[str]) -> str:
    """Return names as a list in TOML."""
    return json.dumps(names, ensure_ascii=False)


def _connection_advice(observation: Observation, condition: str) -> str:
    addresses = [address for address in observation.refused if not _is_ours(address)]
    if not addresses:
        return ""
    return (
        f"{condition}, add to pyproject.toml:\n[tool.alembic-lockstep]\n"
        f"allow-connect = {_quoted(addresses)}"
    )


def _template_advice(message: str, env: EnvironmentAtTree | None) -> str:
    if env is None or not _PLACEHOLDER.search(message):
        return ""
    return complete_config_advice(env.environment, env.tree)


def _dialect_advice(message: str) -> str:
    absent = _NO_DIALECT.search(message)
    if absent is None:
        return ""
    return (
        f"Install the package of the dialect {absent['dialect']} into the project's environment, "
        "or correct the URL."
    )


def _argument_advice(observation: Observation, message: str) -> str:
    key = message.strip("'") if observation.error["type"] == "KeyError" else ""
    if not observation.asked_x or not (key or "-x" in message):
        return ""
    return (
        "env.py reads arguments of `alembic -x`:\n"
        f'[tool.alembic-lockstep]\nx = ["{key or "name"}=…"]'
    )


def _variable_advice(observation: Observation, env: EnvironmentAtTree | None) -> str:
    names = missing_variables(observation, env)
    if not names:
        return ""
    lines = "\n".join(f"{name} = {_quoted(placeholder(name, env, observation))}" for name in names)
    fields = missing_fields(str(observation.error["message"]))
    prefixed = " (with the prefix of the settings class, if it has one)" if fields else ""
    return (
        "Set it in the environment, in a .env that git ignores and your project reads, or add to "
        f"pyproject.toml{prefixed}:\n[tool.alembic-lockstep.env]\n{lines}"
    )


def _empty_database_advice(observation: Observation, message: str) -> str:
    """Explain why an application that queries its database while it starts finds no table."""
    absent = NO_TABLE.search(message)
    if absent is None or observation.phase not in {"start", "env"} or observation.connections:
        return ""
    table = next(filter(None, absent.groups())).rpartition(".")[2]
    return (
        "The application queries its database while it starts. Dry runs give it an empty one, as "
        "a new machine has. Let it query later, or first test for the table:\n"
        f'if sqlalchemy.inspect(engine).has_table("{table}"):'
    )


def _setup_advice(message: str) -> str:
    extension = extension_for(message)
    lacks = ((pattern.search(message), statement) for pattern, statement in _PREREQUISITES)
    statements = [statement.format(lack[1]) for lack, statement in lacks if lack]
    if extension:
        name = f'"{extension}"' if "-" in extension else extension
        statements = [f"CREATE EXTENSION {name}"]
    if not statements:
        return ""
    extra = f"\n{_NOT_IN_WHEEL}" if extension in _EXTENSIONS_NOT_IN_WHEEL else ""
    return (
        "If your databases have it before the first migration, add to pyproject.toml:\n"
        f"[tool.alembic-lockstep.scratch]\nsetup = {_quoted(statements[:1])}{extra}"
    )


def _start_advice(observation: Observation, dialect: str) -> str:
    if observation.phase != "create" or not observation.error["statement"]:
        return ""
    return (
        f"This fails: {' '.join(str(observation.error['statement']).split())}\n"
        f"Mend the models, or:\n{start_file_advice(dialect)}"
    )
