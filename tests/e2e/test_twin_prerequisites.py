"""What models are built on and only migrations make: the twin has it from the migrated database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from .harness import require, server_answers
from .twin_bench import Bench, servers

__all__ = ["servers"]


@pytest.fixture(scope="module")
def bench(servers: Any) -> Iterator[Bench]:
    require(server_answers(), "PostgreSQL server")
    bench = Bench("postgresql", servers)
    yield bench
    bench.close()


class Raw(sa.types.UserDefinedType[Any]):
    """A type by its name in the database."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name


def key(table: str) -> sa.Column[int]:
    """Return a column with a sequence's default, as sqlacodegen writes it."""
    return sa.Column(
        "a", sa.Integer(), server_default=sa.text(f"nextval('{table}_a_seq'::regclass)")
    )


#: By table: what the models say of it, and the statements of its migration.
BUILT: dict[str, tuple[list[Any], str]] = {
    "counted": ([key("counted")], "CREATE TABLE counted (a serial)"),
    "counted_too": ([key("counted_too")], "CREATE TABLE counted_too (a serial)"),
    "collated": (
        [sa.Column("a", sa.Text(collation="folded"))],
        "CREATE COLLATION folded (PROVIDER = icu, LOCALE = 'und-u-ks-level2', "
        "DETERMINISTIC = false); CREATE TABLE collated (a text COLLATE folded)",
    ),
    "searched": (
        [
            sa.Column("a", sa.Text()),
            sa.Column("v", postgresql.TSVECTOR(), sa.Computed("to_tsvector('plain', a)", True)),
        ],
        "CREATE TEXT SEARCH DICTIONARY as_is (TEMPLATE = simple);"
        "CREATE TEXT SEARCH CONFIGURATION plain (COPY = english);"
        "ALTER TEXT SEARCH CONFIGURATION plain ALTER MAPPING FOR word WITH as_is;"
        "CREATE TABLE searched (a text, v tsvector GENERATED ALWAYS AS (to_tsvector('plain', a)) "
        "STORED)",
    ),
    "ranged": (
        [sa.Column("a", Raw("floats"))],
        "CREATE TYPE floats AS RANGE (SUBTYPE = float8); CREATE TABLE ranged (a floats)",
    ),
    # A function of a composite type of an enum: each needs the next.
    "composed": (
        [sa.Column("a", Raw("address")), sa.CheckConstraint("is_near(a)", name="near")],
        "CREATE TYPE zone AS ENUM ('near', 'far'); CREATE TYPE address AS (street text, zone zone);"
        "CREATE FUNCTION is_near(a address) RETURNS bool LANGUAGE sql IMMUTABLE "
        "AS $$SELECT a.zone = 'near'$$;"
        "CREATE TABLE composed (a address, CONSTRAINT near CHECK (is_near(a)))",
    ),
}


@pytest.mark.filterwarnings("ignore:Did not recognize type")
def test_what_only_migrations_make_is_lent_and_tables_on_it_are_compared(bench: Bench) -> None:
    """Nothing was compared any more, and the verdict was Passed."""
    models = sa.MetaData()
    for table, (parts, _) in BUILT.items():
        sa.Table(table, models, *parts, sa.CheckConstraint("a IS NOT NULL", name=f"ck_{table}"))
    opinions = ask(bench, models, ";".join(statements for _, statements in BUILT.values()))
    assert (opinions.failure, opinions.unmade) == ("", {})
    assert {operation.table: operation.name for operation in opinions.twin} == {
        table: f"ck_{table}" for table in BUILT
    }


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE FUNCTION twice(a int) RETURNS int LANGUAGE sql AS 'SELECT 2 * a'",
        "CREATE EXTENSION citext",
        "CREATE SCHEMA aside",
    ],
)
def test_what_the_models_ddl_events_make_is_not_there_before(bench: Bench, statement: str) -> None:
    """As sqlalchemy-searchable does; the functions of the database stood in its way."""
    models = sa.MetaData()
    check = sa.CheckConstraint("a > 0", name="positive")
    games = sa.Table("games", models, sa.Column("a", sa.Integer()), check)
    when = "before_create" if "FUNCTION" not in statement else "after_create"
    sa.event.listen(games, when, sa.DDL(statement))  # type: ignore[no-untyped-call]
    opinions = ask(bench, models, f"{statement}; CREATE TABLE games (a int)", "DROP SCHEMA aside")
    assert (opinions.failure, opinions.unmade) == ("", {})
    assert [operation.name for operation in opinions.twin] == ["positive"]


def test_a_table_that_cannot_be_made_hides_only_itself_and_what_refers_to_it(bench: Bench) -> None:
    models = sa.MetaData()
    broken = sa.CheckConstraint("lenght(title) > 3")
    title = sa.Column("title", sa.Text(), primary_key=True)
    sa.Table("games", models, title, broken)
    game = sa.Column("game", sa.Text(), sa.ForeignKey("games.title"))
    sa.Table("rounds", models, game, sa.CheckConstraint("game <> ''", name="hidden"))
    number = sa.Column("a", sa.Integer())
    sa.Table("others", models, number, sa.CheckConstraint("a > 0", name="positive"))
    statements = (
        "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE games (title text PRIMARY KEY);"
        "CREATE TABLE rounds (game text REFERENCES games); CREATE TABLE others (a int)"
    )
    opinions = ask(bench, models, statements)
    assert list(opinions.unmade) == ["games"]
    assert "lenght" in opinions.unmade["games"]
    assert [(operation.table, operation.name) for operation in opinions.twin] == [
        ("others", "positive")
    ]


def test_what_scratch_setup_makes_is_made_by_the_models_in_their_own_database(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`create_all()` passed it over: what a migration added to it was to be dropped again."""
    setup = [
        "CREATE TYPE mood AS ENUM ('sad')",
        "CREATE TABLE users (id serial PRIMARY KEY, mood mood)",
        "CREATE TABLE legacy (id int REFERENCES users)",
    ]
    monkeypatch.setattr(bench, "setup", setup)
    models = sa.MetaData()
    mood: Any = sa.Column("mood", sa.Enum("sad", "glad", name="mood"))
    name = sa.Column("name", sa.Text(), sa.CheckConstraint("name <> ''", name="named"))
    sa.Table("users", models, sa.Column("id", sa.Integer(), primary_key=True), mood, name)
    options = {"include_object": lambda _, name, *__: name != "legacy"}
    statements = "ALTER TYPE mood ADD VALUE 'glad'; ALTER TABLE users ADD name text"
    opinions = ask(bench, models, statements, **options)
    assert not opinions.failure
    assert [operation.name for operation in opinions.merged] == ["named"]
    without = ask(bench, models, "ALTER TABLE users ADD name text", **options)
    assert [operation.name for operation in without.merged] == ["mood", "named"]


def ask(bench: Bench, models: sa.MetaData, statements: str, *after: str, **options: Any) -> Any:
    with bench.empty() as connection:
        for statement in statements.split(";"):
            connection.execute(sa.text(statement))
        connection.commit()
        opinions = bench.ask(connection, models, **options)
        for statement in filter(
            statements.count, (dropped.replace("DROP", "CREATE") for dropped in after)
        ):
            connection.execute(sa.text(statement.replace("CREATE", "DROP")))
        connection.commit()
    return opinions
