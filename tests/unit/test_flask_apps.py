"""Flask's applications are found by reading, and the advice names those that could be meant."""

from __future__ import annotations

import pytest

from alembic_lockstep.history.flask_apps import flask_apps


def found(path: str, text: str, directory: str = "") -> list[str]:
    return flask_apps([path], {path: text}.get, directory)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("def create_app(): ...", "create_app"),
        ("def make_app(config=None): ...", "make_app"),
        ("def create_app(config, *, debug, more=1): ...", "create_app('config', debug='debug')"),
        ("def build():\n    return Flask(__name__)", "build"),
        ("server = flask.Flask(__name__)", "server"),
        ("server: Flask = Flask('shop')", "server"),
    ],
)
def test_an_application_is_found(text: str, name: str) -> None:
    assert found("shop/wiring.py", text) == [f"shop.wiring:{name}"]


@pytest.mark.parametrize(
    "text",
    ["", "def create_application(): ...", "Flask('shop')", "app = Flask", "def broken(:", "\0"],
)
def test_other_code_is_none(text: str) -> None:
    assert found("shop/wiring.py", text) == []


@pytest.mark.parametrize(
    ("path", "directory", "module"),
    [
        ("wsgi.py", "", "wsgi"),
        ("shop/__init__.py", "", "shop"),
        ("src/shop/web/app.py", "", "shop.web.app"),
        ("backend/shop/app.py", "backend", "shop.app"),
        ("backend/src/shop/app.py", "backend", "shop.app"),
    ],
)
def test_its_module_is_that_which_flask_imports(path: str, directory: str, module: str) -> None:
    assert found(path, "app = Flask('a')", directory) == [f"{module}:app"]


@pytest.mark.parametrize(
    "path", ["tests/conftest.py", "examples/app.py", "other/app.py", "backend/app.txt"]
)
def test_what_is_elsewhere_is_none(path: str) -> None:
    assert found(path, "app = Flask('a')", "backend") == []
