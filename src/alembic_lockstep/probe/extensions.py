"""Make the PostgreSQL extensions that the base's models need and no migration of the run makes.

Where a database starts from the models, what made its extensions ran before any of them: an old
migration, or somebody by hand. A revision that is new still has to make what it needs itself.
"""

from __future__ import annotations

from typing import Any, List

from sqlalchemy.exc import DBAPIError

from .extension_names import extension_for

_AVAILABLE = "SELECT 1 FROM pg_available_extensions WHERE installed_version IS NULL AND name = '{}'"
_POINT = "alembic_lockstep"


def create_all(metadata: Any, connection: Any) -> List[str]:
    """Make the tables, and the extensions whose absence makes that fail; return the extensions."""
    created: List[str] = []
    if connection.dialect.name != "postgresql":
        metadata.create_all(connection)
        return created
    while True:
        is_held = _try_savepoint(connection, f"SAVEPOINT {_POINT}")
        try:
            metadata.create_all(connection)
        except DBAPIError as error:
            name = extension_for(str(error.orig))
            if not name or name in created:
                raise
            if is_held and not _try_savepoint(connection, f"ROLLBACK TO {_POINT}"):
                raise
            if not connection.exec_driver_sql(_AVAILABLE.format(name)).scalar():
                raise
            connection.exec_driver_sql(f'CREATE EXTENSION "{name}"')
            created.append(name)
        else:
            return created


def _try_savepoint(connection: Any, statement: str) -> bool:
    """Run a statement about a savepoint; return False outside of a transaction, which has none."""
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError:
        return False
    return True
