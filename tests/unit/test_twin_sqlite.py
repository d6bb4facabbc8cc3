"""Compare SQLite databases with their twins: equal schemas, unequal ones, and their fixes."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_lockstep.probe.twin.expression import expression
from alembic_lockstep.probe.twin.schema import DatabaseSchema, SchemaDifference, differences
from alembic_lockstep.probe.twin.sqlite import fix_statements, read
from alembic_lockstep.probe.twin.sqltext import tokenize


@contextmanager
def database(*statements: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        yield connection
    engine.dispose()


def read_from(*statements: str) -> DatabaseSchema:
    with database(*statements) as connection:
        return read(connection)


def changed(unequal: Sequence[SchemaDifference]) -> list[tuple[str, str, str, str]]:
    return [
        (difference.verb, difference.part.kind, difference.part.name, difference.aspect)
        for difference in unequal
    ]


def fix_all(connection: sa.Connection, models: DatabaseSchema) -> list[SchemaDifference]:
    """Run the fixes of all differences, each once; return the remaining differences."""
    before = read(connection)
    unequal = differences(before, models)
    ran = set()
    for difference in unequal:
        statements = tuple(fix_statements(difference, before, models))
        if statements not in ran:
            for statement in statements:
                connection.exec_driver_sql(statement)
        ran.add(statements)
    return differences(read(connection), models)


SAME = [
    # Spelling.
    ("create table T (a integer)", 'CREATE TABLE "T" (\n\t"a" INTEGER /* so */ -- and so\n)'),
    ("CREATE TABLE T ([a b] INT, `c` INT)", 'CREATE TABLE T ("a b" INTEGER, c INTEGER)'),
    ("CREATE TABLE T (a VARCHAR (20))", "CREATE TABLE T (a character varying(20) NULL)"),
    ("CREATE TABLE T (a NUMERIC(10,2))", "CREATE TABLE T (a DECIMAL( 10, 2 ))"),
    ("CREATE TABLE T (a BOOL)", "CREATE TABLE T (a boolean)"),
    ("CREATE TABLE T (a DOUBLE)", "CREATE TABLE T (a DOUBLE PRECISION)"),
    ("CREATE TABLE T (a TEXT COLLATE binary)", "CREATE TABLE T (a TEXT)"),
    ("CREATE TABLE T (a TEXT COLLATE nocase)", 'CREATE TABLE T (a TEXT COLLATE "NOCASE")'),
    ("CREATE TABLE T (a INT CONSTRAINT n NOT NULL)", "CREATE TABLE T (a INT NOT NULL)"),
    ("CREATE TABLE T (a INT NOT NULL ON CONFLICT ABORT)", "CREATE TABLE T (a INT NOT NULL)"),
    # Defaults.
    ("CREATE TABLE T (a INT DEFAULT '1')", "CREATE TABLE T (a INT DEFAULT ((1)))"),
    ("CREATE TABLE T (a INT DEFAULT -1)", "CREATE TABLE T (a INT DEFAULT ( - 1))"),
    ("CREATE TABLE T (a INT DEFAULT +1)", "CREATE TABLE T (a INT DEFAULT 0x01)"),
    ("CREATE TABLE T (a BOOLEAN DEFAULT true)", "CREATE TABLE T (a BOOLEAN DEFAULT '1')"),
    ("CREATE TABLE T (a NUMERIC DEFAULT '1.50')", "CREATE TABLE T (a NUMERIC DEFAULT 1.5)"),
    ("CREATE TABLE T (a VARCHAR DEFAULT 1)", "CREATE TABLE T (a VARCHAR DEFAULT '1')"),
    ("CREATE TABLE T (a VARCHAR DEFAULT x)", "CREATE TABLE T (a VARCHAR DEFAULT ('x'))"),
    ('CREATE TABLE T (a TEXT DEFAULT "it\'s")', "CREATE TABLE T (a TEXT DEFAULT 'it''s')"),
    ("CREATE TABLE T (a INT DEFAULT NULL)", "CREATE TABLE T (a INT)"),
    (
        "CREATE TABLE T (a DATETIME DEFAULT current_timestamp)",
        "CREATE TABLE T (a DATETIME DEFAULT (CURRENT_TIMESTAMP))",
    ),
    # Keys.
    (
        "CREATE TABLE T (id INTEGER PRIMARY KEY)",
        "CREATE TABLE T (id INTEGER NOT NULL, PRIMARY KEY (id ASC))",
    ),
    (
        "CREATE TABLE T (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "CREATE TABLE T (id INTEGER, PRIMARY KEY ('id' AUTOINCREMENT))",
    ),
    ("CREATE TABLE T (a INT UNIQUE)", "CREATE TABLE T (a INT, UNIQUE (a) ON CONFLICT ABORT)"),
    (
        "CREATE TABLE T (a TEXT COLLATE NOCASE, b INT, UNIQUE (a COLLATE nocase) CHECK (b > 0))",
        "CREATE TABLE T (a TEXT COLLATE NOCASE UNIQUE, b INT CHECK (T.b > 0))",
    ),
    (
        "CREATE TABLE T (a INT, b INT, CONSTRAINT u UNIQUE (a), CONSTRAINT c CHECK (b))",
        "CREATE TABLE T (a INT CONSTRAINT u UNIQUE, b INT, CONSTRAINT c CHECK (b))",
    ),
    ("CREATE TABLE T (a INT PRIMARY KEY) STRICT", "CREATE TABLE T (a INT PRIMARY KEY)strict"),
    (
        "CREATE TABLE T (a TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE T (a TEXT NOT NULL, PRIMARY KEY (a)) without rowid",
    ),
    # Foreign keys.
    (
        "CREATE TABLE T (id INTEGER PRIMARY KEY, a INT REFERENCES T)",
        "CREATE TABLE T (id INTEGER PRIMARY KEY, a INT, FOREIGN KEY(a) REFERENCES t (ID))",
    ),
    (
        "CREATE TABLE T (a INT REFERENCES p (x) ON DELETE NO ACTION MATCH SIMPLE NOT DEFERRABLE)",
        "CREATE TABLE T (a INT REFERENCES p (x))",
    ),
    (
        "CREATE TABLE T (a INT REFERENCES p (x) NOT NULL DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE T (a INT NOT NULL, "
        "FOREIGN KEY (a) REFERENCES p (x) DEFERRABLE INITIALLY DEFERRED)",
    ),
    # Generated columns.
    (
        "CREATE TABLE T (a INT, b INT AS (a+1))",
        "CREATE TABLE T (a INT, b INT GENERATED ALWAYS AS (((a) + 1)) VIRTUAL)",
    ),
]
SAME_INDEXES = [
    ('create index i on "T" ("a" ASC, b)', "CREATE INDEX i ON T (a, b COLLATE binary)"),
    ("CREATE INDEX i ON T (lower(a) DESC)", 'CREATE INDEX "i" ON T (LOWER("a") desc)'),
    (
        "CREATE INDEX i ON T (a) WHERE ((a IS NOT NULL) AND b == 'x')",
        "CREATE INDEX i ON T (a) WHERE a NOTNULL and (b = 'x')",
    ),
]
SAME_EXPRESSIONS = [
    ("(a)", "a"),
    ("((a > 0))", "a > 0"),
    ("(a > 0) AND (b != 1)", "a>0 and b <> 1"),
    ("a AND (b AND c)", "a AND b AND c"),
    ("(a * b) + c", "a * b + c"),
    ("a - (-1)", "a - -1"),
    ("NOT (a = b)", "NOT a = b"),
    ("a NOT NULL", "a IS NOT NULL"),
    ("a ISNULL", "(a) IS NULL"),
    ("a = TRUE", "a = 1"),
    ("a BETWEEN (1) AND (b + 1)", "a BETWEEN 1 AND b + 1"),
    ("(a BETWEEN 1 AND 2) AND b", "a BETWEEN 1 AND 2 AND b"),
    ("CASE WHEN (a AND b) THEN (1) ELSE 0 END > 0", "(CASE WHEN a AND b THEN 1 ELSE 0 END) > 0"),
    ("a IN ((1), 'x')", "a in (1,'x')"),
    ('length("a") > 0', "LENGTH([A]) > (0)"),
    ('a = "no column"', "a = 'no column'"),
    ("a LIKE '%x'", "(a like '%x')"),
    ("CAST((a) AS INTEGER) % 2", "cast(a as integer) % 2"),
]
OTHER_EXPRESSIONS = [
    ("(a + b) * c", "a + b * c"),
    ("a - (b - c)", "a - b - c"),
    ("(a OR b) AND c", "a OR b AND c"),
    ("NOT (a AND b)", "NOT a AND b"),
    ("(NOT a) IS NULL", "NOT a IS NULL"),
    ("a BETWEEN 1 AND (b AND c)", "a BETWEEN 1 AND b AND c"),
    ("a IS TRUE", "a IS 1"),
    ("(a || b) COLLATE NOCASE = 'x'", "a || b COLLATE NOCASE = 'x'"),
    ("a = 'X'", "a = 'x'"),
    ("a = 'x  y'", "a = 'x y'"),
    ("a = '-- x'", "a = '/* x'"),
    ("a IN (1, 2)", "a IN (1)"),
    ("a IN (1)", "a NOT IN (1)"),
    ("a = b", "a = 'b'"),
    ("-(a + b)", "-a + b"),
    ("a < b", "a <= b"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_one_table_spelt_differently(first: str, second: str) -> None:
    assert changed(differences(read_from(first), read_from(second))) == []


TABLE = "CREATE TABLE T (a TEXT, b TEXT, c TEXT)"
CHECKED = "CREATE TABLE T (a, b, c, CHECK ({}))"


@pytest.mark.parametrize(("first", "second"), SAME_INDEXES)
def test_one_index_spelt_differently(first: str, second: str) -> None:
    assert changed(differences(read_from(TABLE, first), read_from(TABLE, second))) == []


@pytest.mark.parametrize(("first", "second"), SAME_EXPRESSIONS)
def test_one_expression_spelt_differently(first: str, second: str) -> None:
    unequal = differences(read_from(CHECKED.format(first)), read_from(CHECKED.format(second)))
    assert changed(unequal) == []


@pytest.mark.parametrize(("first", "second"), OTHER_EXPRESSIONS)
def test_another_expression(first: str, second: str) -> None:
    unequal = differences(read_from(CHECKED.format(first)), read_from(CHECKED.format(second)))
    assert changed(unequal) == [("modify", "check", "", "")]


PARENT = "CREATE TABLE p (x INTEGER PRIMARY KEY, y INT UNIQUE, a INT)"
# What differs, as kind and aspect, then the columns and constraints of two tables.
OTHER = [
    ("column", "type", "a INT", "a BIGINT"),
    ("column", "type", "a VARCHAR(10)", "a VARCHAR(20)"),
    ("column", "type", "a", "a BLOB"),
    ("column", "type", "a FLOAT", "a REAL"),
    ("column", "nullable", "a INT", "a INT NOT NULL"),
    ("column", "on_conflict", "a INT NOT NULL", "a INT NOT NULL ON CONFLICT IGNORE"),
    ("column", "default", "a INT", "a INT DEFAULT 1"),
    ("column", "default", "a INT DEFAULT 1", "a INT DEFAULT 2"),
    ("column", "default", "a TEXT DEFAULT 'x'", "a TEXT DEFAULT 'X'"),
    ("column", "default", "a TEXT DEFAULT '01'", "a TEXT DEFAULT 1"),
    ("column", "default", "a BLOB DEFAULT '1'", "a BLOB DEFAULT 1"),
    ("column", "default", "a TEXT DEFAULT 'NULL'", "a TEXT DEFAULT NULL"),
    ("column", "default", "a DEFAULT CURRENT_DATE", "a DEFAULT 'CURRENT_DATE'"),
    ("column", "collation", "a TEXT", "a TEXT COLLATE NOCASE"),
    ("column", "collation", "a TEXT COLLATE RTRIM", "a TEXT COLLATE NOCASE"),
    ("column", "computed", "a INT, b INT", "a INT, b INT AS (a + 1)"),
    ("column", "computed", "a INT, b INT AS (a + 1)", "a INT, b INT AS (a + 2)"),
    ("column", "computed", "a INT, b INT AS (a) STORED", "a INT, b INT AS (a) VIRTUAL"),
    ("column", "", "a INT", "a INT, b INT"),
    ("primary_key", "", "a INTEGER NOT NULL", "a INTEGER PRIMARY KEY"),
    ("primary_key", "", "a INT NOT NULL PRIMARY KEY", "a INTEGER NOT NULL PRIMARY KEY"),
    ("primary_key", "", "a INTEGER PRIMARY KEY", "a INTEGER PRIMARY KEY AUTOINCREMENT"),
    ("primary_key", "", "a INTEGER NOT NULL PRIMARY KEY DESC", "a INTEGER PRIMARY KEY"),
    ("primary_key", "", "a, b, PRIMARY KEY (a, b)", "a, b, PRIMARY KEY (b, a)"),
    ("primary_key", "", "a, b, PRIMARY KEY (a)", "a, b, PRIMARY KEY (a, b)"),
    ("primary_key", "", "a PRIMARY KEY", "a PRIMARY KEY ON CONFLICT REPLACE"),
    ("primary_key", "", "a, CONSTRAINT k PRIMARY KEY (a)", "a, CONSTRAINT l PRIMARY KEY (a)"),
    ("unique", "", "a INT", "a INT UNIQUE"),
    ("unique", "", "a, b, UNIQUE (a)", "a, b, UNIQUE (a, b)"),
    ("unique", "", "a, b, CONSTRAINT u UNIQUE (a)", "a, b, CONSTRAINT u UNIQUE (b)"),
    ("unique", "", "a, CONSTRAINT u UNIQUE (a)", "a, CONSTRAINT v UNIQUE (a)"),
    ("unique", "", "a UNIQUE", "a UNIQUE ON CONFLICT IGNORE"),
    ("unique", "", "a TEXT, UNIQUE (a)", "a TEXT, UNIQUE (a COLLATE NOCASE)"),
    ("check", "", "a INT", "a INT CHECK (a > 0)"),
    ("check", "", "a", "a, CHECK (T.a <> 'T.a' OR \"t\" . a IS NULL)"),
    ("check", "", "a, CONSTRAINT c CHECK (a > 0)", "a, CONSTRAINT c CHECK (a > 1)"),
    ("check", "", "a, CONSTRAINT c CHECK (a > 0)", "a, CONSTRAINT d CHECK (a > 0)"),
    ("check", "", "a CHECK (a IN ('1', '2'))", "a CHECK (a IN ('1', '2', 'z'))"),
    ("foreign_key", "", "a INT", "a INT REFERENCES p (x)"),
    ("foreign_key", "", "a INT REFERENCES p", "a INT REFERENCES p (y)"),
    ("foreign_key", "", "a INT REFERENCES p", "a INT REFERENCES T"),
    ("foreign_key", "", "a REFERENCES p", "a REFERENCES p ON DELETE CASCADE"),
    ("foreign_key", "", "a REFERENCES p ON UPDATE CASCADE", "a REFERENCES p ON DELETE CASCADE"),
    ("foreign_key", "", "a REFERENCES p ON DELETE SET NULL", "a REFERENCES p ON DELETE RESTRICT"),
    ("foreign_key", "", "a REFERENCES p MATCH FULL", "a REFERENCES p"),
    ("foreign_key", "", "a REFERENCES p", "a REFERENCES p DEFERRABLE INITIALLY DEFERRED"),
    ("foreign_key", "", "a CONSTRAINT f REFERENCES p", "a CONSTRAINT g REFERENCES p"),
]
OTHER_OPTIONS = [
    ("CREATE TABLE T (a INT PRIMARY KEY NOT NULL)", " STRICT"),
    ("CREATE TABLE T (a INT PRIMARY KEY NOT NULL)", " WITHOUT ROWID"),
    ("CREATE TABLE T (a INT PRIMARY KEY NOT NULL) STRICT", ", WITHOUT ROWID"),
]
OTHER_INDEXES = [
    ("", "CREATE INDEX i ON T (a)"),
    ("CREATE INDEX i ON T (a)", "CREATE INDEX j ON T (a)"),
    ("CREATE INDEX i ON T (a)", "CREATE INDEX i ON T (b)"),
    ("CREATE INDEX i ON T (a, b)", "CREATE INDEX i ON T (b, a)"),
    ("CREATE INDEX i ON T (a)", "CREATE UNIQUE INDEX i ON T (a)"),
    ("CREATE INDEX i ON T (a)", "CREATE INDEX i ON T (a DESC)"),
    ("CREATE INDEX i ON T (a)", "CREATE INDEX i ON T (a COLLATE NOCASE)"),
    ("CREATE INDEX i ON T (a)", "CREATE INDEX i ON T (lower(a))"),
    ("CREATE INDEX i ON T (a)", "CREATE INDEX i ON T (a) WHERE a > 0"),
    ("CREATE INDEX i ON T (a) WHERE a > 0", "CREATE INDEX i ON T (a) WHERE a > 1"),
]
ROWS = "INSERT INTO T (a) VALUES ('1'), ('2')"


def both_ways(
    first: Sequence[str], second: Sequence[str], rows: str
) -> Iterator[list[tuple[str, str, str, str]]]:
    """Yield the differences to the second schema and back; fix them without loss of rows."""
    for here, there in ((first, second), (second, first)):
        models = read_from(*here)
        with database(*there, rows) as connection:
            unequal = differences(read(connection), models)
            assert fix_all(connection, models) == []
            assert connection.exec_driver_sql("SELECT count(*) FROM T").scalar_one() == 2
        yield changed(unequal)


@pytest.mark.parametrize(("kind", "aspect", "first", "second"), OTHER)
def test_another_table(kind: str, aspect: str, first: str, second: str) -> None:
    here, there = ((PARENT, f"CREATE TABLE T ({inside})") for inside in (first, second))
    for changes in both_ways(here, there, ROWS):
        assert {(part, changed_aspect) for _, part, _, changed_aspect in changes} == {
            (kind, aspect)
        }


@pytest.mark.parametrize(("table", "options"), OTHER_OPTIONS)
def test_other_options(table: str, options: str) -> None:
    for changes in both_ways([table], [table + options], ROWS):
        assert [kind for _, kind, _, _ in changes] == ["options"]


@pytest.mark.parametrize(("first", "second"), OTHER_INDEXES)
def test_another_index(first: str, second: str) -> None:
    for changes in both_ways((TABLE, first), (TABLE, second), ROWS):
        assert {kind for _, kind, _, _ in changes} == {"index"}


def test_a_unique_index_is_no_unique_constraint() -> None:
    index = (TABLE, "CREATE UNIQUE INDEX u ON T (a)")
    constraint = ["CREATE TABLE T (a TEXT, b TEXT, c TEXT, CONSTRAINT u UNIQUE (a))"]
    for changes in both_ways(index, constraint, ROWS):
        assert sorted(kind for _, kind, _, _ in changes) == ["index", "unique"]


def test_a_table_that_was_altered_is_the_one_that_was_made() -> None:
    altered = read_from(
        "CREATE TABLE old (id INTEGER PRIMARY KEY, one TEXT CHECK (old.one <> ''), gone INT)",
        "CREATE INDEX i ON old (one) WHERE one > 'a'",
        "CREATE TABLE child (parent INT, FOREIGN KEY (parent) REFERENCES old (id))",
        "ALTER TABLE old ADD COLUMN later BOOLEAN DEFAULT 0 NOT NULL",
        "ALTER TABLE old RENAME COLUMN one TO two",
        "ALTER TABLE old DROP COLUMN gone",
        "ALTER TABLE old RENAME TO new",
    )
    created = read_from(
        "CREATE TABLE new (id INTEGER, two TEXT, later BOOLEAN NOT NULL DEFAULT false, "
        "PRIMARY KEY (id), CHECK (two <> ''))",
        "CREATE INDEX i ON new (two) WHERE two > 'a'",
        "CREATE TABLE child (parent INT REFERENCES new)",
    )
    assert changed(differences(altered, created)) == []
    assert list(altered.tables) == list(created.tables)


class Color(enum.Enum):
    RED = 1
    DARK_BLUE = 2


def shop() -> sa.MetaData:
    metadata = sa.MetaData(
        naming_convention={"ix": "ix_%(column_0_label)s", "pk": "pk_%(table_name)s"}
    )
    sa.Table("shelf", metadata, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "item",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("Name", sa.String(30, collation="NOCASE"), nullable=False, index=True),
        sa.Column("order", sa.Integer, server_default="1", unique=True),
        sa.Column("made", sa.DateTime, server_default=sa.func.now()),
        sa.Column("good", sa.Boolean, server_default=sa.true(), nullable=False),
        sa.Column("color", sa.Enum(Color, name="color", create_constraint=True)),
        sa.Column("price", sa.Numeric(10, 2), server_default=sa.text("0.5")),
        sa.Column("twice", sa.Integer, sa.Computed('"order" * 2', persisted=True)),
        sa.Column("notes", sa.JSON, server_default="{}"),
        sa.Column("shelf_id", sa.ForeignKey("shelf.id", ondelete="SET NULL", name="fk_shelf")),
        sa.Column("next", sa.ForeignKey("item.id", deferrable=True, initially="DEFERRED")),
        sa.UniqueConstraint("Name", "price", name="uq_item"),
        sa.CheckConstraint('price > 0 AND (good OR "order" > 1)', name="ck_item"),
        sa.Index("ix_lower", sa.text('lower("Name") DESC'), sqlite_where=sa.text("good = 1")),
    )
    return metadata


def test_batch_operations_make_what_the_models_make() -> None:
    metadata = shop()
    with database() as connection:
        metadata.create_all(connection)
        models = read(connection)
    with database() as connection:
        metadata.tables["shelf"].create(connection)
        operations = Operations(MigrationContext.configure(connection))
        item = metadata.tables["item"]
        operations.create_table(
            "item",
            sa.Column("id", sa.INTEGER(), autoincrement=True),
            sa.Column("Name", sa.VARCHAR(20), nullable=False),
            sa.Column("order", sa.Integer(), server_default=sa.text("(1)")),
            sa.Column("made", sa.DateTime(), server_default=sa.text("current_timestamp")),
            sa.Column("good", sa.Boolean(), server_default="1", nullable=False),
            sa.Column("color", sa.VARCHAR(9)),
            sa.Column("price", sa.DECIMAL(10, 2)),
            sa.Column("notes", sa.JSON(), server_default=sa.text("'{}'")),
            sa.PrimaryKeyConstraint("id", name="pk_item"),
        )
        operations.add_column("item", sa.Column("next", sa.Integer(), nullable=True))
        with operations.batch_alter_table("item") as batch:
            batch.alter_column("price", server_default="0.5")
            batch.add_column(sa.Column("shelf_id", sa.Integer()))
            batch.create_foreign_key("fk_shelf", "shelf", ["shelf_id"], ["id"], ondelete="SET NULL")
            batch.create_foreign_key(
                "f", "item", ["next"], ["id"], initially="DEFERRED", deferrable=True
            )
            batch.create_unique_constraint("u", ["order"])
            batch.create_unique_constraint("uq_item", ["Name", "price"])
        with operations.batch_alter_table("item") as batch:
            # The last one: the next would not know of it, as SQLite reflects no collations.
            batch.alter_column("Name", type_=sa.String(30, collation="NOCASE"))
            batch.add_column(
                sa.Column("twice", sa.Integer(), sa.Computed('"order" * 2', persisted=True))
            )
            batch.create_check_constraint("ck_item", '(price > 0) AND (good OR "order" > 1)')
            batch.create_check_constraint("color", item.c.color.in_(["RED", "DARK_BLUE"]))
        operations.create_index("ix_item_Name", "item", ["Name"])
        operations.create_index(
            "ix_lower", "item", [sa.text('LOWER("Name") desc')], sqlite_where=sa.text("good = true")
        )
        assert changed(differences(read(connection), models)) == []


def test_virtual_tables_views_and_what_sqlite_keeps_are_left_out() -> None:
    schema = read_from(
        "CREATE TABLE T (id INTEGER PRIMARY KEY AUTOINCREMENT, a UNIQUE)",
        "CREATE VIEW v AS SELECT * FROM T",
        "CREATE VIRTUAL TABLE f USING fts5(a)",
        "CREATE VIRTUAL TABLE g USING fts4(a)",
        "CREATE VIRTUAL TABLE r USING rtree(id, x, y)",
        "CREATE TRIGGER tr AFTER INSERT ON T BEGIN SELECT 1; END",
        "ANALYZE",
    )
    assert list(schema.tables) == ["T"]
    assert [part.kind for part in schema.tables["T"].parts] == [
        *("column", "column", "primary_key", "unique")
    ]


def test_a_table_is_made_anew_with_all_that_belongs_to_it() -> None:
    models = read_from(
        "CREATE TABLE p (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT NOT NULL)",
        "CREATE TABLE child (p INT REFERENCES p (id) ON DELETE CASCADE)",
        "CREATE UNIQUE INDEX i ON p (a)",
    )
    with database(
        "PRAGMA foreign_keys = ON",
        "CREATE TABLE p (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT, b INT REFERENCES p (id))",
        "CREATE TABLE child (p INT REFERENCES p (id) ON DELETE CASCADE)",
        "CREATE TABLE log (a INT)",
        "CREATE VIEW v AS SELECT a FROM p",
        "CREATE TRIGGER tr AFTER INSERT ON p BEGIN INSERT INTO log VALUES (new.a); END",
        "CREATE TRIGGER other AFTER INSERT ON log BEGIN UPDATE p SET a = a + 1; END",
        "INSERT INTO p (a) VALUES (10), (20), (30)",
        "INSERT INTO child VALUES (1)",
        "DELETE FROM p WHERE id = 3",
    ) as connection:
        connection.commit()
        assert fix_all(connection, models) == []
        connection.exec_driver_sql("INSERT INTO p (a) VALUES (40)")

        def ask(sql: str) -> list[object]:
            return list(connection.exec_driver_sql(sql).scalars())

        assert ask("SELECT id FROM p") == [1, 2, 4]
        assert ask("SELECT p FROM child") == [1]
        assert ask("SELECT a FROM log")[-1] == 40
        assert len(ask("SELECT a FROM v")) == 3
        assert ask("PRAGMA foreign_key_check") == []
        assert ask("PRAGMA integrity_check") == ["ok"]


@pytest.mark.parametrize(
    ("trigger", "stays"),
    [
        ("AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.b); END", False),
        ('AFTER DELETE ON t WHEN OLD."B" > 1 BEGIN SELECT 1; END', False),
        ("BEFORE UPDATE OF a, [b] ON t BEGIN SELECT 1; END", False),
        ("AFTER INSERT ON t BEGIN INSERT INTO log (b) VALUES ('new.b'); END", True),
        ("AFTER UPDATE OF a ON t BEGIN UPDATE log SET b = new.a; END", True),
    ],
)
def test_a_trigger_that_needs_a_column_goes_with_it(trigger: str, stays: bool) -> None:
    """It was made again, and no row could be inserted any more."""
    with database(
        "CREATE TABLE t (a INT, b INT)",
        "CREATE TABLE log (b)",
        f"CREATE TRIGGER tr {trigger}",
    ) as connection:
        connection.commit()
        assert (
            fix_all(connection, read_from("CREATE TABLE t (a INT)", "CREATE TABLE log (b)")) == []
        )
        for statement in ("INSERT INTO t VALUES (1)", "UPDATE t SET a = 2", "DELETE FROM t"):
            connection.exec_driver_sql(statement)
        triggers = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type='trigger'")
        assert bool(triggers.all()) is stays


NAMES = [
    "order",
    "Mixed",
    "a b",
    'a"b',
    "a'b",
    "ä",
    "É",
    "a.b",
    "a]b",
    "a`b",
    "x)--",
    "_",
    "a%b",
    "check",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_need_care(name: str) -> None:
    def build(length: int, least: int) -> sa.MetaData:
        metadata = sa.MetaData()
        table = sa.Table(name, metadata, sa.Column(name, sa.String(length), primary_key=True))
        second_column = sa.Column("other", sa.String)
        table.append_column(second_column)
        table.append_constraint(
            sa.ForeignKeyConstraint([second_column], [table.c[name]], name=name)
        )
        table.append_constraint(sa.CheckConstraint(sa.func.length(table.c[name]) > least))
        sa.Index(name + "_i", table.c[name], sqlite_where=second_column > str(least))
        return metadata

    with database() as connection:
        build(20, 0).create_all(connection)
        models = read(connection)
        assert [part.columns for part in models.tables[name].of("primary_key")] == [(name,)]
    with database() as connection:
        metadata = build(10, 1)
        metadata.create_all(connection)
        table = metadata.tables[name]
        connection.execute(table.insert(), [{name: "long", "other": "x"}])
        assert {difference.part.kind for difference in differences(read(connection), models)} == {
            *("column", "check", "index")
        }
        assert fix_all(connection, models) == []
        assert connection.execute(sa.select(table.c.other)).scalars().all() == ["x"]


def test_the_name_of_an_index_moves_to_another_table() -> None:
    tables = ("CREATE TABLE T (a INT)", "CREATE TABLE U (a INT)")
    for here, there in (("T", "U"), ("U", "T")):
        models = read_from(*tables, f"CREATE INDEX i ON {here} (a)")
        with database(*tables, f"CREATE INDEX I ON {there} (a)") as connection:
            assert fix_all(connection, models) == []


TYPES = [
    *(sa.Integer(), sa.BigInteger(), sa.String(10), sa.Text(), sa.Boolean(), sa.DateTime()),
    *(sa.Numeric(8, 2), sa.Float(), sa.LargeBinary(), sa.JSON(), sa.Uuid(), sa.Enum(Color)),
]
DEFAULTS = [
    None,
    None,
    "1",
    "a'b",
    sa.text("1"),
    sa.func.now(),
    sa.text("('x' || 'y')"),
    sa.false(),
]
MADE_OF: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "type_": st.sampled_from(TYPES),
        "server_default": st.sampled_from(DEFAULTS),
        "unique": st.sampled_from([None, True]),
        "index": st.sampled_from([None, True]),
    }
)


@st.composite
def metadatas(draw: st.DrawFn) -> sa.MetaData:
    """Draw two tables with keys and random other parts. Old rows fit into all."""
    conventions = {"ix": "ix_%(column_0_label)s", "ck": "ck_%(table_name)s_%(column_0_name)s"}
    metadata = sa.MetaData(naming_convention=draw(st.sampled_from([conventions, None])))
    for table_name in ("one", "The Other"):
        table = sa.Table(table_name, metadata, sa.Column("id", sa.Integer, primary_key=True))
        for name, made_of in draw(
            st.dictionaries(st.sampled_from(["a", "B c", "order", "d"]), MADE_OF, max_size=4)
        ).items():
            column = sa.Column(name, **made_of)
            table.append_column(column)
            if draw(st.booleans()):
                number = sa.type_coerce(column, sa.Integer)
                bound = draw(st.integers(100, 102))
                table.append_constraint(sa.CheckConstraint(column.is_(None) | (number != bound)))
            if draw(st.booleans()):
                where = draw(st.sampled_from([None, column.is_not(None), sa.text("id > 'x'")]))
                expression = draw(st.sampled_from([column, column.desc(), sa.func.lower(column)]))
                sa.Index(f"i {table_name} {name}", expression, sqlite_where=where)
        if draw(st.booleans()):
            rule = draw(st.sampled_from([None, "CASCADE", "SET NULL"]))
            target = draw(st.sampled_from(["one.id", "The Other.id"]))
            table.append_column(sa.Column("to", sa.ForeignKey(target, ondelete=rule)))
        if draw(st.booleans()):
            table.append_column(sa.Column("double", sa.Integer, sa.Computed("id * 2")))
    return metadata


@given(metadatas(), metadatas())
@settings(deadline=None, max_examples=int(os.environ.get("LOCKSTEP_EXAMPLES", "25")))
def test_any_two_databases(migrated: sa.MetaData, metadata: sa.MetaData) -> None:
    with database() as connection:
        metadata.create_all(connection)
        models = read(connection)
    with database("PRAGMA foreign_keys = ON") as connection:
        migrated.create_all(connection)
        again = read(connection)
        assert differences(again, read(connection)) == []
        for table in migrated.tables.values():
            connection.exec_driver_sql(f'INSERT INTO "{table.name}" (id) VALUES (7)')
        connection.commit()
        assert fix_all(connection, models) == []
        for name in migrated.tables:
            rows = connection.exec_driver_sql(f'SELECT id FROM "{name}"').scalars().all()
            assert rows == [7]


OPERATORS = [
    *("+", "-", "*", "/", "%", "||", "=", "==", "<>", "!=", "<", "<=", ">", ">=", "&", "|", "<<"),
    *(">>", "and", "OR", "IS", "is not", "LIKE", "NOT LIKE", "glob"),
]
SHAPES = [
    *("({})", "- {}", "~{}", "NOT {}", "{} IS NULL", "{} NOTNULL", "{} NOT NULL", "{} ISNULL"),
    *("{} COLLATE NOCASE", "length({})", "CAST({} AS TEXT)", "{} IN ({}, {})", "{} NOT IN (({}))"),
    *("{} BETWEEN {} AND {}", "{} NOT BETWEEN {} AND {}", "CASE WHEN {} THEN {} ELSE {} END"),
    *("CASE {} WHEN {} THEN {} END", "{} IS TRUE", "{} LIKE {} ESCAPE 'x'", "coalesce({}, {})"),
    *(f"{{}} {operator} {{}}" for operator in OPERATORS),
]
ATOMS = ["a", '"B"', "c", "t.a", "0", "1", "2.5", "'1'", "'x'", "NULL", "true", "-1"]


@st.composite
def expressions(draw: st.DrawFn, depth: int = 4) -> str:
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(ATOMS))
    shape = draw(st.sampled_from(SHAPES))
    inner = [draw(expressions(depth - 1)) for _ in range(shape.count("{}"))]
    return shape.format(*(f"({operand})" if draw(st.booleans()) else operand for operand in inner))


@given(st.lists(expressions(), min_size=20, max_size=20))
@settings(deadline=None, max_examples=int(os.environ.get("LOCKSTEP_EXAMPLES", "25")))
def test_the_one_form_of_an_expression_means_what_it_did(written: list[str]) -> None:
    with database("CREATE TABLE t (a, b, c)") as connection:
        for row in ("0, 1, 'x'", "1, NULL, 'X'", "-2, 'y', 2.5", "NULL, 3, 0"):
            connection.exec_driver_sql(f"INSERT INTO t VALUES ({row})")
        for sql_text in written:
            form = expression(tokenize(sql_text), "t", {"a", "b", "c"})
            assert expression(tokenize(form), "t", {"a", "b", "c"}) == form
            sql = "SELECT quote({}) FROM t"
            try:
                meant = connection.exec_driver_sql(sql.format(sql_text)).fetchall()
            except sa.exc.OperationalError:  # a shape that needed parentheses
                continue
            assert connection.exec_driver_sql(sql.format(form)).fetchall() == meant, form
