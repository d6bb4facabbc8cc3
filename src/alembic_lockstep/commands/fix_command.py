"""The command `fix`: write the migration that what is staged lacks."""

from __future__ import annotations

import gc
import os

import click

from alembic_lockstep.system.limits import working_directory


@click.command()
@click.option("-m", "--message", metavar="TEXT", default="", help="The migration's message.")
@click.option("--diff", is_flag=True, help="Only show what would be written.")
@click.option("--stage", is_flag=True, help="`git add` what is written.")
def fix(*, message: str, diff: bool, stage: bool) -> int:
    """Write the migration that what is staged lacks, upgrade and downgrade, and judge it.

    By your script.py.mako, file_template and hooks of Alembic, without any database of yours. On a
    terminal it asks whether a column was renamed, and for values of rows that exist; elsewhere it
    writes what keeps all values, and names the lines to look at. Nothing is overwritten. Exit
    code 0: what is staged is whole now; 1: there is something to add or to decide.
    """
    gc.enable()
    cwd = working_directory()
    from alembic_lockstep.git.chosen_range import staged_range
    from alembic_lockstep.git.repository import Repository
    from alembic_lockstep.write_migration.fixing import Wishes, fix_commit

    repository, environ = Repository.discover(cwd), dict(os.environ)
    base = staged_range(repository).base
    return fix_commit(repository, environ, base, Wishes(message, diff, stage))
