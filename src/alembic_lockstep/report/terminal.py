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
    """The console for reports."""
    return _console(stderr=False)


@functools.cache
def stderr() -> Console:
    """The console for progress, summaries and errors."""
    return _console(stderr=True)


def printable(text: str) -> str:
    """One line that a terminal shows as it is: names of files and tables may hold anything."""
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in shown)


def plural(count: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
