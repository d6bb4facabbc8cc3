"""Messages of SQLite, PostgreSQL 15 and MariaDB 10.11 about rows, as their drivers give them."""

from __future__ import annotations

import pytest

from alembic_lockstep.advice.row_errors import RowError, row_error

TMP = "INSERT INTO _alembic_tmp_zu (id, email) SELECT zu.id, zu.email FROM zu"
UNIQUE = "ALTER TABLE zu ADD CONSTRAINT uq UNIQUE (email)"
FOREIGN = "ALTER TABLE zo ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES zu (id)"
INTEGER = "ALTER TABLE zu ALTER COLUMN score TYPE INTEGER USING score::integer"


def read(message: str, statement: str = "") -> RowError | None:
    return row_error({"type": "Error", "message": message, "statement": statement})


@pytest.mark.parametrize(
    "message",
    [
        'relation "zu" does not exist',
        "no such table: zu",
        "(1146, \"Table 'x.zu' doesn't exist\")",
        'column "score" cannot be cast automatically to type integer',
        "(1064, \"You have an error in your SQL syntax near '' at line 1\")",
        'near "ALTR": syntax error',
        'type "mood" already exists',
        "name 'op' is not defined",
        "database is locked",
        "",
    ],
)
def test_errors_that_need_no_rows_are_not_about_rows(message: str) -> None:
    assert read(message, "ALTER TABLE zu ADD COLUMN x INTEGER") is None


ADD = "ALTER TABLE zu ADD COLUMN x VARCHAR(3) NOT NULL"
NULLS = [
    ('column "x" of relation "zu" contains null values\n', ADD, "zu.x", True),
    ("Cannot add a NOT NULL column with default value NULL", ADD, "zu.x", True),
    (
        "(1292, \"Incorrect date value: '0000-00-00' for column `db`.`zu`.`x` at row 1\")",
        "ALTER TABLE zu ADD COLUMN x DATE NOT NULL",
        "zu.x",
        True,
    ),
    (
        'column "email" of relation "zu" contains null values',
        "ALTER TABLE zu ALTER COLUMN email SET NOT NULL",
        "zu.email",
        False,
    ),
    (
        'column "email" of table "zu" contains null values',
        "ALTER DOMAIN address SET NOT NULL",
        "zu.email",
        False,
    ),
    ("NOT NULL constraint failed: _alembic_tmp_zu.email", TMP, "zu.email", False),
    ("NOT NULL constraint failed: _alembic_tmp_zu.name", TMP, "zu.name", True),
    (
        "(1265, \"Data truncated for column 'email' at row 3\")",
        "ALTER TABLE zu MODIFY email VARCHAR(40) NOT NULL",
        "zu.email",
        False,
    ),
    (
        "(1138, 'Invalid use of NULL value')",
        "ALTER TABLE `zu` MODIFY `email` VARCHAR(40) NOT NULL",
        "zu.email",
        False,
    ),
]


@pytest.mark.parametrize(("message", "statement", "column", "adds"), NULLS)
def test_a_null_in_a_column_that_is_not_null(
    message: str, statement: str, column: str, adds: bool
) -> None:
    error = read(message, statement)
    assert error is not None
    assert (error.kind, error.column, error.adds) == ("null", column, adds)
    assert not error.changes_rows


@pytest.mark.parametrize(
    ("message", "statement"),
    [
        (
            'null value in column "email" of relation "zu" violates not-null constraint\n'
            "DETAIL:  Failing row contains (null, null).",
            "INSERT INTO zu (id) VALUES (1)",
        ),
        ("NOT NULL constraint failed: zu.email", "INSERT INTO zu (id) VALUES (1)"),
        ("(1048, \"Column 'email' cannot be null\")", "UPDATE zu SET email = NULL"),
        (
            "(1364, \"Field 'email' doesn't have a default value\")",
            "INSERT INTO zu (id) VALUES (1)",
        ),
    ],
)
def test_a_row_that_is_written_without_a_value(message: str, statement: str) -> None:
    error = read(message, statement)
    assert error is not None
    assert (error.kind, error.column, error.changes_rows) == ("null", "zu.email", True)


@pytest.mark.parametrize(
    ("message", "statement", "value"),
    [
        (
            'could not create unique index "uq"\nDETAIL:  Key (email)=(a) is duplicated.\n',
            UNIQUE,
            "a",
        ),
        ('could not create unique index "uq"', UNIQUE, ""),  # asyncpg
        ('could not create unique index "uq"', 'CREATE UNIQUE INDEX uq ON "zu" (email)', ""),
        ("UNIQUE constraint failed: zu.email", "CREATE UNIQUE INDEX uq ON zu (email)", ""),
        ("UNIQUE constraint failed: _alembic_tmp_zu.email", TMP, ""),
        ("(1062, \"Duplicate entry 'a' for key 'uq'\")", UNIQUE, "a"),
    ],
)
def test_equal_values_in_a_unique_column(message: str, statement: str, value: str) -> None:
    error = read(message, statement)
    assert error is not None
    assert (error.kind, error.column, error.value) == ("duplicate", "zu.email", value)


def test_equal_values_in_several_columns_or_an_expression() -> None:
    both = read("UNIQUE constraint failed: zu.a, zu.b", "CREATE UNIQUE INDEX uq ON zu (a, b)")
    assert both is not None
    assert both.column == "zu.a, zu.b"
    message = 'could not create unique index "uq"\nDETAIL:  Key (lower(email::text))=(a) is'
    lower = read(f"{message} duplicated.", "CREATE UNIQUE INDEX uq ON zu (lower(email))")
    assert lower is not None
    assert (lower.table, lower.columns) == ("zu", ("lower(email::text)",))


@pytest.mark.parametrize(
    ("message", "statement", "kind", "value"),
    [
        ('invalid input syntax for type integer: "abc"\n', INTEGER, "INTEGER", "abc"),
        (
            'invalid input value for enum mood: "abc"',
            "ALTER TABLE zu ALTER COLUMN score TYPE mood USING score::mood",
            "mood",
            "abc",
        ),
        (
            "value too long for type character varying(5)",
            "ALTER TABLE zu ALTER COLUMN score TYPE VARCHAR(5)",
            "VARCHAR(5)",
            "",
        ),
        ("smallint out of range", "ALTER TABLE zu ALTER score TYPE SMALLINT", "SMALLINT", ""),
        (
            "numeric field overflow\nDETAIL:  A field with precision 5, scale 1 must round …",
            "ALTER TABLE zu ALTER COLUMN score TYPE NUMERIC(5, 1)",
            "NUMERIC(5, 1)",
            "",
        ),
        (
            "(1292, \"Truncated incorrect INTEGER value: 'abc'\")",
            "ALTER TABLE zu MODIFY score INTEGER NULL",
            "INTEGER",
            "abc",
        ),
        (
            "(1265, \"Data truncated for column 'score' at row 2\")",
            "ALTER TABLE zu MODIFY score VARCHAR(5) NULL",
            "VARCHAR(5)",
            "",
        ),
        (
            "(1406, \"Data too long for column 'score' at row 2\")",
            "ALTER TABLE zu MODIFY score VARCHAR(5) NULL",
            "VARCHAR(5)",
            "",
        ),
        (
            "(1264, \"Out of range value for column 'score' at row 1\")",
            "ALTER TABLE zu CHANGE old score SMALLINT NULL",
            "SMALLINT",
            "",
        ),
        (
            "(1292, \"Incorrect datetime value: 'abc' for column `db`.`zu`.`score` at row 1\")",
            "ALTER TABLE zu MODIFY score DATE NULL",
            "DATE",
            "abc",
        ),
    ],
)
def test_values_that_do_not_fit_a_type(message: str, statement: str, kind: str, value: str) -> None:
    error = read(message, statement)
    assert error is not None
    assert (error.kind, error.column) == ("cast", "zu.score")
    assert (error.type, error.value) == (kind, value)


CHECK = "ALTER TABLE zu ADD CONSTRAINT ck CHECK (n < 5)"


@pytest.mark.parametrize(
    ("message", "statement"),
    [
        ('check constraint "ck" of relation "zu" is violated by some row\n', CHECK),
        ("(4025, 'CONSTRAINT `ck` failed for `db`.`zu`')", CHECK),
        ("(3819, \"Check constraint 'ck' is violated.\")", CHECK),
        ("CHECK constraint failed: ck", TMP),
        (
            'new row for relation "zu" violates check constraint "ck"\nDETAIL:  Failing row …',
            "UPDATE zu SET n = 7",
        ),
    ],
)
def test_rows_that_violate_a_check(message: str, statement: str) -> None:
    error = read(message, statement)
    assert error is not None
    assert (error.kind, error.table, error.constraint) == ("check", "zu", "ck")
    assert error.condition == ("n < 5" if statement is CHECK else "")


@pytest.mark.parametrize(
    "message",
    [
        'insert or update on table "zo" violates foreign key constraint "fk"\n'
        'DETAIL:  Key (user_id)=(9) is not present in table "zu".\n',
        'insert or update on table "zo" violates foreign key constraint "fk"',  # asyncpg
        "(1452, 'Cannot add or update a child row: a foreign key constraint fails "
        "(`db`.`#sql-alter-edb-2e`, CONSTRAINT `fk` FOREIGN KEY (`user_id`) REFERENCES `zu` "
        "(`id`))')",
        "FOREIGN KEY constraint failed",
    ],
)
def test_rows_that_refer_to_none(message: str) -> None:
    error = read(message, FOREIGN)
    assert error is not None
    assert (error.kind, error.column, error.target) == ("orphan", "zo.user_id", "zu")
    assert error.target_columns == ("id",)


def test_rows_that_a_printed_fix_for_sqlite_finds_to_refer_to_none() -> None:
    error = read("rows refer to rows that do not exist: [('zo', 1, 'zu', 0), ('zo', 2, 'zu', 0)]")
    assert error is not None
    assert (error.kind, error.table, error.target) == ("orphan", "zo", "zu")


@pytest.mark.parametrize(
    ("message", "statement", "target"),
    [
        (
            'update or delete on table "zu" violates foreign key constraint "fk" on table "zo"\n'
            'DETAIL:  Key (id)=(1) is still referenced from table "zo".',
            "DELETE FROM zu",
            "zo",
        ),
        ("FOREIGN KEY constraint failed", "DELETE FROM zu", ""),
        ("FOREIGN KEY constraint failed", "\nDROP TABLE zu", ""),
        (
            "(1451, 'Cannot delete or update a parent row: a foreign key constraint fails "
            "(`db`.`zo`, CONSTRAINT `fk` FOREIGN KEY (`user_id`) REFERENCES `zu` (`id`))')",
            "DELETE FROM zu",
            "zu",
        ),
    ],
)
def test_rows_that_others_refer_to(message: str, statement: str, target: str) -> None:
    error = read(message, statement)
    assert error is not None
    assert (error.kind, error.table) == ("referred", "zu")
    assert error.target in (target, "zo")


def test_rows_whose_constraints_are_deferred() -> None:
    error = read('cannot ALTER TABLE "zo" because it has pending trigger events')
    assert error is not None
    assert (error.kind, error.table) == ("pending", "zo")
