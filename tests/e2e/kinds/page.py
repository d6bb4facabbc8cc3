"""The table in docs/what-is-compared.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .kind import WITHOUT_FIX, Kind

PAGE = Path(__file__).parents[3] / "docs/what-is-compared.md"
BEGIN, END = "<!-- kinds: begin -->\n", "<!-- kinds: end -->\n"
TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}

# What `alembic check` sees, the same with `compare_server_default`, and what the gate sees.
Seen = tuple[str, ...]
WAYS = ("check", "with defaults", "gate")
ROWS = "keeps rows"
NOT_STORED: Seen = ("–",) * 3  # noqa: RUF001
UNKNOWN: Seen = ("?",) * 3


def page_with(dialect: str, column: Mapping[str, Seen], kinds: Sequence[Kind]) -> str:
    """Return the page with other results of one dialect."""
    rows_of_page = _read(PAGE.read_text())
    unknown = dict.fromkeys(TITLES, UNKNOWN)
    rows = {
        kind.name: {**rows_of_page.get(kind.name, unknown), dialect: column[kind.name]}
        for kind in kinds
    }
    start, rest = PAGE.read_text().split(BEGIN)
    end = rest.split(END)[1]
    return "\n".join([start + BEGIN, *_table(rows), "", *_lacks(kinds), "", END + end])


def gate_cells(page: str) -> dict[str, list[str]]:
    """Return what the gate sees in each dialect, by kind."""
    return {name: [words[-1] for words in row.values()] for name, row in _read(page).items()}


def _read(page: str) -> dict[str, dict[str, Seen]]:
    table = page.split(BEGIN)[1].split(END)[0]
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {
        name: {
            dialect: tuple(cells[number * len(WAYS) : (number + 1) * len(WAYS)])
            for number, dialect in enumerate(TITLES)
        }
        for name, *cells in lines[2:]
    }


def _table(rows: Mapping[str, Mapping[str, Seen]]) -> list[str]:
    heads = [f"{title}: {way}" for title in TITLES.values() for way in WAYS]
    lines = [["kind", *heads, ROWS], ["---"] * (len(heads) + 2)]
    lines += [
        [name, *(word for words in row.values() for word in words), _kept(name)]
        for name, row in rows.items()
    ]
    return [f"| {' | '.join(line)} |" for line in lines]


def _kept(name: str) -> str:
    """Return what `test_rows_survive.py` shows of a kind's fix on each dialect that stores it."""
    if name in WITHOUT_FIX:
        return "not tried"
    return "all others" if name in ("table: removed", "column: removed") else "yes"


def _lacks(kinds: Sequence[Kind]) -> list[str]:
    """Return lines that explain the dashes."""
    lines = []
    for dialect, title in TITLES.items():
        words = dict.fromkeys(kind.lacks[dialect] for kind in kinds if dialect in kind.lacks)
        lines.append(f"- {title} has no {', '.join(words)}.")
    return lines
