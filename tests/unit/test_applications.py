"""Applications are found by reading: those that a framework's command could be meant to load."""

from __future__ import annotations

import pytest

from alembic_lockstep.alembic_env.alchemy import alchemy_configs
from alembic_lockstep.alembic_env.applications import FLASK, find_applications


def applications_in(path: str, text: str, directory: str = "") -> list[str]:
    return find_applications(FLASK, [path], {path: text}.get, directory)


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
    assert applications_in("shop/wiring.py", text) == [f"shop.wiring:{name}"]


@pytest.mark.parametrize(
    "text",
    ["", "def create_application(): ...", "Flask('shop')", "app = Flask", "def broken(:", "\0"],
)
def test_other_code_is_none(text: str) -> None:
    assert applications_in("shop/wiring.py", text) == []


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
    assert applications_in(path, "app = Flask('a')", directory) == [f"{module}:app"]


@pytest.mark.parametrize(
    "path", ["tests/conftest.py", "examples/app.py", "other/app.py", "backend/app.txt"]
)
def test_what_is_elsewhere_is_none(path: str) -> None:
    assert applications_in(path, "app = Flask('a')", "backend") == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("config = SQLAlchemyAsyncConfig(connection_string='sqlite://')", ["web.config"]),
        ("one: object = litestar.SQLAlchemySyncConfig()", ["web.one"]),
        ("both = [SQLAlchemySyncConfig(), SQLAlchemySyncConfig()]", ["web.both"]),
        ("a = SQLAlchemySyncConfig()\napp = Litestar([])", ["web:app", "web.a"]),
        ("def make():\n    return Litestar([])", ["web:make"]),
        ("config = Config()", []),
    ],
)
def test_what_advanced_alchemy_is_configured_with(text: str, names: list[str]) -> None:
    assert alchemy_configs(["web.py"], {"web.py": text}.get, "") == names
