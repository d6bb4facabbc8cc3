"""What to set, from what a project said when it failed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from alembic_lockstep.advice.env_script import NO_TABLE, of_env_script
from alembic_lockstep.advice.lacks import REFUSED, what_to_set
from alembic_lockstep.advice.services import stand_in_advice
from alembic_lockstep.advice.start_file import start_file_advice
from alembic_lockstep.advice.variables import (
    missing_fields,
    missing_variables,
    placeholder,
)
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.templates import filled_in
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.probe.extensions import extension_for

# What Alembic's own template has for a URL, and what stands for one in templates of others.
TEMPLATE = re.compile(r"Can't load plugin: sqlalchemy\.dialects:driver$|URL from .*'\{\w+\}'")

# A kernel that refuses to write (EACCES, EROFS), as Python says it; SQLite names no path.
DENIED = re.compile(r"\[Errno (?:13|30)\] [^:]*: '(?P<path>/[^']+)'")
READ_ONLY = re.compile("(?i)attempt to write a readonly database|unable to open database file")
# Our folders: the cache, the workplaces of an account by its number, root's for servers.
OURS = re.compile(r"/alembic-lockstep(-\d+|-root)?/")

# What PostgreSQL lacks that other databases of the project may have had before any migration.
LACKING = (
    (re.compile(r'schema "([^"]+)" does not exist'), 'CREATE SCHEMA "{}"'),
    (re.compile(r'role "([^"]+)" does not exist'), 'CREATE ROLE "{}"'),
)
# Extensions of PostgreSQL's own that the wheel was built without.
LEFT_OUT = ("pgcrypto", "uuid-ossp", "postgis")
_UNSHARED = (
    "Remove scratch.urls (or the variable ALEMBIC_LOCKSTEP_SCRATCH): a private server runs the "
    "statement, and nothing of it stays."
)
_NOT_IN_WHEEL = "# not in the wheel's server: install PostgreSQL, or name a server in scratch.urls"


def hint(seen: Observation, env: EnvironmentAtTree | None = None) -> str:
    """Return lines to paste; empty where the failure names nothing that can be set.

    Args:
        env: What was run.
    """
    message = str(seen.error["message"])
    if seen.error["type"] == REFUSED:
        return _UNSHARED
    blamed = any(address.rpartition(":")[0] in message for address in seen.refused)
    dialect = seen.connections[-1]["dialect"] if seen.connections else "postgresql"
    return (
        _service(seen, blamed)
        or what_to_set(message, dialect)
        or _programs(seen)
        or _writes(seen, message)
        or of_env_script(seen, _env_script(env))
        or _arguments(seen, message)
        or (filled_in(env.environment, env.tree) if env and TEMPLATE.search(message) else "")
        or _variables(seen, env)
        or _empty_database(seen, message)
        or _setup(message)
        or _other_start(seen, dialect)
        or _allowed(seen, "If it fails because these were refused")
    )


def _service(seen: Observation, is_blamed: bool) -> str:
    """Answer for the service of which the run failed, or permit to ask it."""
    hosts = (address.rpartition(":")[0] for address in seen.refused)
    is_refused = any(host and host in str(seen.error["message"]) for host in hosts)
    advice = stand_in_advice(seen, is_refused=is_refused)
    condition = "Or, if it must be contacted" if advice else "If it must"
    allowed = _allowed(seen, condition) if is_blamed else ""
    return "\n".join(filter(None, [advice, allowed]))


def _programs(seen: Observation) -> str:
    """Permit the program for which the run failed; a database client has other advice."""
    program = seen.error.get("program", "")
    if not program:
        return ""
    return f"If it must:\n[tool.alembic-lockstep]\nallow-run = {_quoted([program])}"


def _writes(seen: Observation, message: str) -> str:
    """Permit the file for which the run failed, never one of ours."""
    paths = [path for path in seen.refused_writes if path in message]
    denied = DENIED.search(message)
    if denied:
        paths.append(denied["path"])
    paths = [path for path in paths if not _is_ours(path)]
    if paths:
        names = _quoted(list(dict.fromkeys(paths)))
        return f"If it must be written to:\n[tool.alembic-lockstep]\nallow-write = {names}"
    if READ_ONLY.search(message):
        return (
            "SQLite may write to a file outside of the checkout only if its folder is named:\n"
            '[tool.alembic-lockstep]\nallow-write = ["/its/folder"]'
        )
    return ""


def _env_script(env: EnvironmentAtTree | None) -> str:
    path = f"{env.environment.script_location}/env.py" if env else ""
    return (env and env.tree.read(path)) or ""


def _is_ours(path: str) -> bool:
    return OURS.search(path) is not None


def _quoted(names: Sequence[str]) -> str:
    """Return names as a list in TOML."""
    return json.dumps(names, ensure_ascii=False)


def _allowed(seen: Observation, condition: str) -> str:
    addresses = [address for address in seen.refused if not _is_ours(address)]
    if not addresses:
        return ""
    return (
        f"{condition}, add to pyproject.toml:\n[tool.alembic-lockstep]\n"
        f"allow-connect = {_quoted(addresses)}"
    )


def _arguments(seen: Observation, message: str) -> str:
    key = message.strip("'") if seen.error["type"] == "KeyError" else ""
    if not seen.asked_x or not (key or "-x" in message):
        return ""
    return (
        "env.py reads arguments of `alembic -x`:\n"
        f'[tool.alembic-lockstep]\nx = ["{key or "name"}=…"]'
    )


def _variables(seen: Observation, env: EnvironmentAtTree | None) -> str:
    names = missing_variables(seen, env)
    if not names:
        return ""
    lines = "\n".join(f"{name} = {_quoted(placeholder(name, env, seen))}" for name in names)
    fields = missing_fields(str(seen.error["message"]))
    prefixed = " (with the prefix of the settings class, if it has one)" if fields else ""
    return (
        "Set it in the environment, in a .env that git ignores and your project reads, or add to "
        f"pyproject.toml{prefixed}:\n[tool.alembic-lockstep.env]\n{lines}"
    )


def _empty_database(seen: Observation, message: str) -> str:
    """Say why the application finds no table: what it opens while it starts is empty."""
    absent = NO_TABLE.search(message)
    if absent is None or seen.phase not in {"start", "env"} or seen.connections:
        return ""
    table = next(filter(None, absent.groups())).rpartition(".")[2]
    return (
        "The application queries its database while it starts. Dry runs give it an empty one, as "
        "a new machine has. Have it ask first, or later:\n"
        f'if sqlalchemy.inspect(engine).has_table("{table}"):'
    )


def _setup(message: str) -> str:
    extension = extension_for(message)
    lacks = ((pattern.search(message), statement) for pattern, statement in LACKING)
    statements = [statement.format(lack[1]) for lack, statement in lacks if lack]
    if extension:
        name = f'"{extension}"' if "-" in extension else extension
        statements = [f"CREATE EXTENSION {name}"]
    if not statements:
        return ""
    extra = f"\n{_NOT_IN_WHEEL}" if extension in LEFT_OUT else ""
    return (
        "If your databases have it before the first migration, add to pyproject.toml:\n"
        f"[tool.alembic-lockstep.scratch]\nsetup = {_quoted(statements[:1])}{extra}"
    )


def _other_start(seen: Observation, dialect: str) -> str:
    if seen.phase != "create" or not seen.error["statement"]:
        return ""
    return (
        f"This fails: {' '.join(str(seen.error['statement']).split())}\n"
        f"Mend the models, or:\n{start_file_advice(dialect)}"
    )
