"""Options of the commands that read databases: `status` and `doctor`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option("--app", is_flag=True, help="The database that the .ini file is configured with."),
    click.option(
        "--config", metavar="FILE[:SECTION]", multiple=True, help="An Alembic config file."
    ),
    click.option(
        "--output-format",
        type=click.Choice(("full", "json", "markdown")),
        default="full",
        show_default=True,
        help="How it is printed.",
    ),
)


def database_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options in which the commands do not differ."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
