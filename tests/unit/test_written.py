"""The application that a Makefile or a Dockerfile names."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from alembic_lockstep.alembic_env.config_sources import Sources
from alembic_lockstep.alembic_env.flask import find_flask_app
from alembic_lockstep.alembic_env.written import written_app

MODULES = {"manage.py": "", "src/py/app/server/asgi.py": "", "shop/__init__.py": ""}


def sources(files: Mapping[str, str]) -> Sources:
    every = {**MODULES, **files}
    return Sources(frozenset(every), every.get, lambda _: None, "")


@pytest.mark.parametrize(
    ("path", "text", "app"),
    [
        ("Makefile", "upgrade:\n\tFLASK_APP=manage.py flask db upgrade\n", "manage.py"),
        ("deploy/Dockerfile", "ENV FLASK_APP shop\n", "shop"),
        ("Dockerfile.dev", 'ENV FLASK_APP="shop:create_app" DEBUG=1\n', "shop:create_app"),
        (
            "compose.yaml",
            "    environment:\n      FLASK_APP: app.server.asgi:app\n",
            "app.server.asgi:app",
        ),
        ("mk/base.mk", "\tDEBUG=1 FLASK_APP=./manage.py flask db upgrade\n", "manage.py"),
        (".github/workflows/checks.yaml", "  env:\n    FLASK_APP: manage.py\n", "manage.py"),
        ("run.sh", "export FLASK_APP='manage'\n", "manage"),
        ("Makefile", "FLASK_APP=gone.py flask run\n", ""),
        ("Makefile", "FLASK_APP=manage.py x\nFLASK_APP=shop y\n", ""),
        ("Makefile", "MY_FLASK_APP=manage.py\n", ""),
        ("tests/Dockerfile", "ENV FLASK_APP manage.py\n", ""),
        ("notes.md", "FLASK_APP=manage.py\n", ""),
        ("Makefile", "FLASK_APP=$(APP) flask run\n", ""),
    ],
)
def test_it_is_the_one_that_all_name_and_the_tree_has(path: str, text: str, app: str) -> None:
    assert written_app(sources({path: text}), "FLASK_APP") == app


def test_flaskenv_beats_a_makefile_and_that_an_app_py() -> None:
    files = {"Makefile": "FLASK_APP=manage.py flask db upgrade\n", "migrations/env.py": ""}
    assert find_flask_app(sources(files), "migrations").name == "manage.py"
    files[".flaskenv"] = "FLASK_APP=shop\n"
    assert find_flask_app(sources(files), "migrations").name == "shop"
    del files[".flaskenv"]
    files["app.py"] = ""
    assert find_flask_app(sources(files), "migrations").name == "manage.py"
