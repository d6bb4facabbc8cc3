"""Wrap the functions of drivers that connect in compiled code, where no audit event is raised.

Not wrapped: `psycopg2.extensions.connection(dsn)` and other C types that are called directly.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any, Callable, Dict, Sequence

# The names through which each connects.
C_DRIVERS: Dict[str, Sequence[str]] = {
    "psycopg2": ["connect", "_connect", "_psycopg._connect"],
    "psycopg": [
        *("connect", "Connection.connect", "AsyncConnection.connect"),
        *("generators.connect", "pq.PGconn.connect", "pq.PGconn.connect_start"),
    ],
    "MySQLdb": ["connect", "Connect", "Connection", "_mysql.connect"],
    "mariadb": ["connect"],
    "mysql.connector": ["connect", "Connect"],
    "pyodbc": ["connect"],
    "pymssql": ["connect"],
    "oracledb": ["connect", "connect_async"],
    "cx_Oracle": ["connect"],
    "apsw": ["Connection"],
    "duckdb": ["connect"],
    "pysqlcipher3.dbapi2": ["connect"],
    "sqlcipher3.dbapi2": ["connect"],
    "pysqlite3.dbapi2": ["connect"],
}

Check = Callable[[str, Sequence[Any], Dict[str, Any]], None]


def wrap_driver(module: ModuleType, check: Check) -> None:
    """Make a driver's functions check first; names that its version lacks are skipped."""
    for path in C_DRIVERS[module.__name__]:
        *owners, name = path.split(".")
        try:
            owner: Any = functools.reduce(getattr, owners, module)
            call = getattr(owner, name)
        except AttributeError:
            continue
        _wrap(module, owners, owner, name, call, check)


def _wrap(
    module: ModuleType, owners: Sequence[str], owner: Any, name: str, call: Any, check: Check
) -> None:
    is_method = isinstance(owner, type) and hasattr(call, "__func__")
    guarded = _guarded(call.__func__ if is_method else call, module.__name__, check)
    if isinstance(owner, type):
        guarded = classmethod(guarded) if is_method else staticmethod(guarded)
    try:
        setattr(owner, name, guarded)
    except TypeError:  # a type in C: a class of ours stands for it
        parent: Any = functools.reduce(getattr, owners[:-1], module)
        setattr(parent, owners[-1], type(owner.__name__, (owner,), {name: guarded}))


def _guarded(call: Any, driver: str, check: Check) -> Any:
    if isinstance(call, type):
        return _guarded_class(call, driver, check)

    @functools.wraps(call)
    def guarded(*arguments: Any, **keywords: Any) -> Any:
        check(driver, arguments, keywords)
        return call(*arguments, **keywords)

    return guarded


def _guarded_class(base: Any, driver: str, check: Check) -> Any:
    class Guarded(base):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            check(driver, arguments, keywords)
            super().__init__(*arguments, **keywords)

    Guarded.__name__, Guarded.__qualname__ = base.__name__, base.__qualname__
    return Guarded
