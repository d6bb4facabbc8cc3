"""Tables that migrations by hand make as the models declare them, and unlike that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql


@dataclass(frozen=True)
class HandwrittenTable:
    """A table of the models, and two migrations by hand.

    Attributes:
        parts: Given the table's name, its columns and the like in the models.
        same: SQL statements that make the same table `{t}`, separated by semicolons; or, on a line
            of its own, a call of `op`.
        unlike: Statements that make another one.
        kinds: The kinds of the differences that are then reported, sorted and joined by spaces.
    """

    parts: Callable[[str], list[Any]]
    same: str
    unlike: str
    kinds: str


def column(*parts: Any, **options: Any) -> Callable[[str], list[Any]]:
    """A table of one column."""
    return lambda _: [sa.Column("a", *parts, **options)]


def checked(kind: Any, check: str) -> Callable[[str], list[Any]]:
    return lambda t: [sa.Column("a", kind), sa.CheckConstraint(check, name=f"{t}_right")]


def indexed(kind: Any, *parts: Any, **options: Any) -> Callable[[str], list[Any]]:
    return lambda t: [sa.Column("a", kind), sa.Index(f"{t}_i", *parts, **options)]


def hard_names(_: str) -> list[Any]:
    return [sa.Column(name, sa.Integer()) for name in ("Mixed", "select", "a b", "größe")]


def two_columns(_: str) -> list[Any]:
    return [sa.Column("a", sa.Integer()), sa.Column("b", sa.String(5))]


def key(_: str) -> list[Any]:
    return [sa.Column("id", sa.Integer(), primary_key=True)]


def unique(_: str) -> list[Any]:
    return [sa.Column("a", sa.Integer()), sa.UniqueConstraint("a")]


def referring(_: str) -> list[Any]:
    return [sa.Column("a", sa.Integer(), sa.ForeignKey("parent.id"))]


def full(_: str) -> list[Any]:
    return [
        *key(_),
        sa.Column("a", sa.Integer(), sa.ForeignKey("parent.id"), unique=True),
        sa.CheckConstraint("a > 0"),
    ]


BODY = "id {key}, b INTEGER UNIQUE, FOREIGN KEY (b) REFERENCES parent (id), CHECK (b > {least})"
RENAMED = (
    "CREATE TABLE {{t}}_old (" + BODY + "); ALTER TABLE {{t}}_old RENAME TO {{t}}; "
    "ALTER TABLE {{t}} RENAME COLUMN b TO a"
)


def renamed(key: str, least: int) -> str:
    return RENAMED.format(key=key, least=least)


POSTGRESQL = {
    "now": HandwrittenTable(
        column(sa.DateTime(), server_default=sa.func.now()),
        "CREATE TABLE {t} (a timestamp DEFAULT CURRENT_TIMESTAMP)",
        "CREATE TABLE {t} (a timestamp DEFAULT now() + '1 day')",
        "modify_default",
    ),
    "a time that the server folds": HandwrittenTable(
        column(sa.DateTime(timezone=True), server_default="now()"),
        "CREATE TABLE {t} (a timestamptz DEFAULT 'now')",
        "CREATE TABLE {t} (a timestamptz DEFAULT '2020-02-02')",
        "modify_default",
    ),
    "a day that the server folds": HandwrittenTable(
        checked(sa.Date(), "a > 'today'"),
        "CREATE TABLE {t} (a date, CONSTRAINT {t}_right CHECK (a > '2020-02-02'))",
        "CREATE TABLE {t} (a date, CONSTRAINT {t}_right CHECK (a < '2020-02-02'))",
        "modify_constraint",
    ),
    "varchar": HandwrittenTable(
        column(sa.String(20)),
        "CREATE TABLE {t} (a character varying (20))",
        "CREATE TABLE {t} (a character varying (21))",
        "modify_type",
    ),
    "decimal": HandwrittenTable(
        column(sa.Numeric(10, 2)),
        "CREATE TABLE {t} (a dec(10,2))",
        "CREATE TABLE {t} (a dec(10,3))",
        "modify_type",
    ),
    "time zone": HandwrittenTable(
        column(sa.DateTime(timezone=True)),
        "CREATE TABLE {t} (a timestamptz)",
        "CREATE TABLE {t} (a timestamp)",
        "modify_type",
    ),
    "false": HandwrittenTable(
        column(sa.Boolean(), server_default=sa.false()),
        "CREATE TABLE {t} (a bool DEFAULT 'f')",
        "CREATE TABLE {t} (a bool DEFAULT 't')",
        "modify_default",
    ),
    "'0'": HandwrittenTable(
        column(sa.Boolean(), server_default="0"),
        "CREATE TABLE {t} (a bool DEFAULT false)",
        "CREATE TABLE {t} (a bool)",
        "modify_default",
    ),
    "json": HandwrittenTable(
        column(sa.JSON(), server_default='{"a": [1, "b:c"]}'),
        'CREATE TABLE {t} (a json DEFAULT \'{"a":[1,"b:c"]}\'::json)',
        "CREATE TABLE {t} (a json DEFAULT '{\"a\":[2]}'::json)",
        "modify_default",
    ),
    "jsonb": HandwrittenTable(
        column(postgresql.JSONB(), server_default=sa.text("'{}'")),
        "CREATE TABLE {t} (a jsonb DEFAULT '{}'::jsonb)",
        "CREATE TABLE {t} (a jsonb DEFAULT '[]'::jsonb)",
        "modify_default",
    ),
    "numeric": HandwrittenTable(
        column(sa.Numeric(10, 2), server_default="0"),
        "CREATE TABLE {t} (a numeric(10, 2) DEFAULT 0.00)",
        "CREATE TABLE {t} (a numeric(10, 2) DEFAULT 0.01)",
        "modify_default",
    ),
    "negative": HandwrittenTable(
        column(sa.Integer(), server_default=sa.text("-1")),
        "CREATE TABLE {t} (a int DEFAULT '-1')",
        "CREATE TABLE {t} (a int DEFAULT 1)",
        "modify_default",
    ),
    "text": HandwrittenTable(
        column(sa.String(9), server_default="it's 5%"),
        "CREATE TABLE {t} (a varchar(9) DEFAULT E'it\\'s 5%'::text)",
        "CREATE TABLE {t} (a varchar(9) DEFAULT 'its 5%')",
        "modify_default",
    ),
    "enum": HandwrittenTable(
        lambda t: [sa.Column("a", sa.Enum("x", "y", name=f"{t}_kind"), server_default="x")],
        "CREATE TYPE {t}_kind AS ENUM ('y'); ALTER TYPE {t}_kind ADD VALUE 'x' BEFORE 'y'; "
        "CREATE TABLE {t} (a {t}_kind DEFAULT ('x'))",
        "CREATE TYPE {t}_kind AS ENUM ('y', 'x'); CREATE TABLE {t} (a {t}_kind DEFAULT 'x')",
        "modify_enum",
    ),
    "odd names": HandwrittenTable(
        hard_names,
        'CREATE TABLE {t} ("größe" int, "Mixed" int, "select" int, "a b" int)',
        'CREATE TABLE {t} ("größe" int, mixed int, "select" int, "a b" int)',
        "add_column remove_column",
    ),
    "order of columns": HandwrittenTable(
        two_columns,
        "CREATE TABLE {t} (b varchar(5)); ALTER TABLE {t} ADD a int",
        "CREATE TABLE {t} (b varchar(5)); ALTER TABLE {t} ADD a int NOT NULL",
        "modify_nullable",
    ),
    "serial": HandwrittenTable(
        key,
        "CREATE TABLE {t} (id serial PRIMARY KEY)",
        "CREATE TABLE {t} (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
        "modify_default",
    ),
    "a sequence named like that of serial": HandwrittenTable(
        lambda t: [sa.Column("id", sa.BigInteger(), sa.Sequence(f"{t}_id_seq"), primary_key=True)],
        "CREATE TABLE {t} (id bigserial PRIMARY KEY)",
        "CREATE TABLE {t} (id bigint PRIMARY KEY DEFAULT 5)",
        "modify_default",
    ),
    "owned sequence": HandwrittenTable(
        key,
        "CREATE SEQUENCE {t}_s; CREATE TABLE {t} (id int PRIMARY KEY DEFAULT nextval('{t}_s')); "
        "ALTER SEQUENCE {t}_s OWNED BY {t}.id",
        "CREATE SEQUENCE {t}_s; CREATE TABLE {t} (id int PRIMARY KEY DEFAULT nextval('{t}_s'))",
        "modify_default",
    ),
    "check, then another type": HandwrittenTable(
        checked(sa.Text(), "a IN ('x', 'y') AND a <> ''"),
        "CREATE TABLE {t} (a varchar(9), CONSTRAINT {t}_right CHECK (a IN ('x', 'y') AND a <> ''));"
        "ALTER TABLE {t} ALTER a TYPE text",
        "CREATE TABLE {t} (a varchar(9), CONSTRAINT {t}_right CHECK (a IN ('x', 'z') AND a <> ''));"
        "ALTER TABLE {t} ALTER a TYPE text",
        "modify_constraint",
    ),
    "check, then another length": HandwrittenTable(
        checked(sa.String(20), "a IN ('x', 'y') OR lower(a) LIKE 'z%'"),
        "CREATE TABLE {t} (a varchar(9), "
        "CONSTRAINT {t}_right CHECK (a IN ('x', 'y') OR lower(a) LIKE 'z%'));"
        "ALTER TABLE {t} ALTER a TYPE varchar(20)",
        "CREATE TABLE {t} (a varchar(9), "
        "CONSTRAINT {t}_right CHECK (a IN ('x', 'y') OR lower(a) LIKE 'z'));"
        "ALTER TABLE {t} ALTER a TYPE varchar(20)",
        "modify_constraint",
    ),
    "check of a number, then another type": HandwrittenTable(
        checked(sa.BigInteger(), "a > 5 AND a < 100"),
        "CREATE TABLE {t} (a int, CONSTRAINT {t}_right CHECK (a > 5 AND a < 100));"
        "ALTER TABLE {t} ALTER a TYPE bigint",
        "CREATE TABLE {t} (a int, CONSTRAINT {t}_right CHECK (a > 5 AND a < 1000));"
        "ALTER TABLE {t} ALTER a TYPE bigint",
        "modify_constraint",
    ),
    "check of a number, then another kind": HandwrittenTable(
        checked(sa.Double(), "a >= 0 AND a IN (1, 2.5)"),
        "CREATE TABLE {t} (a numeric, CONSTRAINT {t}_right CHECK (a >= 0 AND a IN (1, 2.5)));"
        "ALTER TABLE {t} ALTER a TYPE float8",
        "CREATE TABLE {t} (a numeric, CONSTRAINT {t}_right CHECK (a >= 1 AND a IN (1, 2.5)));"
        "ALTER TABLE {t} ALTER a TYPE float8",
        "modify_constraint",
    ),
    "check of a day, then a time": HandwrittenTable(
        checked(sa.DateTime(timezone=True), "a >= '2020-01-01'"),
        "CREATE TABLE {t} (a date, CONSTRAINT {t}_right CHECK (a >= '2020-01-01'));"
        "ALTER TABLE {t} ALTER a TYPE timestamptz",
        "CREATE TABLE {t} (a date, CONSTRAINT {t}_right CHECK (a >= '2020-01-02'));"
        "ALTER TABLE {t} ALTER a TYPE timestamptz",
        "modify_constraint",
    ),
    "a list with casts": HandwrittenTable(
        checked(sa.String(9), "a IN ('x', 'y')"),
        "CREATE TABLE {t} (a varchar(9), "
        "CONSTRAINT {t}_right CHECK (((a)::text = ANY (ARRAY['x'::text, ('y')]))))",
        "CREATE TABLE {t} (a varchar(9), "
        "CONSTRAINT {t}_right CHECK (((a)::text = ANY (ARRAY['y'::text, ('x')]))))",
        "modify_constraint",
    ),
    "renamed": HandwrittenTable(
        full,
        renamed("serial PRIMARY KEY", 0),
        renamed("serial PRIMARY KEY", 1),
        "add_constraint remove_constraint",
    ),
    "not valid": HandwrittenTable(
        lambda _: [
            sa.Column("a", sa.Integer(), sa.ForeignKey("parent.id", postgresql_not_valid=True))
        ],
        "CREATE TABLE {t} (a int); "
        "ALTER TABLE {t} ADD FOREIGN KEY (a) REFERENCES parent (id) NOT VALID",
        "CREATE TABLE {t} (a int); ALTER TABLE {t} ADD FOREIGN KEY (a) REFERENCES parent (id) "
        "ON DELETE CASCADE NOT VALID",
        "add_fk remove_fk",
    ),
    "validated later": HandwrittenTable(
        lambda t: [
            sa.Column("a", sa.Integer()),
            sa.CheckConstraint("a > 0", name=f"{t}_right", postgresql_not_valid=True),
        ],
        "CREATE TABLE {t} (a int); ALTER TABLE {t} ADD CONSTRAINT {t}_right CHECK (a > 0) "
        "NOT VALID; ALTER TABLE {t} VALIDATE CONSTRAINT {t}_right",
        "CREATE TABLE {t} (a int); "
        "ALTER TABLE {t} ADD CONSTRAINT {t}_right CHECK (a > 1) NOT VALID",
        "modify_constraint",
    ),
    "renamed constraint": HandwrittenTable(
        checked(sa.Integer(), "a > 0"),
        "CREATE TABLE {t} (a int CHECK (a > 0));"
        "ALTER TABLE {t} RENAME CONSTRAINT {t}_a_check TO {t}_right",
        "CREATE TABLE {t} (a int, CONSTRAINT {t}_wrong CHECK (a > 0))",
        "add_constraint remove_constraint",
    ),
    "unique key": HandwrittenTable(
        column(sa.Integer(), primary_key=True, autoincrement=False, unique=True),
        "CREATE TABLE {t} (a int PRIMARY KEY); ALTER TABLE {t} ADD UNIQUE (a)",
        "CREATE TABLE {t} (a int, b int PRIMARY KEY); ALTER TABLE {t} ADD UNIQUE (a)",
        "modify_constraint modify_nullable remove_column",
    ),
    "a unique constraint that lends the key its name": HandwrittenTable(
        lambda t: [
            sa.Column("a", sa.Integer(), primary_key=True, autoincrement=False),
            sa.UniqueConstraint("a", name=f"{t}_u"),
        ],
        "CREATE TABLE {t} (a int PRIMARY KEY); ALTER TABLE {t} ADD CONSTRAINT {t}_u UNIQUE (a)",
        "CREATE TABLE {t} (a int PRIMARY KEY); ALTER TABLE {t} ADD CONSTRAINT {t}_v UNIQUE (a)",
        "remove_constraint",  # the models' own may be there or not
    ),
    "foreign key": HandwrittenTable(
        referring,
        "CREATE TABLE {t} (a int); ALTER TABLE {t} ADD FOREIGN KEY (a) REFERENCES parent "
        "MATCH SIMPLE ON DELETE NO ACTION NOT DEFERRABLE INITIALLY IMMEDIATE",
        "CREATE TABLE {t} (a int REFERENCES parent DEFERRABLE)",
        "add_fk remove_fk",
    ),
    "predicate": HandwrittenTable(
        indexed(sa.Integer(), "a", postgresql_where=sa.text("a > 0 AND a IS NOT NULL")),
        "CREATE TABLE {t} (a int); "
        "CREATE INDEX {t}_i ON {t} USING btree (a ASC) WHERE (((a) > (0)) AND (a IS NOT NULL))",
        "CREATE TABLE {t} (a int); CREATE INDEX {t}_i ON {t} (a) WHERE a > 1 AND a IS NOT NULL",
        "modify_index",
    ),
    "expression": HandwrittenTable(
        indexed(sa.String(9), sa.text("lower(a) DESC")),
        "CREATE TABLE {t} (a varchar(9)); "
        "CREATE INDEX {t}_i ON {t} (lower((a)::text) DESC NULLS FIRST)",
        "CREATE TABLE {t} (a varchar(9)); CREATE INDEX {t}_i ON {t} (lower(a))",
        "add_index remove_index",
    ),
    "a cast that cuts": HandwrittenTable(
        indexed(sa.Text(), sa.text("CAST(a AS VARCHAR(10))")),
        "CREATE TABLE {t} (a text); CREATE INDEX {t}_i ON {t} ((a::varchar(10)))",
        "CREATE TABLE {t} (a text); CREATE INDEX {t}_i ON {t} ((a::varchar(20)))",
        "modify_index",
    ),
    "a check of a cast that cuts": HandwrittenTable(
        checked(sa.Text(), "CAST(a AS VARCHAR(5)) <> 'b:c'"),
        "CREATE TABLE {t} (a text, CONSTRAINT {t}_right CHECK (((a)::varchar(5))::text <> 'b:c'))",
        "CREATE TABLE {t} (a text, CONSTRAINT {t}_right CHECK ((a)::varchar(2) <> 'b:c'))",
        "modify_constraint",
    ),
    "computed by a cast that cuts": HandwrittenTable(
        lambda _: [
            sa.Column("b", sa.Text()),
            sa.Column("a", sa.Text(), sa.Computed("CAST(b AS VARCHAR(80))", persisted=True)),
        ],
        "CREATE TABLE {t} (b text, a text GENERATED ALWAYS AS (b::varchar(80)) STORED)",
        "CREATE TABLE {t} (b text, a text GENERATED ALWAYS AS (b::varchar(60)) STORED)",
        "modify_computed",
    ),
    "a default that begins with a cast": HandwrittenTable(
        column(sa.BigInteger(), server_default=sa.text("1000::bigint + (random() * 100)::bigint")),
        "CREATE TABLE {t} (a bigint DEFAULT '1000'::int8 + (100 * random())::int8); "
        "ALTER TABLE {t} ALTER a SET DEFAULT 1000::int8 + ((random() * 100))::int8",
        "CREATE TABLE {t} (a bigint DEFAULT 1000::bigint)",
        "modify_default",
    ),
    "comment": HandwrittenTable(
        column(sa.Integer(), comment="it's"),
        "CREATE TABLE {t} (a int); COMMENT ON COLUMN {t}.a IS E'it\\'s'",
        "CREATE TABLE {t} (a int); COMMENT ON TABLE {t} IS 'it'",
        "modify_comment modify_table_comment",
    ),
}

MARIADB = {
    "now": HandwrittenTable(
        column(sa.DateTime(), server_default=sa.func.now()),
        "CREATE TABLE {t} (a DATETIME DEFAULT current_timestamp())",
        "CREATE TABLE {t} (a DATETIME DEFAULT '2020-01-01')",
        "modify_default",
    ),
    "varchar": HandwrittenTable(
        column(sa.String(20)),
        "CREATE TABLE {t} (a CHARACTER VARYING (20))",
        "CREATE TABLE {t} (a CHARACTER VARYING (21))",
        "modify_type",
    ),
    "integer": HandwrittenTable(
        column(sa.Integer()),
        "CREATE TABLE {t} (a INT(11) NULL DEFAULT NULL)",
        "CREATE TABLE {t} (a INT UNSIGNED)",
        "modify_type",
    ),
    "boolean": HandwrittenTable(
        column(sa.Boolean(), server_default="0"),
        "CREATE TABLE {t} (a TINYINT(1) DEFAULT false)",
        "CREATE TABLE {t} (a TINYINT(1) DEFAULT true)",
        "modify_default",
    ),
    "boolean text": HandwrittenTable(
        column(sa.Boolean(), server_default=sa.text("0")),
        "CREATE TABLE {t} (a BOOLEAN DEFAULT '0')",
        "CREATE TABLE {t} (a BOOLEAN)",
        "modify_default",
    ),
    "json": HandwrittenTable(
        column(sa.JSON()),
        "CREATE TABLE {t} (a LONGTEXT COLLATE utf8mb4_bin CHECK (json_valid(a)))",
        "CREATE TABLE {t} (a LONGTEXT COLLATE utf8mb4_bin)",
        "add_constraint",
    ),
    "numeric": HandwrittenTable(
        column(sa.Numeric(10, 2), server_default="0"),
        "CREATE TABLE {t} (a DECIMAL(10, 2) DEFAULT 0.00)",
        "CREATE TABLE {t} (a DECIMAL(10, 2) DEFAULT 0.01)",
        "modify_default",
    ),
    "negative": HandwrittenTable(
        column(sa.Integer(), server_default=sa.text("-1")),
        "CREATE TABLE {t} (a INT DEFAULT '-1')",
        "CREATE TABLE {t} (a INT DEFAULT 1)",
        "modify_default",
    ),
    "text": HandwrittenTable(
        column(sa.String(9), server_default="it's 5%"),
        "CREATE TABLE {t} (a VARCHAR(9) DEFAULT 'it\\'s 5%')",
        "CREATE TABLE {t} (a VARCHAR(9) DEFAULT 'its 5%')",
        "modify_default",
    ),
    "enum": HandwrittenTable(
        column(sa.Enum("x", "y")),
        "CREATE TABLE {t} (a ENUM('x')); ALTER TABLE {t} MODIFY a enum ( 'x' , \"y\" )",
        "CREATE TABLE {t} (a ENUM('y', 'x'))",
        "modify_type",
    ),
    "odd names": HandwrittenTable(
        hard_names,
        "CREATE TABLE {t} (`größe` INT, `Mixed` INT, `select` INT, `a b` INT)",
        "CREATE TABLE {t} (`größe` INT, `Mixed_` INT, `select` INT, `a b` INT)",
        "add_column remove_column",
    ),
    "order of columns": HandwrittenTable(
        two_columns,
        "CREATE TABLE {t} (b VARCHAR(5)); ALTER TABLE {t} ADD a INT FIRST",
        "CREATE TABLE {t} (b VARCHAR(5)); ALTER TABLE {t} ADD a INT NOT NULL",
        "modify_nullable",
    ),
    "key": HandwrittenTable(
        key,
        "CREATE TABLE {t} (id SERIAL, PRIMARY KEY (id)); ALTER TABLE {t} DROP INDEX id, "
        "MODIFY id INT(11) NOT NULL AUTO_INCREMENT",
        "CREATE TABLE {t} (id INT PRIMARY KEY)",
        "modify_autoincrement",
    ),
    "unique": HandwrittenTable(
        unique,
        "CREATE TABLE {t} (a INT); CREATE UNIQUE INDEX a ON {t} (a)",
        "CREATE TABLE {t} (a INT); CREATE INDEX a ON {t} (a)",
        "add_constraint",
    ),
    "check": HandwrittenTable(
        checked(sa.String(9), "a IN ('x', 'y') AND length(a) > 0"),
        "CREATE TABLE {t} (a VARCHAR(9), "
        "CONSTRAINT {t}_right CHECK ((`A` in ('x','y')) and LENGTH(a)>0))",
        "CREATE TABLE {t} (a VARCHAR(9), "
        "CONSTRAINT {t}_right CHECK ((`A` in ('x','y')) or LENGTH(a)>0))",
        "modify_constraint",
    ),
    "renamed": HandwrittenTable(
        full,
        renamed("INT AUTO_INCREMENT PRIMARY KEY", 0),
        renamed("INT AUTO_INCREMENT PRIMARY KEY", 1),
        "modify_constraint",
    ),
    "index of a foreign key": HandwrittenTable(
        referring,
        "CREATE TABLE {t} (a INT, KEY (a)); ALTER TABLE {t} ADD CONSTRAINT `{t}_ibfk_7` "
        "FOREIGN KEY (a) REFERENCES parent (id) ON DELETE RESTRICT ON UPDATE NO ACTION",
        "CREATE TABLE {t} (a INT, FOREIGN KEY (a) REFERENCES parent (id) ON DELETE CASCADE)",
        "add_fk remove_fk",
    ),
    "prefix": HandwrittenTable(
        indexed(sa.Text(), "a", mariadb_length=5),
        "CREATE TABLE {t} (a TEXT, INDEX {t}_i (a(5) ASC) USING BTREE)",
        "CREATE TABLE {t} (a TEXT, INDEX {t}_i (a(6)))",
        "modify_index",
    ),
    "computed": HandwrittenTable(
        lambda _: [
            sa.Column("b", sa.Integer()),
            sa.Column("a", sa.Integer(), sa.Computed("b + 1", persisted=True)),
        ],
        "CREATE TABLE {t} (b INT, a INT AS ((`B`+1)) PERSISTENT)",
        "CREATE TABLE {t} (b INT, a INT AS (b+2) STORED)",
        "modify_computed",
    ),
    "time stamp": HandwrittenTable(
        column(mysql.TIMESTAMP(), nullable=False, server_default=sa.text("CURRENT_TIMESTAMP")),
        "CREATE TABLE {t} (a TIMESTAMP NOT NULL DEFAULT NOW())",
        "CREATE TABLE {t} (a TIMESTAMP NOT NULL DEFAULT '2020-01-01')",
        "modify_default",
    ),
}

SQLITE = {
    "now": HandwrittenTable(
        column(sa.DateTime(), server_default=sa.func.now()),
        "CREATE TABLE {t} (a DATETIME DEFAULT ( current_timestamp ))",
        "CREATE TABLE {t} (a DATETIME DEFAULT CURRENT_DATE)",
        "modify_default",
    ),
    "varchar": HandwrittenTable(
        column(sa.String(20)),
        "CREATE TABLE {t} (a character varying (20))",
        "CREATE TABLE {t} (a character varying (21))",
        "modify_type",
    ),
    "boolean": HandwrittenTable(
        column(sa.Boolean(), server_default=sa.text("0")),
        "CREATE TABLE {t} (a BOOLEAN DEFAULT '0')",
        "CREATE TABLE {t} (a BOOLEAN DEFAULT '1')",
        "modify_default",
    ),
    "false": HandwrittenTable(
        column(sa.Boolean(), server_default=sa.false()),
        "CREATE TABLE {t} (a BOOLEAN DEFAULT FALSE)",
        "CREATE TABLE {t} (a BOOLEAN DEFAULT TRUE)",
        "modify_default",
    ),
    "numeric": HandwrittenTable(
        column(sa.Numeric(10, 2), server_default="0"),
        "CREATE TABLE {t} (a DECIMAL(10,2) DEFAULT 0.00)",
        "CREATE TABLE {t} (a DECIMAL(10,2) DEFAULT 0.01)",
        "modify_default",
    ),
    "negative": HandwrittenTable(
        column(sa.Integer(), server_default=sa.text("-1")),
        "CREATE TABLE {t} (a INTEGER DEFAULT '-1')",
        "CREATE TABLE {t} (a INTEGER DEFAULT 1)",
        "modify_default",
    ),
    "text": HandwrittenTable(
        column(sa.String(9), server_default="it's 5%"),
        'CREATE TABLE {t} (a VARCHAR(9) DEFAULT "it\'s 5%")',
        "CREATE TABLE {t} (a VARCHAR(9) DEFAULT 'its 5%')",
        "modify_default",
    ),
    "odd names": HandwrittenTable(
        hard_names,
        "CREATE TABLE {t} ([größe] INTEGER, `Mixed` INTEGER, 'select' INTEGER, \"a b\" INTEGER)",
        "CREATE TABLE {t} ([größe] INTEGER, `Mixed_` INTEGER, 'select' INTEGER, \"a b\" INTEGER)",
        "add_column remove_column",
    ),
    "order of columns": HandwrittenTable(
        two_columns,
        "CREATE TABLE {t} (b VARCHAR(5)); ALTER TABLE {t} ADD a INTEGER",
        "CREATE TABLE {t} (b VARCHAR(5)); ALTER TABLE {t} ADD a INTEGER NOT NULL DEFAULT 0",
        "modify_default modify_nullable",
    ),
    "check": HandwrittenTable(
        checked(sa.String(9), "a IN ('x', 'y') AND length(a) > 0"),
        "CREATE TABLE {t} (a VARCHAR(9) CONSTRAINT {t}_right CHECK (\"a\" in('x','y') "
        "and ((LENGTH(a)) > 0)))",
        "CREATE TABLE {t} (a VARCHAR(9) CONSTRAINT {t}_right CHECK (a IN ('x','y')))",
        "modify_constraint",
    ),
    "renamed": HandwrittenTable(
        full,
        renamed("INTEGER PRIMARY KEY", 0),
        renamed("INTEGER PRIMARY KEY", 1),
        "modify_constraint",
    ),
    "foreign key": HandwrittenTable(
        referring,
        "CREATE TABLE {t} (a INTEGER REFERENCES parent ON DELETE NO ACTION)",
        "CREATE TABLE {t} (a INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        "modify_fk",
    ),
    "predicate": HandwrittenTable(
        indexed(sa.Integer(), "a", sqlite_where=sa.text("a > 0")),
        "CREATE TABLE {t} (a INTEGER); CREATE INDEX {t}_i ON {t} ([a] ASC) WHERE ((a)>0)",
        "CREATE TABLE {t} (a INTEGER); CREATE INDEX {t}_i ON {t} (a) WHERE a > 1",
        "modify_index",
    ),
    "batch": HandwrittenTable(
        lambda t: [
            sa.Column("id", sa.Integer(), primary_key=True),
            sa.Column("a", sa.String(9), nullable=False, server_default="x"),
            sa.Column("b", sa.Boolean(), server_default=sa.false()),
            sa.CheckConstraint("a <> ''", name=f"{t}_right"),
            sa.UniqueConstraint("a", name=f"{t}_u"),
        ],
        "CREATE TABLE {t} (id INTEGER PRIMARY KEY, a VARCHAR(5), b BOOLEAN DEFAULT 0);\n"
        "with op.batch_alter_table('{t}') as batch:\n"
        "    batch.alter_column('a', type_=sa.String(9), nullable=False, server_default='x')\n"
        "    batch.create_check_constraint('{t}_right', \"a <> ''\")\n"
        "    batch.create_unique_constraint('{t}_u', ['a'])",
        "CREATE TABLE {t} (id INTEGER PRIMARY KEY, a VARCHAR(5), b BOOLEAN DEFAULT 0);\n"
        "with op.batch_alter_table('{t}') as batch:\n"
        "    batch.alter_column('a', type_=sa.String(9), nullable=False, server_default='y')\n"
        "    batch.create_check_constraint('{t}_right', \"a <> 'z'\")\n"
        "    batch.create_unique_constraint('{t}_u', ['a'])",
        "modify_constraint modify_default",
    ),
}

HANDWRITTEN_TABLES = {"sqlite": SQLITE, "postgresql": POSTGRESQL, "mariadb": MARIADB}
