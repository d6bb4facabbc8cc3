"""What a CI's job gets: the servers and variables with which the first check passed."""

from __future__ import annotations

import pytest
import yaml

from alembic_lockstep.init.job_needs import Needs, dotenv_variables, harmless_value, variables_used

SECRET = "mysql+pymysql://root:geheim@prod/db"


def test_variables_are_those_that_the_project_names() -> None:
    environ = {
        "DATABASE_URL": SECRET,
        "SHOP_PORT": "80",
        "SHOP_KEY": "geheim",
        "TOKEN": "geheim",
        "UNUSED_KEY": "geheim",
        "HOME": "/home/ada",
        "GITHUB_TOKEN": "geheim",
        "ALEMBIC_LOCKSTEP_ENV": "A=geheim",
    }
    texts = [
        "import os\nurl = os.environ['DATABASE_URL']\nhome = os.environ['HOME']\n",
        'class Settings(BaseSettings):\n    shop_port: int\n    shop_key: str = ""\n',
        "token = 'x'  # UNUSED_KEY, and 'GITHUB_TOKEN', 'ALEMBIC_LOCKSTEP_ENV'\n",
        'getenv("TOKEN")',
    ]
    assert variables_used(environ, texts) == {
        "DATABASE_URL": "mysql+pymysql://u:p@h/d",
        "SHOP_KEY": "dry-run",
        "SHOP_PORT": "80",
        "TOKEN": "dry-run",
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("sqlite+aiosqlite:////srv/x.db", "sqlite+aiosqlite:///dry-run.db"),
        ("redis://:geheim@h", "redis://u:p@h/d"),
        ("true", "true"),
        ("", ""),
        ("5432", "5432"),
        ("12345678", "dry-run"),
        ("geheim://\n", "geheim://u:p@h/d"),
        ("a b://geheim", "dry-run"),
    ],
)
def test_no_value_is_told(value: str, expected: str) -> None:
    assert harmless_value(value) == expected


def test_a_dotenv() -> None:
    text = "# A=1\nexport B='x y'\n C = \nbad line\nD=\"e=f\"\n"
    assert dotenv_variables(text) == {"B": "x y", "C": "", "D": "e=f"}


def test_a_job_without_needs_stays_as_it_is() -> None:
    assert (Needs().for_github(), Needs().for_gitlab(), Needs().job_variables()) == ("", "", {})


def test_servers_and_variables_of_github() -> None:
    needs = Needs(("mariadb", "postgresql"), {"A": 'x: "y"'})
    job = yaml.safe_load(needs.for_github())["services"]
    assert [service["ports"] for service in job.values()] == [["3306:3306"], ["5432:5432"]]
    # The runner takes double quotes for quotes, and no others.
    assert '--health-cmd "healthcheck.sh --connect' in job["mariadb"]["options"]
    assert needs.job_variables("127.0.0.1") == {
        "A": 'x: "y"',
        "ALEMBIC_LOCKSTEP_SCRATCH": "mariadb+pymysql://root@127.0.0.1:3306/mysql "
        "postgresql://postgres:scratch@127.0.0.1:5432/postgres",
    }


def test_servers_and_variables_of_gitlab() -> None:
    job = yaml.safe_load(Needs(("mysql",), {"A": 'x: "y"'}).for_gitlab())["alembic-lockstep"]
    assert job["services"] == [{"name": "mysql:8.4", "alias": "mysql"}]
    assert job["variables"] == {
        "MYSQL_ALLOW_EMPTY_PASSWORD": "1",
        "A": 'x: "y"',
        "ALEMBIC_LOCKSTEP_SCRATCH": "mysql+pymysql://root@mysql:3306/mysql",
    }
