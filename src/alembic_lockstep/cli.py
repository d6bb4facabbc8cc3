"""The command line: the commands, and what becomes of their errors."""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence

import click

from alembic_lockstep import __version__
from alembic_lockstep.advice.machine_errors import of_the_machine
from alembic_lockstep.commands.cache_command import cache
from alembic_lockstep.commands.check_command import check
from alembic_lockstep.commands.demo_command import demo
from alembic_lockstep.commands.doctor_command import doctor
from alembic_lockstep.commands.fix_command import fix
from alembic_lockstep.commands.init_command import init
from alembic_lockstep.commands.rebase_command import rebase
from alembic_lockstep.commands.rule_command import rule
from alembic_lockstep.commands.status_command import status
from alembic_lockstep.debug import debug
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.exit_codes import CLEAN, COULD_NOT_JUDGE, INTERNAL_ERROR, INTERRUPTED
from alembic_lockstep.report.output import Output
from alembic_lockstep.system.streams import flush_streams, open_streams


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="alembic-lockstep")
def cli() -> None:
    """A commit that changes SQLAlchemy models lands only with its Alembic migration.

    Exit codes: 0 clean, 1 findings, 2 could not judge, 3 internal error, 130 interrupted.
    """


for command in (check, fix, rebase, status, doctor, init, rule, cache, demo):
    cli.add_command(command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; the one place that catches everything."""
    # A terminated run, or one whose terminal is closed, cleans up like an interrupted one.
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # `nohup`
            signal.signal(number, signal.default_int_handler)
    try:
        return _run(Output(), argv)
    except OSError:  # not even a failure can be written
        return COULD_NOT_JUDGE


def _run(reports: Output, argv: Sequence[str] | None) -> int:
    try:
        return int(cli.main(argv, standalone_mode=False, obj=reports) or CLEAN)
    except CouldNotJudge as error:
        return _give_up(reports, error, COULD_NOT_JUDGE)
    except click.ClickException as error:
        error.show()
        return COULD_NOT_JUDGE
    except SystemExit:  # of click: who reads the output has gone away
        return COULD_NOT_JUDGE
    except (KeyboardInterrupt, click.Abort):
        return interrupted()
    except Exception as error:
        explained = of_the_machine(error) if isinstance(error, OSError) else None
        if explained:
            debug(_traceback())
            return _give_up(reports, explained, COULD_NOT_JUDGE)
        _show_traceback()
        message = f"alembic-lockstep {__version__}: internal error ({type(error).__name__})"
        fix = "Please report the lines above. Meanwhile, past the hook:\ngit commit --no-verify"
        return _give_up(reports, CouldNotJudge(message, fix=fix), INTERNAL_ERROR)


def interrupted() -> int:
    """Say that the run was interrupted; return the exit code."""
    click.echo("alembic-lockstep: interrupted", err=True)
    return INTERRUPTED


def _give_up(reports: Output, error: CouldNotJudge, code: int) -> int:
    """Report that there is no verdict: no report may look as if all were well."""
    from alembic_lockstep.advice.precedence import overriding_variables

    error = error.with_fix(overriding_variables(error.fix, os.environ), error.config)
    try:
        reports.fail(error)
    except Exception:  # a format's own bug
        _show_traceback()
        return INTERNAL_ERROR
    return code


def _show_traceback() -> None:
    click.echo(_traceback(), nl=False, err=True)


def _traceback() -> str:
    """Return the exception that is being handled, whose message may be the project's words."""
    from alembic_lockstep.report.text import without_commands

    return without_commands(traceback.format_exc())


def entry() -> None:
    """Run as the console script.

    Garbage collection and the interpreter's teardown take a fifth of the answer at once, so both
    are left out.
    """
    gc.disable()
    open_streams()
    code = flush_streams(main())
    if "alembic_lockstep.gate" in sys.modules:
        sys.exit(code)
    os._exit(code)  # nothing was started that has to end
