"""Advice on an env.py that fails for the project's own command, too, or on any empty database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.templates import database_url
from alembic_lockstep.config import Settings
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.probe.protocol import MISSING_ATTRIBUTE, NO_METADATA, NOT_MIGRATED

# What `fileConfig()` looks for first.
_SECTIONS = ("'formatters'", "'loggers'", "'handlers'")
_NO_MODELS = """\
If the models are SQLAlchemy's, have context.configure() know them:
target_metadata = Base.metadata
If they are another library's, run the migrations and compare nothing. In env.py:
target_metadata = sqlalchemy.MetaData()
And in pyproject.toml:
[tool.alembic-lockstep.ignore]
"*" = "the models are not SQLAlchemy's"
"""
#: What databases say of a table that is not there.
NO_TABLE = re.compile(
    r"(?i)no such table: (\S+)|relation \"([^\"]+)\" does not exist|Table '([^']+)' doesn't exist"
)
# Where databases keep what they know of themselves; of these, the lists of schemas.
_SYSTEM = re.compile(r"(?i)pg_catalog\.|pg_\w+$|information_schema\.|sqlite_\w+$|mysql\.|sys\.")
_SCHEMAS = re.compile(r"(?i)pg_namespace$|information_schema\.schemata$")
_ANY_SCHEMA = "CREATE SCHEMA dry_run"
# How env.py chooses among the schemas: by how a name begins, or what is in it.
_WANTED = re.compile(
    r"""\.startswith\(\s*f?["']([A-Za-z_]\w*)["']|\bif +["']([A-Za-z_]\w*)["'] +in +\w+\s*[:\]]"""
)
# What lists them.
_LISTS = re.compile(r"get_schema_names\(|pg_namespace|information_schema\.schemata")
_SELECT = re.compile(
    r"\s*SELECT\s+(?:DISTINCT\s+)?(?P<columns>[\w\s,.\"`]+?)\s+FROM\s+(?P<table>[\w.\"`]+)",
    re.IGNORECASE,
)


def of_env_script(seen: Observation, text: str = "") -> str:
    """Return lines for env.py; "" where it is not what fails.

    Args:
        text: What is in env.py.
    """
    message, kind = str(seen.error["message"]), seen.error["type"]
    if kind == "KeyError" and message in _SECTIONS:
        return (
            "fileConfig() reads logging sections that the .ini file lacks, so `alembic upgrade` "
            "fails likewise. In env.py:\n"
            'if config.file_config.has_section("formatters"):\n'
            "    fileConfig(config.config_file_name)"
        )
    if kind == NO_METADATA:
        return _NO_MODELS.rstrip()
    if kind == MISSING_ATTRIBUTE:
        return (
            "Have env.py do without it, as `alembic upgrade` needs too, and connect by itself "
            f"where this is None:\nconfig.attributes.get({seen.error['attribute']!r})"
        )
    return _rows(seen, text)


def _rows(seen: Observation, text: str) -> str:
    """Give the table a row that env.py asks for what to migrate: a schema for each tenant, say."""
    is_unmigrated = seen.error["type"] == NOT_MIGRATED
    # Before env.py connects, it is the application that asks.
    lacks_table = bool(seen.connections and NO_TABLE.search(str(seen.error["message"])))
    select = _SELECT.match(str(seen.error["statement"]))
    if select is None or seen.phase != "env" or not (is_unmigrated or lacks_table):
        return ""
    table = select["table"]
    if _SYSTEM.match(table):
        return _schema(text) if _SCHEMAS.search(table) else ""
    title = f"A scratch database is empty. If env.py migrates what {table} lists, give it a row"
    if is_unmigrated:
        title += " (and the table, if nothing makes it before)"
    columns = [part.split()[0].rpartition(".")[2] for part in select["columns"].split(",")]
    return _set_up(
        title,
        f"CREATE TABLE {table} ({', '.join(f'{column} VARCHAR(50)' for column in columns)})",
        f"INSERT INTO {table} VALUES ({', '.join(repr('dry_run') for _ in columns)})",  # noqa: S608 - to be read
    )


def with_tenants(
    settings: Settings, envs: Iterable[EnvironmentAtTree]
) -> tuple[Settings, list[str]]:
    """Give scratch databases a schema where env.py migrates those that it finds by their name.

    A new database has none: nothing would be migrated. Returns the settings, and what to say.
    """
    if any("SCHEMA" in statement.upper() for statement in settings.scratch_setup):
        return settings, []
    names: dict[str, str] = {}
    for env in envs:
        text = env.tree.read(f"{env.environment.script_location}/env.py") or ""
        name = _tenant(text) if _LISTS.search(text) else ""
        if name and database_url(env.environment, env.tree).startswith("postgresql"):
            names.setdefault(name, env.environment.name)
    setup = (f"CREATE SCHEMA {name}" for name in names)
    notes = [
        f"{environment} migrates the schemas that it finds; scratch databases were given {name}"
        for name, environment in names.items()
    ]
    return replace(settings, scratch_setup=(*settings.scratch_setup, *setup)), notes


def _tenant(text: str) -> str:
    """Return the name of a schema that an env.py would migrate; "" where it does not say."""
    wanted = _WANTED.search(text)
    part = next(filter(None, wanted.groups())) if wanted else ""
    return f"{part.rstrip('_')}_dry_run" if part else ""


def _schema(text: str) -> str:
    title = "A scratch database has no schemas of yours. If env.py migrates those that it finds"
    name = _tenant(text)
    return _set_up(title, f"CREATE SCHEMA {name}" if name else _ANY_SCHEMA)


def _set_up(condition: str, *statements: str) -> str:
    return f"{condition}:\n[tool.alembic-lockstep.scratch]\nsetup = {json.dumps(statements)}"
