"""Rows that are made for the tables of real databases."""

from __future__ import annotations

import pytest

from alembic_lockstep.rows import Filled, RowsFileError, fill, read_rows, run_sql

from .rows_bench import Databases, column, databases, dialect, run, servers, table

__all__ = ["databases", "dialect", "servers"]

TYPES = {
    "sqlite": (
        "INTEGER",
        "BIGINT",
        "VARCHAR(5)",
        "CHAR(32)",
        "TEXT",
        "NUMERIC(10, 2)",
        "FLOAT",
        "BOOLEAN",
        "DATE",
        "DATETIME",
        "TIME",
        "BLOB",
        "JSON",
        "UUID",
        "",
    ),
    "postgresql": (
        *("smallint", "integer", "bigint", "numeric", "numeric(6,2)", "numeric(3,3)", "real"),
        *("double precision", "money", "boolean", "text", "varchar(1)", "varchar(9)", "char(3)"),
        *("char(36)", "name", '"char"', "citext", "bytea", "date", "time", "timetz", "timestamp"),
        *("timestamptz(3)", "interval", "json", "jsonb", "jsonpath", "xml", "uuid", "inet"),
        *("cidr", "macaddr", "macaddr8", "bit(3)", "varbit(5)", "tsvector", "tsquery", "point"),
        *("line", "lseg", "box", "path", "polygon", "circle", "int4range", "numrange"),
        *("daterange", "tsrange", "tstzrange", "int8multirange", "hstore", "ltree", "cube"),
        *("oid", "pg_lsn", "regclass", "mood", "short", "pair", "integer[]", "text[][]"),
        *("mood[]", "bytea[]", "varchar(3)[]", "short[]"),
    ),
    "mysql": (
        *("tinyint", "tinyint unsigned", "tinyint(1)", "smallint", "mediumint", "int", "bigint"),
        *("bigint unsigned", "decimal(10,2)", "decimal(3,3)", "float", "double", "bit(1)"),
        *("bit(7)", "char(3)", "varchar(9)", "varchar(2000)", "tinytext", "text", "longtext"),
        *("binary(16)", "varbinary(3)", "blob", "date", "time(3)", "datetime", "datetime(6)"),
        *("timestamp", "year", "json", "enum('a','b c','d''e')", "set('x','y')", "geometry"),
        *("point", "polygon", "linestring"),
    ),
}
POSTGRESQL_TYPES = """
    CREATE EXTENSION IF NOT EXISTS citext;
    CREATE EXTENSION IF NOT EXISTS hstore;
    CREATE EXTENSION IF NOT EXISTS ltree;
    CREATE EXTENSION IF NOT EXISTS cube;
    CREATE TYPE mood AS ENUM ('sad', 'so so', 'it''s fine');
    CREATE DOMAIN short AS varchar(20) CHECK (length(VALUE) > 2);
    CREATE TYPE pair AS (a int, b text);
"""

USERS = """
    CREATE TABLE users (id {key}, name VARCHAR(20) NOT NULL);
    CREATE TABLE orders (id {key}, user_id INTEGER NOT NULL, note TEXT,
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE);
    CREATE TABLE order_lines (id {key}, order_id INTEGER,
        FOREIGN KEY (order_id) REFERENCES orders (id));
    CREATE TABLE other_things (id {key})
"""


def reasons(filled: Filled) -> dict[str, str]:
    return {str(part.name): part.reason for part in filled.unfilled}


def test_every_type(databases: Databases, dialect: str) -> None:
    tables = ";\n".join(
        f"CREATE TABLE t{number} (id {{key}}, a {spelling} NOT NULL, b {spelling})"
        for number, spelling in enumerate(TYPES[dialect])
    )
    setup = POSTGRESQL_TYPES if dialect == "postgresql" else ""
    database = databases.make(dialect, setup + tables)

    assert reasons(fill(database)) == {}
    for number, spelling in enumerate(TYPES[dialect]):
        values = column(database, "b", f"t{number}")
        assert None in values, spelling
        assert len(values) - values.count(None) >= 4, spelling


def test_the_same_in_every_run(databases: Databases, dialect: str) -> None:
    types = "".join(f", a{n} {spelling} NOT NULL" for n, spelling in enumerate(TYPES[dialect]))
    setup = POSTGRESQL_TYPES if dialect == "postgresql" else ""
    both = [
        databases.make(dialect, f"{setup}CREATE TABLE t (id {{key}}{types})", n) for n in (0, 1)
    ]

    for database in both:
        assert reasons(fill(database)) == {}
    first, second = (read_rows(database).as_json() for database in both)
    assert first == second
    assert len(first["t"]["rows"]) >= 5


def test_the_edges_of_types(databases: Databases, dialect: str) -> None:
    sql = "CREATE TABLE t (a VARCHAR(10) NOT NULL, b NUMERIC(10, 2) NOT NULL, c INTEGER, d BIGINT)"
    database = databases.make(dialect, sql)

    fill(database)
    assert {len(str(text)) for text in column(database, "a")} >= {0, 10}
    assert max(float(str(number)) for number in column(database, "b")) > 9_999_999
    assert min(float(str(number)) for number in column(database, "b")) < 0
    narrow = [value for value in column(database, "c") if value is not None]
    assert max(map(abs, map(int, map(str, narrow)))) > 2**24
    wide = [value for value in column(database, "d") if value is not None]
    assert max(int(str(value)) for value in wide) > 2**31


def test_nulls_and_repeated_values(databases: Databases, dialect: str) -> None:
    sql = "CREATE TABLE t (id {key}, a VARCHAR(10), b INTEGER, c DATE, u INTEGER UNIQUE)"
    database = databases.make(dialect, sql)

    fill(database)
    for name in "abc":
        values = column(database, name)
        assert None in values
        assert any(values.count(value) > 1 for value in values if value is not None)
    unique = [value for value in column(database, "u") if value is not None]
    assert len(unique) == len(set(unique)) >= 3


def test_every_label(databases: Databases, dialect: str) -> None:
    labels = [f"label {number}" for number in range(12)]
    quoted = ", ".join(f"'{label}'" for label in labels)
    kind = {
        "sqlite": f"VARCHAR(9) CHECK (a IN ({quoted}))",
        "postgresql": "kind",
        "mysql": f"ENUM ({quoted})",
    }
    setup = f"CREATE TYPE kind AS ENUM ({quoted});\n" if dialect == "postgresql" else ""
    database = databases.make(dialect, f"{setup}CREATE TABLE t (id {{key}}, a {kind[dialect]})")

    fill(database)
    assert {*column(database, "a")} == {*labels, None}


CHECKS = (
    "a VARCHAR(9) NOT NULL, CHECK (a IN ('on_hold', 'it''s', 'c'))",
    "a INTEGER NOT NULL, CHECK (a BETWEEN 100000 AND 100010)",
    "a INTEGER NOT NULL, CHECK (a > 5000 AND a <> 5001)",
    "a INTEGER NOT NULL, CHECK (a < -70000)",
    "a INTEGER NOT NULL, CHECK (a % 1000 = 7)",
    "a NUMERIC(10, 4) NOT NULL, CHECK (a > 0 AND a <= 1)",
    "a VARCHAR(50) NOT NULL, CHECK (LENGTH(a) = 17)",
    "a VARCHAR(50), CHECK (a IS NOT NULL AND LENGTH(a) BETWEEN 2 AND 4)",
    "a VARCHAR(50) NOT NULL, CHECK (a LIKE '%@%.%')",
    "a VARCHAR(50) NOT NULL, CHECK (a LIKE 'item-%')",
    "a VARCHAR(50) NOT NULL, CHECK (LOWER(a) = a AND a <> '')",
    "a DATE NOT NULL, CHECK (a > '2031-05-06')",
    "a INTEGER, b INTEGER, CHECK ((a IS NULL) <> (b IS NULL))",
    "a INTEGER NOT NULL, b INTEGER NOT NULL, CHECK (a < b)",
    "a INTEGER NOT NULL, b INTEGER NOT NULL, CHECK (b < a)",
    "a DATE NOT NULL, b DATE NOT NULL, CHECK (b < a)",
    "a VARCHAR(9) NOT NULL, b INTEGER, CHECK (a = 'x' AND b = 7 OR a = 'y' AND b IS NULL)",
    "a INTEGER, b INTEGER, c INTEGER, d INTEGER NOT NULL, "
    "CHECK ((a IS NOT NULL) + 0 + d = 3 OR d > 10)",
)


def test_checks(databases: Databases, dialect: str) -> None:
    checks = [check for check in CHECKS if dialect != "postgresql" or ") + 0" not in check]
    sql = ";\n".join(f"CREATE TABLE t{n} (id {{key}}, {check})" for n, check in enumerate(checks))
    database = databases.make(dialect, sql)

    filled = fill(database)
    assert reasons(filled) == {}
    assert all(part.rows >= 3 for part in filled.tables)


KEYS = {
    "composite": "a INTEGER NOT NULL, b VARCHAR(9) NOT NULL, PRIMARY KEY (a, b)",
    "of booleans": "a BOOLEAN NOT NULL, b BOOLEAN NOT NULL, UNIQUE (a, b)",
    "several": "a VARCHAR(9) NOT NULL UNIQUE, b INTEGER NOT NULL UNIQUE, UNIQUE (a, b)",
    "text": "a VARCHAR(30) NOT NULL PRIMARY KEY",
    "of one character": "a CHAR(1) NOT NULL PRIMARY KEY",
    "dates": "a DATE NOT NULL UNIQUE",
    "labels": "a VARCHAR(5) NOT NULL UNIQUE, CHECK (a IN ('x', 'y'))",
}


def test_keys(databases: Databases, dialect: str) -> None:
    sql = ";\n".join(f"CREATE TABLE t{n} ({key})" for n, key in enumerate(KEYS.values()))
    database = databases.make(dialect, sql)

    filled = fill(database)
    assert reasons(filled) == {}
    for name, part in zip(KEYS, filled.tables, strict=True):
        assert part.rows >= (2 if name == "labels" else 4), name


def test_a_composite_key_repeats_the_values_of_its_columns(databases: Databases) -> None:
    sql = "CREATE TABLE t (id {key}, a INTEGER NOT NULL, b VARCHAR(9) NOT NULL, UNIQUE (a, b))"
    database = databases.make("sqlite", sql)

    fill(database)
    values = column(database, "a")
    assert len(set(values)) < len(values)


def test_parents_and_children(databases: Databases, dialect: str) -> None:
    database = databases.make(dialect, USERS)

    assert reasons(fill(database)) == {}
    owners = column(database, "user_id", "orders")
    assert {*owners} < {*column(database, "id", "users")}  # one without children
    assert len(set(owners)) < len(owners)
    assert None in column(database, "order_id", "order_lines")


CIRCLES = {
    "itself": """
        CREATE TABLE a (id {key}, parent INTEGER, FOREIGN KEY (parent) REFERENCES a (id))
    """,
    "itself, required": """
        CREATE TABLE a (id {key}, parent INTEGER NOT NULL,
            FOREIGN KEY (parent) REFERENCES a (id))
    """,
    "two, one nullable": """
        CREATE TABLE a (id {key}, b INTEGER);
        CREATE TABLE b (id {key}, a INTEGER NOT NULL, FOREIGN KEY (a) REFERENCES a (id));
        {alter}
    """,
    "two, required": """
        CREATE TABLE a (id {key}, b INTEGER NOT NULL);
        CREATE TABLE b (id {key}, a INTEGER NOT NULL, FOREIGN KEY (a) REFERENCES a (id));
        {alter}
    """,
}


@pytest.mark.parametrize("circle", CIRCLES)
def test_circles(databases: Databases, dialect: str, circle: str) -> None:
    sql = CIRCLES[circle]
    if "{alter}" in sql and dialect == "sqlite":
        rule = "{null}, FOREIGN KEY (b) REFERENCES b (id))"
        sql = sql.replace("b INTEGER);", f"b INTEGER{rule};".format(null=""))
        sql = sql.replace("b INTEGER NOT NULL);", f"b INTEGER{rule};".format(null=" NOT NULL"))
    alter = "" if dialect == "sqlite" else "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id)"
    database = databases.make(dialect, sql.replace("{alter}", alter))

    assert reasons(fill(database)) == {}
    referring = column(database, "parent" if "itself" in circle else "b", "a")
    assert any(value is not None for value in referring)
    # The server still counts from the greatest key: rows of a migration find room.
    if "required" not in circle:
        run(
            database,
            "INSERT INTO a DEFAULT VALUES" if dialect != "mysql" else "INSERT INTO a () VALUES ()",
        )


def test_references_that_share_columns(databases: Databases, dialect: str) -> None:
    sql = """
        CREATE TABLE tenants (id INTEGER NOT NULL PRIMARY KEY);
        CREATE TABLE users (tenant INTEGER NOT NULL, id INTEGER NOT NULL, boss INTEGER,
            PRIMARY KEY (tenant, id), FOREIGN KEY (tenant) REFERENCES tenants (id),
            FOREIGN KEY (tenant, boss) REFERENCES users (tenant, id));
        CREATE TABLE posts (id INTEGER NOT NULL PRIMARY KEY, tenant INTEGER NOT NULL,
            author INTEGER,
            FOREIGN KEY (tenant) REFERENCES tenants (id),
            FOREIGN KEY (tenant, author) REFERENCES users (tenant, id));
        CREATE TABLE likes (post INTEGER NOT NULL, tenant INTEGER NOT NULL, author INTEGER NOT NULL,
            PRIMARY KEY (post, tenant, author), FOREIGN KEY (post) REFERENCES posts (id),
            FOREIGN KEY (tenant, author) REFERENCES users (tenant, id))
    """
    database = databases.make(dialect, sql)

    assert reasons(fill(database)) == {}
    assert any(column(database, "boss", "users"))


def test_only_what_is_named_and_its_relations(databases: Databases, dialect: str) -> None:
    database = databases.make(dialect, USERS)

    filled = fill(database, [table("users"), table("no_such_table")])
    assert [str(part.name) for part in filled.tables] == ["users", "orders"]
    assert column(database, "id", "order_lines") == []
    filled = fill(databases.make(dialect, USERS), [table("order_lines")])
    assert [str(part.name) for part in filled.tables] == ["users", "orders", "order_lines"]


def test_rows_that_are_there_stay(databases: Databases, dialect: str) -> None:
    sql = """
        CREATE TABLE kinds (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(9) NOT NULL UNIQUE);
        INSERT INTO kinds VALUES (1, 'name 1');
        CREATE TABLE full_set (a BOOLEAN NOT NULL PRIMARY KEY);
        INSERT INTO full_set VALUES (true);
        INSERT INTO full_set VALUES (false);
        CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)
    """
    database = databases.make(dialect, sql)

    filled = fill(database)
    assert {str(part.name): part.reason for part in filled.tables} == {"full_set": "", "kinds": ""}
    assert column(database, "name", "kinds WHERE id = 1") == ["name 1"]
    assert len(column(database, "name", "kinds")) >= 4


def test_what_cannot_be_filled_is_named(databases: Databases, dialect: str) -> None:
    sql = """
        CREATE TABLE never (a INTEGER NOT NULL, CHECK (a > 0 AND a < 0));
        CREATE TABLE parents (id INTEGER NOT NULL PRIMARY KEY, CHECK (id > 0 AND id < 0));
        CREATE TABLE children (id INTEGER NOT NULL, FOREIGN KEY (id) REFERENCES parents (id));
        CREATE TABLE fine (id {key})
    """
    database = databases.make(dialect, sql)

    filled = fill(database)
    unfilled = reasons(filled)
    assert sorted(unfilled) == ["children", "never", "parents"]
    assert "check" in unfilled["never"].lower() or "constraint" in unfilled["never"].lower()
    assert unfilled["children"] == "it references parents, which has no row"
    assert {str(part.name): part.rows for part in filled.tables}["fine"] == 5


def test_triggers_of_sqlite(databases: Databases) -> None:
    """One that ends the transaction takes no other table's rows along."""
    sql = """
        CREATE TABLE a (id {key}, t TEXT NOT NULL);
        CREATE TABLE b (id {key}, t TEXT NOT NULL);
        CREATE TABLE c (id {key}, t TEXT NOT NULL);
        CREATE TABLE log (t TEXT);
        CREATE TRIGGER no BEFORE INSERT ON b BEGIN SELECT RAISE(ROLLBACK, 'not here'); END;
        CREATE TRIGGER yes AFTER INSERT ON c BEGIN INSERT INTO log VALUES ('seen'); END
    """
    database = databases.make("sqlite", sql)

    assert reasons(fill(database)) == {"b": "not here"}
    assert len(column(database, "id", "a")) == len(column(database, "id", "c")) == 5
    assert column(database, "t", "log").count("seen") == 5


def test_names_that_need_quotes(databases: Databases, dialect: str) -> None:
    mark = "`" if dialect == "mysql" else '"'
    sql = """
        CREATE TABLE "order" (id {key}, "größe x" VARCHAR(5) NOT NULL, "Select" INTEGER,
            CHECK ("größe x" <> ''), CHECK ("Select" > 0));
        CREATE TABLE "Child's" ("From" INTEGER, FOREIGN KEY ("From") REFERENCES "order" (id))
    """
    database = databases.make(dialect, sql.replace('"', mark))

    assert reasons(fill(database)) == {}


POSTGRESQL = """
    CREATE EXTENSION IF NOT EXISTS btree_gist;
    CREATE SCHEMA other;
    CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, b int
        GENERATED ALWAYS AS (a * 2) STORED);
    CREATE TABLE other.u (id int REFERENCES t, name text CHECK (char_length(name) <= 255));
    CREATE UNIQUE INDEX ON other.u (lower(name)) WHERE id IS NOT NULL;
    CREATE TABLE rooms (no int NOT NULL, during tstzrange NOT NULL,
        EXCLUDE USING gist (no WITH =, during WITH &&));
    CREATE TABLE days (at date NOT NULL, kind text) PARTITION BY RANGE (at);
    CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
    CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')
        PARTITION BY LIST (kind);
    CREATE TABLE days_2_a PARTITION OF days_2 FOR VALUES IN ('a', 'b');
    CREATE TABLE hashed (k text PRIMARY KEY) PARTITION BY HASH (k);
    CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE rest (k int) PARTITION BY LIST (k);
    CREATE TABLE rest_1 PARTITION OF rest DEFAULT;
    CREATE TABLE nowhere (a int) PARTITION BY LIST (a);
    CREATE TABLE nulls (a int, UNIQUE NULLS NOT DISTINCT (a));
    CREATE TABLE exclusive (a int REFERENCES t, b int REFERENCES rest_keys, c text,
        CHECK (num_nonnulls(a, b, c) = 1));
    CREATE DOMAIN mail AS citext NOT NULL CHECK (VALUE ~ '^[^@]+@[^@]+$');
    CREATE TABLE mails (a mail, b mail[]);
    CREATE VIEW v AS SELECT 1;
    CREATE MATERIALIZED VIEW mv AS SELECT 1;
    CREATE UNLOGGED TABLE unlogged (a int)
"""


def test_what_only_postgresql_has(databases: Databases) -> None:
    sql = POSTGRESQL.replace(
        "CREATE SCHEMA other",
        "CREATE EXTENSION IF NOT EXISTS citext;\n"
        "    CREATE SCHEMA other;\n    CREATE TABLE rest_keys (id serial PRIMARY KEY)",
    )
    database = databases.make("postgresql", sql)

    filled = fill(database)
    assert reasons(filled) == {"nowhere": "it has no partition"}
    assert all(part.rows >= 3 for part in filled.tables if not part.reason)
    names = {str(part.name) for part in filled.tables}
    assert {"other.u", "days", "hashed"} < names
    assert not {"days_1", "days_2", "v", "mv"} & names
    filled = fill(database, [table("days_2_a")])
    assert [str(part.name) for part in filled.tables] == ["days"]


def test_a_trigger_that_asks_for_something(databases: Databases) -> None:
    """The row is changed until it is accepted."""
    database = databases.make("postgresql", "CREATE TABLE t (a text, b int)")
    database.run("""
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.a IS DISTINCT FROM 'abc' THEN RAISE EXCEPTION 'a must be abc'; END IF;
            RETURN NEW; END $$
    """)
    database.run("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()")

    assert reasons(fill(database)) == {}
    assert {*column(database, "a")} == {"abc"}


MYSQL = """
    CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a smallint unsigned,
        b int AS (a + 1) STORED, c int AS (a + 1) VIRTUAL,
        at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, parent int,
        FOREIGN KEY (parent) REFERENCES t (id));
    CREATE TABLE years (id int, d date NOT NULL) PARTITION BY RANGE (YEAR(d)) (
        PARTITION p0 VALUES LESS THAN (1990), PARTITION p1 VALUES LESS THAN (1995));
    CREATE TABLE lists (id int) PARTITION BY LIST (id) (
        PARTITION p0 VALUES IN (7, 9), PARTITION p1 VALUES IN (100));
    CREATE TABLE hashed (id int) PARTITION BY HASH (id) PARTITIONS 3;
    CREATE TABLE days (d date) PARTITION BY RANGE (TO_DAYS(d)) (
        PARTITION p0 VALUES LESS THAN (TO_DAYS('1960-01-01')));
    CREATE TABLE latin (a varchar(9) CHARACTER SET latin1 NOT NULL UNIQUE);
    CREATE VIEW v AS SELECT 1 AS one
"""


def test_what_only_mysql_has(databases: Databases) -> None:
    database = databases.make("mysql", MYSQL)

    filled = fill(database)
    assert reasons(filled) == {}
    assert {str(part.name) for part in filled.tables} == {
        *("t", "years", "lists", "hashed", "days", "latin")
    }
    assert max(str(at) for at in column(database, "at")) < "2039"
    assert any(column(database, "parent"))
    assert "2001-01-" in str(column(database, "at", "t WHERE id = 1")[0])  # no clock


def test_a_file_of_rows(databases: Databases, dialect: str) -> None:
    database = databases.make(dialect, "CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(20))")
    run_sql(
        database,
        "-- ours; and more\nINSERT INTO t VALUES (1, 'a;b');\nINSERT INTO t VALUES (2, '%s');\n",
    )

    assert column(database, "a") == ["a;b", "%s"]
    with pytest.raises(RowsFileError) as caught:
        run_sql(database, "INSERT INTO t VALUES (3, 'c'); INSERT INTO t VALUES (1, 'd');")
    assert "1" in str(caught.value) or "UNIQUE" in str(caught.value)
    assert len(column(database, "a")) == 2
    fill(database)
    assert len(column(database, "a")) >= 5


def test_what_only_sqlite_has(databases: Databases) -> None:
    sql = """
        CREATE TABLE plain (id INTEGER PRIMARY KEY, a TEXT) WITHOUT ROWID;
        CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, a);
        CREATE TABLE strict_one (a INTEGER, b REAL, c BLOB NOT NULL, d TEXT, e ANY) STRICT;
        CREATE TABLE computed (a INTEGER, b INTEGER AS (a + 1) STORED, c INTEGER AS (a + 2));
        CREATE TABLE "Mixed" (Id INTEGER PRIMARY KEY, parent INTEGER REFERENCES mixed (ID));
        CREATE TABLE no_target (a INTEGER REFERENCES plain);
        CREATE TABLE expressions (a TEXT NOT NULL, b INTEGER);
        CREATE UNIQUE INDEX i ON expressions (lower(a)) WHERE b > 0;
        CREATE VIRTUAL TABLE texts USING fts5 (a)
    """
    database = databases.make("sqlite", sql)

    filled = fill(database)
    assert reasons(filled) == {}
    assert len(filled.tables) == 7
    assert any(column(database, "parent", "Mixed"))


def test_an_index_that_the_rows_break(databases: Databases) -> None:
    """What an expression makes of values is judged by the database, row by row."""
    sql = """
        CREATE TABLE t (id {key}, a TEXT NOT NULL, b INTEGER NOT NULL);
        CREATE UNIQUE INDEX i ON t ((b / 1000))
    """
    database = databases.make("sqlite", sql)

    assert reasons(fill(database)) == {}
    assert len(column(database, "id")) >= 3
