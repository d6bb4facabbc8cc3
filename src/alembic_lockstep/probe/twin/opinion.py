"""Compare a migrated database with its twin: operations like autogenerate's, with their SQL."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from functools import partial
from typing import Dict, List, Mapping, Optional, Sequence, Set, Tuple

from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from ..database_facts import OperationFacts, TwinComparison, model_object
from ..patience import explained
from ..redirect import Redirect
from .build import CreateMissing, create_all, twin_of, unseen_tables
from .code import code_of
from .ddl import models_ddl
from .declared import declared_parts
from .dialects import TwinDialect, find_dialect
from .likeness import adopt_owned, note_folded, share_validity
from .moments import name_moments
from .name_conflicts import tables_in_the_way
from .schema import DatabaseSchema, Part, SchemaDifference, differences

# Kinds of operations, as autogenerate names them.
_KINDS = {
    "primary_key": "constraint",
    "unique": "constraint",
    "check": "constraint",
    "exclusion": "constraint",
    "foreign_key": "fk",
    "options": "table_options",
    "comment": "table_comment",
}
_WORDS = {
    "primary_key": "primary key",
    "unique": "unique constraint",
    "check": "check constraint",
    "exclusion": "exclusion constraint",
    "foreign_key": "foreign key",
    "enum": "enum type",
}
# Names of table options in texts.
_OPTIONS = {
    "strict": "STRICT",
    "without_rowid": "WITHOUT ROWID",
    "autoincrement": "AUTOINCREMENT",
    "unlogged": "UNLOGGED",
    "inherits": "INHERITS",
    "storage": "storage parameters",
    "partition by": "partitions",
    "partition of": "partitions",
    "row_format": "row format",
}
_ASPECTS = {"default": "server default", "computed": "expression"}


_NOTHING: TwinComparison = {
    "operations": [],
    "compared": [],
    "model_objects": [],
    "unmade": {},
    "unseen": [],
    "declared": {},
}
_LEFTOVERS = {f"remove_{kind}" for kind in ("enum", "domain", "sequence")}


def compare_with_twin(
    context: MigrationContext,
    metadatas: Sequence[MetaData],
    redirect: Redirect,
    number: int,
    cached: Mapping[str, TwinComparison],
    *,
    both_ways: bool = False,
) -> TwinComparison:
    """Make a database from the models, and compare the migrated one with it.

    Args:
        number: The number of the migrated database in this run.
        cached: Comparisons of these migrated databases by earlier runs, by their `key`.
        both_ways: Whether to compare the twin with the migrated one as well: the way back.
    """
    connection = context.connection
    assert connection is not None
    ddl = models_ddl(connection, metadatas)
    key = ddl and f"{number}-{hashlib.sha256(ddl.encode()).hexdigest()}"
    if key is not None and key in cached:
        return cached[key]
    return {**_compare(connection, metadatas, redirect, ddl or "", both_ways), "key": key}


def _compare(
    connection: Connection,
    metadatas: Sequence[MetaData],
    redirect: Redirect,
    ddl: str,
    both_ways: bool,
) -> TwinComparison:
    name = connection.dialect.name
    dialect = find_dialect(name)
    if dialect is None:
        return {**_NOTHING, "failure": f"{name} cannot be read yet"}
    database = dialect.read(connection)
    create_missing = dialect.missing_objects(connection, database, ddl)
    try:
        with twin_of(connection, redirect) as twin:
            models, unmade = _fill(twin, connection, dialect, metadatas, create_missing)
    except SQLAlchemyError as error:
        keys = {str(key) for metadata in metadatas for key in metadata.tables}
        declared = _declared(connection, metadatas, keys)
        failure = f"create_all() failed: {explained(error)}"
        return {**_NOTHING, "failure": failure, "declared": declared}
    _align(database, models, metadatas, ddl)
    unseen = unseen_tables(metadatas, unmade)
    for key in unseen:
        # A table of the default schema with an explicit schema name.
        models.tables.pop(key if key in models.tables else key.rpartition(".")[2], None)
    comparison = compare_schemas(name, dialect, database, models)
    if both_ways:
        comparison["way_back"] = compare_schemas(name, dialect, models, database)
    if unmade:  # such a table may use it
        operations = comparison["operations"]
        comparison["operations"] = [
            operation for operation in operations if operation["kind"] not in _LEFTOVERS
        ]
    concerned = unseen.union(operation["table"] for operation in comparison["operations"])
    declared = _declared(connection, metadatas, concerned)
    for operation in comparison["operations"]:
        name = f"{operation['part']} {operation['name']}"
        digest = declared.get(operation["table"], {}).get(name, "")
        operation["declared"] = [name, digest]
    unseen_parts = {key: declared[key] for key in unseen}
    return {**comparison, "unmade": unmade, "unseen": sorted(unseen), "declared": unseen_parts}


def _fill(
    twin: Connection,
    connection: Connection,
    dialect: TwinDialect,
    metadatas: Sequence[MetaData],
    create_missing: CreateMissing,
) -> Tuple[DatabaseSchema, Dict[str, str]]:
    """Make the models' tables in the twin; return its schema and the tables that failed."""
    with twin.begin():
        dialect.copy_prerequisites(connection, twin)
    clear = partial(_clear, twin, dialect, metadatas)
    unmade = create_all(twin, metadatas, clear, create_missing)
    with twin.begin():
        return dialect.read(twin), unmade


def _align(
    database: DatabaseSchema, models: DatabaseSchema, metadatas: Sequence[MetaData], ddl: str
) -> None:
    """Remove differences that come from how and when the two databases were made."""
    note_folded(models, metadatas)
    adopt_owned(database, models)
    share_validity(database, models, metadatas)
    name_moments(database, models, ddl, datetime.now(timezone.utc).date())


def _declared(
    connection: Connection, metadatas: Sequence[MetaData], keys: Set[str]
) -> Dict[str, Dict[str, str]]:
    tables = {str(key): table for metadata in metadatas for key, table in metadata.tables.items()}
    dialect = connection.dialect
    return {key: declared_parts(tables[key], dialect) for key in keys if key in tables}


def _clear(twin: Connection, dialect: TwinDialect, metadatas: Sequence[MetaData]) -> None:
    keys = {str(key) for metadata in metadatas for key in metadata.tables}
    for statement in dialect.discard_statements(dialect.read(twin), keys):
        twin.execute(text(statement.replace(":", "\\:")))


def compare_schemas(
    name: str, dialect: TwinDialect, database: DatabaseSchema, models: DatabaseSchema
) -> TwinComparison:
    """Compare two schemas."""
    operations: List[OperationFacts] = [
        {
            **_operation(difference, dialect.fix_statements(difference, database, models), name),
            "alembic_fails": dialect.alembic_fails(difference),
        }
        for difference in differences(database, models)
    ]
    compared = sorted(set(database.tables).intersection(models.tables))
    model_objects = [model_object(part.kind, part.name) for part in models.objects]
    for key, table in models.tables.items():
        defaults = (column.name for column in table.of("column") if column.facts.get("default"))
        model_objects += [model_object("default", f"{key}.{name}") for name in defaults]
        model_objects += [
            model_object("not valid", f"{key}.{'' if part.has_generated_name else part.name}")
            for part in table.of("check", "foreign_key")
            if part.facts.get("validity") == "NOT VALID"
        ]
    return {
        "operations": operations,
        "compared": compared,
        "model_objects": model_objects,
        "failure": "",
        "in_stages": dialect.fixes_in_stages,
        "in_the_way": tables_in_the_way(database, models),
        "fragile": [key for key in compared if dialect.is_lost_in_batch(database.tables[key])],
    }


def _operation(difference: SchemaDifference, statements: List[str], dialect: str) -> OperationFacts:
    part, table = difference.part, difference.table
    if difference.aspect:
        kind = f"modify_{difference.aspect}"
        aspect = _ASPECTS.get(difference.aspect, difference.aspect)
        text = f"{aspect} of {_text(difference)}"
    else:
        kind = f"{difference.verb}_{_KINDS.get(part.kind, part.kind)}"
        text = _text(difference)
    if not table and part.columns:
        # A type has no location of its own in the models: the operation is about a column of it.
        user, _, column = part.columns[0].rpartition(".")
        table, columns = user, [column]
    else:
        columns = list(part.columns) if part.kind != "column" else []
    code = code_of(difference, statements, dialect)
    actual = difference.actual
    return {
        "part": part.kind,
        "kind": kind,
        "table": table,
        "name": "" if part.has_generated_name else part.name,
        "columns": columns,
        "users": list(part.columns) if not difference.table else [],
        "expected": _written(difference.expected, difference.aspect),
        "actual": _written(difference.actual, difference.aspect),
        "text": text,
        "before": code.before,
        "code": code.main,
        "after": code.after,
        "leaves": getattr(actual, "index", ""),
        "is_computed": actual is not None and bool(actual.facts.get("computed")),
        "sql": statements,
    }


def _text(difference: SchemaDifference) -> str:
    part, table = difference.part, difference.table
    noun = _WORDS.get(part.kind, part.kind)
    if part.kind in ("options", "primary_key"):
        options = [_OPTIONS.get(fact, fact) for fact in difference.changed]
        if part.kind == "options" or options == ["AUTOINCREMENT"]:
            return f"{', '.join(options)} of table {table}"
    if part.kind == "comment":
        return f"{noun} of table {table}"
    if part.kind == "column":
        return f"column {table}.{part.name}"
    columns = ", ".join(part.columns)
    name = f"on {table} ({columns})" if part.has_generated_name else part.name
    of = f" of {table}" if table and not part.has_generated_name else ""
    return f"{noun} {name}{of}"


def _written(part: Optional[Part], aspect: str) -> str:
    """Return a part as readable text: one aspect of it, or all of them."""
    if part is None:
        return ""
    if aspect:
        return part.facts.get(aspect, "")
    if "definition" in part.facts:
        return "; ".join(filter(None, [part.sql, part.facts.get("comment")]))
    return "; ".join(f"{name} {text}" for name, text in part.facts.items() if text)
