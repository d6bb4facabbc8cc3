"""What autogenerate writes for models, with the cure that we print, leaves no difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import Phase, given, reject, settings
from sqlalchemy.dialects import postgresql

from alembic_lockstep.dryrun.schema_operations import Operation, upgrade_functions

from .combined_changes import (
    HardNames,
    as_one,
    hard_names,
    joined,
    kinds_with_fix,
    table_names,
    two_changes,
)
from .kinds import KINDS, Kind
from .random_models import CONVENTION, two_models
from .subfolder_project import some_examples
from .twin_bench import DRIVERS, Bench, bench, servers

__all__ = ["bench", "servers"]


def test_random_models_are_migrated_and_cured(bench: Bench) -> None:
    # To find the smallest of those that fail would take minutes.
    @settings(some_examples, phases=[Phase.generate])
    @given(two_models(bench.dialect))
    def check(both: tuple[sa.MetaData, sa.MetaData]) -> None:
        first, second = both
        with bench.empty() as connection:
            begin(bench, connection, first)
            try:
                cure(bench, connection, second)
            except Exception:
                connection.rollback()
                if alembic_fails_by_itself(bench, first, second):
                    reject()
                raise

    check()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sqlalchemy.exc.SAWarning")
def test_any_two_changes_are_cured_at_once_by_what_is_printed(bench: Bench) -> None:
    """Whatever their names and texts hold, the printed body is valid, runs, and is enough."""

    # To find the smallest of those that fail would take minutes.
    @settings(some_examples, phases=[Phase.generate])
    @given(two_changes(bench.dialect), table_names, hard_names, hard_names)
    def check(kinds: list[Kind], table: str, before: HardNames, after: HardNames) -> None:
        if not are_cured_at_once(bench, kinds, table, before, after):
            reject()

    check()


@pytest.mark.sampled(300)  # of some 10,000 pairs
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("number", range(len(KINDS)), ids=[kind.name for kind in KINDS])
def test_each_pair_of_changes_is_cured_at_once(bench: Bench, number: int) -> None:
    """Each kind with those after it: the random pairs above are a few of these."""
    before, after = HardNames("a:b", "it's {}", "%"), HardNames("c%(d)s", '"\\:e', "::ö")
    kinds = kinds_with_fix(bench.dialect)
    for second in KINDS[number + 1 :]:
        if KINDS[number] in kinds and second in kinds:
            are_cured_at_once(bench, as_one(KINDS[number], second), "some games", before, after)


def are_cured_at_once(
    bench: Bench, kinds: Sequence[Kind], table: str, before: HardNames, after: HardNames
) -> bool:
    """Check that the printed body fixes all changes; False if the server refuses the models."""
    models = joined(bench.dialect, [kind.after() for kind in kinds], table, after)
    with bench.empty() as connection:
        base = joined(bench.dialect, [kind.before() for kind in kinds], table, before)
        try:
            base.create_all(connection)
        except sa.exc.SQLAlchemyError:
            return False  # a STRICT table with an Enum
        connection.commit()
        opinions = bench.ask(connection, models)
        if opinions.failure:
            return False
        if opinions.merged:
            code = upgrade_functions(opinions.merged)
            bench.migrate(connection, models, code)
            left = bench.ask(connection, models)
            assert not left.merged + left.twin, code
    return True


def begin(bench: Bench, connection: sa.Connection, models: sa.MetaData) -> None:
    """From nothing, autogenerate leaves out only what it is known to leave out."""
    bench.migrate(connection, models, bench.autogenerate(connection, models))
    left_out = cure(bench, connection, models)
    assert {kind_of(operation) for operation in left_out} <= {
        "check constraint",  # a column's own
        *(["index"] if bench.dialect == "sqlite" else []),  # of expressions
    }


def kind_of(operation: Operation) -> str:
    assert operation.kind.startswith("add_"), operation
    return " ".join(operation.text.split()[: 1 if operation.kind == "add_index" else 2])


def cure(
    bench: Bench, connection: sa.Connection, models: sa.MetaData, **options: Any
) -> list[Operation]:
    """Do what the report says; give what it was about."""
    opinions = bench.ask(connection, models, **options)
    assert not opinions.failure
    if opinions.merged:
        code = upgrade_functions(opinions.merged)
        bench.migrate(connection, models, code)
        then = bench.ask(connection, models, **options)
        assert not then.merged, code
        assert not then.twin, code
    return opinions.merged


def alembic_fails_by_itself(bench: Bench, first: sa.MetaData, second: sa.MetaData) -> bool:
    """Return whether autogenerate's own migration from one to the other cannot be run."""
    with bench.empty() as connection:
        begin(bench, connection, first)
        try:
            bench.migrate(connection, second, bench.autogenerate(connection, second))
        except Exception:
            return True
    return False


def positive(column: str, name: str | None = "positive") -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} > 0", name=name)


def integer(name: str, *parts: Any, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), *parts, **options)


def enum(*labels: str) -> sa.Enum:
    return sa.Enum(*labels, name="mood", native_enum=False, length=9, create_constraint=True)


def partial(column: str, condition: str) -> sa.Index:
    where = sa.text(condition)
    return sa.Index("ix", column, postgresql_where=where, sqlite_where=where)


def status(*labels: str, where: str = "", default: str | None = None) -> list[Any]:
    """A column of an enum type, with what may be about its labels."""
    column: Any = sa.Column("status", sa.Enum(*labels, name="status"), server_default=default)
    if not where:
        return [integer("a"), column]
    is_right: Any = sa.Column("is_right", sa.Boolean(), sa.Computed(where, persisted=True))
    over_both = sa.Index("ix_both", "is_right", "a")
    check = sa.CheckConstraint(f"{where} OR a > 5", name="right")
    return [integer("a"), column, is_right, check, partial("a", where), over_both]


def column(name: str, kind: Any, default: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, server_default=default)


def search(column: str) -> sa.Column[Any]:
    vector = sa.Computed(f"to_tsvector('english', {column})", persisted=True)
    return sa.Column("v", postgresql.TSVECTOR(), vector)


#: What went wrong once: the columns and the like of a table, before and after, and where.
MENDED: dict[str, tuple[list[Any], list[Any], str]] = {
    "a constraint's name has the convention in it already": (
        [integer("a")],
        [integer("a"), positive("a")],
        "",
    ),
    "a CHECK stands in the way of the column that autogenerate removes": (
        [integer("a"), integer("b"), positive("a")],
        [integer("b")],
        "",
    ),
    "a CHECK is no index on the same column": (
        [integer("a")],
        [integer("a"), positive("a"), sa.Index("ix", "a")],
        "",
    ),
    "a CHECK goes, and an index comes": (
        [integer("a"), integer("b"), positive("a")],
        [integer("a"), integer("b"), sa.Index("ix", "b")],
        "",
    ),
    "an Enum brings its CHECK along": (
        [integer("a")],
        [integer("a"), sa.Column("mood", enum("a", "b"))],
        "",
    ),
    "an identity becomes a sequence of that name": (
        [sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True)],
        [integer("id", primary_key=True)],
        "postgresql",
    ),
    "a sequence becomes an identity": (
        [integer("id", primary_key=True)],
        [sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True)],
        "postgresql",
    ),
    "an identity becomes a default": (
        [sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True)],
        [integer("id", primary_key=True, server_default="5")],
        "postgresql",
    ),
    "an index changes, and the column of its predicate goes": (
        [integer("a"), integer("b"), partial("b", "a > 0")],
        [integer("b"), partial("b", "b > 0")],
        "postgresql",
    ),
    "a CHECK changes, a column that it is about goes, and another comes": (
        [integer("a"), integer("b"), sa.CheckConstraint("a > b", name="order")],
        [integer("b"), integer("c"), sa.CheckConstraint("b > c", name="order")],
        "postgresql",
    ),
    "a column goes with what is computed from it": (
        [integer("a"), integer("b"), integer("c", sa.Computed("a + 1", persisted=True))],
        [integer("b")],
        "",
    ),
    "a primary key loses a column": (
        [integer("a", primary_key=True), integer("b", primary_key=True)],
        [integer("b", primary_key=True, autoincrement=False)],
        "postgresql",
    ),
    "an enum loses a label, and indexes, CHECKs and computed columns are about the others": (
        status("a", "b", "c", where="status <> 'a'"),
        status("a", "b", where="status <> 'a'"),
        "postgresql",
    ),
    "an enum loses a label, and the predicate with it": (
        status("a", "b", "c", where="status <> 'c'"),
        status("a", "b", where="status <> 'b'"),
        "postgresql",
    ),
    "an enum's labels are renamed, and a default and a predicate with them": (
        status("new", "it's", default="new", where="status <> 'new'"),
        status("NEW", "100% \\:x", default="NEW", where="status <> 'NEW'"),
        "postgresql",
    ),
    "an enum gets a label that is the default at once": (
        status("a", "b", default="a"),
        status("a", "c", "b", default="c"),
        "postgresql",
    ),
    "a text becomes JSON, and a flag a number, each with a default": (
        [column("a", sa.Text(), "{}"), column("b", sa.Boolean(), sa.false())],
        [column("a", postgresql.JSONB(), '{"a": 1}'), column("b", sa.BigInteger(), "0")],
        "postgresql",
    ),
    "a default has a quote, and another is JSON's": (
        [column("a", sa.String(9), "x"), column("b", sa.JSON(), "[]")],
        [column("a", sa.String(9), "it's"), column("b", sa.JSON(), "{}")],
        "postgresql",
    ),
    "JSON is NOT NULL from now on, and stays JSON": (
        [sa.Column("a", sa.JSON())],
        [sa.Column("a", sa.JSON(), nullable=False)],
        "mariadb",
    ),
    "JSON gets a comment, and stays JSON": (
        [sa.Column("a", sa.JSON())],
        [sa.Column("a", sa.JSON(), comment="what it's")],
        "mariadb",
    ),
    "a number becomes a flag, and a text an enum": (
        [column("a", sa.Integer(), "0"), column("b", sa.String(9), "x")],
        [column("a", sa.Boolean(), sa.true()), column("b", sa.Enum("x", "y", name="kind"), "y")],
        "postgresql",
    ),
    "an array of texts becomes one of ids": (
        [sa.Column("a", postgresql.ARRAY(sa.String(36)))],
        [sa.Column("a", postgresql.ARRAY(sa.Uuid()), nullable=False)],
        "postgresql",
    ),
    "a computed column goes with its index": (
        [integer("a"), integer("b", sa.Computed("a + 1", persisted=True)), sa.Index("ix", "b")],
        [integer("a")],
        "",
    ),
    "a search vector goes with its index, and what it is of": (
        [sa.Column("a", sa.Text()), search("a"), sa.Index("ix", "v", postgresql_using="gin")],
        [integer("b")],
        "postgresql",
    ),
    "a computed column has another type, and an index from now on": (
        [integer("a"), integer("b", sa.Computed("a + 1", persisted=True))],
        [
            sa.Column("a", sa.BigInteger()),
            sa.Column("b", sa.BigInteger(), sa.Computed("a + 2", persisted=True)),
            sa.Index("ix", "b"),
        ],
        "postgresql",
    ),
    "a computed column is computed from a new one, and unique": (
        [integer("a"), integer("b", sa.Computed("a + 1", persisted=True))],
        [integer("c"), integer("b", sa.Computed("c + 1", persisted=True), unique=True)],
        "postgresql",
    ),
    "a computed column becomes one with a default": (
        [integer("a"), integer("b", sa.Computed("a + 1", persisted=True))],
        [integer("a"), integer("b", server_default="5")],
        "postgresql",
    ),
}


@pytest.mark.parametrize("compares", [False, True], ids=["", "compare_server_default"])
@pytest.mark.parametrize(
    ("bench", "name"),
    [(dialect, name) for dialect in DRIVERS for name in MENDED if MENDED[name][2] in ("", dialect)],
    indirect=["bench"],
)
def test_what_went_wrong_once_does_not(bench: Bench, name: str, compares: bool) -> None:
    before, after, _ = MENDED[name]
    first, second = models_of(before), models_of(after)
    with bench.empty() as connection:
        bench.migrate(connection, first, bench.autogenerate(connection, first))
        assert cure(bench, connection, second, compare_server_default=compares)


def models_of(parts: Sequence[Any]) -> sa.MetaData:
    metadata = sa.MetaData(naming_convention=CONVENTION)
    sa.Table("things", metadata, *map(copied, parts))
    return metadata


def copied(part: Any) -> Any:
    if isinstance(part, sa.Index):
        columns: list[Any] = part._pending_colargs
        return sa.Index(part.name, *columns, **part.dialect_kwargs)
    return part._copy()


def things(*parts: Any, text: Any = None, **options: Any) -> sa.MetaData:
    """A table without a naming convention."""
    metadata = sa.MetaData()
    column = sa.Column("text", text or sa.String(9), server_default='{"a":2}')
    sa.Table("things", metadata, integer("id", primary_key=True), column, *parts, **options)
    return metadata


def lower() -> sa.Index:
    return sa.Index("ix_lower", sa.text("lower(text)"))


def over(*references: Any) -> sa.Column[int]:
    return integer("over", *references)


def nocase() -> sa.String:
    return sa.String(9, collation="NOCASE")


#: Models before and after.
NOT_IN_BATCH = {
    "AUTOINCREMENT": (
        things(integer("a"), sqlite_autoincrement=True),
        things(integer("a", nullable=False), sqlite_autoincrement=True),
    ),
    "index on an expression": (things(integer("a"), lower()), things(lower())),
    "default with a colon": (things(integer("a")), things()),
    "collation": (things(integer("a"), text=nocase()), things(text=nocase())),
    "CHECK without a name": (
        things(integer("a"), positive("id", None)),
        things(positive("id", None)),
    ),
    "quote in a name": (
        things(integer("a"), positive("id", 'a "right" one')),
        things(positive("id", 'a "right" one')),
    ),
    "line end in a condition": (
        things(integer("a"), partial("id", "text > 'a\n'")),
        things(partial("id", "text > 'a\n'")),
    ),
    "computed column": (
        things(integer("a"), integer("b", sa.Computed("id + 1"))),
        things(integer("b", sa.Computed("id + 1"))),
    ),
    "unique without a name": (things(integer("a")), things(integer("a", unique=True))),
    "unique without a name goes": (things(integer("a", unique=True)), things(integer("a"))),
    "reference without a name": (things(over()), things(over(sa.ForeignKey("things.id")))),
    "reference without a name goes": (things(over(sa.ForeignKey("things.id"))), things(over())),
}


@pytest.mark.parametrize("bench", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", NOT_IN_BATCH)
def test_what_batch_mode_would_lose_or_cannot_do_is_done_by_sql(bench: Bench, name: str) -> None:
    first, second = NOT_IN_BATCH[name]
    with bench.empty() as connection:
        first.create_all(connection)
        connection.commit()
        assert cure(bench, connection, second)


def mood(*labels: str) -> sa.Column[Any]:
    return sa.Column("mood", sa.Enum(*labels, name="mood"))


def moods() -> sa.Column[Any]:
    return sa.Column("moods", postgresql.ARRAY(sa.Enum("a", "b", name="mood")))


def tables(**parts: Sequence[Any]) -> sa.MetaData:
    metadata = sa.MetaData()
    for name, own in parts.items():
        sa.Table(name, metadata, integer("id", primary_key=True), *own)
    return metadata


def counted(name: str, *, by_server: bool = False, schema: str = "", **options: Any) -> sa.MetaData:
    metadata = sa.MetaData()
    numbers = sa.Sequence(name, metadata=metadata, **options)
    default = numbers.next_value() if by_server else None
    key = integer("id", numbers, primary_key=True, server_default=default)
    sa.Table("games", metadata, key, schema=schema or None)
    return metadata


def referring() -> list[Any]:
    key = sa.ForeignKeyConstraint(["over"], ["player.id"], name="leads")
    return [integer("over"), key]


def commented(comment: str) -> list[Any]:
    check = sa.CheckConstraint("id > 0", name="positive", comment=comment)
    return [check, sa.UniqueConstraint("id", name="uq", comment=comment)]


def short(schema: str | None = None) -> sa.Column[Any]:
    return sa.Column("a", postgresql.DOMAIN("short", sa.Text(), schema=schema))


def alone(**options: Any) -> list[Any]:
    """Return a column, of which no two rows may have the same value."""
    exclude = postgresql.ExcludeConstraint(("a", "="), name="alone", using="btree", **options)
    return [integer("a", nullable=False), exclude]


def indexed(*expressions: Any, name: str = "ix", **options: Any) -> list[Any]:
    return [integer("a"), sa.Index(name, *expressions or ("a",), **options)]


def leading(to: str) -> list[Any]:
    return [integer("over"), sa.ForeignKeyConstraint(["over"], [f"{to}.id"], name="leads")]


def free(name: str, metadata: sa.MetaData) -> sa.MetaData:
    """Return the models with a sequence of no table."""
    sa.Sequence(name, metadata=metadata)
    return metadata


def lowered() -> sa.TextClause:
    return sa.text("(a + 1)")


#: Where a name is taken over from something that goes: models before and after, and dialects.
TAKEN_NAMES: dict[str, tuple[sa.MetaData, sa.MetaData, tuple[str, ...]]] = {
    "a table with an EXCLUDE constraint is renamed": (
        tables(games=alone()),
        tables(matches=alone()),
        ("postgresql",),
    ),
    "an EXCLUDE constraint is another one on a renamed table": (
        tables(games=alone()),
        tables(matches=alone(where=sa.text("a > 0"))),
        ("postgresql",),
    ),
    "an EXCLUDE constraint becomes a unique one of a new table": (
        tables(games=alone()),
        tables(matches=[integer("a"), sa.UniqueConstraint("a", name="alone")]),
        ("postgresql",),
    ),
    "a table with a named primary key is renamed": (
        tables(games=[sa.PrimaryKeyConstraint("id", name="key")]),
        tables(matches=[sa.PrimaryKeyConstraint("id", name="key")]),
        ("postgresql", "sqlite", "mariadb"),
    ),
    "a table with an index is renamed, and another refers to it": (
        tables(games=indexed(), moves=leading("games")),
        tables(matches=indexed(), moves=leading("matches")),
        ("postgresql", "sqlite", "mariadb"),
    ),
    "a table goes, and a reference to it": (
        tables(games=[], moves=leading("games")),
        tables(moves=[integer("over")]),
        ("postgresql", "sqlite", "mariadb"),
    ),
    "two tables go, and their names are taken": (
        tables(games=indexed(), moves=leading("games")),
        tables(matches=indexed()),
        ("postgresql", "sqlite", "mariadb"),
    ),
    "an index on an expression moves to a new table": (
        tables(games=indexed(lowered())),
        tables(matches=indexed(lowered())),
        ("postgresql", "sqlite"),
    ),
    "an index becomes one on an expression of a new table": (
        tables(games=indexed()),
        tables(games=[integer("a")], matches=indexed(lowered())),
        ("postgresql", "sqlite"),
    ),
    "an index on an expression becomes one on the column": (
        tables(games=indexed(lowered())),
        tables(games=indexed()),
        ("postgresql", "sqlite"),
    ),
    "a unique constraint becomes an index on an expression": (
        tables(games=[integer("a"), sa.UniqueConstraint("a", name="ix")]),
        tables(games=indexed(lowered(), unique=True)),
        ("postgresql", "sqlite"),
    ),
    "two indexes swap their names, and one is on an expression": (
        tables(games=[*indexed(name="first"), sa.Index("second", lowered())]),
        tables(games=[*indexed(name="second"), sa.Index("first", lowered())]),
        ("postgresql", "sqlite"),
    ),
    "an index becomes a table": (
        tables(games=indexed(name="moves")),
        tables(games=[integer("a")], moves=[]),
        ("postgresql", "sqlite"),
    ),
    "a table becomes an index of a new one": (
        tables(moves=[]),
        tables(games=indexed(name="moves")),
        ("postgresql", "sqlite"),
    ),
    "a sequence becomes an index": (
        free("numbers", tables(games=[integer("a")])),
        tables(games=indexed(name="numbers")),
        ("postgresql",),
    ),
    "an index of a table that goes becomes a sequence": (
        tables(games=indexed(name="numbers")),
        free("numbers", tables()),
        ("postgresql",),
    ),
    "a sequence becomes a table": (
        free("numbers", tables()),
        tables(numbers=[]),
        ("postgresql", "mariadb"),
    ),
    "a table becomes a sequence": (
        tables(numbers=[]),
        free("numbers", tables()),
        ("postgresql", "mariadb"),
    ),
    "a table takes the name of a SERIAL's sequence": (
        tables(games=[]),
        tables(games_id_seq=[]),
        ("postgresql",),
    ),
    "an enum becomes a table": (
        tables(games=[mood("a", "b")]),
        tables(mood=[], games=[integer("over"), sa.ForeignKeyConstraint(["over"], ["mood.id"])]),
        ("postgresql",),
    ),
    "a domain becomes a table": (
        tables(games=[short()]),
        tables(games=[sa.Column("a", sa.Text())], short=[]),
        ("postgresql",),
    ),
    "a table becomes an enum": (
        tables(mood=[], games=[integer("over"), sa.ForeignKeyConstraint(["over"], ["mood.id"])]),
        tables(games=[mood("a", "b")]),
        ("postgresql",),
    ),
    "a table goes whose SERIAL's sequence the models keep": (
        tables(games=[]),
        free("games_id_seq", tables(matches=[])),
        ("postgresql",),
    ),
    "a column goes whose SERIAL's sequence the models keep": (
        tables(games=[]),
        free("games_id_seq", models_of([integer("a")])),
        ("postgresql",),
    ),
    "an identity goes, and the models have a sequence of its name": (
        models_of([sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True)]),
        free("things_id_seq", tables()),
        ("postgresql",),
    ),
}


@pytest.mark.parametrize(
    ("bench", "name"),
    [
        (dialect, name)
        for dialect in DRIVERS
        for name in TAKEN_NAMES
        if dialect in TAKEN_NAMES[name][2]
    ],
    indirect=["bench"],
)
def test_a_name_is_free_before_another_takes_it(bench: Bench, name: str) -> None:
    first, second, _ = TAKEN_NAMES[name]
    with bench.empty() as connection:
        first.create_all(connection)
        connection.commit()
        assert cure(bench, connection, second)


#: What went wrong once with new tables, or between two: models before and after, and where.
SEVERAL_TABLES: dict[str, tuple[sa.MetaData, sa.MetaData, str]] = {
    "a table with an enum is renamed": (
        tables(games=[mood("a", "b"), sa.Index("ix_mood", "mood")]),
        tables(matches=[mood("a", "b"), sa.Index("ix_mood", "mood")]),
        "postgresql",
    ),
    "a table with a domain is renamed": (
        tables(games=[short()]),
        tables(matches=[short()]),
        "postgresql",
    ),
    "two tables are of a new domain in another schema": (
        tables(),
        tables(games=[short("other")], moves=[short("other")]),
        "postgresql",
    ),
    "constraints of a table have comments": (
        tables(),
        tables(games=commented("it's 100% :x")),
        "postgresql",
    ),
    **{
        f"a foreign key moves to another table on {dialect}": (
            tables(player=[], games=referring(), moves=[integer("over")]),
            tables(player=[], games=[integer("over")], moves=referring()),
            dialect,
        )
        for dialect in ("mariadb", "postgresql", "sqlite")
    },
    "an array is of a new table's enum": (
        tables(),
        tables(games=[mood("a", "b")], moves=[moods()]),
        "postgresql",
    ),
    "an enum moves to another table, with a label more": (
        tables(games=[mood("a", "b")], moves=[]),
        tables(games=[], moves=[mood("a", "b", "c")]),
        "postgresql",
    ),
    **{
        f"a key has {words}": (tables(), models, dialect)
        for dialect in ("postgresql", "mariadb")
        for words, models in {
            f"a sequence on {dialect}": counted("numbers", start=5),
            f"a sequence by the server on {dialect}": counted("numbers", by_server=True),
            f"the sequence of SERIAL on {dialect}": counted("games_id_seq"),
            f"that sequence with options on {dialect}": counted("games_id_seq", increment=10),
        }.items()
    },
    "a key has the sequence of SERIAL in another schema": (
        tables(),
        counted("games_id_seq", schema="other"),
        "postgresql",
    ),
}


@pytest.mark.parametrize(
    ("bench", "name"),
    [(SEVERAL_TABLES[name][2], name) for name in SEVERAL_TABLES],
    indirect=["bench"],
)
def test_tables_are_made_and_changed_in_one_round(bench: Bench, name: str) -> None:
    first, second, _ = SEVERAL_TABLES[name]
    with bench.empty() as connection:
        first.create_all(connection)
        connection.commit()
        assert cure(bench, connection, second)
        if name.endswith("sequence of SERIAL on postgresql"):
            # A second one, placed first, counted on its own.
            counters = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"
            assert connection.exec_driver_sql(counters).scalars().all() == ["games_id_seq"]


@pytest.mark.parametrize("bench", ["postgresql", "mariadb"], indirect=True)
@pytest.mark.parametrize("name", ["back\\note", 'a "quote"', "ends in \\", "\\'\\"])
def test_comments_are_altered_whatever_the_table_is_called(bench: Bench, name: str) -> None:
    """Alembic writes the name between quotes as it is; a backslash made another one of it."""
    if bench.dialect == "postgresql":
        name = name.replace("'", "")  # autogenerate itself fails
    with bench.empty() as connection:
        for comment in ("what it's", "100% \\:x", None):
            models = tables(**{name: []})
            models.tables[name].comment = comment
            models.create_all(connection)
            connection.commit()
            cure(bench, connection, models)


@pytest.mark.parametrize("bench", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("after", "where"),
    [(["new", "done"], ""), (["NEW", "done"], ""), (["new", "it's: 100%"], "status <> '{}'")],
)
def test_rows_have_the_new_name_of_their_label(bench: Bench, after: list[str], where: str) -> None:
    """The type was made anew, for which rows of the old label are in the way."""
    first, second = (
        models_of(status(*labels, where=where.format(labels[1].replace("'", "''"))))
        for labels in (["new", "sent"], after)
    )
    with bench.empty() as connection:
        first.create_all(connection)
        connection.exec_driver_sql("INSERT INTO things (status) VALUES ('sent')")
        connection.commit()
        assert cure(bench, connection, second)
        assert connection.exec_driver_sql("SELECT status FROM things").scalar() == after[1]


@pytest.mark.parametrize("bench", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("before", "value", "after", "expected"),
    [
        (sa.Boolean(), "true", sa.SmallInteger(), "1"),
        (sa.Integer(), "0", sa.Boolean(), "false"),
        (sa.String(36), "'2020-02-02'", sa.Date(), "2020-02-02"),
        (sa.Text(), "'1.50'", sa.Numeric(5, 1), "1.5"),
    ],
)
def test_rows_are_converted_where_the_server_does_not_do_so_by_itself(
    bench: Bench, before: Any, value: str, after: Any, expected: str
) -> None:
    """ALTER TYPE was printed without a USING: the column cannot be cast automatically."""
    with bench.empty() as connection:
        tables(things=[sa.Column("a", before)]).create_all(connection)
        connection.exec_driver_sql(f"INSERT INTO things (a) VALUES ({value})")
        connection.commit()
        assert cure(bench, connection, tables(things=[sa.Column("a", after)]))
        assert connection.exec_driver_sql("SELECT a::text FROM things").scalar() == expected
