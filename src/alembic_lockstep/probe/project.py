"""Build Alembic's configuration as the project's own command would."""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import sys
from contextlib import ExitStack
from typing import Any, Dict, List

from alembic.config import CommandLine, Config

from .logs import tolerate_log_files
from .protocol import Request


def load_config(request: Request, stack: ExitStack) -> Config:
    """Return the `Config` of `alembic upgrade heads` or of `flask db upgrade heads`.

    A Flask application's context is entered on `stack`.
    """
    arguments = command_arguments(request)
    # Applications look there to tell a migration from a server's start.
    sys.argv[:] = [os.path.join(os.path.dirname(sys.executable), _program(request)), *arguments]
    tolerate_log_files()
    if request["flask"]:
        config = _flask_config(request, stack)
    else:
        config = _alchemy_config(request) if request["alchemy"] else _plain_config(request)
    # Many an env.py imports the models only for `revision --autogenerate`.
    config.cmd_opts = getattr(config, "cmd_opts", None) or argparse.Namespace()
    config.cmd_opts.autogenerate = True
    if not hasattr(config.cmd_opts, "x"):  # which Alembic's own command always sets
        config.cmd_opts.x = request["x"] or None
    config.attributes = Attributes(config.attributes)
    return config


class MissingAttributeError(KeyError):
    """Raised for an attribute of the configuration that no command sets."""

    @property
    def attribute(self) -> str:
        """Name of the attribute."""
        return str(self.args[0])

    def __str__(self) -> str:
        return (
            f"config.attributes has no {self.attribute!r}: `alembic upgrade` sets no attributes, "
            "only a program of the project may"
        )


class NoAlchemyConfigError(RuntimeError):
    """Raised where advanced-alchemy has no object to make its configuration from."""


class NoMigrateError(RuntimeError):
    """Raised for a Flask application without Flask-Migrate."""


class Attributes(Dict[str, Any]):
    """Attributes of a configuration, with a helpful error for a missing one."""

    def __missing__(self, name: str) -> Any:
        raise MissingAttributeError(name)


def _program(request: Request) -> str:
    if request["flask"]:
        return "flask"
    if request["alchemy"]:
        return "litestar" if ":" in request["alchemy_config"] else "alchemy"
    return "alembic"


def command_arguments(request: Request) -> List[str]:
    """Return the words to type after `alembic` or `flask` in the environment's folder."""
    extra = [word for argument in request["x"] for word in ("-x", argument)]
    if request["flask"]:
        app = ["--app", request["flask_app"]] if request["flask_app"] else []
        return [*app, "db", "upgrade", *extra, "heads"]
    if request["alchemy"]:
        name = request["alchemy_config"]
        named = ["--app", name, "database"] if ":" in name else ["--config", name]
        return [*named, "upgrade", "heads"]
    return _arguments_of_alembic(request, extra)


def _arguments_of_alembic(request: Request, extra: List[str]) -> List[str]:
    config = os.path.relpath(request["config"], request["directory"] or os.curdir)
    named = ["-c", config] if config not in ("alembic.ini", "pyproject.toml") else []
    section = ["-n", request["section"]] if request["section"] != "alembic" else []
    return [*named, *section, *extra, "upgrade", "heads"]


def _plain_config(request: Request) -> Config:
    path = os.path.join(request["checkout"], request["config"])
    options: Dict[str, Any] = {"file_": path, "ini_section": request["section"]}
    if hasattr(Config, "toml_file_name"):  # since alembic 1.16, whose command reads both
        options["toml_file"] = os.path.abspath("pyproject.toml")
        if path.endswith(".toml"):
            options.update(file_=os.path.abspath("alembic.ini"), toml_file=path)
    parsed = CommandLine(prog="alembic").parser.parse_args(_arguments_of_alembic(request, []))
    parsed.x = request["x"] or None  # by itself: an argument may begin with a dash
    return Config(**options, cmd_opts=parsed)


def _alchemy_config(request: Request) -> Config:
    """Return the configuration that `alchemy --config NAME` or `litestar database` makes."""
    if not request["alchemy_config"]:
        raise NoAlchemyConfigError(
            "env.py is written for the commands of advanced-alchemy, which need an object of the "
            "project: an application of Litestar, SQLAlchemyAsyncConfig or SQLAlchemySyncConfig"
        )
    commands = importlib.import_module("advanced_alchemy.alembic.commands")
    objects = _alchemy_objects(request["alchemy_config"])
    path = os.path.join(request["checkout"], request["config"])
    configs: List[Config] = [
        commands.AlembicCommands(configuration).config for configuration in objects
    ]
    return next((config for config in configs if _is_of(config, path)), configs[0])


def _alchemy_objects(name: str) -> List[Any]:
    """Import the project's configurations of advanced-alchemy, of a Litestar application too."""
    loader = importlib.import_module("advanced_alchemy.utils.module_loader")
    sys.path.insert(0, os.getcwd())  # as its command does
    named = loader.import_string(name.replace(":", "."))
    if ":" in name:
        plugins = importlib.import_module("advanced_alchemy.extensions.litestar.plugins")
        application = named() if inspect.isroutine(named) else named
        named = application.plugins.get(plugins.SQLAlchemyInitPlugin).config
    return [*named] if isinstance(named, (list, tuple)) else [named]


def _is_of(config: Config, path: str) -> bool:
    name = config.config_file_name
    return name is not None and os.path.abspath(name) == path


def _flask_config(request: Request, stack: ExitStack) -> Config:
    from flask.cli import ScriptInfo, load_dotenv

    os.environ["FLASK_RUN_FROM_CLI"] = "true"  # as `flask` does: makes `app.run()` a no-op
    load_dotenv()
    app_import_path = request["flask_app"] or os.environ.get("FLASK_APP") or None
    app = ScriptInfo(app_import_path=app_import_path).load_app()
    stack.enter_context(app.app_context())
    if "migrate" not in app.extensions:
        raise NoMigrateError(
            "the Flask application has no Flask-Migrate: Migrate(app, db) was not called for it"
        )
    folder = os.path.dirname(os.path.join(request["checkout"], request["config"]))
    migrate = app.extensions["migrate"].migrate
    config: Config = migrate.get_config(os.path.relpath(folder), x_arg=request["x"] or None)
    return config
