"""Changes of whole tables, and of what stands behind their parts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, Integer, MetaData, String

from .kind import Kind, bare, changes, column, game, only_on, with_players


def elsewhere(*items: Any) -> MetaData:
    """A table in another schema."""
    return bare(Column("a", Integer), *items, schema="other")


KINDS = [
    Kind("table: added", MetaData, game),
    Kind("table: removed", game, MetaData),
    Kind(
        "table in another schema: added",
        MetaData,
        elsewhere,
        only_on("postgresql", "schemas within a database"),
    ),
    Kind(
        "CHECK in another schema: altered",
        lambda: elsewhere(CheckConstraint("a > 0", name="c")),
        lambda: elsewhere(CheckConstraint("a > 1", name="c")),
        only_on("postgresql", "schemas within a database"),
    ),
    *changes(
        "storage parameters",
        game,
        lambda: game(postgresql_with={"fillfactor": 70}),
        lambda: game(postgresql_with={"fillfactor": 80}),
        **only_on("postgresql", "storage parameters"),
    ),
    Kind(
        "`UNLOGGED`",
        game,
        lambda: game(prefixes=["UNLOGGED"]),
        only_on("postgresql", "unlogged tables"),
    ),
    Kind(
        "`INHERITS`",
        lambda: with_players(game()),
        lambda: with_players(game(postgresql_inherits="player")),
        only_on("postgresql", "inheritance of tables"),
    ),
    Kind(
        "partitions",
        game,
        lambda: game(
            postgresql_partition_by="HASH (id)",
            mariadb_partition_by="HASH (id)",
            mariadb_partitions="2",
        ),
        {"sqlite": "partitions"},
    ),
    Kind(
        "engine",
        game,
        lambda: game(mariadb_engine="MyISAM"),
        only_on("mariadb", "engines of tables"),
    ),
    Kind(
        "character set of a table",
        lambda: column(String(20)),
        lambda: game(Column("a", String(20)), mariadb_charset="latin1"),
        only_on("mariadb", "character sets of tables"),
    ),
    Kind(
        "collation of a table",
        lambda: column(String(20)),
        lambda: game(Column("a", String(20)), mariadb_collate="utf8mb4_bin"),
        only_on("mariadb", "collations of tables"),
    ),
    Kind(
        "row format",
        game,
        lambda: game(mariadb_row_format="COMPACT"),
        only_on("mariadb", "row formats"),
    ),
    Kind(
        "`WITHOUT ROWID`",
        game,
        lambda: game(sqlite_with_rowid=False),
        only_on("sqlite", "`WITHOUT ROWID`"),
    ),
    Kind("`STRICT`", game, lambda: game(sqlite_strict=True), only_on("sqlite", "`STRICT`")),
]
