"""New revisions are tried on tables with rows: upgrade, downgrade, upgrade again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alembic_lockstep.scratch import mysql_installs

from .conftest import MakeProject
from .harness import (
    MYSQL_URL,
    POSTGRESQL_URL,
    Project,
    Result,
    force_postgres,
    require,
    server_answers,
)
from .subfolder_project import ENV, HEAD, MODELS, VERSIONS

NEW, BASE = "bbbbbbbbbbbb", "aaaaaaaaaaaa"
MARK = ": trial on rows: "
MIGRATION = '''"""A migration."""
from alembic import op
import sqlalchemy as sa

revision = {id!r}
down_revision = {down!r}


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
'''
#: Of a pair of tables, the second one's rows go with those of the first.
CASCADE = """\
op.create_table(
        "users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("score", sa.Integer))
    op.create_table("posts", sa.Column("id", sa.Integer, primary_key=True), sa.Column(
        "user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False))"""
ENFORCED = """

from sqlalchemy import Engine, event


@event.listens_for(Engine, "connect")
def enforce(connection, record):
    connection.execute("PRAGMA foreign_keys = ON")
"""
SERVER_DEFAULT = """\
with op.batch_alter_table("users") as batch:
        batch.alter_column("score", server_default={default!r})"""
MOOD = "sa.Enum('good', 'bad', name='mood')"

#: Upgrade and downgrade, and what is found.
Case = tuple[str, str, dict[str, Any]]
EVERYWHERE: tuple[Case, ...] = (
    (
        "op.add_column('orders', sa.Column('paid', sa.Boolean()))",
        "op.drop_column('orders', 'paid')",
        {},
    ),
    (
        "op.create_index('ix_total', 'orders', ['total'])",
        "op.drop_index('ix_total', 'orders')",
        {},
    ),
    (
        "op.create_index('one_name', 'customers', ['name'], unique=True)",
        "op.drop_index('one_name', 'customers')",
        {"phase": "upgrade"},
    ),
    (
        "op.create_table('notes', sa.Column('id', sa.Integer, primary_key=True))",
        "op.execute('SELECT 1')",
        {"phase": "upgrade-again", "left": ["table notes"]},
    ),
    (
        "op.add_column('orders', sa.Column('paid', sa.Boolean()))",
        "op.drop_column('orders', 'unpaid')",
        {"phase": "downgrade"},
    ),
    (
        "op.add_column('orders', sa.Column('paid', sa.Boolean()))",
        "pass",
        {"empty_downgrades": [NEW]},
    ),
    (
        "op.add_column('orders', sa.Column('paid', sa.Boolean()))",
        "raise NotImplementedError",
        {"one_way": [NEW]},
    ),
    (
        "op.drop_column('orders', 'updated_at')",
        "op.add_column('orders', sa.Column('updated_at', sa.DateTime()))",
        {"changes": [("column-dropped", "orders", "updated_at")]},
    ),
    (
        "op.execute('DELETE FROM orders')",
        "op.execute('SELECT 1')",
        {"changes": [("rows-vanished", "orders", "")]},
    ),
)
ON_SERVERS: tuple[Case, ...] = (
    (
        "op.alter_column('customers', 'name', existing_type=sa.String(100), nullable=False)",
        "op.alter_column('customers', 'name', existing_type=sa.String(100), nullable=True)",
        {"phase": "upgrade"},
    ),
    (
        "op.alter_column('customers', 'email', type_=sa.String(250), nullable=False)",
        "op.alter_column('customers', 'email', type_=sa.String(220), nullable=False)",
        {"lost": ["column customers.email was …(200) NOT NULL, is …(220) NOT NULL"]},
    ),
    (
        "op.create_foreign_key('fk_o', 'orders', 'customers', ['number'], ['id'])",
        "op.drop_constraint('fk_o', 'orders', type_='foreignkey')",
        {"phase": "upgrade"},
    ),
)
BY_SERVER: dict[str, tuple[Case, ...]] = {
    "sqlite": (),
    "postgresql": (
        *ON_SERVERS,
        (
            f"op.execute(\"CREATE TYPE mood AS ENUM ('good', 'bad')\")\n"
            f"    op.add_column('orders', sa.Column('mood', {MOOD}))",
            "op.drop_column('orders', 'mood')",
            {"phase": "upgrade-again", "left": ["type mood"]},
        ),
        (
            f"op.execute(\"CREATE TYPE mood AS ENUM ('good', 'bad')\")\n"
            f"    op.add_column('orders', sa.Column('mood', {MOOD}))",
            "op.drop_column('orders', 'mood')\n    op.execute('DROP TYPE mood')",
            {},
        ),
        (
            "op.add_column('orders', sa.Column('paid', sa.Boolean(), nullable=False))",
            "op.drop_column('orders', 'paid')",
            {"phase": "upgrade"},
        ),
        (
            "with op.get_context().autocommit_block():\n"
            "        op.create_index('ix_t', 'orders', ['total'], postgresql_concurrently=True)",
            "with op.get_context().autocommit_block():\n"
            "        op.drop_index('ix_t', 'orders', postgresql_concurrently=True)",
            {},
        ),
    ),
    "mariadb": (
        *ON_SERVERS,
        (
            "op.create_foreign_key('fk_o', 'orders', 'customers', ['updated_by'], ['id'])"
            if False
            else "op.add_column('orders', sa.Column('by_id', sa.Integer()))\n"
            "    op.create_foreign_key('fk_o', 'orders', 'customers', ['by_id'], ['id'])",
            "op.drop_constraint('fk_o', 'orders', type_='foreignkey')\n"
            "    op.drop_column('orders', 'by_id')",
            {},
        ),
    ),
}


def add(
    project: Project, upgrade: str, downgrade: str, revision: str = NEW, down: Any = HEAD
) -> None:
    """Write and stage a migration."""
    path = f"{VERSIONS}/{revision}_test.py"
    texts = {"id": revision, "down": down, "upgrade": upgrade, "downgrade": downgrade}
    project.write(path, MIGRATION.format(**texts))
    project.stage(path)


def add_to_base(project: Project, upgrade: str) -> None:
    """Commit a migration on which the next one builds."""
    add(project, upgrade, "pass", revision=BASE)
    project.git("commit", "--quiet", "--no-verify", "-m", "The base")


def trials(result: Result) -> list[Any]:
    """Return the facts of all trials of a check."""
    lines = [line for line in result.output.splitlines() if MARK in line]
    return [json.loads(line.partition(MARK)[2]) for line in lines]


def trial(project: Project, *arguments: str) -> Any:
    """Check, and return the facts of the only trial."""
    result = project.check("-v", *arguments, once=True)
    all_facts = trials(result)
    assert len(all_facts) == 1, result.output
    return all_facts[0]


def findings(facts: Any) -> dict[str, Any]:
    """Return the parts of facts that are about faults, without details."""
    assert "note" not in facts, facts
    names = ("phase", "left", "lost", "differs_again", "empty_downgrades", "one_way")
    short = {name: facts[name] for name in names if facts.get(name)}
    for name in ("changes", "changes_back"):
        if facts.get(name):
            short[name] = [(each["kind"], each["table"], each["column"]) for each in facts[name]]
    return short


def assert_case(project: Project, case: Case) -> None:
    upgrade, downgrade, expected = case
    add(project, upgrade, downgrade)
    facts = trial(project)
    shown = findings(facts)
    if "lost" in shown:
        shown["lost"] = [
            words.replace("character varying", "…").replace("varchar", "…")
            for words in shown["lost"]
        ]
    assert shown == expected, (upgrade, facts)
    assert facts["revisions"] == [NEW]
    assert facts["filled"].keys() == {"customers", "orders"}
    if "phase" in expected:
        assert facts["revision"] == NEW
        assert facts["error"]["statement"], facts


@pytest.mark.sampled(1)
@pytest.mark.parametrize("server", ["sqlite", "postgresql", "mariadb"])
def test_revisions_on_rows(server: str, make_project: MakeProject) -> None:
    if server == "postgresql":
        require(server_answers(), "PostgreSQL server")
        project = make_project("subfolder", config_url=POSTGRESQL_URL, hook=None)
        force_postgres(project.environ, "url")
    elif server == "mariadb":
        require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
        project = make_project("subfolder", config_url=MYSQL_URL, hook=None)
    else:
        project = make_project("subfolder", hook=None)
    for case in (*EVERYWHERE, *BY_SERVER[server]):
        assert_case(project, case)


@pytest.mark.parametrize("way", ["connect", "begin"])
def test_a_rebuilt_table_whose_cascade_empties_another_loses_rows(way: str, shop: Project) -> None:
    add_to_base(shop, CASCADE)
    shop.replace(ENV, "connectable.connect()", f"connectable.{way}()")
    default = SERVER_DEFAULT
    add(shop, default.format(default="1"), default.format(default=None), down=BASE)
    shop.stage(ENV)
    assert findings(trial(shop)) == {}
    shop.write(MODELS, shop.read(MODELS) + ENFORCED)
    shop.stage(MODELS)
    facts = trial(shop)
    assert findings(facts) == {"changes": [("rows-vanished", "posts", "")]}
    assert facts["changes"][0]["count"] == facts["filled"]["posts"]
