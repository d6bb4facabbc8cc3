"""The first day: what stands in the way of a verdict, what is said of it, and that it leads on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import Project
from .subfolder_project import (
    ENV,
    INI,
    INIT,
    MODELS,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
    change_and_check,
)
from .typed_advice import follow

CONFIGURE = "        context.configure(\n"


#: Code of the application, and what is said of it; typed, it leads to a verdict.
LEADS_ON = {
    "a URL from a variable": (
        "import os, sqlalchemy\nsqlalchemy.create_engine(os.environ['SHOP_DB_URL'])",
        'SHOP_DB_URL = "sqlite:///app.db"',
    ),
    "a variable that may be missing": (
        "import os, sqlalchemy\nsqlalchemy.create_engine(os.environ.get('SHOP_DB_URL'))",
        'SHOP_DB_URL = "sqlite:///app.db"',
    ),
    "several variables, one after another": (
        "import os\nA = os.environ['SHOP_A']\nB = os.environ.get('SHOP_B')\n"
        "if A and not B:\n    C = os.environ['SHOP_C']\nassert C",
        'SHOP_A = "a value for dry runs"\n    SHOP_C = "a value for dry runs"\n',
    ),
    "a check by hand": (
        "import os\nif not os.getenv('SHOP_TOKEN'):\n    raise RuntimeError('SHOP_TOKEN not set')",
        'SHOP_TOKEN = "a value for dry runs"',
    ),
}


@pytest.mark.parametrize("obstacle", LEADS_ON)
def test_what_the_application_lacks_is_named_and_leads_on(shop: Project, obstacle: str) -> None:
    code, said = LEADS_ON[obstacle]
    shop.write(INIT, code + "\n")
    result = change_and_check(shop)
    assert_unjudged(result, said)
    assert_clean(follow(shop, result))


#: A variable that is set, and what a message proposes that it beats.
BEATEN = {
    "ALEMBIC_LOCKSTEP_TIMEOUT": ("2", "import time\ntime.sleep(3)", "timeout"),
    "ALEMBIC_LOCKSTEP_ENV": ("OTHER=1", "import os\nos.environ['SHOP_MODE']", "env"),
    "ALEMBIC_LOCKSTEP_CONFIG": ("none.ini", "", ""),
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("variable", BEATEN)
def test_a_variable_that_beats_the_printed_setting_is_named(shop: Project, variable: str) -> None:
    value, code, setting = BEATEN[variable]
    shop.environ[variable] = value
    shop.write(INIT, f"{code}\n")
    result = change_and_check(shop)
    assert_unjudged(result, *([f"{variable} is set and beats {setting} of "] if setting else []))
    assert ("beats" in result.stderr) == bool(setting)
    if setting:
        assert_clean(follow(shop, result))


def test_more_time_is_given_by_the_printed_setting(shop: Project) -> None:
    shop.write("pyproject.toml", "[tool.alembic-lockstep]\ntimeout = 2\n")
    shop.write(INIT, "import time\ntime.sleep(3)\n")
    shop.stage("pyproject.toml")
    result = change_and_check(shop)
    assert_unjudged(result, "the dry run took longer than 2 seconds")
    assert_clean(follow(shop, result))


#: What the guard of Python alone refuses, and what the setting that permits it names.
PERMITTED = {
    "a program": ("import subprocess\nsubprocess.run(['./deploy'], check=True)", "deploy"),
    "a connection": (
        "import os, sqlite3\nsqlite3.connect(os.path.abspath('shop.db')).execute('SELECT 1')",
        "service/shop.db",
    ),
    "a file": ("import io\nio.FileIO('STATE', 'w').write(b'x')", "STATE"),
}


@pytest.mark.parametrize("thing", PERMITTED)
def test_what_is_refused_can_be_permitted(shop: Project, tmp_path: Path, thing: str) -> None:
    shop.environ["ALEMBIC_LOCKSTEP_GUARD"] = "python"
    shop.write("service/deploy", "#!/bin/sh\n")
    (shop.root / "service/deploy").chmod(0o755)
    shop.stage("service/deploy")
    code, named = (text.replace("STATE", str(tmp_path / "state")) for text in PERMITTED[thing])
    shop.write(INIT, code + "\n")
    result = change_and_check(shop)
    assert_unjudged(result, "alembic-lockstep refused ", f' = ["{named}"]')
    shop.is_watched = False
    assert_clean(follow(shop, result))


@pytest.mark.parametrize("option", ["sqlalchemy.url", "script_location"])
def test_a_configuration_that_a_program_fills_in(make_project: MakeProject, option: str) -> None:
    """`driver://` of Alembic's template, or placeholders such as JupyterHub has."""
    shop = make_project("subfolder", hook=None, config_url="driver://user:pass@localhost/dbname")
    if option == "script_location":
        text = re.sub(r"(?m)^script_location.*", "script_location = {folder}", shop.read(INI))
        shop.write(INI, text)
    shop.git("commit", "--quiet", "--all", "--allow-empty", "-m", "As it was before")
    shop.add_column()
    result = change_and_check(shop)
    assert_unjudged(result, "sed -e ")
    # What is new is blamed, and not the history, which the base has without a configuration.
    assert_finding(follow(shop, result), "missing-migration", "2 revisions run from empty")


@pytest.mark.parametrize("way", ["statement", "option"])
def test_a_schema_that_the_search_path_names_is_there(
    shop_on_postgresql: Project, way: str
) -> None:
    """It was "no schema has been selected to create in"."""
    shop = shop_on_postgresql
    if way == "statement":
        select = "        connection.exec_driver_sql('SET search_path TO \"Sales of 2026\"')\n"
        shop.replace(ENV, CONFIGURE, select + CONFIGURE)
    else:
        plain = "        poolclass=pool.NullPool,\n"
        shop.replace(
            ENV, plain, plain + "        connect_args={'options': '-csearch_path=sales'},\n"
        )
    assert_clean(change_and_check(shop), "2 revisions run from empty")
    index = '        Index(None, "status", "number"),\n'
    shop.replace(MODELS, index, index + '        CheckConstraint("number > 0", name="positive"),\n')
    shop.replace(
        MODELS, "import ForeignKeyConstraint", "import CheckConstraint, ForeignKeyConstraint"
    )
    assert_finding(change_and_check(shop), "check constraint positive of orders")


def test_a_program_of_run_that_is_not_there_is_no_missing_python(shop: Project) -> None:
    shop.write("pyproject.toml", '[tool.alembic-lockstep]\nrun = ["dokcer", "compose", "exec"]\n')
    shop.stage("pyproject.toml")
    assert_unjudged(change_and_check(shop), "the setting 'run' starts dokcer, which is not on PATH")


def test_what_is_wrong_with_the_history_is_said_even_if_env_py_fails(shop: Project) -> None:
    shop.write(INIT, "raise ValueError('not today')\n")
    _, second = (add_migration(shop, name * 12) for name in "ab")
    said = (f"{second}:6:17: multiple-heads", "the dry run failed: ", "ValueError: not today")
    assert_finding(change_and_check(shop), *said)


QUERY = """\
import sqlalchemy

engine = sqlalchemy.create_engine("sqlite:///settings.db")
{guard}with engine.connect() as connection:
    {indent}connection.exec_driver_sql("SELECT * FROM settings")
"""


def test_a_query_at_the_start_that_finds_no_table(shop: Project) -> None:
    shop.write(INIT, QUERY.format(guard="", indent=""))
    result = change_and_check(shop)
    assert_unjudged(result, "Dry runs give it an empty one", 'has_table("settings"):')
    guard = result.stderr.splitlines()[-1].strip()
    shop.write(INIT, QUERY.format(guard=f"{guard}\n  ", indent="  "))
    assert_clean(change_and_check(shop))


START = """
    with app.app_context():
        from flask_migrate import upgrade

        upgrade()
        db.session.scalars(db.select(Game)).first()

    return app
"""


def test_a_column_that_the_started_application_misses_is_a_missing_migration(
    make_project: MakeProject,
) -> None:
    """It upgrades its database and queries it: the commit was exit 2, "no such column"."""
    trivia = make_project("trivia", hook=None)
    trivia.replace("backend/app.py", "\n    return app\n", START)
    trivia.git("commit", "--quiet", "--all", "-m", "Upgrade at the start")
    trivia.add_column()
    trivia.stage(".")
    line = trivia.line("backend/app.py", "db.select(Game)).first()")
    assert_finding(
        trivia.check(),
        f"backend/app.py:{line}:1: missing-migration: column games.completed_at is queried while",
    )


PLUGIN_ENV = """\
from alembic import context
from sqlalchemy import engine_from_config

section = context.config.get_section(context.config.config_ini_section)
with engine_from_config(section, prefix="sqlalchemy.").connect() as connection:
    context.configure(connection=connection, version_table="reports_alembic_version")
    with context.begin_transaction():
        context.run_migrations()
"""
PLUGIN_INI = """\
[alembic]
script_location = %(here)s
sqlalchemy.url = driver://user:pass@localhost/dbname
"""


def test_a_plugins_environment_that_no_command_can_run_is_left_out(shop: Project) -> None:
    """As CKAN has them: its own program gives them a URL. It took a setting."""
    shop.write("plugins/reports/alembic.ini", PLUGIN_INI)
    shop.write("plugins/reports/env.py", PLUGIN_ENV)
    shop.write("plugins/reports/versions/.keep", "")
    shop.stage("plugins")
    said = "not judged: plugins/reports/alembic.ini, whose URL is the placeholder of Alembic's"
    assert_clean(change_and_check(shop), "2 revisions run from empty", said)
    where = shop.add_column()
    shop.stage(MODELS)
    assert_finding(shop.check(), where, "missing-migration", said)
    shop.git("commit", "--quiet", "--no-verify", "-m", "Reports")
    shop.write("notes.txt", "Another note.\n")
    shop.stage("notes.txt")
    assert_clean(shop.check())
    # A change of its own migrations does not pass by it, nor by what is remembered.
    shop.write("plugins/reports/versions/0001.py", "revision = '0001'\ndown_revision = None\n")
    shop.stage("plugins")
    for arguments in ((), ("--no-cache",)):
        result = shop.check(*arguments)
        assert_unjudged(result, "plugins/reports/alembic.ini", 'config = ["service/alembic.ini"]')
    shop.write("pyproject.toml", '[tool.alembic-lockstep]\nconfig = ["service/alembic.ini"]\n')
    shop.stage("pyproject.toml")
    assert_clean(shop.check())
    shop.git("reset", "--quiet", "--hard", "HEAD~1")
    shop.write("plugins/reports/alembic.ini", PLUGIN_INI)
    shop.write("plugins/reports/env.py", PLUGIN_ENV)
    # Where it comes by a URL of its own, it is judged.
    ini = PLUGIN_INI.replace("driver://user:pass@localhost/dbname", "sqlite:///reports.db")
    shop.write("plugins/reports/alembic.ini", ini)
    shop.stage("plugins")
    shop.git("checkout", "--quiet", "HEAD", "--", MODELS)
    assert "not judged" not in change_and_check(shop).output


@pytest.mark.parametrize("way", ["section", "import"])
def test_an_environment_whose_helper_has_the_url_is_judged(shop: Project, way: str) -> None:
    """It was left out: env.py alone does not show where the URL comes from."""
    helper = "from alembic import context\nsection = {'sqlalchemy.url': 'sqlite:///reports.db'}\n"
    env = PLUGIN_ENV.replace("import context\n", "import context\nfrom helper import section\n")
    env = env.replace(PLUGIN_ENV.splitlines()[3] + "\n", "")
    if way == "import":
        helper += "context.config.set_main_option('sqlalchemy.url', 'sqlite:///reports.db')\n"
        env = PLUGIN_ENV.replace("import context\n", "import context\nimport helper\n")
    shop.write("plugins/reports/alembic.ini", PLUGIN_INI + "prepend_sys_path = %(here)s\n")
    metadata = "target_metadata=MetaData(), version_table"
    env = env.replace("import engine", "import MetaData, engine").replace("version_table", metadata)
    shop.write("plugins/reports/env.py", env)
    shop.write("plugins/reports/helper.py", helper)
    shop.write("plugins/reports/versions/.keep", "")
    shop.stage("plugins")
    result = change_and_check(shop)
    assert_clean(result)
    assert "not judged" not in result.output


@pytest.mark.parametrize(
    "way",
    [
        "context.config.set_main_option('sqlalchemy.url', 'sqlite:///reports.db')",
        "section = {'sqlalchemy.url': 'sqlite:///reports.db'}; section['sqlalchemy.url'] = 'x'",
        "import os; os.environ.get('URL')",
        "from shop.settings import settings",
    ],
)
def test_an_environment_that_may_come_by_a_url_is_judged(
    make_project: MakeProject, way: str
) -> None:
    shop = make_project("subfolder", hook=None)
    shop.write("plugins/reports/alembic.ini", PLUGIN_INI)
    shop.write("plugins/reports/env.py", f"{PLUGIN_ENV}\n# {way}\n")
    shop.write("plugins/reports/versions/.keep", "")
    shop.stage("plugins")
    assert_unjudged(change_and_check(shop), "plugins/reports/alembic.ini: ")
