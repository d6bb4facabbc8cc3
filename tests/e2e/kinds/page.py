"""The table in docs/what-is-compared.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .kind import Kind

PAGE = Path(__file__).parents[3] / "docs/what-is-compared.md"
BEGIN, END = "<!-- kinds: begin -->\n", "<!-- kinds: end -->\n"
TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}

# What `alembic check` sees, the same with `compare_server_default`, and what the gate sees.
Seen = tuple[str, ...]
WAYS = ("check", "with defaults", "gate", "keeps rows")
DASH, QUESTION, NOT_TRIED = "–", "?", "not tried"  # noqa: RUF001
NOT_STORED: Seen = (DASH,) * 3
UNKNOWN: Seen = (QUESTION,) * 3
_UNKNOWN_ROW = dict.fromkeys(TITLES, (QUESTION,) * len(WAYS))


def page_with(dialect: str, column: Mapping[str, Seen], kinds: Sequence[Kind]) -> str:
    """Return the page with other results of one dialect, but for what is about rows."""
    rows = _read(PAGE.read_text())
    new = {
        name: (*cells, rows.get(name, _UNKNOWN_ROW)[dialect][-1]) for name, cells in column.items()
    }
    return _page(rows, dialect, new, kinds)


def page_with_rows(dialect: str, words: Mapping[str, str], kinds: Sequence[Kind]) -> str:
    """Return the page with other words on what fixes of one dialect do to rows, by kind."""
    rows = _read(PAGE.read_text())
    new = {
        name: (*row[dialect][:-1], words.get(name, row[dialect][-1])) for name, row in rows.items()
    }
    return _page(rows, dialect, new, kinds)


def word_on_rows(page: str, dialect: str, kind: str) -> str:
    """Return what the page says that the fix of a kind does to rows."""
    return _read(page)[kind][dialect][-1]


def gate_cells(page: str) -> dict[str, list[str]]:
    """Return what the gate sees in each dialect, by kind."""
    return {name: [words[2] for words in row.values()] for name, row in _read(page).items()}


def _page(
    rows: Mapping[str, Mapping[str, Seen]],
    dialect: str,
    new: Mapping[str, Seen],
    kinds: Sequence[Kind],
) -> str:
    table = {
        kind.name: {**rows.get(kind.name, _UNKNOWN_ROW), dialect: new[kind.name]} for kind in kinds
    }
    start, rest = PAGE.read_text().split(BEGIN)
    end = rest.split(END)[1]
    return "\n".join([start + BEGIN, *_table(table), "", *_lacks(kinds), "", END + end])


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
    lines = [["kind", *heads], ["---"] * (len(heads) + 1)]
    lines += [
        [name, *(word for words in row.values() for word in words)] for name, row in rows.items()
    ]
    return [f"| {' | '.join(line)} |" for line in lines]


def _lacks(kinds: Sequence[Kind]) -> list[str]:
    """Return lines that explain the dashes."""
    lines = []
    for dialect, title in TITLES.items():
        words = dict.fromkeys(kind.lacks[dialect] for kind in kinds if dialect in kind.lacks)
        lines.append(f"- {title} has no {', '.join(words)}.")
    return lines
