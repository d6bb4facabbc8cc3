"""What a PostgreSQL twin is built on: that which only migrations make."""

from __future__ import annotations

from contextlib import suppress
from typing import List

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ..schema import Part
from .cure import create

_SCHEMAS = """
SELECT quote_ident(nspname) FROM pg_namespace
WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'public')
  AND nspname !~ '^pg_(toast|temp)' ORDER BY 1
"""
_EXTENSIONS = """
SELECT quote_ident(e.extname), quote_ident(n.nspname)
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql' ORDER BY e.oid
"""
_FUNCTIONS = """
SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind = 'f' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.deptype = 'e' AND e.objid = p.oid
                  AND e.classid = CAST('pg_proc' AS regclass)) ORDER BY p.oid
"""


# What a session may set that says where a name is found, and how a literal is read.
_SETTINGS = """
SELECT name, setting FROM pg_settings
WHERE name IN ('search_path', 'TimeZone', 'DateStyle', 'IntervalStyle')
"""


def equip(database: Connection, twin: Connection) -> None:
    """Give the twin the settings, the schemas, extensions and functions of the database.

    A function that needs a table cannot be one that a table needs, and is left out.
    """
    settings = list(database.execute(text(_SETTINGS)))
    for (name,) in database.execute(text(_SCHEMAS)):
        _execute(twin, f"CREATE SCHEMA IF NOT EXISTS {name}")
    for name, place in database.execute(text(_EXTENSIONS)):
        _execute(twin, f"CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {place}")
    for name, value in settings:
        set_it = text("SELECT set_config(:name, :value, false)")
        twin.execute(set_it, {"name": name, "value": value})
    functions = list(database.execute(text(_FUNCTIONS)))
    if functions:
        _execute(twin, "SET check_function_bodies TO off")
    for (definition,) in functions:
        with suppress(DBAPIError), twin.begin_nested():
            _execute(twin, definition)


def lend(twin: Connection, lacks: str, loose: List[Part]) -> bool:
    """Make a type that `create_all()` expects to be there: `ENUM(…, create_type=False)`.

    Args:
        lacks: The server's message; whatever its language, the type's name stands in it.
        loose: What the migrated database has and was not lent yet; the type is taken from it.
    """
    for part in loose:
        if part.kind in ("enum", "domain") and f'"{part.name}"' in lacks:
            loose.remove(part)
            for statement in create(part):
                _execute(twin, statement)
            return True
    return False


def _execute(connection: Connection, statement: str) -> None:
    # To SQLAlchemy, a colon is a parameter.
    connection.execute(text(statement.replace(":", "\\:")))
