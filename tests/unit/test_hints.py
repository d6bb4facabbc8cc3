"""From what a project said when it failed to the line to type."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alembic_lockstep.advice.hints import hint
from alembic_lockstep.advice.variables import missing_variables, placeholder
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.templates import database_url, template_without_location
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.git.absent import explain_absent
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree

ENVIRONMENT = Environment("alembic.ini", "", "migrations", ("migrations/versions",))


def failure(type_: str, message: str, *, variable: str = "", path: str = "") -> Observation:
    frames = [{"path": path, "line": 1, "function": "<module>"}] if path else []
    error: dict[str, Any] = {"type": type_, "message": message, "variable": variable}
    return Observation(
        error={**error, "frames": frames, "statement": "", "module": ""}, phase="env"
    )


def committed(root: Path, **files: str) -> EnvironmentAtTree:
    """Commit files, of whose names `__` stands for a dot and `_in_` for a slash."""
    for name, text in files.items():
        file = root / name.replace("_in_", "/").replace("__", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for command in ("init -q", "add .", "-c user.name=A -c user.email=a@b.c commit -qm First"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)
    repository = Repository.discover(root)
    return EnvironmentAtTree(ENVIRONMENT, Tree(repository, repository.tree_of("HEAD")))


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        ("NameError", "name 'IS_WIN' is not defined"),
        ("AttributeError", "module 'config' has no attribute 'SQL_ECHO'"),
        ("ImportError", "cannot import name 'DB_URL' from 'config'"),
        ("ValueError", "MAX_SIZE: 5 is larger than MIN_SIZE"),
        ("SyntaxError", "invalid syntax: IS_WIN required"),
        ("OperationalError", "no such table: APP_SETTINGS"),
    ],
)
def test_a_word_of_the_source_is_no_variable(type_: str, message: str) -> None:
    assert missing_variables(failure(type_, message)) == []


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        ("KeyError", "'SHOP_TOKEN'"),
        ("UndefinedValueError", "SHOP_TOKEN not found. Declare it as envvar or define a default."),
        ("EnvError", 'Environment variable "SHOP_TOKEN" not set'),
        ("ImproperlyConfigured", "Set the SHOP_TOKEN environment variable"),
        ("KeyError", "\"Config 'SHOP_TOKEN' is missing, and has no default.\""),
        (
            "ValidationError",
            "1 validation error for Settings\nSHOP_TOKEN\n  Field required [t",
        ),
        ("RuntimeError", "SHOP_TOKEN must be set"),
        ("AssertionError", "SHOP_TOKEN is required"),
    ],
)
def test_the_variable_that_is_missing_is_named(type_: str, message: str) -> None:
    assert missing_variables(failure(type_, message)) == ["SHOP_TOKEN"]


SEVERAL = """\
A = {}
B = {}
C = config("SHOP_C", default=None)
D = config("SHOP_D", cast=Secret)
"""


@pytest.mark.parametrize(
    ("reads", "names"),
    [
        (('config("SHOP_A")', 'config("SHOP_B", cast=int)'), ["SHOP_A", "SHOP_B", "SHOP_D"]),
        (('config("SHOP_A")', 'config("SHOP_B", "b")'), ["SHOP_A", "SHOP_D"]),
        (('os.environ["SHOP_A"]', "os.environ['SHOP_B']"), ["SHOP_A", "SHOP_B"]),
        (('os.environ["SHOP_A"]', "os.environ['SHOP_SET']"), ["SHOP_A"]),
        (('env.str("SHOP_A")', 'env.str("SHOP_B", None)'), ["SHOP_A"]),
        (('get("SHOP_A")', 'get("SHOP_B")'), ["SHOP_A"]),
    ],
)
def test_what_a_module_will_ask_for_next_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: tuple[str, str], names: list[str]
) -> None:
    monkeypatch.setenv("SHOP_SET", "a")
    env = committed(tmp_path, settings__py=SEVERAL.format(*reads))
    assert missing_variables(failure("KeyError", "'SHOP_A'", path="settings.py"), env) == names


def test_credentials_are_a_user_and_a_password() -> None:
    assert placeholder("DATABASE_CREDENTIALS") == "user:password"


@pytest.mark.parametrize(
    "message",
    [
        "Expected string or URL object, got None",
        "Could not parse SQLAlchemy URL from given URL string",
        "Could not parse rfc1738 URL from string ''",
        "Either 'SQLALCHEMY_DATABASE_URI' or 'SQLALCHEMY_BINDS' must be set.",
        "'url'",
        "option values must be strings",
    ],
)
def test_where_no_url_was_given_the_code_names_the_variable(tmp_path: Path, message: str) -> None:
    code = "DEBUG = os.getenv('DEBUG_SQL')\nurl = os.environ.get('SHOP_DB_URL')\n"
    env = committed(tmp_path, settings__py=code, requirements__txt="psycopg[binary]==3.2\n")
    said = hint(failure("ArgumentError", message, path="settings.py"), env)
    assert said.splitlines()[1:] == [
        "[tool.alembic-lockstep.env]",
        'SHOP_DB_URL = "postgresql+psycopg://user:password@localhost/app"',
    ]


@pytest.mark.parametrize(
    ("type_", "message", "line", "name", "value"),
    [
        (
            "AttributeError",
            "'NoneType' object has no attribute 'replace'",
            "url = os.getenv('SHOP_DB_URL').replace('postgres://', 'postgresql://')",
            "SHOP_DB_URL",
            "sqlite:///app.db",
        ),
        (
            "TypeError",
            "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
            "port = int(os.environ.get('DB_PORT'))",
            "DB_PORT",
            "5432",
        ),
        (
            "TypeError",
            'can only concatenate str (not "NoneType") to str',
            "prefix = 'shop_' + os.getenv('STAGE')",
            "STAGE",
            "a value for dry runs",
        ),
    ],
)
def test_a_variable_that_is_used_where_it_is_read_is_named(
    tmp_path: Path, type_: str, message: str, line: str, name: str, value: str
) -> None:
    env = committed(tmp_path, settings__py=line)
    said = hint(failure(type_, message, path="settings.py"), env)
    assert said.splitlines()[1:] == ["[tool.alembic-lockstep.env]", f'{name} = "{value}"']


@pytest.mark.parametrize(
    ("type_", "value"), [("bool", "false"), ("int", "1"), ("str", "a value for dry runs")]
)
def test_a_field_that_is_missing_gets_a_value_of_its_type(
    tmp_path: Path, type_: str, value: str
) -> None:
    env = committed(tmp_path, settings__py=f"class S(BaseSettings):\n    production: {type_}\n")
    message = "1 validation error for S\nproduction\n  Field required [type=missing]"
    said = hint(failure("ValidationError", message, path="settings.py"), env)
    assert said.endswith(f'\nPRODUCTION = "{value}"')


def test_a_none_of_something_else_is_no_variable(tmp_path: Path) -> None:
    env = committed(tmp_path, settings__py="first = re.match('a', 'b').group()\n")
    message = "'NoneType' object has no attribute 'group'"
    assert hint(failure("AttributeError", message, path="settings.py"), env) == ""


def test_a_url_of_something_else_is_no_database(tmp_path: Path) -> None:
    env = committed(tmp_path, requirements__txt="asyncpg\n")
    said = hint(failure("KeyError", "'REDIS_URL'", variable="REDIS_URL"), env)
    assert said.endswith('REDIS_URL = "redis://localhost:6379/0"')
    said = hint(failure("KeyError", "'API_URL'", variable="API_URL"), env)
    assert said.endswith('API_URL = "http://localhost"')


@pytest.mark.parametrize(
    ("files", "url"),
    [
        ({}, "sqlite:///app.db"),
        ({"requirements__txt": "psycopg2-binary\n"}, "postgresql://user:password@localhost/app"),
        (
            {"pyproject__toml": 'dependencies = ["asyncpg", "psycopg2"]'},
            "postgresql://user:password@localhost/app",
        ),
        (
            {
                "pyproject__toml": 'dependencies = ["asyncpg", "psycopg2"]',
                "migrations_in_env__py": "async_engine_from_config",
            },
            "postgresql+asyncpg://user:password@localhost/app",
        ),
        ({"requirements_in_prod__in": "psycopg2\n"}, "postgresql://user:password@localhost/app"),
        ({"Pipfile": "pymysql = '*'"}, "mysql+pymysql://user:password@localhost/app"),
        (
            {"alembic__ini": "sqlalchemy.url = mysql+asyncmy://me:secret@prod/shop"},
            "mysql+asyncmy://user:password@localhost/app",
        ),
        ({"alembic__ini": "sqlalchemy.url = driver://user:pass@localhost/db"}, "sqlite:///app.db"),
    ],
)
def test_a_url_is_of_the_projects_dialect(tmp_path: Path, files: dict[str, str], url: str) -> None:
    env = committed(tmp_path, readme="Words.", **files)
    assert database_url(env.environment, env.tree) == url


def test_a_template_is_no_environment_where_its_scripts_are_not_known(tmp_path: Path) -> None:
    ini = "[alembic]\nscript_location = {alembic_dir}\n"
    env = committed(tmp_path, a_in_alembic__ini=ini, b_in_env__py="")
    assert template_without_location(env.tree) is None
    env = committed(tmp_path, a_in_alembic_in_env__py="")
    template = template_without_location(env.tree)
    assert template is not None
    assert (template.config, template.script_location) == ("a/alembic.ini", "a/alembic")


@pytest.mark.parametrize(
    "message",
    [
        "no such table: settings",
        'relation "settings" does not exist\nLINE 1: …',
        "(1146, \"Table 'app.settings' doesn't exist\")",
    ],
)
def test_a_query_at_the_start_is_told_of_the_empty_database(message: str) -> None:
    observation = failure("OperationalError", message)
    assert hint(observation).endswith('.has_table("settings"):')
    # Of what migrations query, they made the table or did not.
    connection = {"dialect": "sqlite", "driver": "pysqlite", "target": "app.db"}
    assert hint(replace(observation, connections=(connection,))) == ""


def test_a_submodule_is_named_where_it_may_matter(tmp_path: Path) -> None:
    env = committed(tmp_path, readme="Words.")
    repository = replace(Repository.discover(tmp_path), absent_submodules=("vendor/theme",))

    def named(message: str, type_: str = "ValueError", **reads: list[str]) -> bool:
        error = {"type": type_, "message": message}
        return bool(explain_absent(repository, env.tree.sha, error, reads))

    assert named("No module named 'theme'", "ModuleNotFoundError")
    assert named("[Errno 2] No such file or directory: 'vendor/theme/models.sql'", "OSError")
    assert named("no models", absent=["vendor/theme/models.py"])
    assert not named("SHOP_TOKEN is not set", opened=["app.py"], absent=["vendor/themes.py"])
