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
from .subfolder_project import ENV, HEAD, MODELS, VERSIONS, assert_unjudged

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

MULTIDB = """\
from alembic import op
import sqlalchemy as sa

revision = "0b2"
down_revision = "0a1"


def upgrade(engine_name):
    globals()["upgrade_%s" % engine_name]()


def downgrade(engine_name):
    globals()["downgrade_%s" % engine_name]()


def upgrade_people():
    pass


def downgrade_people():
    pass


def upgrade_papers():
    {upgrade}


def downgrade_papers():
    op.drop_column("papers", "pages")
"""

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
            "op.add_column('orders', sa.Column('by_id', sa.Integer()))\n"
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


def test_merged_branches_go_back_and_forth(shop: Project) -> None:
    a, b, merge = "bbbbbbbbbbb1", "bbbbbbbbbbb2", "bbbbbbbbbbb3"
    column = "op.add_column('orders', sa.Column('{}', sa.Integer()))"
    drop = "op.drop_column('orders', '{}')"
    add(shop, column.format("left"), drop.format("left"), revision=a)
    add(shop, column.format("right"), drop.format("right"), revision=b)
    add(shop, "pass", "pass", revision=merge, down=(a, b))
    facts = trial(shop)
    assert findings(facts) == {}
    assert facts["revisions"][-1] == merge
    assert set(facts["revisions"]) == {a, b, merge}


def test_a_merge_of_an_old_and_a_new_branch(shop: Project) -> None:
    add(shop, "op.add_column('orders', sa.Column('one', sa.Integer()))", "pass", revision=BASE)
    shop.git("commit", "--quiet", "--no-verify", "-m", "One branch")
    add(
        shop,
        "op.add_column('orders', sa.Column('two', sa.Integer()))",
        "op.drop_column('orders', 'two')",
    )
    add(shop, "pass", "pass", revision="cccccccccccc", down=(BASE, NEW))
    facts = trial(shop)
    assert findings(facts) == {}
    assert facts["revisions"] == [NEW, "cccccccccccc"]


def test_each_database_of_an_environment_gets_rows(make_project: MakeProject) -> None:
    project = make_project("multidb", hook=None)
    text = MULTIDB.format(upgrade='op.add_column("papers", sa.Column("pages", sa.Integer))')
    project.write("migrations/versions/0b2_pages.py", text)
    project.stage(".")
    facts = trial(project)
    assert findings(facts) == {}
    assert set(facts["filled"]) == {"papers", "persons"}
    project.replace("migrations/versions/0b2_pages.py", 'op.drop_column("papers", "pages")', "pass")
    project.stage(".")
    assert findings(trial(project)) == {"empty_downgrades": ["0b2"]}


@pytest.mark.parametrize("name", ["trivia", "async_settings", "sqlmodel_app", "src_layout"])
def test_a_generated_migration_survives(name: str, make_project: MakeProject) -> None:
    project = make_project(name, hook=None)
    project.add_column()
    project.autogenerate("A column")
    project.stage(".")
    result = project.check("-v", once=True)
    (facts,) = trials(result)
    assert result.returncode == 0, result.output
    assert findings(facts) == {}
    assert facts["filled"]


def test_migrations_start_from_the_bases_models(shop: Project) -> None:
    shop.environ["ALEMBIC_LOCKSTEP_START"] = "base-models"
    for case in EVERYWHERE[:3]:
        assert_case(shop, case)


def test_an_env_script_that_runs_once_makes_no_finding(shop: Project) -> None:
    add(
        shop,
        "import os; assert os.environ.setdefault('RUNS', str(os.getpid())) != 'x'; "
        "import shop as s; assert not hasattr(s, 'ran'), 'again'; s.ran = True",
        "pass",
    )
    facts = trial(shop)
    assert "twice in one process" in facts["note"]
    assert "phase" not in facts


def test_a_form_of_values_that_no_table_tells_makes_no_finding(shop: Project) -> None:
    read = (
        "[int(name) for (name,) in op.get_bind().execute(sa.text('SELECT name FROM customers')) "
        "if name]"
    )
    column, without = EVERYWHERE[0][:2]
    for upgrade, downgrade in ((read, "pass"), (column, f"{read}\n    {without}")):
        add(shop, upgrade, downgrade)
        facts = trial(shop)
        assert "of a form that the tables do not tell (ValueError" in facts["note"]
        assert "phase" not in facts
    add(shop, column, "raise ValueError('without rows, too')")
    assert trial(shop)["phase"] == "downgrade"


def test_a_process_that_a_trial_ends_runs_again_without(shop: Project) -> None:
    add(
        shop,
        "if op.get_bind().execute(sa.text('SELECT count(*) FROM orders')).scalar():\n"
        "        import os; os._exit(1)",
        "pass",
    )
    result = shop.check("-v", once=True)
    assert result.returncode == 0, result.output
    (facts,) = trials(result)
    assert "ended the project's Python" in facts["note"]


def test_a_connection_that_env_leaves_open_stops_nothing(shop_on_postgresql: Project) -> None:
    shop = shop_on_postgresql
    shop.replace(
        ENV,
        "    with connectable.connect() as connection:\n        context",
        "    connection = connectable.connect()\n"
        "    Base.connections = [*getattr(Base, 'connections', ()), connection]\n"
        "    if True:\n        context",
    )
    shop.replace(
        ENV,
        "            context.run_migrations()\n\n\nif",
        "            context.run_migrations()\n"
        "        connection.exec_driver_sql('SELECT * FROM orders')\n\n\nif",
    )
    add(shop, *EVERYWHERE[0][:2])
    shop.stage(ENV)
    assert findings(trial(shop)) == {}


def test_a_trial_starts_no_more_processes(shop: Project) -> None:
    add(shop, *EVERYWHERE[0][:2])
    counts = []
    for rows in ("true", "false"):
        shop.environ["ALEMBIC_LOCKSTEP_ROWS"] = rows
        result = shop.check("-v", "--no-cache", once=True)
        counts.append((result.output.count(": run in "), len(trials(result))))
    assert counts == [(counts[0][0], 1), (counts[0][0], 0)]


def test_rows_of_the_team_and_no_rows(shop: Project) -> None:
    add(
        shop,
        "op.create_index('one_name', 'customers', ['updated_at'], unique=True)",
        "op.drop_index('one_name', 'customers')",
    )
    shop.environ["ALEMBIC_LOCKSTEP_ROWS"] = "false"
    assert trials(shop.check("-v", once=True)) == []
    shop.environ["ALEMBIC_LOCKSTEP_ROWS"] = "rows.sql"
    assert_unjudged(shop.check(once=True), "names rows.sql, which is not in the commit")
    insert = "INSERT INTO customers (id, email) VALUES (70, 'ada@example.org');\n"
    shop.write("rows.sql", insert)
    shop.stage("rows.sql")
    facts = trial(shop)
    assert facts["filled"]["customers"] == 1
    assert facts["filled"]["orders"] > 1
    shop.write("rows.sql", insert + "INSERT INTO nothing VALUES (1);\n")
    shop.stage("rows.sql")
    assert "rows.sql were left out" in trial(shop)["note"]


def test_a_trial_is_made_once_for_a_snapshot(shop: Project) -> None:
    add(
        shop,
        "op.add_column('orders', sa.Column('paid', sa.Boolean()))",
        "op.drop_column('orders', 'unpaid')",
    )
    first = trial(shop)
    assert findings(first) == {"phase": "downgrade"}
    shop.write(MODELS, shop.read(MODELS) + "\nMORE = 1\n")
    shop.stage(MODELS)
    result = shop.check("-v", once=True)
    assert trials(result) == []
    assert "snapshot: 3 revisions of 3" in result.output
    shop.git("commit", "--quiet", "--no-verify", "-m", "The migration")
    shop.write(MODELS, shop.read(MODELS) + "\nMORE = 2\n")
    shop.stage(MODELS)
    assert trials(shop.check("-v", once=True)) == []


def test_commits_of_a_branch_are_tried_by_themselves(shop: Project) -> None:
    shop.git("switch", "--quiet", "-c", "feature")
    names = ("bbbbbbbbbbb1", "bbbbbbbbbbb2")
    for name, down in zip(names, (HEAD, names[0]), strict=True):
        column = f"op.add_column('orders', sa.Column('c{name}', sa.Integer()))"
        add(shop, column, f"op.drop_column('orders', 'c{name}')", revision=name, down=down)
        shop.git("commit", "--quiet", "--no-verify", "-m", name)
    result = shop.check("-v", "--base", "main", "--each-commit", once=True)
    tried = [facts["revisions"] for facts in trials(result)]
    assert tried == [[names[0]], [names[1]], [*names]]
