"""Changes of keys and other constraints."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql

from .kind import Kind, bare, changes, column, game, only_on, with_players

NOT_DEFERRABLE = {"mariadb": "deferrable constraints"}


def reference(to: str = "id", **options: Any) -> MetaData:
    key = ForeignKeyConstraint(["size"], [f"player.{to}"], name="game_player", **options)
    return with_players(game(key))


def unique(*columns: str, **options: Any) -> MetaData:
    return game(Column("b", Integer), UniqueConstraint(*columns, name="game_unique", **options))


def check(expression: str, name: str = "enough", **options: Any) -> MetaData:
    return game(CheckConstraint(expression, name=name, **options))


def exclusion(**options: Any) -> MetaData:
    return game(
        postgresql.ExcludeConstraint(("size", "="), name="game_alone", using="btree", **options)
    )


def numbers(*names: str) -> list[Column[int]]:
    return [Column(name, Integer, nullable=False, autoincrement=False) for name in names]


KINDS = [
    *changes(
        "primary key",
        lambda: bare(*numbers("a", "b")),
        lambda: bare(*numbers("a", "b"), PrimaryKeyConstraint("a", name="game_ids")),
        lambda: bare(*numbers("a", "b"), PrimaryKeyConstraint("a", "b", name="game_ids")),
    ),
    Kind("foreign key: added", lambda: with_players(game()), reference),
    Kind("foreign key: removed", reference, lambda: with_players(game())),
    Kind("foreign key: target", reference, lambda: reference(to="rank")),
    Kind("foreign key: `ON DELETE`", reference, lambda: reference(ondelete="CASCADE")),
    Kind("foreign key: `ON UPDATE`", reference, lambda: reference(onupdate="CASCADE")),
    Kind(
        "foreign key: deferrable",
        reference,
        lambda: reference(deferrable=True, initially="DEFERRED"),
        NOT_DEFERRABLE,
    ),
    Kind(
        "foreign key: `MATCH`",
        reference,
        lambda: reference(match="FULL"),
        {"mariadb": "`MATCH`"},
    ),
    *changes(
        "unique constraint",
        lambda: game(Column("b", Integer)),
        lambda: unique("size"),
        lambda: unique("size", "b"),
    ),
    Kind(
        "unique constraint: deferrable",
        lambda: unique("size"),
        lambda: unique("size", deferrable=True),
        {"sqlite": "deferrable unique constraints", **NOT_DEFERRABLE},
    ),
    Kind(
        "unique constraint: `NULLS NOT DISTINCT`",
        lambda: unique("size"),
        lambda: unique("size", postgresql_nulls_not_distinct=True),
        only_on("postgresql", "`NULLS NOT DISTINCT`"),
    ),
    Kind(
        "unique constraint: `ON CONFLICT`",
        lambda: unique("size"),
        lambda: unique("size", sqlite_on_conflict="IGNORE"),
        only_on("sqlite", "`ON CONFLICT` of constraints"),
    ),
    *changes("CHECK", game, lambda: check("size > 0"), lambda: check("size > 1")),
    Kind("CHECK: name", lambda: check("size > 0"), lambda: check("size > 0", name="at_least_one")),
    *changes(
        "CHECK of a column, without a name",
        column,
        lambda: column(Integer, CheckConstraint("a > 0")),
        lambda: column(Integer, CheckConstraint("a > 1")),
    ),
    *changes(
        "comment of a constraint",
        lambda: check("size > 0"),
        lambda: check("size > 0", comment="alone is no fun"),
        lambda: check("size > 0", comment="who plays alone?"),
        **only_on("postgresql", "comments of constraints"),
    ),
    *changes(
        "exclusion constraint",
        game,
        exclusion,
        lambda: exclusion(where=text("size > 0")),
        **only_on("postgresql", "exclusion constraints"),
    ),
]
