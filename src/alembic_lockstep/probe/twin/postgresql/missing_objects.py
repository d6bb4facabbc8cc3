"""Copy to a PostgreSQL twin what its models need and only migrations make."""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Tuple

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ..schema import DatabaseSchema, Part
from .prerequisites import QUERIES
from .schema_objects import create

# Settings of a session that change the meaning of names and literals.
_SETTINGS = """
SELECT name, setting FROM pg_settings
WHERE name IN ('search_path', 'TimeZone', 'DateStyle', 'IntervalStyle')
"""
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

# Kinds of objects that may be missing, by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
_MISSING_KINDS = {
    "42704": ("enum", "domain", "type", "collation", "text search"),
    "42883": ("function",),
    "42P01": ("sequence",),
}
# Objects that the models make themselves and that exist: duplicate_schema, duplicate_object.
_DUPLICATES = {"42P06": "SCHEMA", "42710": "EXTENSION"}
_NEXT = re.compile(r"""nextval\('((?:[^']|'')+)'""", re.IGNORECASE)


def copy_prerequisites(database: Connection, twin: Connection) -> None:
    """Copy the settings, schemas and extensions of the database to the twin."""
    for (name,) in database.execute(text(_SCHEMAS)):
        _execute(twin, f"CREATE SCHEMA IF NOT EXISTS {name}")
    for name, schema in database.execute(text(_EXTENSIONS)):
        _execute(twin, f"CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {schema}")
    for name, value in database.execute(text(_SETTINGS)):
        set_it = text("SELECT set_config(:name, :value, false)")
        twin.execute(set_it, {"name": name, "value": value})
    _execute(twin, "SET check_function_bodies TO off")


class _DatabaseObject(NamedTuple):
    """Object of the migrated database: kind, plain name, and the statements that create it."""

    kind: str
    name: str
    statements: List[str]


class MissingObjects:
    """Objects of the migrated database that the twin may lack.

    They are created only when an error names them: the models' DDL events may make some.

    Args:
        ddl: The statements of the models.
    """

    def __init__(self, database: Connection, schema: DatabaseSchema, ddl: str) -> None:
        self._database = database
        self._schema = schema
        self._sequences = {_plain(name) for name in _NEXT.findall(ddl)}
        self._stock: Optional[List[_DatabaseObject]] = None

    def __call__(self, twin: Connection, error: SQLAlchemyError) -> bool:
        """Create the objects that the error lacks, or drop a duplicate; False if it cannot."""
        if not isinstance(error, DBAPIError):
            return False
        code, message = _sqlstate(error), str(error.orig).partition("\n")[0]
        if code in _DUPLICATES:
            return self._drop_duplicate(twin, _DUPLICATES[code], message)
        kinds = _MISSING_KINDS.get(code, ())
        lacked = [
            missing
            for missing in self._objects()
            if missing.kind in kinds and _mentions(message, missing)
        ]
        if "sequence" in kinds and lacked:
            # Each error names one of perhaps many.
            others = [missing for missing in self._objects() if missing.kind == "sequence"]
            lacked += [
                missing
                for missing in others
                if missing.name in self._sequences and missing not in lacked
            ]
        for database_object in lacked:
            self._objects().remove(database_object)
        results = [self._make(twin, database_object) for database_object in lacked]
        return any(results)

    def _make(self, twin: Connection, database_object: _DatabaseObject) -> bool:
        """Create an object, and before it the objects that it needs."""
        try:
            with twin.begin_nested():
                for statement in database_object.statements:
                    _execute(twin, statement)
        except DBAPIError as error:
            return self(twin, error) and self._make(twin, database_object)
        return True

    def _drop_duplicate(self, twin: Connection, keyword: str, message: str) -> bool:
        query = _SCHEMAS if keyword == "SCHEMA" else _EXTENSIONS
        for row in list(twin.execute(text(query))):
            if _mentions(message, _DatabaseObject(keyword, _plain(row[0]), [])):
                _execute(twin, f"DROP {keyword} {row[0]}")
                return True
        return False

    def _objects(self) -> List[_DatabaseObject]:
        if self._stock is None:
            parts = [*self._schema.objects, *self._schema.owned]
            self._stock = [_object_of(part) for part in parts]
            for query in QUERIES:
                for kind, name, statements in self._database.execute(text(query)):
                    self._stock.append(_DatabaseObject(kind, name, list(statements)))
        return self._stock


def _object_of(part: Part) -> _DatabaseObject:
    return _DatabaseObject(part.kind, _plain(part.name or part.sql), create(part))


def _plain(name: str) -> str:
    """Return a name without its schema and quotes."""
    return name.rpartition(".")[2].strip('"').replace('""', '"')


def _mentions(message: str, database_object: _DatabaseObject) -> bool:
    """Return whether the server's message, in any language, names the object."""
    return re.search(rf"(?<!\w){re.escape(database_object.name)}(?!\w)", message) is not None


def _sqlstate(error: DBAPIError) -> str:
    original = error.orig
    codes = [getattr(original, name, None) for name in ("sqlstate", "pgcode")]
    details: Tuple[object, ...] = getattr(original, "args", ())
    if details and isinstance(details[0], dict):  # pg8000
        fields: Dict[str, str] = details[0]
        codes.append(fields.get("C"))
    return next((str(code) for code in codes if code), "")


def _execute(connection: Connection, statement: str) -> None:
    # To SQLAlchemy, a colon is a parameter.
    connection.execute(text(statement.replace(":", "\\:")))
