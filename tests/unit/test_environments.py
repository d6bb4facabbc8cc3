"""Environments are found without configuration, and only where there are any."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from alembic_lockstep.alembic_env.environments import Environment, find_environments
from alembic_lockstep.config import Settings
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.fix.commands import fix_commands

INI = "[alembic]\nscript_location = migrations\n"
FLASK_INI = "[alembic]\n# template\n\n[loggers]\nkeys = root\n"
ENV = "from alembic import context\n"
FLASK_ENV = "from flask import current_app\n"
FACTORY = "def create_app():\n    pass\n"


def find(
    tree: Mapping[str, str],
    *,
    environ: Mapping[str, str] | None = None,
    ignored: Mapping[str, str] | None = None,
    config: tuple[str, ...] = (),
    flask_app: str = "",
) -> list[Environment]:
    settings = Settings(config=config, flask_app=flask_app)
    return find_environments(list(tree), tree.get, settings, environ or {}, (ignored or {}).get)


def find_one(tree: Mapping[str, str], **named: str) -> Environment:
    (environment,) = find(tree, **named)  # type: ignore[arg-type]
    return environment


def flask_tree(folder: str = "migrations") -> dict[str, str]:
    return {f"{folder}/alembic.ini": FLASK_INI, f"{folder}/env.py": FLASK_ENV}


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"tox.ini": "[tox]\n", "pytest.ini": "broken [\n"},
        {"alembic.ini": "[loggers]\nkeys = root\n"},
        {"alembic.ini": "[alembic]\nfile_template = x\n", "env.py": ENV},
        {"migrations/alembic.ini": FLASK_INI},
        {"migrations/alembic.ini": FLASK_INI, "migrations/env.py": ENV},
        {"alembic.ini.mako": INI, "migrations/env.py": ENV},
        {"setup.cfg": INI, "migrations/env.py": ENV},
        {"tests/alembic.ini": INI, "tests/migrations/env.py": ENV},
        {"test/app/alembic.ini": INI, "test/app/migrations/env.py": ENV},
        {
            "alembic.ini": "[alembic]\nscript_location = tests/migrations\n",
            "tests/migrations/env.py": ENV,
        },
        {"examples/alembic.ini": INI, "docs/alembic.ini": INI},
        {"node_modules/x/alembic.ini": INI, ".venv/lib/alembic.ini": INI},
        {"lib/python3.11/site-packages/x/alembic.ini": INI},
        {"pkg/templates/generic/alembic.ini": INI, "{{cookiecutter.name}}/alembic.ini": INI},
        {"pyproject.toml": '[project]\ndependencies = ["alembic"]\n'},
        {"pyproject.toml": '[tool.alembic-lockstep]\npython = "x"\n'},
        {"pyproject.toml": '[tool.alembic]\nfile_template = "x"\n'},
        {"sub/pyproject.toml": "alembic = [broken"},
    ],
)
def test_no_environment(tree: dict[str, str]) -> None:
    assert find(tree) == []


def test_at_the_root() -> None:
    tree = {"alembic.ini": INI, "migrations/env.py": ENV}
    expected = Environment("alembic.ini", "", "migrations", ("migrations/versions",))
    assert find(tree) == [expected]


@pytest.mark.parametrize(
    ("config", "scripts", "directory"),
    [
        ("backend/alembic.ini", "backend/migrations", "backend"),
        ("backend/alembic.ini", "migrations", ""),
        ("deploy/db/alembic.ini", "deploy/migrations", "deploy"),
        ("deploy/db/alembic-prod.ini", "migrations", ""),
    ],
)
def test_the_directory_is_where_the_script_location_exists(
    config: str, scripts: str, directory: str
) -> None:
    environment = find_one({config: INI, f"{scripts}/env.py": ENV})
    assert (environment.config, environment.script_location, environment.directory) == (
        config,
        scripts,
        directory,
    )


def test_scripts_that_were_not_committed_do_not_hide_the_environment() -> None:
    environment = find_one({"backend/alembic.ini": INI})
    assert (environment.directory, environment.script_location) == ("backend", "backend/migrations")


@pytest.mark.parametrize(
    ("location", "scripts"),
    [
        ("%(here)s/migrations", "b/migrations"),
        ("%(here)s/../db", "db"),
        ("./migrations/", "b/migrations"),
        ("migrations%%x", "b/migrations%x"),
        ("pkg:migrations", "b/pkg/migrations"),
        ("shop.db:migrations", "b/src/shop/db/migrations"),
        ("lib:migrations", "src/lib/migrations"),
    ],
)
def test_how_a_script_location_is_written(location: str, scripts: str) -> None:
    text = f"[alembic]\nscript_location = {location}\nsqlalchemy.url = %(DB)s\n"
    environment = find_one({"b/alembic.ini": text, f"{scripts}/env.py": ENV})
    assert (environment.script_location, environment.directory) == (scripts, "b")


@pytest.mark.parametrize("location", ["%(dir)s/x", "/srv/migrations", "../../migrations"])
def test_an_unknown_script_location_is_empty(location: str) -> None:
    environment = find_one({"b/alembic.ini": f"[alembic]\nscript_location = {location}\n"})
    assert (environment.script_location, environment.version_locations) == ("", ())


def test_an_ini_beside_its_env_is_run_from_above() -> None:
    tree = {"app/db/alembic.ini": "[alembic]\nscript_location = %(here)s\n", "app/db/env.py": ENV}
    environment = find_one(tree)
    assert (environment.directory, environment.script_location) == ("app", "app/db")


@pytest.mark.parametrize(
    ("options", "locations"),
    [
        ("version_locations = migrations/a, migrations/b", ("migrations/a", "migrations/b")),
        ("version_locations = %(here)s/a %(here)s/b", ("a", "b")),
        ("version_locations = a;b c\nversion_path_separator = ;", ("a", "b c")),
        ("version_locations =\n  a\n  b c\npath_separator = newline", ("a", "b c")),
        ("version_locations = a:b\npath_separator = :", ("a", "b")),
        ("version_locations = a /srv/b ../c", ("a",)),
        ("version_locations = shop:versions", ("src/shop/versions",)),
        ("version_locations =", ("migrations/versions",)),
    ],
)
def test_version_locations(options: str, locations: tuple[str, ...]) -> None:
    tree = {"migrations/env.py": ENV, "src/shop/versions/a.py": ""}
    assert find_one(tree | {"alembic.ini": INI + options}).version_locations == locations


def test_recursive_version_locations() -> None:
    tree = {"alembic.ini": INI + "recursive_version_locations = true\n", "migrations/env.py": ENV}
    assert find_one(tree).recursive


PYPROJECT = """\
[tool.alembic]
script_location = "%(here)s/migrations"
version_locations = ["%(here)s/migrations/a", "b"]
recursive_version_locations = true
"""


def test_pyproject() -> None:
    # `alembic init -t pyproject` leaves an alembic.ini beside it for the database and logging.
    ini = "[alembic]\nsqlalchemy.url = sqlite://\n"
    tree = {"b/pyproject.toml": PYPROJECT, "b/alembic.ini": ini, "b/migrations/env.py": ENV}
    locations = ("b/migrations/a", "b/b")
    expected = Environment("b/pyproject.toml", "b", "b/migrations", locations, recursive=True)
    assert find(tree) == [expected]


def test_several_environments_and_several_files_for_one() -> None:
    tree = {"alembic.ini": INI, "migrations/env.py": ENV, "alembic-prod.ini": INI}
    tree |= {"ci/alembic.ini": INI, "b/alembic.ini": INI, "b/migrations/env.py": ENV}
    assert [environment.config for environment in find(tree)] == ["alembic.ini", "b/alembic.ini"]


def test_a_broken_file_is_named() -> None:
    with pytest.raises(CouldNotJudge, match=r"b/alembic\.ini cannot be read"):
        find({"b/alembic.ini": INI + INI})


def test_the_setting_names_what_would_be_skipped() -> None:
    tree = {"tests/alembic.ini": INI, "tests/migrations/env.py": ENV, "alembic.ini": INI}
    tree |= {"db/own.conf": "[alembic]\n", "db/env.py": ENV}
    environments = find(tree, config=("./tests/alembic.ini", "db/own.conf"))
    assert [environment.script_location for environment in environments] == [
        "tests/migrations",
        "db",
    ]


def test_the_setting_names_a_file_that_git_does_not_have() -> None:
    with pytest.raises(CouldNotJudge) as caught:
        find({"backend/alembic.ini": INI, "migrations/env.py": ENV}, config=("alembic.ini",))
    assert "did you mean 'backend/alembic.ini'?" in caught.value.message


def test_flask_with_its_own_discovery() -> None:
    environment = find_one(flask_tree() | {"app.py": "", "backend/app.py": FACTORY})
    expected = Environment(
        "migrations/alembic.ini", "", "migrations", ("migrations/versions",), flask=True
    )
    assert environment == expected
    assert not find_one(flask_tree() | {"app/__init__.py": FACTORY}).flask_app


def test_flask_app_precedence() -> None:
    tree = flask_tree("b/migrations") | {"b/.flaskenv": "FLASK_APP=flaskenv\n", "b/wsgi.py": ""}
    ignored = {".env": "FLASK_APP=ignored\n"}
    (environment,) = find(
        tree, environ={"FLASK_APP": "environ"}, ignored=ignored, flask_app="setting"
    )
    assert environment.flask_app == "setting"
    (environment,) = find(tree, environ={"FLASK_APP": "environ"}, ignored=ignored)
    assert environment.flask_app == "environ"
    (environment,) = find(tree, ignored=ignored)
    assert environment.flask_app == "ignored"
    (environment,) = find(tree)
    assert environment.flask_app == "flaskenv"


@pytest.mark.parametrize(
    ("files", "app", "implied"),
    [
        ({"Makefile": "\tFLASK_APP=manage.py flask db upgrade\n"}, "manage.py", False),
        ({"mk/base.mk": "\tFLASK_APP=./manage.py flask db migrate\n"}, "manage.py", False),
        ({"Makefile": "\tFLASK_APP=gone.py flask run\n"}, "", True),
        ({"Makefile": "\tFLASK_APP=manage flask run\n", "run.sh": "FLASK_APP=app"}, "", True),
        ({".flaskenv": "FLASK_APP=app\n", "Makefile": "\tFLASK_APP=manage.py\n"}, "app", True),
    ],
)
def test_the_application_that_a_makefile_names_beats_flasks_discovery(
    files: dict[str, str], app: str, implied: bool
) -> None:
    """`app/__init__.py` was taken, whose factory wants arguments that `manage.py` gives."""
    tree = flask_tree() | {"app/__init__.py": "def create_app(kind): ...\n", "manage.py": ""}
    environment = find_one(tree | files)
    assert (environment.flask_app, environment.flask_app_implied) == (app, implied)


def test_flask_loads_the_nearest_file_of_a_name_only() -> None:
    tree = flask_tree("b/migrations") | {".flaskenv": "FLASK_APP=far\n"}
    (environment,) = find(tree, ignored={"b/.env": "SECRET=1\n", ".env": "FLASK_APP=ignored\n"})
    assert environment.flask_app == "far"
    assert find_one(tree | {"b/.flaskenv": "SECRET=1\n"}).flask_app == ""


@pytest.mark.parametrize(
    ("line", "app"),
    [
        ("FLASK_APP=a:b", "a:b"),
        ("export FLASK_APP = 'a:create_app(\"x\")' # c", 'a:create_app("x")'),
        ('FLASK_APP="a b"', "a b"),
        ("FLASK_APP=a # comment", "a"),
        ("FLASK_APP=a\r", "a"),
        ("# FLASK_APP=a", ""),
        ("MY_FLASK_APP=a", ""),
        ("FLASK_APP_X=a", ""),
        ("FLASK_APP=", ""),
    ],
)
def test_flaskenv(line: str, app: str) -> None:
    assert find_one(flask_tree() | {".flaskenv": f"X=1\n{line}\n"}).flask_app == app


def test_flask_runs_where_its_app_is_found() -> None:
    tree = flask_tree("backend/migrations") | {"backend/app.py": FACTORY}
    assert find_one(tree).directory == "backend"
    assert find_one(tree, flask_app="app").directory == "backend"
    assert find_one(tree, flask_app="backend.app:create_app").directory == ""
    assert find_one(tree, flask_app="backend/app.py").directory == ""
    assert find_one(tree, flask_app="installed.app").directory == "backend"


@pytest.mark.parametrize(
    ("files", "app"),
    [
        ({"backend/app.py": FACTORY}, "backend.app:create_app"),
        (
            {"shop/__init__.py": "app: Flask = Flask(__name__)\n", "run.py": "import shop\n"},
            "shop:app",
        ),
        ({"src/shop/factory.py": "def make_app():\n"}, "shop.factory:make_app"),
        # Two of them, or none that Flask would take: nothing is guessed.
        ({"a/app.py": FACTORY, "b/app.py": FACTORY}, ""),
        ({"tests/app.py": FACTORY, "a/b/c/app.py": FACTORY, "a/models.py": FACTORY}, ""),
        ({"api/main.py": "app = FastAPI()\n"}, ""),
    ],
)
def test_the_one_application_elsewhere_is_found(files: dict[str, str], app: str) -> None:
    environment = find_one(flask_tree() | files)
    assert (environment.flask_app, environment.flask_app_implied, environment.directory) == (
        app,
        False,
        "",
    )


def test_flask_beats_an_ini_for_the_same_scripts() -> None:
    environment = find_one(flask_tree() | {"alembic.ini": INI, "app.py": ""})
    assert environment.flask


def fix(environment: Environment, *files: str, message: str = "add games.winners") -> str:
    return " ; ".join(fix_commands(environment, files, message))


PLAIN = Environment("alembic.ini", "", "migrations", ("migrations/versions",))
FLASK = Environment(
    "migrations/alembic.ini",
    "",
    "migrations",
    ("migrations/versions",),
    "backend.app:create_app",
    True,
    False,
)


def test_the_fix_of_a_flask_project() -> None:
    assert fix_commands(FLASK, ["uv.lock"], "add games.winners") == (
        'uv run flask --app backend.app:create_app db migrate -m "add games.winners"',
        "git add :/migrations/versions",
    )


def test_the_fix_leaves_out_what_goes_without_saying() -> None:
    create = 'flask db migrate -m "add games.winners" ; git add :/migrations/versions'
    assert fix(Environment("", "", "migrations", ("migrations/versions",), flask=True)) == create
    known_app = Environment("", "", "migrations", ("migrations/versions",), "app", True, True)
    assert fix(known_app) == create
    unknown = Environment("alembic.ini", "", "", ())
    assert fix(unknown) == 'alembic revision --autogenerate -m "add games.winners"'


@pytest.mark.parametrize(
    ("lock", "runner"),
    [
        ("uv.lock", "uv run "),
        ("poetry.lock", "poetry run "),
        ("pdm.lock", "pdm run "),
        ("Pipfile.lock", "pipenv run "),
        ("requirements.txt", ""),
        ("other/uv.lock", ""),
    ],
)
def test_the_fix_is_run_as_the_project_runs_things(lock: str, runner: str) -> None:
    assert fix(PLAIN, lock).startswith(f"{runner}alembic revision --autogenerate -m ")


def test_the_fix_below_the_root() -> None:
    below = Environment("back end/db.ini", "back end", "back end/m", ("back end/m/versions",))
    assert fix(below, "uv.lock", "back end/poetry.lock", message="add 'é'") == (
        "cd 'back end' && poetry run alembic -c db.ini revision --autogenerate -m \"add 'é'\""
        " ; git add ':/back end/m/versions'"
    )
    flask = Environment("b/db/alembic.ini", "b", "b/db", ("b/db/versions",), flask=True)
    assert fix(flask, "uv.lock", message="a") == (
        'cd b && uv run flask db migrate -d db -m "a" ; git add :/b/db/versions'
    )


def test_a_message_cannot_run_anything() -> None:
    assert fix(PLAIN, message='$(rm) "x"').startswith(
        "alembic revision --autogenerate -m '$(rm) \"x\"' ; "
    )


def sections(ini: str, **named: str) -> list[str]:
    files = {"alembic.ini": ini, "migrations/env.py": ENV, "other/env.py": ENV}
    return [environment.name for environment in find(files, **named)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ini", "expected"),
    [
        (INI + "[engine1]\nsqlalchemy.url = x\n[loggers]\nkeys = root\n", ["alembic.ini"]),
        (INI + "[b]\nscript_location = other\n", ["alembic.ini", "alembic.ini:b"]),
        (INI + "[b]\nscript_location = migrations\n", ["alembic.ini", "alembic.ini:b"]),
        ("[a]\nscript_location = other\n", ["alembic.ini:a"]),
        (
            "[DEFAULT]\nscript_location = migrations\n"
            "[dev]\nsqlalchemy.url = x\n[prod]\nsqlalchemy.url = y\n[loggers]\nkeys = root\n",
            ["alembic.ini:dev"],
        ),
        (
            "[DEFAULT]\nscript_location = migrations\n"
            "[a]\nversion_locations = a\n[b]\nversion_locations = b\n",
            ["alembic.ini:a", "alembic.ini:b"],
        ),
        ("[DEFAULT]\nscript_location = migrations\n[alembic]\n", ["alembic.ini"]),
    ],
)
def test_a_section_that_names_scripts_is_an_environment(ini: str, expected: list[str]) -> None:
    assert sections(ini) == expected


def test_a_section_that_is_named_need_not_name_scripts_itself() -> None:
    ini = "[DEFAULT]\nscript_location = migrations\n[prod]\nsqlalchemy.url = x\n"
    assert sections(ini, config=("alembic.ini:prod",)) == ["alembic.ini:prod"]  # type: ignore[arg-type]


def test_commands_name_the_section_and_the_arguments() -> None:
    tree = {"alembic.ini": "[b]\nscript_location = other\n", "other/env.py": ENV}
    (environment,) = find_environments(list(tree), tree.get, Settings(x=("a=b c",)), {}, tree.get)
    create, _ = fix_commands(environment, tree, "add t.c")
    assert create == "alembic -n b -x 'a=b c' revision --autogenerate -m \"add t.c\""


ALCHEMY = "config = context.config\nurl = config.db_url\n"
LITESTAR = "app = Litestar(plugins=[SQLAlchemyPlugin(config=config)])\n"
CONFIG = "config = SQLAlchemyAsyncConfig(connection_string='sqlite://')\n"


@pytest.mark.parametrize(
    ("files", "named", "expected"),
    [
        ({"app.py": CONFIG + LITESTAR}, "", "app:app"),
        ({"shop/config.py": CONFIG}, "", "shop.config.config"),
        ({"src/shop/config/base.py": CONFIG}, "", "shop.config.base.config"),
        ({"shop/config.py": CONFIG, "shop/asgi.py": LITESTAR}, "", "shop.asgi:app"),
        ({"a/app.py": LITESTAR, "b/app.py": LITESTAR}, "", ""),
        ({"a/config.py": CONFIG, "b/config.py": CONFIG}, "", ""),
        ({"shop/wiring.py": CONFIG}, "", ""),
        ({"tests/config.py": CONFIG}, "", ""),
        ({"app.py": CONFIG + LITESTAR}, "shop.wiring.config", "shop.wiring.config"),
    ],
)
def test_an_environment_of_advanced_alchemy(
    files: dict[str, str], named: str, expected: str
) -> None:
    tree = {"alembic.ini": INI, "migrations/env.py": ALCHEMY, **files}
    settings = Settings(alchemy_config=named)
    (environment,) = find_environments(list(tree), tree.get, settings, {}, tree.get)
    assert (environment.alchemy, environment.alchemy_config) == (True, expected)
    by_variable = find_one(tree, environ={"LITESTAR_APP": "web:app"})  # type: ignore[arg-type]
    assert by_variable.alchemy_config == "web:app"


def test_the_bases_of_advanced_alchemy_make_no_environment_of_its_commands() -> None:
    env = ENV + "from advanced_alchemy.base import metadata_registry\n"
    tree = {"alembic.ini": INI, "migrations/env.py": env, "app.py": CONFIG + LITESTAR}
    assert find_one(tree) == find_one({**tree, "migrations/env.py": ENV})


@pytest.mark.parametrize(
    ("config", "command"),
    [
        ("app:app", 'litestar --app app:app database make-migrations -m "add a"'),
        ("app.config", 'alchemy --config app.config make-migrations -m "add a"'),
    ],
)
def test_the_fix_of_advanced_alchemy(config: str, command: str) -> None:
    environment = Environment("", "", "m", ("m/versions",), alchemy=True, alchemy_config=config)
    assert fix_commands(environment, [], "add a")[0] == command
