"""What a PostgreSQL twin is built on: that which only migrations make."""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Tuple

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ..schema import Part, Schema
from .loose import create
from .prerequisites import QUERIES

# What a session may set that says where a name is found, and how a literal is read.
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

# By SQLSTATE what may be lacking: https://www.postgresql.org/docs/current/errcodes-appendix.html
_LACKED = {
    "42704": ("enum", "domain", "type", "collation", "text search"),
    "42883": ("function",),
    "42P01": ("sequence",),
}
# What the models make themselves, and was there: duplicate_schema, duplicate_object.
_DOUBLED = {"42P06": "SCHEMA", "42710": "EXTENSION"}
_NEXT = re.compile(r"""nextval\('((?:[^']|'')+)'""", re.IGNORECASE)


def equip(database: Connection, twin: Connection) -> None:
    """Give the twin the settings, the schemas and the extensions of the database."""
    for (name,) in database.execute(text(_SCHEMAS)):
        _execute(twin, f"CREATE SCHEMA IF NOT EXISTS {name}")
    for name, place in database.execute(text(_EXTENSIONS)):
        _execute(twin, f"CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {place}")
    for name, value in database.execute(text(_SETTINGS)):
        set_it = text("SELECT set_config(:name, :value, false)")
        twin.execute(set_it, {"name": name, "value": value})
    _execute(twin, "SET check_function_bodies TO off")


class _Thing(NamedTuple):
    """A thing of the migrated database: its kind, its plain name, and what makes it."""

    kind: str
    name: str
    statements: List[str]


class Lender:
    """Gives the twin what the models need and only migrations make, out of their database.

    Not before it is lacked: the DDL events of the models may make some of it themselves.

    Args:
        ddl: The statements of the models.
    """

    def __init__(self, database: Connection, schema: Schema, ddl: str) -> None:
        self._database = database
        self._schema = schema
        self._sequences = {_plain(name) for name in _NEXT.findall(ddl)}
        self._stock: Optional[List[_Thing]] = None

    def __call__(self, twin: Connection, error: SQLAlchemyError) -> bool:
        """Make what the error says is lacking, or take back what is doubled; False if it cannot."""
        if not isinstance(error, DBAPIError):
            return False
        code, message = _state(error), str(error.orig).partition("\n")[0]
        if code in _DOUBLED:
            return self._take_back(twin, _DOUBLED[code], message)
        kinds = _LACKED.get(code, ())
        lacked = [one for one in self._things() if one.kind in kinds and _mentions(message, one)]
        if "sequence" in kinds and lacked:
            # Each error names one of perhaps many.
            others = [one for one in self._things() if one.kind == "sequence"]
            lacked += [one for one in others if one.name in self._sequences and one not in lacked]
        for thing in lacked:
            self._things().remove(thing)
        made = [self._make(twin, thing) for thing in lacked]
        return any(made)

    def _make(self, twin: Connection, thing: _Thing) -> bool:
        """Make a thing, and before it what that lacks in turn."""
        try:
            with twin.begin_nested():
                for statement in thing.statements:
                    _execute(twin, statement)
        except DBAPIError as error:
            return self(twin, error) and self._make(twin, thing)
        return True

    def _take_back(self, twin: Connection, what: str, message: str) -> bool:
        query = _SCHEMAS if what == "SCHEMA" else _EXTENSIONS
        for row in list(twin.execute(text(query))):
            if _mentions(message, _Thing(what, _plain(row[0]), [])):
                _execute(twin, f"DROP {what} {row[0]}")
                return True
        return False

    def _things(self) -> List[_Thing]:
        if self._stock is None:
            parts = [*self._schema.loose, *self._schema.owned]
            self._stock = [_thing(part) for part in parts]
            for query in QUERIES:
                for kind, name, statements in self._database.execute(text(query)):
                    self._stock.append(_Thing(kind, name, list(statements)))
        return self._stock


def _thing(part: Part) -> _Thing:
    return _Thing(part.kind, _plain(part.name or part.sql), create(part))


def _plain(name: str) -> str:
    """A name without its schema and quotes."""
    return name.rpartition(".")[2].strip('"').replace('""', '"')


def _mentions(message: str, thing: _Thing) -> bool:
    """Whether the server's message, in whatever language, names the thing."""
    return re.search(rf"(?<!\w){re.escape(thing.name)}(?!\w)", message) is not None


def _state(error: DBAPIError) -> str:
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
