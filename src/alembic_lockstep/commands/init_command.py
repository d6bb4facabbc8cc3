"""The command `init`: set a repository up."""

from __future__ import annotations

import os

import click

from alembic_lockstep.system.limits import working_directory


@click.command()
@click.option("--yes", is_flag=True, help="Write it without asking.")
def init(*, yes: bool) -> int:
    """Make the first check, and write what this repository needs for the next ones.

    Writes the pre-commit entry, and GitHub's workflow or GitLab's job if the repository is hosted
    there. Shows everything first; existing files are only added to.
    """
    from alembic_lockstep.init.setup import set_up

    return set_up(working_directory(), dict(os.environ), yes=yes)
