"""Changes of columns."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    DateTime,
    Identity,
    Integer,
    MetaData,
    Numeric,
    String,
    func,
    text,
)
from sqlalchemy.dialects import mysql

from .kind import Kind, bare, changes, column, game, only_on

NO_COMMENTS = {"sqlite": "comments"}
NO_IDENTITY = only_on("postgresql", "identity columns")


def collated(sqlite: str, postgresql: str, mariadb: str) -> MetaData:
    kind = String(20, collation=sqlite)
    kind = kind.with_variant(String(20, collation=postgresql), "postgresql")
    return column(kind.with_variant(String(20, collation=mariadb), "mariadb"))


KINDS = [
    Kind("column: added", game, column),
    Kind("column: removed", column, game),
    Kind("column: type", column, lambda: column(BigInteger)),
    Kind("column: length", lambda: column(String(10)), lambda: column(String(20))),
    Kind("column: precision", lambda: column(Numeric(8, 2)), lambda: column(Numeric(10, 2))),
    Kind("column: scale", lambda: column(Numeric(8, 2)), lambda: column(Numeric(8, 4))),
    Kind(
        "column: time zone",
        lambda: column(DateTime),
        lambda: column(DateTime(timezone=True)),
        only_on("postgresql", "columns with time zones"),
    ),
    Kind("column: nullable", column, lambda: column(nullable=False)),
    *changes(
        "collation of a column",
        lambda: column(String(20)),
        lambda: collated("NOCASE", "C", "utf8mb4_bin"),
        lambda: collated("RTRIM", "POSIX", "utf8mb4_unicode_ci"),
    ),
    *changes(
        "server default, a literal",
        column,
        lambda: column(server_default="1"),
        lambda: column(server_default="2"),
    ),
    *changes(
        "server default, an expression",
        column,
        lambda: column(server_default=text("(abs(-1))")),
        lambda: column(server_default=text("(abs(-2))")),
    ),
    Kind(
        "server default `now()`: added",
        lambda: column(DateTime),
        lambda: column(DateTime, server_default=func.now()),
    ),
    Kind(
        "server default `now()`: removed",
        lambda: column(DateTime, server_default=func.now()),
        lambda: column(DateTime),
    ),
    Kind(
        "`ON UPDATE CURRENT_TIMESTAMP`",
        lambda: column(DateTime, server_default=text("CURRENT_TIMESTAMP")),
        lambda: column(
            DateTime, server_default=text("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP")
        ),
        only_on("mariadb", "`ON UPDATE CURRENT_TIMESTAMP`"),
    ),
    Kind(
        "unsigned",
        column,
        lambda: column(Integer().with_variant(mysql.INTEGER(unsigned=True), "mariadb")),
        only_on("mariadb", "unsigned numbers"),
    ),
    Kind(
        "counting key (`SERIAL`, `AUTO_INCREMENT`, `AUTOINCREMENT`): added",
        lambda: bare(Column("id", Integer, primary_key=True, autoincrement=False)),
        lambda: bare(Column("id", Integer, primary_key=True), sqlite_autoincrement=True),
    ),
    Kind(
        "counting key: removed",
        lambda: bare(Column("id", Integer, primary_key=True), sqlite_autoincrement=True),
        lambda: bare(Column("id", Integer, primary_key=True, autoincrement=False)),
    ),
    *changes(
        "identity",
        lambda: column(nullable=False),
        lambda: column(Integer, Identity(start=1)),
        lambda: column(Integer, Identity(start=1, increment=5, always=True)),
        **NO_IDENTITY,
    ),
    *changes(
        "computed column",
        column,
        lambda: column(Integer, Computed("size * 2", persisted=True)),
        lambda: column(Integer, Computed("size * 3", persisted=True)),
    ),
    Kind(
        "computed column: stored or not",
        lambda: column(Integer, Computed("size * 2", persisted=True)),
        lambda: column(Integer, Computed("size * 2", persisted=False)),
        {"postgresql": "virtual computed columns (before version 18)"},
    ),
    *changes(
        "comment of a column",
        column,
        lambda: column(comment="points"),
        lambda: column(comment="points won"),
        **NO_COMMENTS,
    ),
    Kind(
        "computed column with a comment: altered",
        lambda: column(Integer, Computed("size * 2"), comment="both"),
        lambda: column(Integer, Computed("size * 3"), comment="both"),
    ),
    *changes(
        "comment of a table",
        game,
        lambda: game(comment="what is played"),
        lambda: game(comment="what was played"),
        **NO_COMMENTS,
    ),
]
