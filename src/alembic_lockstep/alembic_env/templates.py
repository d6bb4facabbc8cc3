"""Find configurations that a program of the project fills in, and complete them for dry runs."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence

from alembic_lockstep.alembic_env.config_sources import folder_of, is_material, join, upward
from alembic_lockstep.alembic_env.environments import Environment, is_candidate
from alembic_lockstep.alembic_env.options import url_option
from alembic_lockstep.alembic_env.url_source import connects_by_ini_only
from alembic_lockstep.git.pathspec import add_command
from alembic_lockstep.git.tree import Tree

_LOCATION = re.compile(r"(?m)^script_location\s*=\s*\{\w+\}\s*$")
# From a driver's distribution to the scheme of its URLs; the defaults of a dialect come first.
_DRIVERS = {
    "psycopg2": "postgresql",
    "psycopg": "postgresql+psycopg",
    "asyncpg": "postgresql+asyncpg",
    "pg8000": "postgresql+pg8000",
    "mysqlclient": "mysql",
    "pymysql": "mysql+pymysql",
    "asyncmy": "mysql+asyncmy",
    "aiomysql": "mysql+aiomysql",
    "aiosqlite": "sqlite+aiosqlite",
}
_ASYNC = ("asyncpg", "asyncmy", "aiomysql", "aiosqlite")
_REQUIREMENTS = re.compile(
    r"pyproject\.toml|.*requirements.*\.(?:txt|in)|setup\.(?:cfg|py)|Pipfile"
)
_NEW = "lockstep.ini"
# `config.get_section(…).pop("url")`, in projects that make the configuration themselves.
_PLAIN_URL = re.compile(r"""[(\[]["']url["'][)\]]""")
# The URL of the .ini file that `alembic init` writes.
_TEMPLATE_URL = "driver://"
_INI_SCHEME = re.compile(r"(?m)^sqlalchemy\.url\s*=\s*([a-z0-9+]+)://")


def template_without_location(tree: Tree) -> Environment | None:
    """Return the environment of a configuration whose `script_location` is a placeholder."""
    for path in filter(is_candidate, tree.files):
        if path.endswith(".ini") and _LOCATION.search(tree.read(path) or ""):
            folder = folder_of(path)
            files = (file for file in tree.files if file.startswith(folder))
            scripts = [file for file in files if file.endswith("/env.py")]
            if len(scripts) == 1:
                script = folder_of(scripts[0])
                return Environment(path, folder, script, (join(script, "versions"),))
    return None


def without_url(environments: Sequence[Environment], tree: Tree) -> list[Environment]:
    """Return the environments that Alembic's command cannot run, unless it can run none.

    Their URL is that of Alembic's template, and env.py has no other: a plugin's, for example.
    """
    without = [environment for environment in environments if _lacks_url(environment, tree)]
    return without if len(without) < len(environments) else []


def _lacks_url(environment: Environment, tree: Tree) -> bool:
    if environment.flask or environment.alchemy or not environment.script_location:
        return False
    url = url_option(tree.read, environment.config, environment.section)
    script = join(environment.script_location, "env.py")
    return url.startswith(_TEMPLATE_URL) and connects_by_ini_only(script, tree)


def complete_config_advice(environment: Environment, tree: Tree) -> str:
    """Return commands that write a complete copy of a configuration that a program fills in."""
    folder = folder_of(environment.config)
    new = posixpath.join(folder, _NEW)
    values = {"sqlalchemy.url": database_url(environment, tree)}
    if _LOCATION.search(tree.read(environment.config) or ""):
        below = posixpath.relpath(environment.script_location, folder or ".")
        values = {"script_location": f"%(here)s/{below}", **values}
    edits = " ".join(f"-e 's|^{name} *=.*|{name} = {value}|'" for name, value in values.items())
    return (
        "A program of the project fills it in. For dry runs, which contact no server, add a "
        "complete configuration, at the repository's root:\n"
        f"sed {edits} {shlex.quote(environment.config)} > {shlex.quote(new)}\n"
        f"{add_command([new])}\n"
        f"[tool.alembic-lockstep]\nconfig = [{json.dumps(new, ensure_ascii=False)}]"
    )


def database_url(environment: Environment, tree: Tree) -> str:
    """Return a URL with the project's dialect and driver, as far as its files name them."""
    scheme = _scheme(environment, tree)
    path = "/app.db" if scheme.startswith("sqlite") else "user:password@localhost/app"
    return f"{scheme}://{path}"


def scripts_without_config(tree: Tree) -> list[Environment]:
    """Return the env.py files that run migrations and that no configuration names."""
    scripts = (folder_of(path) for path in tree.files if posixpath.basename(path) == "env.py")
    return [
        Environment(join("", _NEW), "", script, (join(script, "versions"),))
        for script in scripts
        if script and not is_material(script) and "run_migrations(" in _env_script(tree, script)
    ]


def new_config_advice(environment: Environment, tree: Tree) -> str:
    """Return commands that write a configuration for an env.py that has none."""
    url = database_url(environment, tree)
    names = ["sqlalchemy.url"]
    if _PLAIN_URL.search(_env_script(tree, environment.script_location)):
        names.append("url")
    location = f"script_location = %(here)s/{environment.script_location}"
    lines = ["[alembic]", location, *(f"{name} = {url}" for name in names)]
    return (
        "A program of the project makes its configuration. For dry runs, which contact no server, "
        "add a configuration file, at the repository's root:\n"
        f"printf '%s\\n' {shlex.join(lines)} > {_NEW}\n"
        f"{add_command([_NEW])}"
    )


def _env_script(tree: Tree, script: str) -> str:
    return tree.read(join(script, "env.py")) or ""


def _scheme(environment: Environment, tree: Tree) -> str:
    ini = _INI_SCHEME.search(tree.read(environment.config) or "")
    if ini and ini[1] != "driver":
        return ini[1]
    is_async = "async" in (tree.read(f"{environment.script_location}/env.py") or "")
    drivers = sorted(_DRIVERS, key=lambda name: (name in _ASYNC) is not is_async)
    for folder in upward(environment.directory):
        declared = "\n".join(tree.read(path) or "" for path in _requirements(tree.files, folder))
        for name in drivers:
            if re.search(rf"(?i)(?<![\w-]){name}(?![\w.])", declared):
                return _DRIVERS[name]
    return "sqlite"


def _requirements(files: Iterable[str], folder: str) -> list[str]:
    in_folder = (path for path in files if posixpath.dirname(path) == folder)
    named = [path for path in in_folder if _REQUIREMENTS.fullmatch(posixpath.basename(path))]
    below = (path for path in files if posixpath.dirname(path) == join(folder, "requirements"))
    return [*named, *(path for path in below if path.endswith((".txt", ".in")))]
