"""The graph of a history as text, for the places where it branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def graph_rows(order: Sequence[str], parents: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Return rows of marks and ids; a row without an id joins or splits lines.

    Without branches the marks are empty.

    Args:
        order: Ids, each before those that it builds on.
        parents: From ids to the ids that they build on.
    """
    rows: list[tuple[str, str]] = []
    lanes: list[str] = []  # the id that each line leads to
    for name in order:
        if lanes.count(name) > 1:
            rows.append((_joined(lanes, name), ""))
            first = lanes.index(name)
            lanes = [lane for i, lane in enumerate(lanes) if lane != name or i == first]
        if name not in lanes:
            lanes.append(name)
        column = lanes.index(name)
        marks = ["*" if number == column else "|" for number in range(len(lanes))]
        rows.append((" ".join(marks), name))
        above = [parent for parent in parents.get(name, ()) if parent in parents]
        if len(above) > 1:
            rows.append((" ".join([*marks[:column], "|\\" * (len(above) - 1)]), ""))
        lanes[column : column + 1] = above
    is_plain = all(marks == "*" for marks, _ in rows)
    return [("", name) for _, name in rows] if is_plain else rows


def _joined(lanes: Sequence[str], name: str) -> str:
    """Return the row in which all lines to a revision become one."""
    first = lanes.index(name)
    marks = ["/" if lane == name and i > first else "|" for i, lane in enumerate(lanes)]
    return " ".join(marks).replace(" /", "/")
