"""Autogenerate's comparison, also of server defaults over which it fails."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Iterator

from alembic.autogenerate import produce_migrations
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError


def compare_by_autogenerate(context: MigrationContext) -> MigrationScript:
    """Return what autogenerate would write; without server defaults if it fails over these.

    With `compare_server_default=True` it asks PostgreSQL whether two defaults are equal, but does
    not escape the quotes in a text, and some types (json, xml, point) have no `=`. It also asserts
    that an identity becomes no default. The twin compares all defaults.
    """
    metadata = context.opts["target_metadata"]
    if context.opts.get("compare_server_default") is not True:
        return produce_migrations(context, metadata)
    try:
        with _savepoint(context):
            return produce_migrations(context, metadata)
    except (DBAPIError, AssertionError):
        context.opts["compare_server_default"] = context._user_compare_server_default = False
        return produce_migrations(context, metadata)


@contextmanager
def _savepoint(context: MigrationContext) -> Iterator[None]:
    """Roll back a statement that fails on PostgreSQL: it would end the transaction."""
    connection: Any = context.connection
    savepoint = nullcontext()
    if context.dialect.name == "postgresql":
        with suppress(DBAPIError):  # AUTOCOMMIT: each statement is a transaction of its own
            savepoint = connection.begin_nested()
    with savepoint:
        yield
