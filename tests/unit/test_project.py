"""env.py is given what the project's own command gives, and no log file decides a verdict."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import CommandLine

from alembic_lockstep.probe.logs import tolerate_log_files
from alembic_lockstep.probe.project import (
    MissingAttributeError,
    NoAlchemyConfigError,
    command_arguments,
    load_config,
)

REQUEST = {
    "config": "alembic.ini",
    "directory": "",
    "section": "alembic",
    "x": [],
    "flask": False,
    "alchemy": False,
}
FLASK = {**REQUEST, "flask": True, "flask_app": "shop:create_app"}


@pytest.fixture(autouse=True)
def unchanged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["-c"])
    monkeypatch.setattr(logging.FileHandler, "_open", logging.FileHandler._open)
    monkeypatch.chdir(tmp_path)


def request_with(tmp_path: Path, **more: Any) -> Any:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
    return {**REQUEST, "checkout": str(tmp_path), **more}


@pytest.mark.parametrize(
    ("more", "arguments"),
    [
        ({}, "upgrade heads"),
        ({"config": "pyproject.toml"}, "upgrade heads"),
        ({"config": "app/alembic.ini", "directory": "app"}, "upgrade heads"),
        ({"config": "etc/alembic.ini"}, "-c etc/alembic.ini upgrade heads"),
        ({"config": "a/b.ini", "directory": "a"}, "-c b.ini upgrade heads"),
        ({"section": "tenants", "x": ["a=b"]}, "-n tenants -x a=b upgrade heads"),
        (FLASK, "--app shop:create_app db upgrade heads"),
        ({**FLASK, "flask_app": "", "x": ["a"]}, "db upgrade -x a heads"),
    ],
)
def test_the_arguments_are_those_that_a_person_types(more: dict[str, Any], arguments: str) -> None:
    request: Any = {**REQUEST, **more}
    assert command_arguments(request) == arguments.split()


def test_the_options_are_those_of_alembics_own_command(tmp_path: Path) -> None:
    config = load_config(request_with(tmp_path), ExitStack())
    expected = vars(CommandLine().parser.parse_args(["upgrade", "heads"]))
    assert vars(config.cmd_opts) == {**expected, "autogenerate": True}
    assert expected["cmd"][0] is command.upgrade
    assert sys.argv == [str(Path(sys.executable).parent / "alembic"), "upgrade", "heads"]


def test_an_argument_may_look_like_an_option(tmp_path: Path) -> None:
    config: Any = load_config(request_with(tmp_path, x=["-c", "--sql"]), ExitStack())
    assert config.cmd_opts.x == ["-c", "--sql"]
    assert not config.cmd_opts.sql


def test_an_attribute_that_no_command_sets_is_named(tmp_path: Path) -> None:
    attributes = load_config(request_with(tmp_path), ExitStack()).attributes
    assert attributes.get("connection") is None
    assert "connection" not in attributes
    with pytest.raises(MissingAttributeError, match=r"^config.attributes has no 'connection': "):
        attributes["connection"]
    with pytest.raises(KeyError):
        attributes["connection"]
    attributes["connection"] = 1
    assert attributes["connection"] == 1


@pytest.mark.parametrize("handler", [logging.FileHandler, RotatingFileHandler])
def test_a_log_file_without_its_folder_is_no_error(
    tmp_path: Path, handler: type[logging.FileHandler]
) -> None:
    record = logging.LogRecord("name", logging.INFO, "file", 1, "Hello", None, None)
    tolerate_log_files()
    for path in (tmp_path / "logs" / "app.log", tmp_path / "app.log"):
        file_handler = handler(path)
        file_handler.emit(record)
        file_handler.close()
    assert [file.name for file in tmp_path.iterdir()] == ["app.log"]
    assert (tmp_path / "app.log").read_text() == "Hello\n"


COMMANDS = """\
from alembic.config import Config

class AlembicCommands:
    def __init__(self, options):
        self.config = Config(options["file"])
        self.config.db_url = options["url"]
"""
LOADER = """\
import importlib

def import_string(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
"""
PLUGINS = "class SQLAlchemyInitPlugin: ..."
SHOP = """\
from types import SimpleNamespace
from advanced_alchemy.extensions.litestar.plugins import SQLAlchemyInitPlugin

one = {"file": "alembic.ini", "url": "sqlite:///one"}
both = [{"file": "other.ini", "url": "sqlite:///other"}, one]
app = SimpleNamespace(plugins={SQLAlchemyInitPlugin: SimpleNamespace(config=both)})

def create_app():
    return app
"""


@pytest.fixture
def alchemy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Replace the called parts of advanced-alchemy: the library needs a framework."""
    package = tmp_path / "advanced_alchemy"
    files = {
        package / "alembic/commands.py": COMMANDS,
        package / "utils/module_loader.py": LOADER,
        package / "extensions/litestar/plugins.py": PLUGINS,
        tmp_path / "shop.py": SHOP,
    }
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] in (package.name, "shop")]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["shop.one", "shop.both", "shop:app", "shop:create_app"])
def test_advanced_alchemy_makes_its_own_configuration(alchemy: Path, name: str) -> None:
    request = request_with(alchemy, alchemy=True, alchemy_config=name, x=["a=b"])
    config: Any = load_config(request, ExitStack())
    assert config.db_url == "sqlite:///one"
    assert config.cmd_opts.x == ["a=b"]
    assert sys.argv[-2:] == ["upgrade", "heads"]


def test_advanced_alchemy_without_a_configuration(alchemy: Path) -> None:
    with pytest.raises(NoAlchemyConfigError):
        load_config(request_with(alchemy, alchemy=True, alchemy_config=""), ExitStack())
