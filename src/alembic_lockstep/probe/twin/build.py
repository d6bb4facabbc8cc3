"""The twin: a scratch database made by the models' own `create_all()`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, Optional, Sequence

from sqlalchemy import MetaData, create_engine
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ..patience import limit_patience
from ..redirect import Redirect


@contextmanager
def twin_of(connection: Connection, redirect: Redirect) -> Iterator[Connection]:
    """A connection to an empty database, as the project's own engine would open it.

    The pool is the project's, made anew: what listens to it (`SET …`, `PRAGMA …`) hears this
    connection too.
    """
    with redirect.to_twin():
        twin = _like(connection.engine)
        try:
            with twin.connect() as opened:
                limit_patience(opened)
                yield opened.execution_options(**_options(connection))
        finally:
            twin.dispose()


def _like(engine: Engine) -> Engine:
    pool = engine.pool.recreate()
    if not engine.dialect.is_async:
        return create_engine(engine.url, pool=pool)
    # psycopg has two dialects of one name.
    from sqlalchemy.ext.asyncio import create_async_engine

    return create_async_engine(engine.url, pool=pool).sync_engine


def _options(connection: Connection) -> Dict[str, Any]:
    """Those that say where a table is; the others are about how statements are run."""
    options = connection.get_execution_options()
    return {name: options[name] for name in ("schema_translate_map",) if name in options}


def create_all(
    twin: Connection, metadatas: Sequence[MetaData], lend: Callable[[Connection, str], bool]
) -> None:
    """Fill the twin from the models; what it lacks for them, `lend` may know from the error."""
    # There is nothing yet, so nothing has to be looked for; unless a listener of the models' DDL
    # events, or another of the metadatas, makes some of it.
    lacks = _try(twin, metadatas, checkfirst=False) and _try(twin, metadatas)
    while lacks is not None:
        with twin.begin():
            if not lend(twin, str(lacks.orig)):
                raise lacks
        lacks = _try(twin, metadatas)


def _try(
    twin: Connection, metadatas: Sequence[MetaData], checkfirst: bool = True
) -> Optional[DBAPIError]:
    try:
        with twin.begin():
            for metadata in metadatas:
                metadata.create_all(twin, checkfirst=checkfirst)
    except DBAPIError as error:
        return error
    return None
