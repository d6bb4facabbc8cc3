"""Compare what a server makes of one statement with what it makes of two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import operations, without_leftovers
from alembic_lockstep.probe.twin.dialects import find_dialect
from alembic_lockstep.probe.twin.likeness import adopt_owned, note_folded, share_validity
from alembic_lockstep.probe.twin.opinion import compare_schemas
from alembic_lockstep.probe.twin.schema import (
    DatabaseSchema,
    Part,
    SchemaDifference,
    TableSchema,
    differences,
)


def unique(name: str, *columns: str) -> Part:
    return Part("unique", name, {}, columns, has_generated_name=name.endswith("_key"))


def folded(models: list[sa.UniqueConstraint], twin: list[Part], actual: list[Part]) -> list[str]:
    """Return the differences of a database, by the names of its parts."""
    metadata = sa.MetaData()
    columns = [sa.Column(name, sa.Text, primary_key=name == "a") for name in "ab"]
    sa.Table("games", metadata, *columns, *models)
    sa.Table("filtered", metadata, sa.Column("a", sa.Text, unique=True))
    expected = DatabaseSchema({"games": TableSchema("games", twin)})
    note_folded(expected, [metadata])
    unequal: list[SchemaDifference] = differences(
        DatabaseSchema({"games": TableSchema("games", actual)}), expected
    )
    return [f"{difference.verb} {difference.part.name}" for difference in unequal]


@pytest.mark.parametrize(
    ("models", "twin", "actual"),
    [
        ([sa.UniqueConstraint("a")], [], [unique("games_a_key", "a")]),
        ([sa.UniqueConstraint("a", name="own")], [], [unique("own", "a")]),
        (
            [sa.UniqueConstraint("b"), sa.UniqueConstraint("b", name="own")],
            [unique("own", "b")],
            [unique("own", "b"), unique("games_b_key", "b")],
        ),
    ],
)
def test_a_unique_constraint_that_one_create_table_folds_may_be_there_and_may_not(
    models: list[sa.UniqueConstraint], twin: list[Part], actual: list[Part]
) -> None:
    """Before, `alembic check` demanded a UNIQUE that the server had merged into the key."""
    assert folded(models, twin, actual) == []
    assert folded(models, twin, twin) == []


@pytest.mark.parametrize(
    ("models", "twin", "actual"),
    [
        ([], [], [unique("games_a_key", "a")]),
        ([sa.UniqueConstraint("a")], [], [unique("games_a_key", "a", "b")]),
        ([sa.UniqueConstraint("a", name="own")], [], [unique("other", "a")]),
        ([sa.UniqueConstraint("b")], [unique("games_b_key", "b")], [unique("other", "b")] * 2),
    ],
)
def test_a_unique_constraint_that_the_models_do_not_want_is_told(
    models: list[sa.UniqueConstraint], twin: list[Part], actual: list[Part]
) -> None:
    assert folded(models, twin, actual) == [f"remove {actual[-1].name}"]


OPTIONS = "AS {} INCREMENT {} MINVALUE 1 MAXVALUE {} START 1 CACHE 1 NO CYCLE"
OWN = "the next of its own sequence"


def sequence(
    name: str, sql: str, kind: str = "bigint", step: int = 1, last: int = 2**63 - 1
) -> Part:
    return Part("sequence", name, {"options": OPTIONS.format(kind, step, last)}, sql=sql)


def counted(actual: Part, expected: Part, default: str = "") -> list[str]:
    """Return the differences of a column's own sequence from the models' free one."""

    def games(default: str) -> dict[str, TableSchema]:
        facts = {"default": default, "identity": ""}
        return {"games": TableSchema("games", [Part("column", "id", facts, ("id",))])}

    owned = Part("sequence", "", actual.facts, ("games.id",), sql=actual.sql)
    database, models = (
        DatabaseSchema(games(OWN), owned=[owned]),
        DatabaseSchema(games(default), [expected]),
    )
    adopt_owned(database, models)
    return [
        f"{difference.verb} {difference.part.kind}" for difference in differences(database, models)
    ]


@pytest.mark.parametrize(
    ("actual", "expected", "default"),
    [
        (sequence("", "games_id_seq"), sequence("games_id_seq", "games_id_seq"), ""),
        (
            sequence("", "games_id_seq", "integer", last=2**31 - 1),
            sequence("games_id_seq", "games_id_seq"),
            "",
        ),
        (
            sequence("", '"it\'s"."games_ID_seq"'),
            sequence("it's.games_ID_seq", '"it\'s"."games_ID_seq"'),
            "nextval('\"it''s\".\"games_ID_seq\"'::regclass)",
        ),
    ],
)
def test_a_sequence_named_like_that_of_serial_is_that_of_serial(
    actual: Part, expected: Part, default: str
) -> None:
    """CREATE SEQUENCE was demanded, which fails: there is one of that name."""
    assert counted(actual, expected, default) == []


@pytest.mark.parametrize(
    ("actual", "expected", "differing"),
    [
        (
            sequence("", "games_id_seq"),
            sequence("other_seq", "other_seq"),
            ["modify column", "add sequence"],
        ),
        (
            sequence("", "games_id_seq"),
            sequence("games_id_seq", "games_id_seq", step=10),
            ["modify sequence"],
        ),
    ],
)
def test_another_sequence_is_told(actual: Part, expected: Part, differing: list[str]) -> None:
    assert counted(actual, expected) == differing


def test_the_range_of_each_type_is_no_difference() -> None:
    for kind, last in (("smallint", 2**15 - 1), ("integer", 2**31 - 1), ("bigint", 2**63 - 1)):
        own = sequence("", "games_id_seq", kind, last=last)
        assert counted(own, sequence("games_id_seq", "games_id_seq")) == []
        own = sequence("", "games_id_seq", kind, last=last - 1)
        assert counted(own, sequence("games_id_seq", "games_id_seq")) == ["modify sequence"]


@pytest.mark.parametrize(
    ("default", "identity"), [("nextval('other'::regclass)", ""), ("", "ALWAYS")]
)
def test_a_column_that_the_models_number_otherwise_keeps_its_default(
    default: str, identity: str
) -> None:
    owned = Part("sequence", "", {"options": ""}, ("games.id",), sql="games_id_seq")
    wanted = columns(("id", default, identity), ("other", "", ""))
    models = DatabaseSchema(wanted, [replace(owned, name="games_id_seq", columns=())])
    adopt_owned(DatabaseSchema(columns(("id", OWN, ""), ("other", "1", "")), owned=[owned]), models)
    assert models.objects == []
    assert models.tables == columns(("id", default, identity), ("other", "", ""))


def test_an_identity_of_the_database_is_shared_with_the_column_of_a_free_sequence() -> None:
    owned = Part("sequence", "", {"options": ""}, ("games.id",), sql="games_id_seq")
    models = DatabaseSchema(
        columns(("id", "", "")), [replace(owned, name="games_id_seq", columns=())]
    )
    adopt_owned(DatabaseSchema(columns(("id", OWN, "BY DEFAULT")), owned=[owned]), models)
    assert models.tables == columns(("id", OWN, "BY DEFAULT"))


def columns(*facts: tuple[str, str, str]) -> dict[str, TableSchema]:
    """Return a table with columns of these names, defaults and identities."""
    parts = [
        Part("column", name, {"default": default, "identity": identity}, (name,))
        for name, default, identity in facts
    ]
    return {"games": TableSchema("games", parts)}


@pytest.mark.parametrize(
    ("database", "wanted", "owner"),
    [
        (columns(("id", OWN, "")), columns(("other", "", "")), "games.id"),
        (columns(("id", OWN, "")), {}, "games.id"),
        (columns(("id", "", "ALWAYS")), {}, ""),
        (columns(("other", OWN, "")), {}, ""),
        ({}, {}, ""),
    ],
    ids=["without the column", "without the table", "an identity's", "no column", "no table"],
)
def test_a_sequence_that_its_column_would_take_along_has_its_owner_noted(
    database: dict[str, TableSchema], wanted: dict[str, TableSchema], owner: str
) -> None:
    owned = Part("sequence", "", {"options": "AS bigint"}, ("games.id",), sql="games_id_seq")
    free = replace(owned, name="games_id_seq", columns=())
    actual, models = DatabaseSchema(database, owned=[owned]), DatabaseSchema(wanted, [free])
    adopt_owned(actual, models)
    assert models.objects == [free]
    noted = replace(free, facts={"options": "AS bigint", "owner": owner})
    assert actual.objects == ([noted] if owner else [])


def test_only_the_constraint_that_is_not_valid_in_the_models_is_as_valid_as_the_databases() -> None:
    def constraint(kind: str, name: str, validity: str, definition: str = "same") -> Part:
        facts = {"definition": definition, "validity": validity}
        return Part(kind, name, facts, has_generated_name=name == "generated")

    parts = [("check", "a"), ("check", "b"), ("foreign_key", "a"), ("foreign_key", "generated")]
    actual = [constraint(kind, name, "NOT VALID") for kind, name in parts]
    actual[1:1] = [constraint("check", "a", "OTHER", "another")]

    def shared(*constraints: sa.Constraint) -> list[tuple[str, str]]:
        metadata = sa.MetaData()
        sa.Table("games", metadata, sa.Column("id", sa.Integer), *constraints)
        for name in ("moves", "boards"):
            sa.Table(name, metadata, sa.Column("id"), sa.CheckConstraint("x"))
        expected = TableSchema("games", [constraint(kind, name, "VALID") for kind, name in parts])
        database = {"games": TableSchema("games", [*actual]), "moves": TableSchema("moves")}
        models = {"games": expected, "boards": TableSchema("boards")}
        share_validity(DatabaseSchema(database), DatabaseSchema(models), [metadata])
        valid = [part for part in expected.parts if part.facts["validity"] == "VALID"]
        assert all(part.facts["validity"] in ("VALID", "NOT VALID") for part in expected.parts)
        return [each for each in parts if each not in [(part.kind, part.name) for part in valid]]

    late: dict[str, Any] = {"postgresql_not_valid": True}
    assert shared(sa.CheckConstraint("x", name="a")) == []
    assert shared(sa.CheckConstraint("x", name="a", **late)) == [("check", "a")]
    key = sa.ForeignKeyConstraint(["id"], ["other.id"], name="a", **late)
    assert shared(key) == [("foreign_key", "a")]
    key = sa.ForeignKeyConstraint(["id"], ["other.id"], **late)
    assert shared(key) == [("foreign_key", "generated")]


def validated(validity: str, models: sa.CheckConstraint, *, base: sa.CheckConstraint) -> list[str]:
    """Return the fixes where tree and base have the CHECK with this validity."""

    def observed(constraint: sa.CheckConstraint) -> Observation:
        metadata = sa.MetaData()
        sa.Table("games", metadata, sa.Column("id", sa.Integer), constraint)
        database, expected = schema(validity), schema("VALID")
        share_validity(database, expected, [metadata])
        dialect = find_dialect("postgresql")
        assert dialect
        opinion = compare_schemas("postgresql", dialect, database, expected)
        fact = {"name": "", "operations": opinion["operations"], "twin": opinion}
        return Observation(databases=(fact,))

    def schema(validity: str) -> DatabaseSchema:
        facts = {"definition": "CHECK (id > 0)", "validity": validity, "comment": ""}
        sql = facts["definition"] + (" NOT VALID" if validity != "VALID" else "")
        return DatabaseSchema(
            {"games": TableSchema("games", [Part("check", "positive", facts, ("id",), sql=sql)])}
        )

    missing = without_leftovers(operations(observed(models)), observed(base))
    return [statement for operation in missing for statement in operation.sql]


def check(*, not_valid: bool) -> sa.CheckConstraint:
    return sa.CheckConstraint("id > 0", name="positive", postgresql_not_valid=not_valid)


@pytest.mark.parametrize(
    ("validity", "not_valid"), [("NOT VALID", True), ("NOT VALID", False), ("VALID", True)]
)
def test_a_constraint_that_a_migration_leaves_not_valid_is_no_difference(
    validity: str, not_valid: bool
) -> None:
    """To drop it and add it anew takes the lock that it was to avoid."""
    models = check(not_valid=not_valid)
    assert validated(validity, models, base=check(not_valid=not_valid)) == []


def test_where_the_models_want_a_constraint_valid_from_now_on_it_is_validated() -> None:
    fix = "ALTER TABLE games VALIDATE CONSTRAINT positive"
    assert validated("NOT VALID", check(not_valid=False), base=check(not_valid=True)) == [fix]


def test_a_foreign_key_without_a_name_that_is_not_valid_is_the_one_of_the_models() -> None:
    facts = {"definition": "FOREIGN KEY (a) REFERENCES b(id)", "validity": "VALID"}
    expected = Part("foreign_key", "games_a_fkey", facts, ("a",), has_generated_name=True)
    actual = Part(
        "foreign_key", "a_fkey", {**facts, "validity": "NOT VALID"}, ("a",), has_generated_name=True
    )
    (difference,) = differences(
        DatabaseSchema({"games": TableSchema("games", [actual])}),
        DatabaseSchema({"games": TableSchema("games", [expected])}),
    )
    assert difference.aspect == "validity"


def test_only_what_models_make_is_dropped_before_they_make_it() -> None:
    tables = {name: TableSchema(name) for name in ("games", "legacy")}
    twin = DatabaseSchema(tables, [Part("sequence", "numbers", {}, sql="numbers")])
    dialects = {name: find_dialect(name) for name in ("mysql", "postgresql", "sqlite")}
    drops = {
        name: dialect.discard_statements(twin, {"games"})
        for name, dialect in dialects.items()
        if dialect
    }
    assert drops == {
        "mysql": [
            "SET FOREIGN_KEY_CHECKS = 0",
            "DROP TABLE `games`",
            "DROP SEQUENCE `numbers`",
            "SET FOREIGN_KEY_CHECKS = 1",
        ],
        "postgresql": ["DROP TABLE games CASCADE", "DROP SEQUENCE IF EXISTS numbers CASCADE"],
        "sqlite": [],  # of which no setup makes a database
    }
