"""Ask a person, if there is one, what only a person can know."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from alembic_lockstep.dryrun.operation import Operation
from alembic_lockstep.report.progress import CLEAR_LINE
from alembic_lockstep.report.text import printable
from alembic_lockstep.write_migration.choices import Choices, possible_renames, values_to_choose


def ask(missing: Sequence[Operation]) -> Choices:
    """Return a person's answers; none without a terminal. The proposed answer keeps all values."""
    choices = Choices()
    if not is_on_terminal():
        return choices
    for rename in possible_renames(missing):
        choices.renamed[rename] = _confirmed(rename.question, default=True)
    renamed = {(pair.table, pair.new) for pair, answer in choices.renamed.items() if answer}
    for value in values_to_choose(missing):
        if (value.table, value.column) in renamed:
            continue
        text = click.prompt(printable(value.question), default=value.sql, err=True)
        choices.values[value.table, value.column] = text
    return choices


def wants_completion(path: str) -> bool:
    """Ask whether the commit's own new migration is to be completed, in place of a second one."""
    if not is_on_terminal():
        return False
    return _confirmed(f"{path} falls short. Complete it, in place of a second one?", default=False)


def is_on_terminal() -> bool:
    """Return whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _confirmed(question: str, *, default: bool) -> bool:
    click.echo(CLEAR_LINE, nl=False, err=True)
    return click.confirm(printable(question), default=default, err=True)
