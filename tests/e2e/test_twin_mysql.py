"""What the twin tells apart on MySQL and MariaDB, and that its cures do.

All pairs of tables stand in the same two databases, which are read once: DDL is slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql

from alembic_lockstep.probe.twin.mysql import fix_statements, read
from alembic_lockstep.probe.twin.schema import DatabaseSchema, SchemaDifference, differences
from alembic_lockstep.scratch import ScratchServers, mysql_installs

from .harness import reachable_directory, require
from .subfolder_project import some_examples

# Each table is called as its pair: {t}. What both pairs of a kind refer to.
COMMON = [
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, code VARCHAR(20) NOT NULL UNIQUE, a INT NOT NULL,"
    " b INT NOT NULL, UNIQUE (a, b))",
    "CREATE SEQUENCE numbers",
]

#: What is the same, spelt differently; several statements are separated by semicolons.
SAME = {
    "integers": ("CREATE TABLE {t} (a INT, b INTEGER)", "CREATE TABLE {t} (a INTEGER(11), b INT)"),
    "boolean": (
        "CREATE TABLE {t} (a BOOL DEFAULT '1', b BOOLEAN DEFAULT FALSE)",
        "CREATE TABLE {t} (a TINYINT(1) DEFAULT true, b BOOLEAN DEFAULT (0))",
    ),
    "now": (
        "CREATE TABLE {t} (a DATETIME DEFAULT now(), "
        "b TIMESTAMP(3) DEFAULT now(3) ON UPDATE now(3))",
        "CREATE TABLE {t} (a DATETIME DEFAULT (CURRENT_TIMESTAMP), "
        "b TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE localtimestamp(3))",
    ),
    "json": (
        "CREATE TABLE {t} (a JSON)",
        "CREATE TABLE {t} (a LONGTEXT COLLATE utf8mb4_bin CHECK (json_valid(a)))",
    ),
    "a column's and a table's check": (
        "CREATE TABLE {t} (a INT CHECK (a > 3), b INT)",
        "CREATE TABLE {t} (a INT, b INT, CHECK ( `A`>3 ))",
    ),
    "no default": (
        "CREATE TABLE {t} (a INT NULL DEFAULT NULL)",
        "CREATE TABLE {t} (a INT DEFAULT 7); ALTER TABLE {t} ALTER COLUMN a DROP DEFAULT",
    ),
    "unique": (
        "CREATE TABLE {t} (a INT UNIQUE, b INT, UNIQUE (b, a))",
        "CREATE TABLE {t} (a INT, b INT, CONSTRAINT x UNIQUE (a));"
        "CREATE UNIQUE INDEX y ON {t} (b, a)",
    ),
    "charset": (
        "CREATE TABLE {t} (a VARCHAR(9) CHARACTER SET utf8, b TEXT) CHARACTER SET utf8mb3",
        "CREATE TABLE {t} (a VARCHAR(9), b TEXT COLLATE utf8_general_ci) CHARSET=utf8",
    ),
    "foreign key": (
        "CREATE TABLE {t} (p INT, q INT, FOREIGN KEY (p) REFERENCES parent(id),"
        " CONSTRAINT q1 FOREIGN KEY (q) REFERENCES parent(id) ON DELETE RESTRICT)",
        "CREATE TABLE {t} (p INT, q INT); ALTER TABLE {t} ADD CONSTRAINT q1 FOREIGN KEY (q)"
        " REFERENCES parent(id) ON UPDATE NO ACTION; ALTER TABLE {t} ADD CONSTRAINT `x_ibfk_9`"
        " FOREIGN KEY (p) REFERENCES parent(id)",
    ),
    "index of a foreign key": (
        "CREATE TABLE {t} (p INT, CONSTRAINT q2 FOREIGN KEY (p) REFERENCES parent(id), KEY ix (p))",
        "CREATE TABLE {t} (p INT, CONSTRAINT q2 FOREIGN KEY (p) REFERENCES parent(id));"
        "CREATE INDEX ix ON {t} (p)",
    ),
    "counter": (
        "CREATE TABLE {t} (a INT AUTO_INCREMENT PRIMARY KEY); INSERT INTO {t} VALUES (5)",
        "CREATE TABLE {t} (a INTEGER NOT NULL AUTO_INCREMENT, PRIMARY KEY (a))",
    ),
    "numbers": (
        "CREATE TABLE {t} (a INT DEFAULT (NEXT VALUE FOR numbers))",
        "CREATE TABLE {t} (a INT DEFAULT nextval(numbers))",
    ),
    "computed": (
        "CREATE TABLE {t} (a INT, b INT AS (a+1) PERSISTENT, c INT AS ( a + 2 ))",
        "CREATE TABLE {t} (a INT, b INT GENERATED ALWAYS AS ((`a` + 1)) STORED,"
        " c INT AS (A+2) VIRTUAL)",
    ),
    "Order of `words`": (
        "CREATE TABLE {t} (`Select` INT, `a``b %s :c` INT, ü INT, INDEX `Group` (`Select`, ü))",
        "CREATE TABLE {t} (ü INT, `a``b %s :c` INT, `Select` INT);"
        "CREATE INDEX `Group` ON {t} (`Select`, ü)",
    ),
}

#: What differs: before, after, and what is then to be told, as verb, kind, name and aspect.
DIFFERENT = {
    "column": ("a INT, b INT", "a INT", "remove column b"),
    "type": ("a INT", "a BIGINT", "modify column a type"),
    "length": ("a VARCHAR(20)", "a VARCHAR(21)", "modify column a type"),
    "unsigned": ("a INT", "a INT UNSIGNED", "modify column a type"),
    "enum_order": ("a ENUM('a','b')", "a ENUM('b','a')", "modify column a type"),
    "enum_label": ("a ENUM('a','b')", "a ENUM('a','b','it''s \\\\ %')", "modify column a type"),
    "set": ("a SET('a')", "a SET('a','b')", "modify column a type"),
    "collation": ("a TEXT", "a TEXT COLLATE utf8mb4_bin", "modify column a collation"),
    "charset": ("a TEXT", "a TEXT CHARACTER SET latin1", "modify column a collation"),
    "null": ("a INT", "a INT NOT NULL", "modify column a nullable"),
    "default": ("a INT DEFAULT 1", "a INT DEFAULT 2", "modify column a default"),
    "no_default": ("a INT DEFAULT 1", "a INT", "modify column a default"),
    "text_default": (
        "a VARCHAR(9)",
        "a VARCHAR(9) DEFAULT 'it''s :x %'",
        "modify column a default",
    ),
    "default_function": ("a INT DEFAULT 1", "a INT DEFAULT (rand()*2)", "modify column a default"),
    "now": ("a TIMESTAMP NULL", "a TIMESTAMP NULL DEFAULT now()", "modify column a default"),
    "on_update": (
        "a DATETIME DEFAULT now()",
        "a DATETIME DEFAULT now() ON UPDATE now()",
        "modify column a on_update",
    ),
    "autoincrement": (
        "a INT PRIMARY KEY",
        "a INT AUTO_INCREMENT PRIMARY KEY",
        "modify column a autoincrement",
    ),
    "computed": ("a INT, b INT AS (a+1)", "a INT, b INT AS (a+2)", "modify column b computed"),
    "stored": (
        "a INT, b INT AS (a+1) VIRTUAL, KEY k (b)",
        "a INT, b INT AS (a+1) STORED, KEY k (b)",
        "modify column b computed",
    ),
    "plain": ("a INT, b INT", "a INT, b INT AS (a+1) VIRTUAL", "modify column b computed"),
    "plain_stored": ("a INT, b INT", "a INT, b INT AS (a+1) STORED", "modify column b computed"),
    "invisible": ("a INT, b INT", "a INT, b INT INVISIBLE", "modify column b invisible"),
    "column_comment": ("a INT", "a INT COMMENT 'it''s `b`'", "modify column a comment"),
    "primary_key": ("a INT NOT NULL", "a INT PRIMARY KEY", "add primary_key PRIMARY"),
    "primary_key_and_counter": (
        "a INT, b INT",
        "a INT AUTO_INCREMENT PRIMARY KEY, b INT",
        "modify column a nullable, modify column a autoincrement, add primary_key PRIMARY",
    ),
    "primary_key_columns": (
        "a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (a, b)",
        "a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (b, a)",
        "modify primary_key PRIMARY",
    ),
    "foreign_key": (
        "p INT",
        "p INT, CONSTRAINT f1 FOREIGN KEY (p) REFERENCES parent(id)",
        "add foreign_key f1",
    ),
    "foreign_key_name": (
        "p INT, CONSTRAINT f2 FOREIGN KEY (p) REFERENCES parent(id)",
        "p INT, CONSTRAINT f3 FOREIGN KEY (p) REFERENCES parent(id)",
        "add foreign_key f3, remove foreign_key f2",
    ),
    "foreign_key_rule": (
        "p INT, CONSTRAINT f4 FOREIGN KEY (p) REFERENCES parent(id)",
        "p INT, CONSTRAINT f4 FOREIGN KEY (p) REFERENCES parent(id) ON DELETE CASCADE",
        "modify foreign_key f4",
    ),
    "foreign_key_unnamed": (
        "p INT, FOREIGN KEY (p) REFERENCES parent(id)",
        "p INT, FOREIGN KEY (p) REFERENCES parent(id) ON UPDATE SET NULL",
        "modify foreign_key foreign_key_unnamed_ibfk_1",
    ),
    "foreign_key_target": (
        "p INT, q INT, CONSTRAINT f5 FOREIGN KEY (p, q) REFERENCES parent(a, b)",
        "p INT, q INT, CONSTRAINT f5 FOREIGN KEY (q, p) REFERENCES parent(a, b)",
        "modify foreign_key f5",
    ),
    "index_of_foreign_key": (
        "p INT, CONSTRAINT f6 FOREIGN KEY (p) REFERENCES parent(id)",
        "p INT, CONSTRAINT f6 FOREIGN KEY (p) REFERENCES parent(id), INDEX ix (p)",
        "add index ix",
    ),
    "unique_of_foreign_key": (
        "p INT, CONSTRAINT f7 FOREIGN KEY (p) REFERENCES parent(id), INDEX ix (p)",
        "p INT, CONSTRAINT f7 FOREIGN KEY (p) REFERENCES parent(id), CONSTRAINT u UNIQUE (p)",
        "add unique u, remove index ix",
    ),
    "column_of_foreign_key": (
        "p INT, q INT, CONSTRAINT f8 FOREIGN KEY (p) REFERENCES parent(id)",
        "q INT",
        "remove column p, remove foreign_key f8",
    ),
    "null_of_foreign_key": (
        "p INT, CONSTRAINT f9 FOREIGN KEY (p) REFERENCES parent(id)",
        "p INT NOT NULL, CONSTRAINT f9 FOREIGN KEY (p) REFERENCES parent(id)",
        "modify column p nullable",
    ),
    "type_referred_to": (
        "id INT PRIMARY KEY, p INT, CONSTRAINT f10 FOREIGN KEY (p) REFERENCES type_referred_to(id)",
        "id BIGINT PRIMARY KEY, p BIGINT,"
        " CONSTRAINT f10 FOREIGN KEY (p) REFERENCES type_referred_to(id)",
        "modify column id type, modify column p type",
    ),
    "unique": ("a INT", "a INT, CONSTRAINT u UNIQUE (a)", "add unique u"),
    "unique_columns": (
        "a INT, b INT, UNIQUE u (a, b)",
        "a INT, b INT, UNIQUE u (b)",
        "modify unique u",
    ),
    "unique_not_index": (
        "a INT, INDEX u (a)",
        "a INT, UNIQUE u (a)",
        "add unique u, remove index u",
    ),
    "unique_text": ("a TEXT", "a TEXT, UNIQUE u (a)", "add unique u"),
    "index": ("a INT", "a INT, INDEX i (a)", "add index i"),
    "index_column_dropped": (
        "a INT, b INT, INDEX i (a, b)",
        "a INT, INDEX i (a)",
        "remove column b, modify index i",
    ),
    "index_prefix": ("a TEXT, INDEX i (a(10))", "a TEXT, INDEX i (a(20))", "modify index i"),
    "index_order": (
        "a INT, b INT, INDEX i (a, b)",
        "a INT, b INT, INDEX i (a, b DESC)",
        "modify index i",
    ),
    "index_method": ("a TEXT, INDEX i (a(10))", "a TEXT, FULLTEXT i (a)", "modify index i"),
    "index_spatial": ("a POINT NOT NULL", "a POINT NOT NULL, SPATIAL INDEX i (a)", "add index i"),
    "index_comment": ("a INT, INDEX i (a)", "a INT, INDEX i (a) COMMENT 'it''s'", "modify index i"),
    "index_ignored": ("a INT, INDEX i (a)", "a INT, INDEX i (a) IGNORED", "modify index i"),
    "check": ("a INT", "a INT, CONSTRAINT c CHECK (a > 3)", "add check c"),
    "check_expression": (
        "a INT, CONSTRAINT c CHECK (a > 3)",
        "a INT, CONSTRAINT c CHECK (a > 4)",
        "modify check c",
    ),
    "check_name": (
        "a INT, CONSTRAINT c CHECK (a > 3)",
        "a INT, CONSTRAINT d CHECK (a > 3)",
        "add check d, remove check c",
    ),
    "check_of_column": ("a INT CHECK (a > 3)", "a INT CHECK (a > 4)", "modify check a"),
    "check_that_stays": (
        "a INT CHECK (a > 3)",
        "a BIGINT CHECK (a > 3)",
        "modify column a type",
    ),
    "check_unnamed": ("a INT, b INT, CHECK (a > b)", "a INT, b INT", "remove check CONSTRAINT_1"),
    "json": ("a LONGTEXT COLLATE utf8mb4_bin", "a JSON", "add check a"),
}

#: The same for what stands after a table's columns, with the columns before.
OPTIONS = {
    "engine": ("(a INT) ENGINE=MyISAM", "(a INT) ENGINE=InnoDB", "modify options "),
    "row_format": ("(a INT)", "(a INT) ROW_FORMAT=COMPACT STATS_PERSISTENT=1", "modify options "),
    "key_block_size": ("(a INT)", "(a INT) KEY_BLOCK_SIZE=4 CHECKSUM=1", "modify options "),
    "page_compressed": ("(a INT)", "(a INT) PAGE_COMPRESSED=1", "modify options "),
    "table_collation": (
        "(a TEXT, b TEXT COLLATE latin1_bin, c JSON, d INT) CHARSET=latin1",
        "(a TEXT, b TEXT COLLATE latin1_bin, c JSON, d INT) COLLATE utf8mb4_unicode_ci",
        "modify options ",
    ),
    "collation_of_columns": (
        "(a VARCHAR(9) COLLATE utf8mb4_bin) COLLATE latin1_bin",
        "(a VARCHAR(9) COLLATE utf8mb4_bin, b VARCHAR(9)) COLLATE utf8mb4_bin",
        "modify column a collation, add column b, modify options ",
    ),
    "comment": ("(a INT)", "(a INT) COMMENT='it''s \\\\ 5 %'", "modify comment "),
    "versioned": ("(a INT)", "(a INT) WITH SYSTEM VERSIONING", "modify options "),
    "partitioned": (
        "(a INT NOT NULL)",
        "(a INT PRIMARY KEY) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10),"
        " PARTITION p1 VALUES LESS THAN MAXVALUE)",
        "add primary_key PRIMARY, modify options ",
    ),
    "partitions": (
        "(a INT, b VARCHAR(9)) PARTITION BY HASH (a) PARTITIONS 2",
        "(a INT, b VARCHAR(9)) PARTITION BY LIST COLUMNS (b) SUBPARTITION BY HASH (a)"
        " SUBPARTITIONS 2 (PARTITION p0 VALUES IN ('x', NULL), PARTITION p1 VALUES IN ('y'))",
        "modify options ",
    ),
    "keys": (
        "(a INT PRIMARY KEY) PARTITION BY KEY () PARTITIONS 3",
        "(a INT PRIMARY KEY) PARTITION BY KEY () PARTITIONS 4",
        "modify options ",
    ),
}
BODIES = {
    name: (f"({right})", f"({wrong})", expected)
    for name, (right, wrong, expected) in DIFFERENT.items()
}
PAIRS = {**BODIES, **OPTIONS}
SEQUENCES = (
    "CREATE SEQUENCE changed; CREATE SEQUENCE same START 1",
    "CREATE SEQUENCE changed START 5 INCREMENT 2 CYCLE NOCACHE; CREATE SEQUENCE same;"
    "CREATE SEQUENCE `new one` MINVALUE 5",
)


@dataclass
class Databases:
    """A database that migrations made, and its twin."""

    migrated: sa.Engine
    twin: sa.Engine

    def read(self) -> tuple[DatabaseSchema, DatabaseSchema]:
        return read_whole(self.migrated), read_whole(self.twin)

    def clear(self) -> None:
        for engine in (self.migrated, self.twin):
            name = f"`{engine.url.database}`"
            execute(engine, f"DROP DATABASE {name}", f"CREATE DATABASE {name}", f"USE {name}")
            engine.dispose()


def read_whole(engine: sa.Engine) -> DatabaseSchema:
    with engine.connect() as connection:
        return read(connection)


def execute(engine: sa.Engine, *statements: str) -> None:
    with engine.connect().execution_options(no_parameters=True) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def told(difference: SchemaDifference) -> str:
    words = f"{difference.verb} {difference.part.kind} {difference.part.name}"
    return f"{words} {difference.aspect}" if difference.aspect else words


def fix_all(engine: sa.Engine, models: DatabaseSchema) -> list[SchemaDifference]:
    """Run all cures, each once; give what differs then."""
    database = read_whole(engine)
    lists = (
        fix_statements(difference, database, models) for difference in differences(database, models)
    )
    for statements in dict.fromkeys(map(tuple, lists)):
        execute(engine, *statements)
    return differences(read_whole(engine), models)


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
    with (
        reachable_directory() as folder,
        ScratchServers(urls=[], setup=[], directory=folder / "run", cache=folder) as servers,
    ):
        require("MariaDB" in servers.description("mysql"), "MariaDB")
        urls = (servers.create("mysql").replace("mysql:", "mysql+pymysql:") for _ in range(2))
        yield Databases(*(sa.create_engine(url, isolation_level="AUTOCOMMIT") for url in urls))


@dataclass
class Judged:
    """Differences by table in both directions, and what the fixes left of them."""

    kinds: dict[str, list[str]]
    back: dict[str, list[str]]
    cured: dict[str, list[str]]
    cured_back: dict[str, list[str]]


def by_table(schema_differences: list[SchemaDifference]) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for difference in schema_differences:
        result.setdefault(difference.table or difference.part.name, []).append(told(difference))
    return result


@pytest.fixture(scope="module")
def judged(databases: Databases) -> Judged:
    for side, engine in enumerate((databases.migrated, databases.twin)):
        statements = [*COMMON, *SEQUENCES[side].split(";")]
        for name, pair in SAME.items():
            quoted = "`same " + name.replace("`", "``") + "`"
            statements += pair[side].replace("{t}", quoted).split(";")
        statements += [f"CREATE TABLE `{name}` {pair[side]}" for name, pair in PAIRS.items()]
        execute(engine, *statements)
    migrated, twin = databases.read()
    there, back = differences(migrated, twin), differences(twin, migrated)
    cured = fix_all(databases.migrated, twin)
    cured_back = fix_all(databases.migrated, migrated)
    return Judged(*map(by_table, (there, back, cured, cured_back)))


@pytest.mark.parametrize("name", SAME)
def test_the_same_in_other_words_is_no_difference(judged: Judged, name: str) -> None:
    assert judged.kinds.get(f"same {name}", []) == []


@pytest.mark.parametrize("name", PAIRS)
def test_what_differs_is_told_and_cured(judged: Judged, name: str) -> None:
    assert judged.kinds.get(name, []) == PAIRS[name][2].split(", ")
    assert len(judged.back[name]) == len(judged.kinds[name])
    assert name not in judged.cured
    assert name not in judged.cured_back


def test_sequences(judged: Judged) -> None:
    assert judged.kinds["changed"] == ["modify sequence changed"]
    assert judged.kinds["new one"] == ["add sequence new one"]
    assert judged.back["new one"] == ["remove sequence new one"]
    assert not {"same", "numbers"} & set(judged.kinds)
    assert not {"changed", "new one"} & {*judged.cured, *judged.cured_back}


TYPES: list[Any] = [
    sa.Integer(),
    sa.BigInteger(),
    mysql.INTEGER(unsigned=True),
    sa.String(20),
    sa.String(30, collation="utf8mb4_bin"),
    sa.Enum("a", "b"),
    sa.Enum("b", "a", "c's"),
    sa.Boolean(),
    sa.DateTime(),
    mysql.TIMESTAMP(fsp=3),
    sa.Numeric(10, 2),
    sa.Float(),
    sa.JSON(),
    sa.Text(),
    sa.LargeBinary(20),
]
DEFAULTS: dict[type, list[str]] = {
    sa.Integer: ["'1'", "2", "(abs(-3))"],
    sa.String: ["'a'", "'it''s \\\\ % :x'", "concat('a', 'b')"],
    sa.Enum: ["'a'"],
    sa.Boolean: ["true", "0"],
    sa.DateTime: ["now()", "CURRENT_TIMESTAMP", "'2020-01-01'"],
    sa.Numeric: ["0", "'1.5'"],
}
TABLES = ("Hero", "order", "team")


def column(draw: st.DrawFn, name: str) -> sa.Column[Any]:
    kind = draw(st.sampled_from(TYPES))
    fitting = [text for base, texts in DEFAULTS.items() if type(kind) is base for text in texts]
    default = draw(st.sampled_from([None, *fitting]))
    return sa.Column(
        name,
        kind,
        nullable=draw(st.booleans()),
        server_default=sa.text(default.replace(":", "\\:")) if default else None,
        comment=draw(st.sampled_from([None, None, "it's 5 %"])),
        unique=draw(st.booleans()) if isinstance(kind, (sa.Integer, sa.DateTime)) else None,
    )


@st.composite
def metadatas(draw: st.DrawFn, cycles: bool = True) -> sa.MetaData:
    """Tables that differ in whatever two such metadatas can differ in; the names are the same."""
    metadata = sa.MetaData()
    key = draw(st.sampled_from([sa.Integer, sa.BigInteger]))
    for index, name in enumerate(TABLES):
        counts = draw(st.booleans())
        parts: list[Any] = [sa.Column("id", key, primary_key=True, autoincrement=counts)]
        parts += [column(draw, name) for name in "xyz" if draw(st.booleans())]
        parts.append(
            sa.Column("n", sa.Integer, primary_key=draw(st.booleans()), autoincrement=False)
        )
        names = [part.name for part in parts if isinstance(part.type, (sa.Integer, sa.Numeric))]
        for number in range(2):
            at, rule = f"r{number}", draw(st.sampled_from([None, "CASCADE", "NO ACTION"]))
            target = draw(st.sampled_from([None, *(TABLES if cycles else TABLES[: index + 1])]))
            if target:
                called = draw(st.sampled_from([None, f"f_{name}_{number}", f"g_{name}_{number}"]))
                other = sa.ForeignKey(f"{target}.id", name=called, ondelete=rule)
                indexed: dict[str, Any] = draw(
                    st.sampled_from([{}, {}, {"index": True}, {"unique": True}])
                )
                parts.append(sa.Column(at, key, other, **indexed))
                names.append(at)
            elif draw(st.booleans()):
                parts.append(sa.Column(at, sa.Integer))
        computed = draw(st.sampled_from([None, "n + 1", "n + 2", "id + n"]))
        if computed:
            stored = draw(st.booleans())
            # MariaDB stores nothing that is computed from what counts.
            counted = "id" in computed
            parts.append(sa.Column("c", sa.Integer, sa.Computed(computed, stored and not counted)))
        chosen = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
        for number in range(2):
            unique = draw(st.sampled_from([None, False, True]))
            if unique is not None:
                parts.append(sa.Index(f"i{number}", *draw(chosen), unique=unique))
        if draw(st.booleans()):
            called = draw(st.sampled_from([None, f"check_{name}"]))
            check = f"n > {draw(st.integers(1, 2))}"
            parts.append(sa.CheckConstraint(check, name=called))
        options: dict[str, Any] = draw(
            st.sampled_from(
                [{}, {}, {"mysql_row_format": "COMPACT"}, {"mysql_collate": "utf8mb4_bin"}]
            )
        )
        sa.Table(
            name, metadata, *parts, comment=draw(st.sampled_from([None, "it's 5 %"])), **options
        )
    return metadata


def test_whatever_differs_is_cured(databases: Databases) -> None:
    @some_examples
    @given(metadatas(), metadatas())
    def check(first: sa.MetaData, second: sa.MetaData) -> None:
        databases.clear()
        first.create_all(databases.migrated)
        second.create_all(databases.twin)
        assert fix_all(databases.migrated, read_whole(databases.twin)) == []

    check()


def test_what_alembic_makes_of_the_models_is_what_they_make(databases: Databases) -> None:
    @some_examples
    @given(metadatas(cycles=False))
    def check(metadata: sa.MetaData) -> None:
        databases.clear()
        metadata.create_all(databases.twin)
        with databases.migrated.connect() as connection:
            context = MigrationContext.configure(connection)
            upgrade = produce_migrations(context, metadata).upgrade_ops
            assert upgrade is not None
            run(Operations(context), upgrade)
        assert [told(difference) for difference in differences(*databases.read())] == []

    check()


def run(operations: Operations, container: ops.OpContainer) -> None:
    for operation in container.ops:
        if isinstance(operation, ops.ModifyTableOps):
            run(operations, operation)
        else:
            operations.invoke(operation)


def test_the_number_of_queries_does_not_depend_on_the_number_of_tables(
    databases: Databases,
) -> None:
    def count(names: list[str]) -> int:
        databases.clear()
        execute(databases.migrated, *(f"CREATE TABLE {name} (a INT UNIQUE)" for name in names))
        execute(databases.migrated, *(f"CREATE SEQUENCE s_{name}" for name in names))
        queries: list[str] = []
        note = lambda *arguments: queries.append(arguments[2])  # noqa: E731
        sa.event.listen(databases.migrated, "before_cursor_execute", note)
        assert set(read_whole(databases.migrated).tables) == set(names)
        sa.event.remove(databases.migrated, "before_cursor_execute", note)
        return len(queries)

    assert count(["a"]) == count(["a", "b", "c", "d"])
