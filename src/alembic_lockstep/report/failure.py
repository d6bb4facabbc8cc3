"""How a run that could not judge says so."""

from __future__ import annotations

from rich.text import Text

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.report.terminal import printable, stderr

# Lines of the project's own output that are shown: the end, where the reason stands.
LOG_LINES = 40


def print_failure(error: CouldNotJudge) -> None:
    """Print what happened, what was tried, what to type, and what the project printed."""
    console = stderr()
    if error.log.strip():
        lines = error.log.rstrip().splitlines()
        shown = lines[-LOG_LINES:]
        left = f" (its last {LOG_LINES} lines of {len(lines)})" if len(lines) > LOG_LINES else ""
        console.print(Text(f"What the project printed{left}:", style="bold"))
        for line in shown:
            console.print(f"  {printable(line)}")
        console.print()
    console.print(Text.assemble(("could not judge: ", "bold red"), printable(error.what)))
    for line in error.tried:
        console.print(f"  - {printable(line)}")
    for line in error.fix.splitlines():
        console.print(Text(f"    {printable(line)}", style="green"))
