"""A start from the base's models: `create_all()`, the stamp, and only what is new runs."""

from __future__ import annotations

import pytest

from .conftest import MakeProject
from .harness import Project, force_postgres, require, server_answers
from .subfolder_project import MODELS, add_migration, assert_clean, assert_finding, change_and_check

NEW = "bbbbbbbbbbbb"
#: As gns3-server makes its first user.
LISTENER = """

from sqlalchemy import event


@event.listens_for(Customer.__table__, "after_create")
def make_first_customer(target, connection, **options):
    connection.execute(target.insert().values(email="ada@example.org"))
    connection.commit()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, make_project: MakeProject) -> Project:
    url = None
    if request.param == "postgresql":
        require(server_answers(), "PostgreSQL server")
        url = "postgresql+psycopg://app:secret@127.0.0.1:1/prod"
    project = make_project("subfolder", config_url=url, hook=None)
    if url:
        force_postgres(project.environ, "url")
    project.environ["ALEMBIC_LOCKSTEP_START"] = "base-models"
    return project


def test_a_listener_that_commits_does_not_lose_the_stamp(shop: Project) -> None:
    shop.write(MODELS, shop.read(MODELS) + LISTENER)
    shop.stage(".")
    shop.git("commit", "--quiet", "-m", "A first customer")
    assert_clean(change_and_check(shop), "0 revisions run from the base's models")
    where = shop.add_column()
    assert_finding(change_and_check(shop), where, "missing-migration")
    add_migration(shop, NEW, upgrade="op.add_column('orders', sa.Column('paid', sa.Boolean()))")
    assert_clean(change_and_check(shop), "1 revision run from the base's models")
