"""The command `demo`: show the main job on a small game."""

from __future__ import annotations

import click

from alembic_lockstep.system.limits import working_directory


@click.command()
@click.option("--keep", metavar="FOLDER", help="Make the game in this folder and leave it there.")
def demo(keep: str | None) -> int:
    """Show a blocked commit, its fix, and the commit that passes, on a small game."""
    from alembic_lockstep.demo import run_demo

    working_directory()
    return run_demo(keep)
