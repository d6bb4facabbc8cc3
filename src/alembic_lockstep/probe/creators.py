"""Take the place of functions of the project that connect for an engine.

An engine with `creator=`, `async_creator=` or a whole `pool=` (connectors of a cloud, tokens
instead of passwords) has no `do_connect` event. Only a call of such a function would show which
database it connects to; the engine's URL has the dialect and the driver.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

from sqlalchemy.engine import Engine

# The modules whose own function connects as the URL says; and through which an async one is called.
_SQLALCHEMY = "sqlalchemy.engine.create"
_ASYNC = "sqlalchemy.ext.asyncio.engine"

#: Connects an engine, from its dialect, URL, the creator's name and the pool's record.
Connect = Callable[[Any, Any, str, Any], Any]


def replace_creators(connect: Connect) -> None:
    """Make every later engine connect by `connect` instead of its creator."""
    Engine.pool = _Pool(connect)  # type: ignore[assignment]


class _Pool:
    """Attribute `pool` of engines: sees each pool that an engine gets.

    The constructor of `Engine` cannot be wrapped: SQLAlchemy reads its signature.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def __get__(self, engine: Any, owner: Any = None) -> Any:
        return self if engine is None else engine.__dict__["pool"]

    def __set__(self, engine: Any, pool: Any) -> None:
        engine.__dict__["pool"] = pool
        creator = pool._creator
        if getattr(creator, "__module__", None) == _SQLALCHEMY:
            return
        connect, name = self._connect, name_of(creator)

        # SQLAlchemy knows by the argument's name that the record is wanted.
        def replacement(connection_record: Any = None) -> Any:
            return connect(engine.dialect, engine.url, name, connection_record)

        replacement.__module__ = _SQLALCHEMY  # another engine may be given the same pool
        pool._creator = replacement


def name_of(creator: Any) -> str:
    """Return a name that distinguishes creators and is the same in each run."""
    if getattr(creator, "__module__", None) == _ASYNC:
        cells = dict(zip(creator.__code__.co_freevars, creator.__closure__))  # noqa: B905 - since 3.10
        creator = cells["async_creator"].cell_contents if "async_creator" in cells else creator
    while isinstance(creator, functools.partial):
        creator = creator.func
    named = creator if hasattr(creator, "__qualname__") else type(creator)
    return f"{named.__module__}.{named.__qualname__}"
