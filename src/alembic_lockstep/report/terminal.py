"""How the tool writes to a terminal, a pipe or a CI log."""

from __future__ import annotations

import functools
import os
import sys

from rich.console import Console


def _console(stderr: bool) -> Console:
    # Without a terminal a line is never wrapped: what reads it wants it whole. Rich itself obeys
    # FORCE_COLOR and TTY_COMPATIBLE; by https://no-color.org NO_COLOR beats them.
    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    plain = bool(os.environ.get("NO_COLOR"))
    return Console(
        stderr=stderr,
        soft_wrap=True,
        highlight=False,
        markup=False,
        emoji=False,
        no_color=plain or None,
        force_terminal=False if plain and not terminal else None,
        width=None if terminal else 10_000,
    )


@functools.cache
def stdout() -> Console:
    """The console for what the demo says."""
    return _console(stderr=False)


@functools.cache
def stderr() -> Console:
    """The console for progress."""
    return _console(stderr=True)
