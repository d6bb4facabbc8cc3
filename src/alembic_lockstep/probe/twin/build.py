"""Make the twin: a scratch database that the models' own `create_all()` fills."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from sqlalchemy import MetaData, Table, create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from ..patience import explained, has_waited, limit_patience
from ..redirect import Redirect

CreateMissing = Callable[[Connection, SQLAlchemyError], bool]

# Instead of a table's key.
LISTENERS = ""

# The most tables that may fail: for each of them, all are made again.
_MOST_FAILURES = 20


@contextmanager
def twin_of(connection: Connection, redirect: Redirect) -> Iterator[Connection]:
    """Yield a connection to an empty database, as the project's own engine would open it.

    The pool is a copy of the project's: its listeners (`SET …`, `PRAGMA …`) run on this connection
    too.
    """
    with redirect.to_twin():
        twin = _engine_like(connection.engine)
        try:
            with twin.connect() as opened:
                limit_patience(opened)
                yield opened.execution_options(**_options(connection))
        finally:
            twin.dispose()


def _engine_like(engine: Engine) -> Engine:
    pool = engine.pool.recreate()
    if not engine.dialect.is_async:
        return create_engine(engine.url, pool=pool)
    # psycopg has two dialects of one name.
    from sqlalchemy.ext.asyncio import create_async_engine

    return create_async_engine(engine.url, pool=pool).sync_engine


def _options(connection: Connection) -> Dict[str, Any]:
    """Return the execution options that say where a table is."""
    options = connection.get_execution_options()
    return {name: options[name] for name in ("schema_translate_map",) if name in options}


def create_all(
    twin: Connection,
    metadatas: Sequence[MetaData],
    clear: Callable[[], None],
    create_missing: CreateMissing,
) -> Dict[str, str]:
    """Fill the twin from the models; return the tables that could not be made, with the reasons.

    `LISTENERS` has the reason why a whole metadata's listeners fail; the tables are then made
    without them.

    Args:
        clear: Drops the models' tables, types and sequences from the twin; `scratch.setup` may have
            made some, in the migrated database, too.
        create_missing: Creates what an error names as missing; False if it cannot.
    """
    unmade: Dict[str, str] = {}
    # There is nothing yet, so nothing has to be looked for; unless a listener of the models' DDL
    # events, or another of the metadatas, makes some of it.
    failed = _attempt(twin, metadatas, unmade, checkfirst=False)
    if failed is not None:
        with twin.begin():
            clear()
        failed = _attempt(twin, metadatas, unmade)
    while failed is not None:
        error, table = failed
        with twin.begin():
            is_created = create_missing(twin, error)
        if not is_created:
            key = LISTENERS if table is None else str(table.key)
            if has_waited(error) or key in unmade or len(unmade) == _MOST_FAILURES:
                raise error
            unmade[key] = explained(error)
        failed = _attempt(twin, metadatas, unmade)
    return unmade


def unseen_tables(metadatas: Sequence[MetaData], unmade: Dict[str, str]) -> Set[str]:
    """Return the tables that are not made, and those that refer to one of them."""
    keys = set(unmade) - {LISTENERS}
    tables = [table for metadata in metadatas for table in metadata.tables.values()]
    if LISTENERS in unmade:
        keys |= {str(table.key) for table in tables if _is_altered(table)}
    while True:
        more = {str(table.key) for table in tables if keys & set(_targets(table))} - keys
        if not more:
            return keys
        keys |= more


def _is_altered(table: Table) -> bool:
    """Return whether a foreign key is added only when all tables exist."""
    return any(constraint.use_alter for constraint in table.foreign_key_constraints)


def _targets(table: Table) -> List[str]:
    names = (key.target_fullname.rpartition(".")[0] for key in table.foreign_keys)
    return [name for name in names if name != table.key]


def _attempt(
    twin: Connection,
    metadatas: Sequence[MetaData],
    unmade: Dict[str, str],
    *,
    checkfirst: bool = True,
) -> Optional[Tuple[SQLAlchemyError, Optional[Table]]]:
    """Make all tables that can be made; return the first error and its table."""
    begun: List[Table] = []

    def begin(table: Table, *_: Any, **__: Any) -> None:
        begun.append(table)

    def end(table: Table, *_: Any, **__: Any) -> None:
        begun.remove(table)

    left_out = unseen_tables(metadatas, unmade)
    event.listen(Table, "before_create", begin)
    event.listen(Table, "after_create", end)
    try:
        with twin.begin():
            for metadata in metadatas:
                if LISTENERS in unmade:
                    for table in metadata.sorted_tables:
                        if table.key not in left_out:
                            table.create(twin, checkfirst)
                else:
                    tables = [
                        table for table in metadata.tables.values() if table.key not in left_out
                    ]
                    metadata.create_all(twin, tables if left_out else None, checkfirst)
    except SQLAlchemyError as error:
        return error, begun[0] if begun else None
    finally:
        event.remove(Table, "before_create", begin)
        event.remove(Table, "after_create", end)
    return None
