"""Advise on an env.py that fails for `alembic upgrade`, too, or on any empty database."""

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

# The KeyErrors of `fileConfig()` for an .ini file without logging sections.
_SECTIONS = ("'formatters'", "'loggers'", "'handlers'")
_NO_MODELS = """\
If the models are SQLAlchemy's, pass them to context.configure():
target_metadata = Base.metadata
If they are another library's, run the migrations and compare nothing. In env.py:
target_metadata = sqlalchemy.MetaData()
And in pyproject.toml:
[tool.alembic-lockstep.ignore]
"*" = "the models are not SQLAlchemy's"
"""
#: Messages of databases about a table that does not exist.
NO_TABLE = re.compile(
    r"(?i)no such table: (\S+)|relation \"([^\"]+)\" does not exist|Table '([^']+)' doesn't exist"
)
# System catalogues; those of them that list schemas.
_SYSTEM = re.compile(r"(?i)pg_catalog\.|pg_\w+$|information_schema\.|sqlite_\w+$|mysql\.|sys\.")
_SCHEMAS = re.compile(r"(?i)pg_namespace$|information_schema\.schemata$")
_ANY_SCHEMA = "CREATE SCHEMA dry_run"
# Ways in which env.py chooses among the schemas: by a name's beginning, or a part of it.
_SCHEMA_NAME = re.compile(
    r"""\.startswith\(\s*f?["']([A-Za-z_]\w*)["']|\bif +["']([A-Za-z_]\w*)["'] +in +\w+\s*[:\]]"""
)
# Ways in which env.py lists them.
_LISTS = re.compile(r"get_schema_names\(|pg_namespace|information_schema\.schemata")
_SELECT = re.compile(
    r"\s*SELECT\s+(?:DISTINCT\s+)?(?P<columns>[\w\s,.\"`]+?)\s+FROM\s+(?P<table>[\w.\"`]+)",
    re.IGNORECASE,
)


def env_script_advice(observation: Observation, text: str = "") -> str:
    """Return lines for env.py; "" where something else fails.

    Args:
        text: The text of env.py.
    """
    message, kind = str(observation.error["message"]), observation.error["type"]
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
            f"where this is None:\nconfig.attributes.get({observation.error['attribute']!r})"
        )
    return _rows_advice(observation, text)


def _rows_advice(observation: Observation, text: str) -> str:
    """Return a `setup` that fills the table from which env.py reads what to migrate."""
    is_unmigrated = observation.error["type"] == NOT_MIGRATED
    # Before env.py connects, the application sent the query.
    message, statement = str(observation.error["message"]), str(observation.error["statement"])
    lacks_table = bool(observation.connections and NO_TABLE.search(message))
    select = _SELECT.match(statement)
    if select is None or observation.phase != "env" or not (is_unmigrated or lacks_table):
        return ""
    table = select["table"]
    if _SYSTEM.match(table):
        return _schema_advice(text) if _SCHEMAS.search(table) else ""
    title = f"A scratch database is empty. If env.py migrates what {table} lists, give it a row"
    if is_unmigrated:
        title += " (and create the table, if nothing else does before)"
    columns = [part.split()[0].rpartition(".")[2] for part in select["columns"].split(",")]
    return _setup_lines(
        title,
        f"CREATE TABLE {table} ({', '.join(f'{column} VARCHAR(50)' for column in columns)})",
        f"INSERT INTO {table} VALUES ({', '.join(repr('dry_run') for _ in columns)})",  # noqa: S608 - to be read
    )


def with_tenant_schemas(
    settings: Settings, envs: Iterable[EnvironmentAtTree]
) -> tuple[Settings, list[str]]:
    """Add a schema to scratch databases where env.py chooses the schemas to migrate by name.

    A new database has none: nothing would be migrated. Returns the settings, and notes for the
    summary.
    """
    if any("SCHEMA" in statement.upper() for statement in settings.scratch_setup):
        return settings, []
    names: dict[str, str] = {}
    for env in envs:
        text = env.tree.read(f"{env.environment.script_location}/env.py") or ""
        name = _tenant_schema(text) if _LISTS.search(text) else ""
        if name and database_url(env.environment, env.tree).startswith("postgresql"):
            names.setdefault(name, env.environment.name)
    setup = (f"CREATE SCHEMA {name}" for name in names)
    notes = [
        f"{environment} migrates the schemas that it finds; scratch databases have {name}"
        for name, environment in names.items()
    ]
    return replace(settings, scratch_setup=(*settings.scratch_setup, *setup)), notes


def _tenant_schema(text: str) -> str:
    """Return the name of a schema that an env.py would migrate; "" if its text names none."""
    match = _SCHEMA_NAME.search(text)
    part = next(filter(None, match.groups())) if match else ""
    return f"{part.rstrip('_')}_dry_run" if part else ""


def _schema_advice(text: str) -> str:
    title = "A scratch database has no schemas of yours. If env.py migrates those that it finds"
    name = _tenant_schema(text)
    return _setup_lines(title, f"CREATE SCHEMA {name}" if name else _ANY_SCHEMA)


def _setup_lines(condition: str, *statements: str) -> str:
    return f"{condition}:\n[tool.alembic-lockstep.scratch]\nsetup = {json.dumps(statements)}"
