"""The generated project's files: an application whose models match its history at every length."""

from __future__ import annotations

from bench.history import AREAS, Column, Revision, Table, build, revision_id

#: Where a new column goes, and the variable with the database's URL.
MODELS = f"app/{AREAS[0]}/models.py"
AFTER = f'    __tablename__ = "{AREAS[0]}_items"'
COLUMN = "    note: Mapped[str | None] = mapped_column(sa.Text())"
VARIABLE = "DATABASE_URL"

_README = "# A shop\n\nIts models are in `app`, its migrations in `migrations`.\n"
_IGNORE = "__pycache__/\n.pytest_cache/\n*.db\n"
_INI = "[alembic]\nscript_location = %(here)s/migrations\nprepend_sys_path = .\n"

_PYPROJECT = """\
[project]
name = "shop"
version = "1"

[tool.pytest.ini_options]
pythonpath = ["."]
"""

_DATABASE = '''\
"""The declarative base, and where the database is."""

import os

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

URL = os.environ["DATABASE_URL"]


class Base(DeclarativeBase):
    """All models' base; constraints are named as Alembic advises."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
'''

_REGISTRY = '''\
"""Imports all models, so that the metadata is complete."""

{imports}
from app.database import Base

metadata = Base.metadata
'''

_ENV = '''\
"""Alembic's environment, online; pytest-alembic brings a connection along."""

import sqlalchemy as sa
from alembic import context

from app.database import URL
from app.registry import metadata

engine = context.config.attributes.get("connection") or sa.create_engine(URL)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
'''

_SCRIPT = '''\
"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
'''

_CONFTEST = '''\
"""pytest-alembic gets the configured database."""

import pytest
import sqlalchemy as sa

from app.database import URL


@pytest.fixture
def alembic_engine() -> sa.Engine:
    return sa.create_engine(URL)
'''

_TEST = '''\
"""The model test that pytest-alembic brings."""

from pytest_alembic.tests import test_model_definitions_match_ddl  # noqa: F401
'''


def files(revisions: int) -> dict[str, str]:
    """Give all files of the project with that many revisions, by path."""
    history, tables = build(revisions)
    imports = "\n".join(f"import app.{area}.models  # noqa: F401" for area in AREAS)
    project = {
        "README.md": _README,
        ".gitignore": _IGNORE,
        "pyproject.toml": _PYPROJECT,
        "alembic.ini": _INI,
        "migrations/env.py": _ENV,
        "migrations/script.py.mako": _SCRIPT,
        "app/__init__.py": "",
        "app/database.py": _DATABASE,
        "app/registry.py": _REGISTRY.format(imports=imports),
        "tests/conftest.py": _CONFTEST,
        "tests/test_migrations.py": _TEST,
    }
    for area in AREAS:
        project[f"app/{area}/__init__.py"] = ""
        project[f"app/{area}/models.py"] = _models(area, tables)
    for number, revision in enumerate(history, 1):
        path, text = _migration(number, revision)
        project[path] = text
    return project


def next_migration(revisions: int) -> tuple[str, str]:
    """Give path and text of the migration for the new column, on top of so many revisions."""
    table = f"{AREAS[0]}_items"
    revision = Revision(
        f"add {table}.note",
        (f'op.add_column("{table}", sa.Column("note", sa.Text(), nullable=True))',),
        (f'op.drop_column("{table}", "note")',),
    )
    return _migration(revisions + 1, revision)


def _migration(number: int, revision: Revision) -> tuple[str, str]:
    own, parent = revision_id(number), revision_id(number - 1) if number > 1 else None
    slug = revision.message.replace(" ", "_").replace(".", "_")
    lines = [
        f'"""{revision.message}',
        "",
        f"Revision ID: {own}",
        f"Revises: {parent or ''}".rstrip(),
        '"""',
        "",
        "import sqlalchemy as sa",
        "from alembic import op",
        "",
        f'revision = "{own}"',
        f'down_revision = "{parent}"' if parent else "down_revision = None",
        "branch_labels = None",
        "depends_on = None",
        *_function("upgrade", revision.upgrade),
        *_function("downgrade", revision.downgrade),
    ]
    return f"migrations/versions/{own}_{slug}.py", "\n".join(lines) + "\n"


def _function(name: str, body: tuple[str, ...]) -> list[str]:
    return ["", "", f"def {name}() -> None:", *(f"    {line}" for line in body)]


def _models(area: str, tables: list[Table]) -> str:
    lines = [
        f'"""Models of {area}."""',
        "",
        "from datetime import date, datetime",
        "from decimal import Decimal",
        "",
        "import sqlalchemy as sa",
        "from sqlalchemy.orm import Mapped, mapped_column",
        "",
        "from app.database import Base",
    ]
    for table in tables:
        if table.area == area:
            lines += ["", "", *_model(table)]
    return "\n".join(lines) + "\n"


def _model(table: Table) -> list[str]:
    return [
        f"class {table.class_name}(Base):",
        f'    """A row of {table.name}."""',
        "",
        f'    __tablename__ = "{table.name}"',
        "",
        "    id: Mapped[int] = mapped_column(primary_key=True)",
        "    name: Mapped[str] = mapped_column(sa.String(80))",
        "    created_at: Mapped[datetime | None] = mapped_column(sa.DateTime())",
        *(_attribute(column, table.indexed) for column in table.columns),
    ]


def _attribute(column: Column, indexed: list[str]) -> str:
    column_type = f'sa.ForeignKey("{column.target}.id")' if column.target else column.type
    index = ", index=True" if column.name in indexed else ""
    return (
        f"    {column.name}: Mapped[{column.python} | None] = mapped_column({column_type}{index})"
    )
