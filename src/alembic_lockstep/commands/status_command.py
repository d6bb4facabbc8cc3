"""The command `status`: where databases stand in the code's history."""

from __future__ import annotations

import os

import click

from alembic_lockstep.commands.database_options import database_options
from alembic_lockstep.config import DATABASE
from alembic_lockstep.exit_codes import CLEAN, COULD_NOT_JUDGE, FINDINGS
from alembic_lockstep.system.limits import working_directory


@click.command()
@click.option(
    "--database",
    metavar="URL",
    multiple=True,
    envvar=DATABASE,
    show_envvar=True,
    help="A database to read, as SQLAlchemy writes its URL; may be repeated.",
)
@database_options
def status(
    *, database: tuple[str, ...], app: bool, config: tuple[str, ...], output_format: str
) -> int:
    """Show the code's heads and history, and which revision each database is at.

    Reads the migrations on disk without running them, and databases in a read-only session. The
    exit code is 0 if all databases are at the heads, 1 if one is not, 2 if one cannot be read.
    """
    from alembic_lockstep.context import RunContext
    from alembic_lockstep.doctor.code_history import read_code
    from alembic_lockstep.doctor.configured_url import configured_url
    from alembic_lockstep.doctor.database_status import read_statuses
    from alembic_lockstep.doctor.standing import UNREAD, UP_TO_DATE
    from alembic_lockstep.doctor.status_page import render_status
    from alembic_lockstep.git.repository import Repository

    environ = {name: value for name, value in os.environ.items() if name != DATABASE}
    repository = Repository.discover(working_directory())
    codes = read_code(RunContext(repository, environ, {"config": config}))
    urls = [*database, *(configured_url(code) for code in codes if app)]
    statuses = read_statuses(urls, codes)
    click.echo(render_status(output_format, codes, statuses), nl=False)
    kinds = {each.standing.kind for each in statuses}
    if UNREAD in kinds:
        return COULD_NOT_JUDGE
    return FINDINGS if kinds - {UP_TO_DATE} else CLEAN
