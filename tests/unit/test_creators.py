"""Replace and name functions that connect for an engine instead of its URL."""

from __future__ import annotations

import functools
import sqlite3
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool, QueuePool, StaticPool

from alembic_lockstep.probe.creators import name_of, replace_creators

Calls = list[tuple[str, str, str]]


def connect_by_hand(*_: Any) -> Any:
    raise AssertionError("called")


async def connect_by_hand_later(*_: Any) -> Any:
    raise AssertionError("called")


class Connector:
    def connect(self) -> Any:
        raise AssertionError("called")

    def __call__(self) -> Any:
        raise AssertionError("called")


OWN = f"{__name__}.connect_by_hand"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Record requested connections: dialect, URL, and the creator's name."""
    monkeypatch.setattr(Engine, "pool", None, raising=False)
    connections: Calls = []

    def connect(dialect: Any, url: Any, name: str, record: Any) -> sqlite3.Connection:
        assert record is not None
        connections.append((dialect.driver, str(url), name))
        return sqlite3.connect(":memory:")

    replace_creators(connect)
    return connections


@pytest.mark.parametrize(
    "options",
    [
        {"creator": connect_by_hand},
        {"creator": connect_by_hand, "poolclass": StaticPool},
        {"creator": functools.partial(functools.partial(connect_by_hand, 1), 2)},
        {"pool": NullPool(connect_by_hand)},
        {"pool": QueuePool(connect_by_hand)},
    ],
    ids=["creator", "in a pool", "partial", "null pool", "queue pool"],
)
def test_a_creator_is_not_called(calls: Calls, options: dict[str, Any]) -> None:
    engine = create_engine("sqlite://", **options)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()  # which makes the pool again
    engine.connect().close()
    assert calls == [("pysqlite", "sqlite://", OWN)] * 2


@pytest.mark.parametrize("options", [{}, {"echo": False, "logging_name": "a", "pool_recycle": 9}])
def test_the_engine_of_a_url_connects_itself(calls: Calls, options: dict[str, Any]) -> None:
    engine = create_engine("sqlite://", **options)
    with engine.connect(), engine.execution_options(isolation_level="AUTOCOMMIT").connect():
        assert calls == []


def test_a_pool_may_serve_two_engines(calls: Calls) -> None:
    pool = NullPool(connect_by_hand)
    for _ in range(2):
        create_engine("sqlite://", pool=pool).connect().close()
    assert [name for _, _, name in calls] == [OWN, OWN]


def test_creators_are_told_apart(calls: Calls) -> None:
    connector = Connector()
    engine = create_async_engine("sqlite+aiosqlite://", async_creator=connect_by_hand_later)
    names = [name_of(engine.pool._creator), name_of(connector.connect), name_of(connector)]
    assert names[1:] == [f"{__name__}.Connector.connect", f"{__name__}.Connector"]
    assert calls == []


def test_an_asynchronous_creator_has_its_own_name() -> None:
    engine = create_async_engine("sqlite+aiosqlite://", async_creator=connect_by_hand_later)
    assert name_of(engine.pool._creator) == f"{__name__}.connect_by_hand_later"
