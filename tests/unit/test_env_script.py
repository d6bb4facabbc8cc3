"""What an env.py lacks on an empty database, or from any command, is said with what gives it."""

from __future__ import annotations

import pytest

from alembic_lockstep.advice.env_script import env_script_advice
from alembic_lockstep.config import parse_toml
from alembic_lockstep.dryrun.observation import Observation

CONNECTIONS = ({"dialect": "postgresql", "driver": "psycopg", "target": "shop"},)


def failed(
    kind: str,
    message: str,
    statement: str = "",
    phase: str = "env",
    connections: tuple[dict[str, str], ...] = CONNECTIONS,
) -> Observation:
    error = {"type": kind, "message": message, "statement": statement}
    return Observation(error=error, phase=phase, connections=connections)


def setup_of(advice: str) -> list[str]:
    _, table, text = advice.partition("[tool.alembic-lockstep.scratch]")
    return list(parse_toml(table + text, "advice")["tool"]["alembic-lockstep"]["scratch"]["setup"])


ABSENT = [
    'relation "tenants" does not exist',
    "no such table: tenants",
    "(1146, \"Table 'scratch.tenants' doesn't exist\")",
]
ROW = ["CREATE TABLE tenants (name VARCHAR(50))", "INSERT INTO tenants VALUES ('dry_run')"]


@pytest.mark.parametrize("message", ABSENT)
def test_a_table_that_lists_what_to_migrate_is_made(message: str) -> None:
    assert setup_of(env_script_advice(failed("Error", message, "select name from tenants"))) == ROW


def test_an_empty_one_gets_a_row() -> None:
    advice = env_script_advice(failed("NotMigratedError", "", "SELECT DISTINCT name\nFROM tenants"))
    assert setup_of(advice) == ROW


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("SELECT t.id, t.slug AS t_slug FROM t WHERE t.active", "t (id VARCHAR(50), slug VAR"),
        ('SELECT "name" FROM public."tenants"', 'public."tenants" ("name" VARCHAR(50))'),
        ("SELECT `name` FROM `tenants`", "`tenants` (`name` VARCHAR(50))"),
    ],
)
def test_it_is_made_as_it_is_asked_for(statement: str, table: str) -> None:
    assert table in setup_of(env_script_advice(failed("NotMigratedError", "", statement)))[0]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_catalog.pg_namespace.nspname FROM pg_catalog.pg_namespace ORDER BY 1",
        "select schema_name from information_schema.schemata",
    ],
)
def test_schemas_that_are_looked_for_are_made(statement: str) -> None:
    advice = env_script_advice(failed("NotMigratedError", "", statement))
    assert setup_of(advice) == ["CREATE SCHEMA dry_run"]


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ('if name.startswith("tenant_"):', "tenant_dry_run"),
        ("    if 'tenant' in schema:", "tenant_dry_run"),
        ("return [s for s in names if 'tenant_' in s]", "tenant_dry_run"),
        ('if name not in ("public", "information_schema"):', "dry_run"),
        ('if "schema" in context.get_x_argument():', "dry_run"),
    ],
)
def test_a_schema_has_the_name_that_env_py_looks_for(test: str, name: str) -> None:
    observation = failed("NotMigratedError", "", "SELECT nspname FROM pg_namespace")
    assert setup_of(env_script_advice(observation, test)) == [f"CREATE SCHEMA {name}"]


@pytest.mark.parametrize(
    "observation",
    [
        failed("NotMigratedError", ""),
        failed("NotMigratedError", "", "SELECT 1"),
        failed("NotMigratedError", "", "SELECT name FROM sqlite_master"),
        failed("Error", "permission denied", "SELECT name FROM tenants"),
        failed("Error", ABSENT[0], "INSERT INTO tenants VALUES (1)"),
        failed("Error", ABSENT[0], "SELECT name FROM tenants", phase="upgrade"),
        failed("Error", ABSENT[0], "SELECT name FROM tenants", connections=()),
    ],
)
def test_nothing_is_made_elsewhere(observation: Observation) -> None:
    assert env_script_advice(observation) == ""


def test_an_environment_without_models_has_two_ways() -> None:
    advice = env_script_advice(failed("NoMetadataError", "", phase="compare"))
    _, table, text = advice.partition("[tool.alembic-lockstep.ignore]")
    (settings,) = parse_toml(table + text, "advice")["tool"].values()
    assert [*settings["ignore"]] == ["*"]
