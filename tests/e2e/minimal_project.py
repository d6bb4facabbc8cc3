"""The smallest project: a package with one table, in whatever layout a test wants."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .harness import Project, begin_repository, clean_environ
from .samples import Sample

INI = """\
[alembic]
script_location = %(here)s/migrations
sqlalchemy.url = sqlite:///ledger.db
"""
ENV = """\
from alembic import context
from sqlalchemy import create_engine

{imports}

url = context.config.get_main_option("sqlalchemy.url")
with create_engine(url).connect() as connection:
    context.configure(connection=connection, target_metadata=[{metadata}])
    with context.begin_transaction():
        context.run_migrations()
"""
FIRST = '''\
"""The tables."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "aaaaaaaaaaaa", None


def upgrade():
    for name in {tables}:
        op.create_table(name, sa.Column("id", sa.Integer, primary_key=True))


def downgrade():
    for name in {tables}:
        op.drop_table(name)
'''
SECOND = '''\
"""A column."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "bbbbbbbbbbbb", "aaaaaaaaaaaa"


def upgrade():
    op.add_column("{table}", sa.Column("note", sa.Integer))


def downgrade():
    op.drop_column("{table}", "note")
'''
MODELS = """\
from sqlalchemy import Column, Integer, MetaData, Table

metadata = MetaData()
table = Table(
    "{table}",
    metadata,
    Column("id", Integer, primary_key=True),
)
"""
ID = '    Column("id", Integer, primary_key=True),\n'
NOTE = '    Column("note", Integer),\n'


def begin(root: Path, home: Path, models: Sequence[str], *, directory: str = "") -> Project:
    """Begin a repository with models in these modules, named by path; nothing is staged yet.

    A path's part before `:` is where it is imported from. Each module's table is named after the
    module.
    """
    top = f"{directory}/" if directory else ""
    files = [path.replace("/:", "/").replace(":", "/").removeprefix("/") for path in models]
    sample = Sample("ledger", files[0], ID, NOTE, f"{top}migrations/versions", directory or ".")
    project = Project(sample, root, clean_environ(home))
    root.mkdir(parents=True)
    begin_repository(root, project.environ)
    names = [path.rpartition(":")[2].removesuffix(".py").replace("/", ".") for path in models]
    for name, file in zip(names, files, strict=True):
        project.write(file, MODELS.format(table=table_of(name)))
    project.write(f"{top}alembic.ini", INI)
    imports = "\n".join(f"import {name}" for name in names)
    metadata = ", ".join(f"{name}.metadata" for name in names)
    project.write(f"{top}migrations/env.py", ENV.format(imports=imports, metadata=metadata))
    tables = [table_of(name) for name in names]
    project.write(f"{top}migrations/versions/a.py", FIRST.format(tables=tables))
    return project


def table_of(module: str) -> str:
    """Give the name of a module's table."""
    return module.replace(".", "_")


def add_column(project: Project, *paths: str) -> None:
    """Give the table of each of these modules a column."""
    for path in paths:
        project.replace(path, ID, ID + NOTE)


def add_migration(project: Project, module: str) -> None:
    """Write the migration that a column in one module needs."""
    text = SECOND.format(table=table_of(module))
    project.write(f"{project.sample.versions}/b.py", text)


def first_commit(project: Project) -> None:
    """Commit everything."""
    project.stage(".")
    result = project.commit("First")
    assert result.returncode == 0, result.output
