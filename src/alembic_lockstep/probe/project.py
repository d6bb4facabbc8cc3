"""Alembic's configuration as the project's own command would build it."""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from typing import Any, Dict

from alembic.config import Config


def load_config(request: Dict[str, Any], stack: ExitStack) -> Config:
    """The `Config` of `alembic` or of `flask db`, in the working directory of a person.

    A Flask application's context is entered on `stack`.
    """
    config = _flask_config(request, stack) if request["flask"] else _plain_config(request)
    # env.py may look at the options of the command: they are those of `--autogenerate`.
    options = getattr(config, "cmd_opts", None) or argparse.Namespace()
    options.x = request["x"] or None
    for name, value in {"name": request["section"], "autogenerate": True}.items():
        if getattr(options, name, None) is None:
            setattr(options, name, value)
    config.cmd_opts = options
    return config


def _plain_config(request: Dict[str, Any]) -> Config:
    path = os.path.join(request["checkout"], request["config"])
    options: Dict[str, Any] = {"file_": path, "ini_section": request["section"]}
    if hasattr(Config, "toml_file_name"):  # since alembic 1.16, whose command reads both
        options["toml_file"] = os.path.abspath("pyproject.toml")
        if path.endswith(".toml"):
            options.update(file_=os.path.abspath("alembic.ini"), toml_file=path)
    return Config(**options)


def _flask_config(request: Dict[str, Any], stack: ExitStack) -> Config:
    from flask.cli import ScriptInfo, load_dotenv

    os.environ["FLASK_RUN_FROM_CLI"] = "true"  # as `flask` does: makes `app.run()` a no-op
    load_dotenv()
    app_import_path = request["flask_app"] or os.environ.get("FLASK_APP") or None
    app = ScriptInfo(app_import_path=app_import_path).load_app()
    stack.enter_context(app.app_context())
    if "migrate" not in app.extensions:
        raise RuntimeError(
            "the Flask application has no Flask-Migrate: Migrate(app, db) was not called for it"
        )
    folder = os.path.dirname(os.path.join(request["checkout"], request["config"]))
    config: Config = app.extensions["migrate"].migrate.get_config(os.path.relpath(folder))
    return config
