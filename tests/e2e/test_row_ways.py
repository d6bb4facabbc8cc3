"""Trials on rows in each way in which migrations run; most find nothing."""

from __future__ import annotations

import pytest

from .conftest import MakeProject
from .harness import POSTGRESQL_URL, Project, force_postgres, require, server_answers
from .samples import SAMPLES
from .subfolder_project import FIRST_FILE, HEAD_FILE, MODELS
from .test_row_trial import BASE, EVERYWHERE, add, add_to_base, assert_case, findings, trial

PAY = """\
op.add_column('orders', sa.Column('paid', sa.Boolean()))
    from sqlalchemy.orm import Session
    from shop.models import Order
    session = Session(bind=op.get_bind())
    for order in session.query(Order):
        order.paid = order.total > 0
    session.flush()"""
RENAME = "op.rename_table('orders', 'purchases')"
IN_BATCH = """\
with op.batch_alter_table('orders', recreate='always') as batch:
        batch.{}"""
AUTOCOMMIT = """\
with op.get_context().autocommit_block():
        op.{}('ix_total', 'orders'{})"""
SIZED = """\
from shop import models
    x = sa.Column('x', sa.String(models.X))
    op.create_table('notes', sa.Column('id', sa.Integer, primary_key=True), x)"""
BINDS = """\
from alembic import op
import sqlalchemy as sa

revision, down_revision = "2", "1"


def upgrade(engine_name):
    globals()[f"upgrade_{engine_name}"]()


def downgrade(engine_name):
    globals()[f"downgrade_{engine_name}"]()


def upgrade_():
    pass


def downgrade_():
    pass


def upgrade_archive():
    with op.batch_alter_table("old_visit") as batch:
        batch.add_column(sa.Column("ward", sa.Integer))


def downgrade_archive():
    with op.batch_alter_table("old_visit") as batch:
        batch.drop_column("ward")
"""


@pytest.mark.parametrize("postgres_way", ["binaries", "wheel"], indirect=True)
def test_a_private_postgresql_has_copies_with_rows(
    make_project: MakeProject, postgres_way: str
) -> None:
    project = make_project("subfolder", config_url=POSTGRESQL_URL, hook=None)
    project.start_check = force_postgres(project.environ, postgres_way)
    assert_case(project, EVERYWHERE[1])


def test_old_migrations_that_run_in_the_checkout_of_the_base(shop: Project) -> None:
    shop.write(MODELS, shop.read(MODELS) + "\nX = 9\n")
    shop.stage(MODELS)
    add_to_base(shop, SIZED)
    shop.replace(MODELS, "X = 9", "X = 8")
    shop.stage(MODELS)
    add(
        shop,
        "op.create_index('ix_x', 'notes', ['x'])",
        "op.drop_index('ix_x', 'notes')",
        down=BASE,
    )
    facts = trial(shop)
    assert findings(facts) == {}
    assert "notes" in facts["filled"]


def test_there_are_no_rows_under_a_first_migration(shop: Project) -> None:
    shop.git("rm", "--quiet", FIRST_FILE, HEAD_FILE)
    shop.git("commit", "--quiet", "--no-verify", "-m", "Nothing has migrated yet")
    add(shop, "op.execute('SELECT 1')", "op.execute('SELECT 1')", down=None)
    assert "rows: the base has no migrations" in shop.check().output


def test_migrations_of_binds(make_project: MakeProject) -> None:
    project = make_project("flask_binds", hook=None)
    project.write("migrations/versions/2_ward.py", BINDS)
    project.stage(".")
    facts = trial(project)
    assert findings(facts) == {}
    assert set(facts["filled"]) == {"visit", "old_visit"}


@pytest.mark.parametrize(
    ("upgrade", "downgrade"),
    [
        (PAY, "op.drop_column('orders', 'paid')"),
        (RENAME, "op.rename_table('purchases', 'orders')"),
        (
            IN_BATCH.format("add_column(sa.Column('paid', sa.Boolean()))"),
            IN_BATCH.format("drop_column('paid')"),
        ),
        (AUTOCOMMIT.format("create_index", ", ['total']"), AUTOCOMMIT.format("drop_index", "")),
    ],
    ids=["models of the application", "renamed table", "batch mode", "autocommit_block"],
)
@pytest.mark.sampled(1)
def test_what_migrations_do_to_rows_on_purpose(shop: Project, upgrade: str, downgrade: str) -> None:
    shop.add_column()
    shop.stage(MODELS)
    add(shop, upgrade, downgrade)
    assert findings(trial(shop)) == {}


def test_a_table_that_is_dropped_where_an_equal_one_comes(shop: Project) -> None:
    columns = "sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(9))"
    add_to_base(shop, f"op.create_table('players', {columns})")
    add(
        shop,
        f"op.create_table('users', {columns})\n    op.drop_table('players')",
        f"op.create_table('players', {columns})\n    op.drop_table('users')",
        down=BASE,
    )
    facts = trial(shop)
    assert findings(facts) == {"changes": [("table-dropped", "players", "")]}
    assert facts["changes"][0]["successor"] == "users"


def test_an_async_env_script_on_postgresql(make_project: MakeProject) -> None:
    require(server_answers(), "PostgreSQL server")
    url = SAMPLES["async_settings"].postgresql_url("app:secret@127.0.0.1:1/prod")
    project = make_project("async_settings", config_url=url, hook=None)
    force_postgres(project.environ, "url")
    project.add_column()
    project.autogenerate("A language")
    project.stage(".")
    facts = trial(project)
    assert findings(facts) == {}
    assert set(facts["filled"]) == {"authors", "notes"}
