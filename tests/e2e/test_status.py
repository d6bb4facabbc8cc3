"""`status`: what the database is at, and what is the latest in the code."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

from .harness import Project, fingerprints
from .subfolder_project import ENV, FIRST, HEAD, add_migration

VARIABLE = "ALEMBIC_LOCKSTEP_DATABASE"


def execute(file: Path, *statements: str) -> None:
    with sqlite3.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_what_is_the_latest_in_the_code(shop: Project) -> None:
    add_migration(shop, "cccccccccccc", staged=False)
    result = shop.lockstep("status")
    assert result.returncode == 0, result.output
    title, _, latest, head, first = result.stdout.splitlines()
    assert title == "service/alembic.ini: 3 revisions, 1 head: cccccccccccc"
    assert latest.split(maxsplit=1) == ["cccccccccccc", latest.split(maxsplit=1)[1]]
    assert "not committed" in latest
    assert latest.endswith("A migration.  (head)")
    assert head.split()[0] == HEAD
    assert "Ada Developer" in head
    assert first.split()[0] == FIRST


def test_what_is_the_database_at(shop: Project) -> None:
    shop.alembic("upgrade", FIRST)
    before = fingerprints(shop.database)
    result = shop.lockstep("status", "--app")
    assert result.returncode == 1, result.output
    sentence, _, pending, current = result.stdout.splitlines()
    assert sentence == f"{shop.database} is at {FIRST}, 1 revision behind the code."
    assert pending.split()[0] == HEAD
    assert pending.endswith("(pending, head)")
    assert current.endswith("(the database)")
    assert fingerprints(shop.database) == before
    shop.alembic("upgrade", "head")
    shop.replace(ENV, "from alembic import context\n", "import os\nfrom alembic import context\n")
    shop.write(ENV, shop.read(ENV) + "\nos.environ\n")
    refused = shop.lockstep("status", "--app")
    assert refused.returncode == 2, refused.output
    assert '--database "$DATABASE_URL"' in refused.stderr
    assert shop.lockstep("status", "--database", f"sqlite:///{shop.database}").returncode == 0


def test_a_hundred_tenant_databases_are_one_table(shop: Project, tmp_path: Path) -> None:
    shop.alembic("upgrade", "head")
    change = "UPDATE alembic_version SET version_num = '{}'"
    states = {
        "up to date": "SELECT 1",
        "behind the code": change.format(FIRST),
        "at a revision that the code does not have": change.format("deadbeef"),
        "several rows in the version table": f"INSERT INTO alembic_version VALUES ('{FIRST}')",
        "tables, and no revision": "DROP TABLE alembic_version",
    }
    files = [tmp_path / f"tenant{number:02}.db" for number in range(100)]
    for file, statement in zip(files, [*states.values()] * 20, strict=True):
        shutil.copy(shop.database, file)
        execute(file, statement)
    shop.environ[VARIABLE] = " ".join(f"sqlite:///{file}" for file in files)
    result = shop.lockstep("status")
    assert result.returncode == 1, result.output
    heads = {line for line in result.stdout.splitlines() if line.endswith(": 20 databases")}
    assert heads == {f"{state}: 20 databases" for state in states}
    assert len(result.stdout.splitlines()) == 100 + len(states) + len(states) - 1

    shop.environ[VARIABLE] += f" sqlite:///{tmp_path / 'none.db'}"
    result = shop.lockstep("status", "--output-format", "json")
    assert result.returncode == 2, result.output
    databases = json.loads(result.stdout)["databases"]
    assert [each["state"] for each in databases[-2:]] == ["no-revision", "unread"]
    assert "there is no such file" in databases[-1]["error"]


def test_each_branch_of_a_history_has_a_line(shop: Project) -> None:
    add_migration(shop, "cccccccccccc", HEAD)
    add_migration(shop, "dddddddddddd", HEAD)
    result = shop.lockstep("status", "--output-format", "markdown")
    marks = [line[2:].split("  ")[0] for line in result.stdout.splitlines() if line[:2] == "  "]
    assert marks == ["*  ", "| *", "|/", "*  ", "*  "] or marks == ["*", "| *", "|/", "*", "*"]
