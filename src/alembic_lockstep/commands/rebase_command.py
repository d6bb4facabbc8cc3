"""The command `rebase`: two heads become one."""

from __future__ import annotations

import gc
import os

import click

from alembic_lockstep.report.output import Output
from alembic_lockstep.system.limits import working_directory


@click.command()
@click.option(
    "--merge", is_flag=True, help="Write a revision that merges the heads, and move none."
)
@click.pass_obj
def rebase(reports: Output, /, *, merge: bool) -> int:
    """Put this branch's own migrations on top of the other head.

    After a merge of the default branch, or a rebase onto it, also while that is in progress. Of
    this branch's migrations, the first one gets another down_revision (and "Revises:"); nothing
    else changes. The result is judged first: upgrade, way back, on tables with rows. Shows the
    difference, writes and stages it, and says what a database needs that has run them before.
    """
    gc.enable()
    cwd = working_directory()
    from alembic_lockstep.context import RunContext
    from alembic_lockstep.git.repository import Repository
    from alembic_lockstep.rebase.rebase_run import rebase as run_rebase

    context = RunContext(Repository.discover(cwd), dict(os.environ))
    return run_rebase(context, reports, merge=merge)
