"""Take the place of functions of the project that connect for an engine.

An engine that is given `creator=`, `async_creator=` or a whole `pool=` (connectors of a cloud,
tokens in the place of passwords) has no `do_connect` event. Which database such a function would
connect to is not known without calling it; the engine's URL says the dialect and the driver.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

from sqlalchemy.engine import Engine

# The modules whose own function connects as the URL says; and through which an async one is called.
_SQLALCHEMY = "sqlalchemy.engine.create"
_ASYNC = "sqlalchemy.ext.asyncio.engine"

#: Connects an engine: from its dialect, URL, the creator's name and the pool's record.
Connect = Callable[[Any, Any, str, Any], Any]


def replace_creators(connect: Connect) -> None:
    """Have every engine that is made from now on connect by `connect` in its creator's place."""
    Engine.pool = _Pool(connect)  # type: ignore[assignment]


class _Pool:
    """The attribute `pool` of engines: each pool that an engine is given passes here.

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
    """Return the name of a creator by which two of them are told apart, the same in each run."""
    if getattr(creator, "__module__", None) == _ASYNC:
        cells = dict(zip(creator.__code__.co_freevars, creator.__closure__))  # noqa: B905 - since 3.10
        creator = cells["async_creator"].cell_contents if "async_creator" in cells else creator
    while isinstance(creator, functools.partial):
        creator = creator.func
    named = creator if hasattr(creator, "__qualname__") else type(creator)
    return f"{named.__module__}.{named.__qualname__}"
