"""advanced-alchemy: a configuration that is not found is named, and the setting leads on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import SessionCache
from .harness import Project
from .subfolder_project import ENV, assert_finding, assert_unjudged, change_and_check
from .typed_advice import follow

#: Two at paths where none is looked for.
CONFIG = """\
from advanced_alchemy.config import AlembicSyncConfig, SQLAlchemySyncConfig
from shop.models import Base

{name} = SQLAlchemySyncConfig(
    connection_string="sqlite:///shop.db",
    metadata=Base.metadata,
    alembic_config=AlembicSyncConfig(script_config="alembic.ini", script_location="alembic"),
)
"""


@pytest.fixture(scope="session")
def libraries(session_cache: SessionCache, pip: Callable[..., None]) -> Path:
    """advanced-alchemy and what it needs, but for the libraries of the tests."""

    def build(new: Path) -> None:
        pip("install", "--quiet", "--target", str(new), "advanced-alchemy", cwd=new)
        for name in ("sqlalchemy", "alembic"):
            shutil.rmtree(new / name)

    return session_cache("advanced-alchemy", build)


def test_the_configuration_is_named_and_the_line_leads_on(shop: Project, libraries: Path) -> None:
    (site,) = (shop.root / ".venv").glob("lib/python*/site-packages")
    (site / "_alchemy.pth").write_text(f"{libraries}\n")
    template = libraries / "advanced_alchemy/alembic/templates/sync/env.py"
    shop.write(ENV, template.read_text())
    for name in ("orders", "reports"):
        shop.write(f"service/shop/{name}_store.py", CONFIG.format(name=name))
    shop.stage("service/shop")
    shop.git("commit", "--quiet", "--all", "-m", "advanced-alchemy")
    where = shop.add_column()
    result = change_and_check(shop)
    said = ('alchemy-config = "shop.orders_store.orders"', "# or: alchemy-config = ")
    assert_unjudged(result, "NoAlchemyConfigError", *said)
    assert_finding(follow(shop, result), where, "missing-migration", "2 revisions")
