"""Where a database stands in a history, by the rows of its version table alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from alembic_lockstep.alembic_env.revisions import History, Revision
from alembic_lockstep.doctor.revision_graph import graph_rows
from alembic_lockstep.doctor.standing import (
    BEHIND,
    EMPTY,
    NO_REVISION,
    SEVERAL_ROWS,
    UNKNOWN_REVISION,
    UP_TO_DATE,
    standing_of,
)

#: Two branches that meet again: e merges c and d.
MERGED: Mapping[str, Sequence[str]] = {
    "e": ("c", "d"),
    "d": ("b",),
    "c": ("b",),
    "b": ("a",),
    "a": (),
}
LINE = {"c": ("b",), "b": ("a",), "a": ()}
OPEN = {"d": ("b",), "c": ("b",), "b": ("a",), "a": ()}


def history_of(parents: Mapping[str, Sequence[str]]) -> History:
    return History(
        Revision(name, f"versions/{name}.py", tuple(down), (), (), {})
        for name, down in parents.items()
    )


@pytest.mark.parametrize(
    ("parents", "revisions", "kind", "pending"),
    [
        (LINE, ["c"], UP_TO_DATE, ""),
        (OPEN, ["c", "d"], UP_TO_DATE, ""),
        (MERGED, ["e"], UP_TO_DATE, ""),
        (LINE, ["a"], BEHIND, "cb"),
        (OPEN, ["c"], BEHIND, "d"),
        (MERGED, ["c", "d"], BEHIND, "e"),
        (LINE, ["x"], UNKNOWN_REVISION, ""),
        (OPEN, ["c", "x"], UNKNOWN_REVISION, ""),
        (LINE, ["a", "c"], SEVERAL_ROWS, ""),
        (MERGED, ["b", "d"], SEVERAL_ROWS, "ec"),
        (LINE, [], NO_REVISION, "cba"),
    ],
)
def test_the_rows_of_the_version_table_say_where_a_database_stands(
    parents: Mapping[str, Sequence[str]], revisions: list[str], kind: str, pending: str
) -> None:
    standing = standing_of(revisions, history_of(parents), list(parents), has_tables=True)
    assert (standing.kind, "".join(standing.pending)) == (kind, pending)


def test_a_database_without_tables_is_empty() -> None:
    standing = standing_of([], history_of(LINE), list(LINE), has_tables=False)
    assert (standing.kind, standing.pending) == (EMPTY, ("c", "b", "a"))


def test_a_row_that_another_includes_is_named() -> None:
    standing = standing_of(["a", "c"], history_of(LINE), list(LINE), has_tables=True)
    assert standing.words == "has 2 rows in its version table: c includes a"


@pytest.mark.parametrize(
    ("parents", "rows"),
    [
        (LINE, ["c", "b", "a"]),
        (OPEN, ["* d", "| * c", "|/", "* b", "* a"]),
        (MERGED, ["* e", "|\\", "| * d", "* | c", "|/", "* b", "* a"]),
        ({"d": (), "c": ()}, ["d", "c"]),
    ],
)
def test_the_graph_has_lines_where_it_branches(
    parents: Mapping[str, Sequence[str]], rows: list[str]
) -> None:
    assert [" ".join(row).strip() for row in graph_rows(list(parents), parents)] == rows
