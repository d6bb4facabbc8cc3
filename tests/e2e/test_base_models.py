"""A start from the base's models: `create_all()`, the stamp, and only what is new runs."""

from __future__ import annotations

import pytest

from .harness import Project
from .subfolder_project import (
    ADD_PAID,
    FIRST,
    MODELS,
    add_migration,
    assert_clean,
    assert_finding,
    change_and_check,
)

NEW = "bbbbbbbbbbbb"
ENV_PY = "service/alembic/env.py"
HEADER = "\n\nfrom sqlalchemy import event, text\n\n\n"
#: As gns3-server makes its first user, and in other ways to end the transaction.
LISTENERS = {
    "after a table": """
@event.listens_for(Customer.__table__, "after_create")
def make_first_customer(target, connection, **options):
    connection.execute(target.insert().values(email="ada@example.org"))
    connection.commit()
""",
    "after all tables": """
@event.listens_for(Base.metadata, "after_create")
def make_first_customer(target, connection, **options):
    connection.execute(Customer.__table__.insert().values(email="ada@example.org"))
    connection.commit()
""",
    "before all tables": """
@event.listens_for(Base.metadata, "before_create")
def commit(target, connection, **options):
    connection.execute(text("SELECT 1"))
    connection.commit()
""",
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("shop_by_dialect", "listener"),
    [
        ("sqlite", "after a table"),
        ("postgresql", "after all tables"),
        ("sqlite", "before all tables"),
    ],
    indirect=["shop_by_dialect"],
)
def test_a_listener_that_commits_does_not_lose_the_stamp(
    shop_by_dialect: Project, listener: str
) -> None:
    shop = shop_by_dialect
    shop.environ["ALEMBIC_LOCKSTEP_START"] = "base-models"
    shop.write(MODELS, shop.read(MODELS) + HEADER + LISTENERS[listener])
    shop.stage(".")
    shop.git("commit", "--quiet", "-m", "A first customer")
    assert_clean(change_and_check(shop), "0 revisions run from the base's models")
    where = shop.add_column()
    assert_finding(change_and_check(shop), where, "missing-migration")
    add_migration(shop, NEW, upgrade=ADD_PAID)
    assert_clean(change_and_check(shop), "1 revision run from the base's models")


def test_a_revision_of_the_base_never_runs_on_its_models(shop: Project) -> None:
    """It would fail for what exists, or make it twice: here another table has the stamp."""
    shop.environ["ALEMBIC_LOCKSTEP_START"] = "base-models"
    configure = "connection=connection, target_metadata=target_metadata"
    shop.replace(ENV_PY, configure, f"{configure}, version_table='versions'")
    shop.add_column()
    add_migration(shop, NEW, upgrade=ADD_PAID)
    result = change_and_check(shop)
    assert result.returncode == 2, result.output
    assert f"is not stamped with {FIRST}, which the base has" in result.stderr
