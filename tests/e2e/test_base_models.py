"""A start from the base's models: `create_all()`, the stamp, and only what is new runs."""

from __future__ import annotations

from .harness import Project
from .subfolder_project import (
    ADD_PAID,
    MODELS,
    add_migration,
    assert_clean,
    assert_finding,
    change_and_check,
)

NEW = "bbbbbbbbbbbb"
#: As gns3-server makes its first user.
LISTENER = """

from sqlalchemy import event


@event.listens_for(Customer.__table__, "after_create")
def make_first_customer(target, connection, **options):
    connection.execute(target.insert().values(email="ada@example.org"))
    connection.commit()
"""


def test_a_listener_that_commits_does_not_lose_the_stamp(shop_by_dialect: Project) -> None:
    shop = shop_by_dialect
    shop.environ["ALEMBIC_LOCKSTEP_START"] = "base-models"
    shop.write(MODELS, shop.read(MODELS) + LISTENER)
    shop.stage(".")
    shop.git("commit", "--quiet", "-m", "A first customer")
    assert_clean(change_and_check(shop), "0 revisions run from the base's models")
    where = shop.add_column()
    assert_finding(change_and_check(shop), where, "missing-migration")
    add_migration(shop, NEW, upgrade=ADD_PAID)
    assert_clean(change_and_check(shop), "1 revision run from the base's models")
