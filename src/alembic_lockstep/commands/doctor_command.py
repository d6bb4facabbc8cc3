"""The command `doctor`: what is wrong with a database, and the fixes that keep its rows."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alembic_lockstep.commands.database_options import database_options
from alembic_lockstep.config import DATABASE
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.exit_codes import CLEAN, FINDINGS
from alembic_lockstep.system.limits import working_directory

if TYPE_CHECKING:
    from alembic_lockstep.context import RunContext
    from alembic_lockstep.doctor.examination import Examination


@click.command()
@click.option(
    "--database",
    metavar="URL",
    envvar=DATABASE,
    show_envvar=True,
    help="The database to examine, as SQLAlchemy writes its URL.",
)
@database_options
@click.option("--plan", metavar="FILE", help="Write it to this file, too, as Markdown.")
def doctor(
    *,
    database: str | None,
    app: bool,
    config: tuple[str, ...],
    output_format: str,
    plan: str | None,
) -> int:
    """Say what is wrong with a database, and how to fix it without losing rows.

    Reads the database in a read-only session. The project runs in scratch databases, and its
    schemas there are compared with the database's. Nothing is changed. The exit code is 0 if the
    database is at the heads of the code and as the migrations make it, 1 if not.
    """
    if not database and not app:
        raise click.UsageError(f"name the database: --database URL, --app, or ${DATABASE}")
    gc.enable()
    from alembic_lockstep.context import RunContext
    from alembic_lockstep.doctor.diagnosis_page import render_diagnosis
    from alembic_lockstep.doctor.standing import UP_TO_DATE
    from alembic_lockstep.git.repository import Repository
    from alembic_lockstep.report.output import write_file

    # The project's code must not see the database's URL.
    environ = {name: value for name, value in os.environ.items() if name != DATABASE}
    repository = Repository.discover(working_directory())
    examination = _examine(RunContext(repository, environ, {"config": config}), database)
    click.echo(render_diagnosis(output_format, examination), nl=False)
    if plan:
        for problem in write_file(Path(plan), render_diagnosis("markdown", examination)):
            raise CouldNotJudge(f"the plan cannot be written to {problem}")
    return CLEAN if examination.diagnosis.state == UP_TO_DATE else FINDINGS


def _examine(context: RunContext, url: str | None) -> Examination:
    from alembic_lockstep.cache.store import Cache, cache_root
    from alembic_lockstep.doctor.code_history import code_of, read_code
    from alembic_lockstep.doctor.configured_url import configured_url
    from alembic_lockstep.doctor.database_address import DatabaseAddress
    from alembic_lockstep.doctor.database_reading import read_live_database
    from alembic_lockstep.doctor.examination import Examiner
    from alembic_lockstep.dryrun.early import EarlyProbes
    from alembic_lockstep.git.workplace import acquire_workplace, find_workplace
    from alembic_lockstep.report.progress import progress
    from alembic_lockstep.runners import Runners

    repository, root = context.repository, cache_root()
    codes = read_code(context)
    live = read_live_database(DatabaseAddress.parse(url or configured_url(code_of(codes, ()))))
    code = code_of(codes, live.revisions)
    workplace = find_workplace(repository, context.environ, root)
    with (
        acquire_workplace(workplace) as slot,
        EarlyProbes(context, slot) as early,
        progress() as show,
        Runners(context, show, early, Cache(root)) as runners,
    ):
        return Examiner(code, runners.open(repository, code.settings)).examine(live)
