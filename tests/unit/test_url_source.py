"""Whether an env.py can get a URL from nothing but its .ini file; in doubt it can."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from alembic_lockstep.alembic_env.url_source import connects_by_ini_only

SCRIPT = "plugin/migration/env.py"
#: As `alembic init` writes it, without what matters to nothing here.
TEMPLATE = """\
from logging.config import fileConfig
from alembic import context
from sqlalchemy import engine_from_config
from sqlalchemy import pool
{imports}
config = context.config
if config.config_file_name is not None:
    fileConfig(config.config_file_name)
target_metadata = {metadata}

def run_migrations_online():
    connectable = engine_from_config(
        {section}, prefix="sqlalchemy.", poolclass=pool.NullPool{options}
    )
    with connectable.connect() as connection:
        context.configure(connection=connection, target_metadata=target_metadata)
        with context.begin_transaction():
            context.run_migrations()

run_migrations_online()
"""
PLAIN = {
    "imports": "",
    "metadata": "None",
    "section": "config.get_section(config.config_ini_section)",
    "options": "",
}
SETS_URL = "from alembic import context\ncontext.config.set_main_option('sqlalchemy.url', 'x')\n"


def connects(files: Mapping[str, str] | None = None, **parts: str) -> bool:
    texts = {SCRIPT: TEMPLATE.format(**(PLAIN | parts)), **(files or {})}
    tree: Any = SimpleNamespace(files=dict.fromkeys(texts, "id"), read=texts.get)
    return connects_by_ini_only(SCRIPT, tree)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"imports": "section = config.get_section('alembic')", "section": "section"},
        {"imports": "from plugin import models", "metadata": "models.Base.metadata"},
        {"imports": "from ckan.model.meta import metadata"},
        {"imports": "import plugin.models"},
        {"options": ", echo=True"},
    ],
)
def test_the_ini_file_alone(parts: Mapping[str, str]) -> None:
    models = {"plugin/__init__.py": "", "plugin/models.py": "import alembic_utils, sqlalchemy\n"}
    assert connects(models, **parts)


@pytest.mark.parametrize(
    "parts",
    [
        {"imports": "from plugin.db import section", "section": "section"},
        {"imports": "import plugin.db", "section": "plugin.db.section()"},
        {"imports": "from plugin.db import configure\nconfigure(context.config)"},
        {"imports": "from plugin.db import engine_from_config"},
        {"imports": "from plugin.db import *"},
        {"imports": "from plugin.app import make_app", "metadata": "make_app().metadata"},
        {"imports": "from plugin.db import add_url", "options": ", **add_url"},
        {"options": ", url='sqlite:///reports.db'"},
        {"imports": "S = config.get_section('a')\nS.update(more)", "section": "S"},
        {"imports": "import os; os.environ.get('URL')"},
        {"imports": "import importlib; importlib.import_module('plugin.db')"},
        {"imports": "import module_of_another_distribution"},
        {"imports": "this is no Python"},
    ],
)
def test_other_code_may_hand_over_a_url(parts: Mapping[str, str]) -> None:
    assert not connects({"plugin/__init__.py": "", "plugin/db.py": ""}, **parts)


@pytest.mark.parametrize(
    "files",
    [
        {"plugin/db.py": SETS_URL},
        {"plugin/__init__.py": SETS_URL},
        {"plugin/db.py": "from . import (\n    names,\n    urls,\n)", "plugin/urls.py": SETS_URL},
        {"plugin/db.py": "from .urls import *", "plugin/urls.py": "from alembic import *"},
        {"plugin/db.py": "def later():\n    import alembic\n    alembic.context.config"},
        {"plugin/db.py": "from alembic.runtime.environment import EnvironmentContext"},
        {"plugin/db.py": "import alembic and fail"},
    ],
)
def test_an_imported_module_may_set_the_url(files: Mapping[str, str]) -> None:
    parts = {"imports": "import plugin.db"}
    assert not connects({"plugin/__init__.py": "", **files}, **parts)
    assert connects({"plugin/__init__.py": "", **dict.fromkeys(files, "import sys")}, **parts)
