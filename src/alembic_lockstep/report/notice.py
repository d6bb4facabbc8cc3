"""A notice that is shown once: hook managers hide the output of a hook that passes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from alembic_lockstep.report.summary import comparison_gaps
from alembic_lockstep.report.text import printable
from alembic_lockstep.verdict import Verdict

TERMINAL = "/dev/tty"


def show_once(verdict: Verdict, file: Path) -> None:
    """Show on the terminal what the verdict could not compare, unless it was shown before.

    Without a terminal nothing is shown, and the next run tries again.

    Args:
        verdict: A verdict that passed.
        file: The file with the lines that were shown last, as JSON.
    """
    lines = list(verdict.unjudged)
    lines += [
        f"{judged.environment.name}: not compared: {gap}"
        for judged in verdict.environments
        if judged.comparison
        for gap in comparison_gaps(judged.comparison)
    ]
    if not lines or lines == _shown_last(file):
        return
    if not _is_own_terminal(sys.stderr):  # else the summary has shown it
        with _terminal() as terminal:
            if terminal is None:
                return
            try:
                os.write(terminal, _notice(lines).encode())
            except OSError:  # closed meanwhile: not shown
                return
    with suppress(OSError):  # it is shown again next time
        file.write_text(json.dumps(lines), encoding="utf-8")


def _notice(lines: Sequence[str]) -> str:
    # Hook managers have written the hook's name without an end of line.
    text = "\n  ".join(map(printable, lines))
    return f"\nalembic-lockstep passes, but\n  {text}\n(shown once; `check` always shows it)\n"


def _is_own_terminal(stream: TextIO) -> bool:
    """Return whether a stream ends at the terminal that this process was started from.

    pre-commit connects hooks to a terminal of its own, for their colours.
    """
    try:
        os.tcgetpgrp(stream.fileno())
    except (OSError, ValueError):
        return False
    return True


def _shown_last(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


@contextmanager
def _terminal() -> Iterator[int | None]:
    """Yield the terminal that this process is in the foreground of, opened for writing."""
    try:
        terminal = os.open(TERMINAL, os.O_WRONLY | os.O_NOCTTY)
    except OSError:  # CI, a graphical client
        yield None
        return
    try:
        # Under `stty tostop`, writing would stop a process in the background.
        yield terminal if os.tcgetpgrp(terminal) == os.getpgrp() else None
    finally:
        os.close(terminal)
