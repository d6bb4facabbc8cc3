"""Text of the formats, in which names of files and tables may hold any character."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from alembic_lockstep.findings import Finding, Location

# Commands in logs of CIs: at the beginning of a line, after blanks, or anywhere.
# https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs (GitHub);
# Azure's and TeamCity's manuals.
_COMMAND = re.compile(
    r"^(?P<before>(?:\x1b\[[\d;]*m|[^\S\n])*):(?=:)|#(?=#(?:\[|vso\[|teamcity\[))", re.MULTILINE
)


def printable(text: str) -> str:
    """Return a text as a single line that a terminal shows as it is."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def without_commands(text: str, *, is_json: bool = False) -> str:
    """Escape commands to a CI that reads its log: names and logs may contain some.

    Args:
        text: Lines of the log.
        is_json: Escape as in a JSON string, which is then read as the same text.
    """
    escape = "\\u00{:x}" if is_json else "\\x{:x}"

    def escaped(match: re.Match[str]) -> str:
        before = match["before"] or ""
        return before + escape.format(ord(match[0][len(before)]))

    return _COMMAND.sub(escaped, text)


def block(text: str) -> str:
    """Return several lines that a terminal shows as they are, without a line end at the end."""
    return "\n".join(printable(line) for line in text.expandtabs(4).splitlines())


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: `1 finding`, `2 findings`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def count_rules(rules: Iterable[str]) -> str:
    """Return how often each rule occurs: `2 missing-migration, 1 multiple-heads`."""
    return ", ".join(f"{count} {rule}" for rule, count in Counter(rules).items())


def listed(names: Iterable[str], limit: int = 5) -> str:
    """Return names in a row, and how many more there are: `a, b and 286 more`."""
    every = list(names)
    # The count of a single name is as long as the name.
    shown = every if len(every) <= limit + 1 else every[:limit]
    more = f" and {len(every) - len(shown)} more" if len(shown) < len(every) else ""
    return ", ".join(shown) + more


def position(location: Location) -> str:
    """Return `path:line`, with a note if the line was deleted, or is of an earlier commit."""
    state = " (deleted)" if location.in_base else ""
    state += f" (in {location.commit})" if location.commit else ""
    return f"{printable(location.path)}:{location.line}{state}"


def plain_text(finding: Finding) -> str:
    """Return the message, the hint, related locations and the missing operation, plain."""
    related = [f"see {position(location)}" for location in finding.related]
    parts = (finding.message, finding.hint, "\n".join(related), finding.operation)
    return "\n".join(block(part) for part in parts if part)
