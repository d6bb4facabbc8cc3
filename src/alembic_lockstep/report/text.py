"""Words of the formats: names of files and tables may hold anything, and must break nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from alembic_lockstep.findings import Finding, Location

# What CI's logs take for commands: at the beginning of a line, behind blanks, or anywhere.
# https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs (GitHub);
# Azure's and TeamCity's manuals.
_COMMAND = re.compile(
    r"^(?P<before>(?:\x1b\[[\d;]*m|[^\S\n])*):(?=:)|#(?=#(?:\[|vso\[|teamcity\[))", re.MULTILINE
)


def printable(text: str) -> str:
    """One line that a terminal shows as it is."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def without_commands(text: str, *, is_json: bool = False) -> str:
    """Escape what a CI's log would take for a command: names and logs may hold one.

    Args:
        is_json: It stands in a string there, and has to be the same when that is read.
    """
    escape = "\\u00{:x}" if is_json else "\\x{:x}"

    def escaped(match: re.Match[str]) -> str:
        before = match["before"] or ""
        return before + escape.format(ord(match[0][len(before)]))

    return _COMMAND.sub(escaped, text)


def block(text: str) -> str:
    """The same of several lines, without one at the end."""
    return "\n".join(printable(line) for line in text.expandtabs(4).splitlines())


def plural(count: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def count_rules(rules: Iterable[str]) -> str:
    """`2 missing-migration, 1 multiple-heads`."""
    return ", ".join(f"{count} {rule}" for rule, count in Counter(rules).items())


def listed(names: Iterable[str], limit: int = 5) -> str:
    """Return names in a row, and how many more there are: `a, b and 286 more`."""
    every = list(names)
    # To count a single name takes as much room as the name.
    shown = every if len(every) <= limit + 1 else every[:limit]
    more = f" and {len(every) - len(shown)} more" if len(shown) < len(every) else ""
    return ", ".join(shown) + more


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
