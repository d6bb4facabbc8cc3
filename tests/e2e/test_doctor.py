"""`doctor`: databases gone astray by real accidents, and the printed fix of each, typed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from alembic_lockstep.rows import RowsDatabase, open_rows_database
from alembic_lockstep.scratch import ScratchServers, mysql_installs

from .harness import Project, fingerprints, force_postgres, require, run, server_answers
from .rows_bench import DIALECTS, servers
from .subfolder_project import FIRST, HEAD, INI, MODELS, VERSIONS, add_migration
from .test_mysql import by_socket

__all__ = ["servers"]

CUSTOMER = "INSERT INTO customers (id, email, created_at) VALUES (1, 'ada', '2026-01-01')"
ORDER = (
    "INSERT INTO orders (id, customer_id, number, status, total, created_at) "
    "VALUES (1, 1, 7, 'new', 9.5, '2026-01-01')"
)

ADD_NOTE = "op.add_column('orders', sa.Column('note', sa.Integer()))"
DROP_NOTE = "op.drop_column('orders', 'note')"


class Case:
    """A project whose database has rows that must stay."""

    def __init__(self, project: Project, url: str) -> None:
        self.project = project
        self.url = url

    def database(self) -> RowsDatabase:
        return open_rows_database(self.url)

    def execute(self, *statements: str) -> None:
        with self.database() as database:
            for statement in statements:
                database.run(statement)

    def migrate(self, revision: str = "head") -> None:
        done = self.project.alembic("upgrade", revision)
        assert done.returncode == 0, done.output
        self.execute(CUSTOMER, ORDER)

    def examine(self, code: int = 1, *arguments: str) -> Any:
        """Run `doctor`, which changes nothing; return what it says."""
        self.project.environ["ALEMBIC_LOCKSTEP_DATABASE"] = self.url
        before = fingerprints(self.project.database)
        result = self.project.lockstep("doctor", "--output-format", "json", *arguments)
        assert result.returncode == code, result.output
        assert fingerprints(self.project.database) == before
        password = make_url(self.url).password
        assert not password or password not in result.output
        return json.loads(result.stdout)

    def type(self, fix: Any) -> None:
        """Run the SQL of a fix, and type its commands into one shell."""
        self.execute(*fix["sql"])
        bin_folder = self.project.python.parent
        environ = {**self.project.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
        script = "\n".join(fix["commands"])
        run(("bash", "-ec", script), cwd=self.project.root, environ=environ, check=True)

    def assert_well(self) -> None:
        """Assert that all rows are there, and that the project's own command works."""
        with self.database() as database:
            assert database.query("SELECT email FROM customers") == [("ada",)]
            assert [row[0] for row in database.query("SELECT number FROM orders")] == [7]
        assert self.project.alembic("upgrade", "heads").returncode == 0


@pytest.fixture
def case(shop: Project) -> Case:
    shop.database.unlink()
    scripts = shop.root / ".venv/bin"
    (scripts / "alembic").write_text(f'#!/bin/sh\nexec "{shop.python}" -m alembic "$@"\n')
    (scripts / "alembic").chmod(0o755)
    return Case(shop, f"sqlite:///{shop.database}")


@pytest.fixture
def case_on(case: Case, servers: ScratchServers) -> Callable[[str], Case]:
    def make(dialect: str) -> Case:
        if dialect == "sqlite":
            return case
        driver = "+psycopg"
        if dialect == "postgresql":
            require(server_answers(), "PostgreSQL server")
            force_postgres(case.project.environ, "url")
        else:
            require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
            case.project.environ["ALEMBIC_LOCKSTEP_SCRATCH"] = by_socket(servers.create(dialect))
            driver = "+pymysql"
        case.url = servers.create(dialect)
        written = case.url.replace(":", f"{driver}:", 1).replace("%", "%%")
        case.project.replace(INI, "sqlite:///./shop.db", written)
        return case

    return make


def test_cant_locate_revision(case: Case) -> None:
    """Applied, committed on a branch, and the branch deleted: git still has it."""
    project = case.project
    case.migrate()
    project.git("switch", "--quiet", "-c", "side")
    path = add_migration(project, "cccccccccccc", HEAD, ADD_NOTE, staged=False)
    project.replace(path, "raise NotImplementedError", DROP_NOTE)
    project.stage(path)
    project.git("commit", "--quiet", "-m", "A note")
    assert project.alembic("upgrade", "head").returncode == 0
    project.git("switch", "--quiet", "main")
    project.git("branch", "-D", "side")
    failed = project.alembic("upgrade", "head")
    assert "Can't locate revision identified by 'cccccccccccc'" in failed.output

    answer = case.examine()
    assert answer["state"] == "unknown-revision"
    assert answer["sentence"].endswith("is at cccccccccccc, which the code does not have.")
    assert "(A note) has cccccccccccc" in answer["evidence"][0]
    assert answer["evidence"][1].endswith("nothing else differs.")
    bring_back, undo = answer["fixes"]
    case.type(undo)
    case.assert_well()
    assert not (project.root / path).exists()
    assert case.examine(0)["state"] == "up-to-date"

    case.type({"sql": [], "commands": bring_back["commands"]})
    case.assert_well()
    assert (project.root / path).exists()


def test_table_has_no_column_named(case: Case) -> None:
    """The model was committed, and no migration: the fix makes it."""
    case.migrate()
    case.project.add_column()
    answer = case.examine()
    assert answer["state"] == "models-ahead"
    assert answer["sentence"].endswith("no migration adds: column orders.paid.")
    (fix,) = answer["fixes"]
    case.type(fix)
    case.assert_well()

    # The column that the database lost stands in the models, and in the migration.
    case.execute("ALTER TABLE orders DROP COLUMN paid")
    answer = case.examine()
    assert answer["state"] in ("stamped-ahead", "drift")
    case.type(answer["fixes"][0])
    case.assert_well()
    assert case.examine(0)["state"] == "up-to-date"


def test_start_over_without_losing_data(case: Case) -> None:
    """All migrations were deleted and one was made in their place; the database stays."""
    case.migrate()
    initial = case.project.read(f"{VERSIONS}/{HEAD}_orders.py")
    first = case.project.read(f"{VERSIONS}/{FIRST}_customers.py")
    body = first[first.index("    op.create_table") : first.index("def downgrade")]
    text = initial.replace(HEAD, "eeeeeeeeeeee").replace(f"'{FIRST}'", "None")
    text = text.replace("    op.create_table", f"{body}\n    op.create_table", 1)
    case.project.git("rm", "--quiet", "-r", VERSIONS)
    case.project.write(f"{VERSIONS}/eeeeeeeeeeee_initial.py", text)
    assert "Can't locate revision" in case.project.alembic("upgrade", "head").output

    answer = case.examine()
    assert answer["nearest"] == ["eeeeeeeeeeee"]
    case.type(answer["fixes"][0])
    case.assert_well()
    assert case.examine(0)["revisions"] == ["eeeeeeeeeeee"]


def test_tables_that_create_all_made_are_noted(case: Case, tmp_path: Path) -> None:
    script = (
        "import sqlalchemy as sa; from shop.models import Base;"
        f"Base.metadata.create_all(sa.create_engine({case.url!r}))"
    )
    project = case.project
    folder = project.root / "service"
    run((str(project.python), "-c", script), cwd=folder, environ=project.environ, check=True)
    case.execute(CUSTOMER, ORDER)
    plan = tmp_path / "plans/plan.md"
    refused = project.lockstep("doctor", "--database", case.url, "--plan", str(tmp_path))
    assert refused.returncode == 2, refused.output
    assert f"the plan cannot be written to {tmp_path}" in refused.stderr
    answer = case.examine(1, "--plan", str(plan))
    assert (answer["state"], answer["nearest"]) == ("no-revision", [HEAD])
    case.type(answer["fixes"][0])
    case.assert_well()
    assert f"stamp --purge {HEAD}" in plan.read_text()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_missing_is_made_by_the_sql(case_on: Callable[[str], Case], dialect: str) -> None:
    case = case_on(dialect)
    case.migrate()
    of_table = " ON orders" if dialect == "mysql" else ""
    case.execute(
        f"DROP INDEX ix_orders_status_number{of_table}", "ALTER TABLE customers DROP COLUMN name"
    )
    answer = case.examine()
    assert answer["state"] == "drift"
    assert answer["missing"] == [
        "column customers.name",
        "index ix_orders_status_number of orders",
    ]
    line = case.project.line(MODELS, "name: Mapped")
    assert any(f"{MODELS}:{line}" in each for each in answer["evidence"])
    case.type(answer["fixes"][0])
    case.assert_well()
    assert case.examine(0)["state"] == "up-to-date"


def test_a_migration_that_stopped_half_way_is_finished(case_on: Callable[[str], Case]) -> None:
    """MySQL keeps what a migration did before it failed; then the migration was mended."""
    case = case_on("mysql")
    case.migrate()
    steps = "op.create_table('gifts', sa.Column('id', sa.Integer, primary_key=True),"
    steps += " sa.Column('order_id', sa.Integer, sa.ForeignKey('orders.id'), unique=True))"
    path = add_migration(
        case.project, "cccccccccccc", HEAD, f"{ADD_NOTE}; raise ValueError()\n    {steps}"
    )
    assert case.project.alembic("upgrade", "head").returncode != 0
    case.project.replace(path, "; raise ValueError()", "")
    assert "Duplicate column" in case.project.alembic("upgrade", "head").output

    answer = case.examine()
    assert (answer["state"], answer["nearest"]) == ("half-way", ["cccccccccccc"])
    assert "column orders.note is more" in answer["evidence"]
    case.type(answer["fixes"][0])
    case.assert_well()
    assert case.examine(0)["state"] == "up-to-date"
