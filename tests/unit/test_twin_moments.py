"""Defaults and expressions that hold the time at which a database was made."""

from __future__ import annotations

from datetime import date

import pytest

from alembic_lockstep.probe.twin.moments import name_moments
from alembic_lockstep.probe.twin.schema import (
    DatabaseSchema,
    Part,
    SchemaDifference,
    TableSchema,
    differences,
)

TODAY = date(2026, 11, 29)
DDL = "CREATE TABLE games (made_at TIMESTAMP WITH TIME ZONE DEFAULT 'now')"
NOW = "'2026-11-29 10:11:12.131415+00'::timestamp with time zone"
EARLIER = "'2025-01-02 03:04:05.060708+01'::timestamp with time zone"
MIDNIGHT = "'2026-11-29 00:00:00'::timestamp without time zone"
CHOSEN = "'2025-01-02 00:00:00'::timestamp without time zone"


def column(default: str) -> Part:
    return Part("column", "made_at", {"default": default}, ("made_at",), sql=f"DEFAULT {default}")


def check(definition: str) -> Part:
    return Part("check", "recent", {"definition": definition}, sql=definition)


def compared(
    actual: Part, expected: Part, ddl: str = DDL, today: date = TODAY
) -> list[SchemaDifference]:
    database, models = (
        DatabaseSchema({"games": TableSchema("games", [part])})
        if part.kind != "domain"
        else DatabaseSchema({}, [part])
        for part in (actual, expected)
    )
    name_moments(database, models, ddl, today)
    return differences(database, models)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (column(EARLIER), column(NOW)),
        (column(NOW), column(NOW)),
        (column("'2020-01-01'::date"), column("'2026-11-30'::date")),
        (column("'03:04:05.060708'::time"), column("'10:11:12.131415'::time")),
        (column(CHOSEN), column(MIDNIGHT)),  # 'today'
        (check(f"CHECK (made_at > {EARLIER})"), check(f"CHECK (made_at > {NOW})")),
        (
            Part("domain", "stamp", {"default": EARLIER}),
            Part("domain", "stamp", {"default": NOW}),
        ),
    ],
)
def test_the_time_at_which_a_database_was_made_is_no_difference(
    actual: Part, expected: Part
) -> None:
    assert compared(actual, expected) == []


def test_the_time_at_which_models_were_imported_is_no_difference() -> None:
    """`server_default=str(datetime.now())`, by the migration and by the models."""
    ddl = "CREATE TABLE games (made_at DATETIME DEFAULT '2026-11-29 10:11:12.131415')"
    actual, expected = column("'2025-01-02 03:04:05.06'"), column("'2026-11-29 10:11:12.131415'")
    assert compared(actual, expected, ddl) == []


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (column(""), column(NOW)),
        (column("now()"), column(NOW)),
        (column(CHOSEN), column(NOW)),
        (check("CHECK (made_at > now())"), check(f"CHECK (made_at > {NOW})")),
    ],
)
def test_what_is_wanted_does_not_depend_on_the_time(actual: Part, expected: Part) -> None:
    (difference,) = compared(actual, expected)
    assert "2026" not in f"{difference.expected}"
    assert "'now'::timestamp with time zone" in difference.part.sql
    assert difference.actual == actual


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (column(CHOSEN), column(MIDNIGHT)),
        (column("'2026-11-28'::date"), column("'2026-11-29'::date")),
    ],
)
def test_a_day_that_the_models_spell_out_is_compared(actual: Part, expected: Part) -> None:
    assert compared(actual, expected, "DEFAULT '2026-11-29'") != []


def test_a_day_that_was_chosen_long_ago_is_compared() -> None:
    assert compared(column(EARLIER), column(NOW), today=date(2027, 3, 1)) != []
