"""Text of a run that could not judge."""

from __future__ import annotations

from collections.abc import Iterator

from click import style

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.report.text import block, printable

# Lines of the project's own output that are shown: the last, which have the reason.
LOG_LINES = 40


def log_of(error: CouldNotJudge) -> tuple[str, str]:
    """Return a title and the end of the project's output; both empty if it printed nothing."""
    if not error.log.strip():
        return "", ""
    lines = error.log.rstrip().splitlines()
    extent = f" (its last {LOG_LINES} lines of {len(lines)})" if len(lines) > LOG_LINES else ""
    return f"What the project printed{extent}:", block("\n".join(lines[-LOG_LINES:]))


def plain(error: CouldNotJudge) -> str:
    """Return the message, what was tried, and the fix, as plain text."""
    tried = [f"- {printable(line)}" for line in error.tried]
    return "\n".join([printable(error.message), *tried, *block(error.fix).splitlines()])


def render(error: CouldNotJudge) -> str:
    """Return the project's output, the message, what was tried, and the fix, with colours."""
    return "".join(f"{line}\n" for line in _lines(error))


def _lines(error: CouldNotJudge) -> Iterator[str]:
    title, log = log_of(error)
    if title:
        yield style(title, bold=True)
        yield from (f"  {line}" for line in log.splitlines())
        yield ""
    yield style("could not judge: ", bold=True, fg="red") + printable(error.message)
    yield from (f"  - {printable(line)}" for line in error.tried)
    yield from (style(f"    {printable(line)}", fg="green") for line in error.fix.splitlines())
