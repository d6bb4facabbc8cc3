"""A report stays short enough to read, however much there is to catch up on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from alembic_lockstep.report.text import listed
from alembic_lockstep.rules.migration_mismatch import _message


def operation(kind: str) -> Any:
    return SimpleNamespace(kind=kind, text="column games.winners")


def facts(count: int) -> Any:
    return SimpleNamespace(new=[SimpleNamespace(id=f"r{number}") for number in range(count)])


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, ""), (1, "0"), (6, "0, 1, 2, 3, 4, 5"), (7, "0, 1, 2, 3, 4 and 2 more")],
)
def test_names_in_a_row_end_with_their_count(count: int, text: str) -> None:
    assert listed(map(str, range(count))) == text


@pytest.mark.parametrize(
    ("count", "who"),
    [
        (1, "the new migration r0 never adds it"),
        (3, "none of r0, r1, r2 adds it"),
        (288, "none of the 288 new migrations adds it"),
    ],
)
def test_a_finding_counts_many_revisions(count: int, who: str) -> None:
    message = _message(facts(count), operation("add_column"))
    assert message == f"column games.winners is in the models, but {who}"


def test_what_many_revisions_leave_over_names_none_of_them() -> None:
    message = _message(facts(288), operation("remove_column"))
    assert message.startswith("after the 288 new migrations the database has column games.winners")
