"""Configurations that only a program of the project makes: the advice writes one that is found."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path

import pytest

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree, EnvironmentFinder
from alembic_lockstep.config import Settings
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree

ENV = "from alembic import context\ncontext.run_migrations()\n"
POPS_URL = f'url = context.config.get_section("alembic").pop("url")\n{ENV}'


def sides_of(root: Path) -> tuple[EnvironmentAtTree, ...]:
    repository = Repository.discover(root)
    finder = EnvironmentFinder(repository, Settings(), {})
    return tuple(finder.find(Tree(repository, repository.staged_tree({}))))


def stage(root: Path, **files: str) -> None:
    for name, text in files.items():
        file = root / name.replace("_in_", "/").replace("__", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "."], cwd=root, check=True)


@pytest.mark.parametrize(
    ("env", "names"), [(ENV, ["sqlalchemy.url"]), (POPS_URL, ["sqlalchemy.url", "url"])]
)
def test_the_printed_command_writes_a_configuration_that_is_found(
    tmp_path: Path, env: str, names: list[str]
) -> None:
    stage(tmp_path, my_shop_in_db_in_env__py=env, requirements__txt="psycopg[c]\n")
    with pytest.raises(CouldNotJudge, match="no file configures my_shop") as caught:
        sides_of(tmp_path)
    for line in caught.value.fix.splitlines()[1:]:
        subprocess.run(["bash", "-ec", line], cwd=tmp_path, check=True)
    (side,) = sides_of(tmp_path)
    assert side.environment.script_location == "my_shop/db"
    assert side.environment.config == "lockstep.ini"
    ini = configparser.RawConfigParser()
    ini.read(tmp_path / "lockstep.ini")
    url = "postgresql+psycopg://user:password@localhost/app"
    assert [ini["alembic"][name] for name in names] == [url] * len(names)


@pytest.mark.parametrize(
    "files",
    [
        {"shop_in_env__py": "import os\n"},
        {"tests_in_shop_in_env__py": ENV},
        {"shop_in_env__py": ENV, "stock_in_env__py": ENV},
    ],
)
def test_nothing_is_guessed(tmp_path: Path, files: dict[str, str]) -> None:
    stage(tmp_path, **files)
    with pytest.raises(CouldNotJudge, match="no Alembic environment in what is committed"):
        sides_of(tmp_path)
