"""How a run that could not judge says so."""

from __future__ import annotations

from collections.abc import Iterator

from click import style

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.report.text import block, printable

# Lines of the project's own output that are shown: the end, where the reason stands.
LOG_LINES = 40


def log_of(error: CouldNotJudge) -> tuple[str, str]:
    """A title, and the end of what the project printed; both empty if it printed nothing."""
    if not error.log.strip():
        return "", ""
    lines = error.log.rstrip().splitlines()
    left = f" (its last {LOG_LINES} lines of {len(lines)})" if len(lines) > LOG_LINES else ""
    return f"What the project printed{left}:", block("\n".join(lines[-LOG_LINES:]))


def plain(error: CouldNotJudge) -> str:
    """What happened, what was tried, and what to type, without marks."""
    tried = [f"- {printable(line)}" for line in error.tried]
    return "\n".join([printable(error.what), *tried, *block(error.fix).splitlines()])


def render(error: CouldNotJudge) -> str:
    """What the project printed, what happened, what was tried, and what to type."""
    return "".join(f"{line}\n" for line in _lines(error))


def _lines(error: CouldNotJudge) -> Iterator[str]:
    title, log = log_of(error)
    if title:
        yield style(title, bold=True)
        yield from (f"  {line}" for line in log.splitlines())
        yield ""
    yield style("could not judge: ", bold=True, fg="red") + printable(error.what)
    yield from (f"  - {printable(line)}" for line in error.tried)
    yield from (style(f"    {printable(line)}", fg="green") for line in error.fix.splitlines())
