"""The table of docs/in-the-wild.md."""

from __future__ import annotations

from .trial import Row

HEAD = (
    "project",
    "kind",
    "dialect",
    "revisions",
    "start",
    "old differences",
    "without schema, column, with migration",
    "seconds",
    "contacts",
    "changed",
    "guard",
    "refused",
    "settings",
)


def table(rows: list[Row]) -> str:
    """Render the rows as Markdown."""
    lines = [HEAD, ("---",) * len(HEAD), *map(_cells, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        f"{row.name} {row.version}",
        row.kind,
        row.dialect,
        str(row.revisions),
        row.start,
        f"{row.old}" if row.old == row.own else f"{row.old} ({row.own})",
        ", ".join(row.verdicts),
        " ".join(f"{seconds:.1f}" for seconds in row.seconds),
        str(row.contacts),
        str(len(row.changed)),
        "; ".join(row.guards),
        ", ".join(row.refused) or "none",
        ", ".join(f"`{line}`" for line in row.settings.splitlines()) or "none",
    )
