"""Words of the formats: names of files and tables may hold anything, and must break nothing."""

from __future__ import annotations

from alembic_lockstep.findings import Finding, Location


def printable(text: str) -> str:
    """One line that a terminal shows as it is."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def block(text: str) -> str:
    """The same of several lines, without one at the end."""
    return "\n".join(printable(line) for line in text.expandtabs(4).splitlines())


def plural(count: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def place(location: Location) -> str:
    """`path:line`, and whether that line was deleted, or stands in an earlier commit."""
    state = " (deleted)" if location.in_base else ""
    state += f" (in {location.commit})" if location.commit else ""
    return f"{printable(location.path)}:{location.line}{state}"


def explained(finding: Finding) -> str:
    """The message, what more is known, and the operation that is missing, without marks."""
    related = [f"see {place(one)}" for one in finding.related]
    parts = (finding.message, finding.hint, "\n".join(related), finding.operation)
    return "\n".join(block(part) for part in parts if part)
