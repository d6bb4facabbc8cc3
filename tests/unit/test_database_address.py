"""URLs of live databases: what can be read, and that no password is shown."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from alembic_lockstep.doctor.database_address import DatabaseAddress
from alembic_lockstep.doctor.live_database import open_live_database
from alembic_lockstep.doctor.scratch_schemas import refuse_other_database
from alembic_lockstep.errors import CouldNotJudge


@pytest.mark.parametrize(
    ("url", "dialect", "shown"),
    [
        ("sqlite:///instance/app.db", "sqlite", "instance/app.db"),
        ("sqlite+aiosqlite:////srv/app.db", "sqlite", "/srv/app.db"),
        ("postgresql+asyncpg://app:s3cret@db:5432/shop", "postgresql", "app@db:5432/shop"),
        ("postgres://app:s3cret@db/shop", "postgresql", "app@db/shop"),
        ("mysql+aiomysql://app:s3cret@db/shop?charset=utf8mb4", "mysql", "app@db/shop"),
        ("mariadb://db/shop", "mysql", "db/shop"),
    ],
)
def test_the_driver_does_not_count_and_the_password_is_not_shown(
    url: str, dialect: str, shown: str
) -> None:
    address = DatabaseAddress.parse(url)
    assert (address.dialect, address.shown) == (dialect, shown)
    assert "s3cret" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "s3cret.db",
        "postgresql://app:s3@cret@db/shop",
        "postgresql://app:s3cret@db",
        "oracle://app:s3cret@db/shop",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_a_url_that_cannot_be_read_is_not_shown(url: str) -> None:
    with pytest.raises(CouldNotJudge) as failure:
        DatabaseAddress.parse(url)
    assert "s3" not in failure.value.message + failure.value.fix
    for line in failure.value.fix.splitlines()[1:]:
        DatabaseAddress.parse(line.removeprefix("--database "))


@pytest.mark.parametrize(
    ("module", "dialect", "extra"),
    [("psycopg", "postgresql", "postgres"), ("pymysql", "mysql", "mysql")],
)
def test_a_driver_that_is_missing_is_installed_with_the_extra(
    module: str, dialect: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CouldNotJudge) as failure:
        open_live_database(DatabaseAddress.parse(f"{dialect}://app@127.0.0.1:1/shop"))
    assert failure.value.fix == f"pip install 'alembic-lockstep[{extra}]'"
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert re.search(rf'(?m)^{extra} = .*"{module}', project, re.IGNORECASE)


def test_a_drivers_message_is_shown_without_the_password() -> None:
    address = DatabaseAddress.parse("postgresql://app:s3cret@db/shop")
    assert address.explain(Exception("no\nroute")) == "no route"
    assert address.explain(Exception(1045, "Access denied")) == "Access denied"
    assert "s3cret" not in address.explain(Exception("dsn: app:s3cret@db"))


def test_a_project_of_another_dialect_is_configured_by_a_variable() -> None:
    address = DatabaseAddress.parse("postgresql+psycopg://app:s3cret@db/shop")
    with pytest.raises(CouldNotJudge, match="connects to sqlite here, and app@db/shop") as failure:
        refuse_other_database("sqlite:////tmp/1.db", address, is_run=False)
    _, _, url = failure.value.fix.partition("export DATABASE_URL=")
    configured = DatabaseAddress.parse(url.strip('"')).url
    refuse_other_database(str(configured), address, is_run=True)
    for same in ("mysql://a/b", "mariadb+pymysql://a/b"):
        refuse_other_database(same, DatabaseAddress.parse("mariadb://db/shop"), is_run=True)


def test_a_file_that_is_gone_is_compared_without_the_setting_run() -> None:
    address = DatabaseAddress.parse("sqlite:///app.db")
    refuse_other_database("sqlite:////tmp/1.db", address, is_run=False)
    with pytest.raises(CouldNotJudge, match="does not outlive it") as failure:
        refuse_other_database("sqlite:////tmp/1.db", address, is_run=True)
    assert failure.value.fix.startswith("Unset `run`")
