"""Changes of indexes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, MetaData, String, text

from .kind import Kind, changes, game, only_on


def index(*parts: Any, **options: Any) -> MetaData:
    return game(Column("title", String(50)), Index("game_index", *parts, **options))


def partial(condition: str) -> MetaData:
    return index("size", sqlite_where=text(condition), postgresql_where=text(condition))


KINDS = [
    Kind("index: added", lambda: game(Column("title", String(50))), lambda: index("size")),
    Kind("index: removed", lambda: index("size"), lambda: game(Column("title", String(50)))),
    Kind("index: columns", lambda: index("size"), lambda: index("size", "title")),
    Kind("index: unique", lambda: index("size"), lambda: index("size", unique=True)),
    Kind("index: `DESC`", lambda: index("size"), lambda: index(text("size DESC"))),
    Kind(
        "index: expression",
        lambda: index(text("lower(title)")),
        lambda: index(text("upper(title)")),
        {"mariadb": "indexes on expressions"},
    ),
    *changes(
        "predicate of an index",
        lambda: index("size"),
        lambda: partial("size > 0"),
        lambda: partial("size > 1"),
        mariadb="partial indexes",
    ),
    Kind(
        "index: `INCLUDE`",
        lambda: index("size"),
        lambda: index("size", postgresql_include=["title"]),
        only_on("postgresql", "`INCLUDE`"),
    ),
    Kind(
        "index: method",
        lambda: index("title"),
        lambda: index("title", postgresql_using="hash", mariadb_prefix="FULLTEXT"),
        {"sqlite": "methods of indexes"},
    ),
    Kind(
        "index: operator class",
        lambda: index("title"),
        lambda: index("title", postgresql_ops={"title": "varchar_pattern_ops"}),
        only_on("postgresql", "operator classes"),
    ),
    Kind(
        "index: `WITH`",
        lambda: index("size"),
        lambda: index("size", postgresql_with={"fillfactor": 70}),
        only_on("postgresql", "storage parameters"),
    ),
    Kind(
        "index: length of a prefix",
        lambda: index("title", mariadb_length=10),
        lambda: index("title", mariadb_length=20),
        only_on("mariadb", "indexes on prefixes"),
    ),
]
