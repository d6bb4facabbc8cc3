"""What to set, from what a project said when it failed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from alembic_lockstep.dryrun.lacks import what_to_set
from alembic_lockstep.dryrun.observation import Observation

# What `os.environ["X"]`, settings libraries and hand-written checks say of a missing variable.
VARIABLE = re.compile(r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b")
# pydantic's words for a settings class: the field, then what it is about.
FIELD = re.compile(r"(?im)^(\w+(?:\.\w+)*)\n +field required")

# A kernel that refuses to write (EACCES, EROFS), as Python says it; SQLite names no path.
DENIED = re.compile(r"\[Errno (?:13|30)\] [^:]*: '(?P<path>/[^']+)'")
READ_ONLY = re.compile("(?i)attempt to write a readonly database|unable to open database file")
# Our folders: the cache, the workplaces of an account by its number, root's for servers.
OURS = re.compile(r"/alembic-lockstep(-\d+|-root)?/")

# What PostgreSQL lacks that other databases of the project may have had before any migration.
LACKING = (
    (re.compile(r'schema "([^"]+)" does not exist'), 'CREATE SCHEMA "{}"'),
    (re.compile(r'role "([^"]+)" does not exist'), 'CREATE ROLE "{}"'),
    (re.compile(r"function (?:\w+\.)?(uuid_\w+)\("), 'CREATE EXTENSION "uuid-ossp"'),
    (re.compile(r"function (?:\w+\.)?(crypt|gen_salt|digest)\("), "CREATE EXTENSION pgcrypto"),
    (re.compile(r'type "(?:\w+\.)?(citext|hstore|ltree|vector)" does not'), "CREATE EXTENSION {}"),
    (re.compile(r'type "(?:\w+\.)?(geo\w+)" does not'), "CREATE EXTENSION postgis"),
    (re.compile(r'operator class "(gin|gist)_trgm_ops" does not'), "CREATE EXTENSION pg_trgm"),
)
# Extensions of PostgreSQL's own that the wheel was built without.
LEFT_OUT = ("pgcrypto", "uuid-ossp", "postgis")
_NOT_IN_WHEEL = "# not in the wheel's server: install PostgreSQL, or name a server in scratch.urls"


def hint(seen: Observation) -> str:
    """Lines to paste; empty where the failure names nothing that can be set."""
    message = str(seen.error["message"])
    blamed = any(address.rpartition(":")[0] in message for address in seen.refused)
    dialect = seen.connections[-1]["dialect"] if seen.connections else "postgresql"
    return (
        (_allowed(seen, "If it must") if blamed else "")
        or what_to_set(message, dialect)
        or _programs(seen, message)
        or _writes(seen, message)
        or _arguments(seen, message)
        or _variables(seen, message)
        or _setup(message)
        or _other_start(seen)
        or _allowed(seen, "If it fails because these were refused")
    )


def _programs(seen: Observation, message: str) -> str:
    """Permit the program for which the run failed; a database client has other advice."""
    names = [name for name in seen.refused_programs if f"refused to start {name} " in message]
    if not names or "op.execute(" in message:
        return ""
    return f"If it must:\n[tool.alembic-lockstep]\nallow-run = {_quoted(names)}"


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


def _is_ours(path: str) -> bool:
    return OURS.search(path) is not None


def _quoted(names: Sequence[str]) -> str:
    """Return names as a list in TOML."""
    return json.dumps(names, ensure_ascii=False)


def missing_fields(message: str) -> list[str]:
    """The fields of a settings class that have no value."""
    return list(dict.fromkeys(FIELD.findall(message)))


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


def _variables(seen: Observation, message: str) -> str:
    fields = [name.replace(".", "__").upper() for name in missing_fields(message)]
    named = [seen.error["variable"]] if seen.error["variable"] else VARIABLE.findall(message)
    variables = dict.fromkeys(fields or named)
    if not variables or seen.phase not in {"start", "env"}:
        return ""
    lines = "\n".join(f'{name} = "a value for dry runs"' for name in variables)
    prefixed = " (with the prefix of the settings class, if it has one)" if fields else ""
    return (
        f"Set it in the environment or in an ignored .env, or add to pyproject.toml{prefixed}:\n"
        f"[tool.alembic-lockstep.env]\n{lines}"
    )


def _setup(message: str) -> str:
    for pattern, statement in LACKING:
        found = pattern.search(message)
        if found:
            made = statement.format(found[1]).replace('"', '\\"')
            extra = next((f"\n{_NOT_IN_WHEEL}" for one in LEFT_OUT if one in made), "")
            return (
                "If your databases have it before the first migration, add to pyproject.toml:\n"
                f'[tool.alembic-lockstep.scratch]\nsetup = ["{made}"]{extra}'
            )
    return ""


def _other_start(seen: Observation) -> str:
    if seen.phase != "create" or not seen.error["statement"]:
        return ""
    return (
        f"This fails: {' '.join(str(seen.error['statement']).split())}\n"
        "Mend the models, or name an SQL file to start from instead:\n"
        '[tool.alembic-lockstep]\nstart = "start.sql"'
    )
