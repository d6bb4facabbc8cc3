"""The commands below `cache`: show, clear and explain what is kept between runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from alembic_lockstep.config import NO_CACHE
from alembic_lockstep.exit_codes import CLEAN
from alembic_lockstep.git.chosen_range import tree_ids
from alembic_lockstep.system.limits import working_directory


@click.group()
def cache() -> None:
    """Show or clear what is kept between runs."""


@cache.command()
def info() -> int:
    """Print what is kept, where, and its size."""
    from alembic_lockstep.cache.upkeep import describe

    return _run_upkeep(describe)


@cache.command()
def clear() -> int:
    """Delete what is kept and not in use, also on the servers in the settings."""
    from alembic_lockstep.cache import upkeep

    return _run_upkeep(upkeep.clear)


@cache.command()
def why() -> int:
    """Print why the last verdict does not answer for what is staged."""
    from alembic_lockstep.cache.store import Cache, cache_root
    from alembic_lockstep.cache.verdict_records import VerdictRecords
    from alembic_lockstep.context import RunContext
    from alembic_lockstep.git.chosen_range import choose_range
    from alembic_lockstep.git.repository import Repository
    from alembic_lockstep.report.text import printable

    environ = dict(os.environ)
    repository = Repository.discover(working_directory())
    span = choose_range(repository, None, None, environ)
    verdicts = VerdictRecords.of(Cache(cache_root()), RunContext(repository, environ))
    refusals = verdicts.refusals(*tree_ids(repository, span))
    judged = "the commits" if span.tip else "what is staged"
    if NO_CACHE in environ:
        click.echo(f"{NO_CACHE} is set: checks do not use the cache.")
    if refusals is None:
        click.echo(f"The cache answers for {judged}.")
        return CLEAN
    click.echo(f"The cache does not answer for {judged}:")
    for line in verdicts.explain(refusals):
        click.echo(f"  {printable(line)}")
    return CLEAN


def _run_upkeep(action: Callable[[Path, tuple[str, ...], Mapping[str, str]], Iterator[str]]) -> int:
    from alembic_lockstep.cache.store import cache_root
    from alembic_lockstep.cache.upkeep import scratch_urls
    from alembic_lockstep.report.text import printable

    cwd = working_directory()
    for line in action(cache_root(), scratch_urls(cwd, os.environ), os.environ):
        click.echo(printable(line))
    return CLEAN
