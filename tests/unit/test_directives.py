"""Directives in comments: which are read, and which lines they are about."""

from __future__ import annotations

import pytest

from alembic_lockstep.ignores.directives import (
    Directive,
    lines_around,
    lines_of_migration,
    read_directives,
    surroundings,
)

KNOWN = {"missing-migration", "migration-mismatch"}


def read(text: str) -> list[Directive]:
    return read_directives("m.py", text, KNOWN)


def test_beside_the_code() -> None:
    (directive,) = read("a = 1\nb = 2  # lockstep: ignore[missing-migration] made by hand\n")
    assert directive == Directive("m.py", 2, 2, ("missing-migration",), "made by hand")


def test_several_rules() -> None:
    (directive,) = read("a = 1  # lockstep: ignore[missing-migration, migration-mismatch] soon")
    assert directive.rules == ("missing-migration", "migration-mismatch")
    assert not directive.fault


@pytest.mark.parametrize(
    "text",
    [
        'a = "# lockstep: ignore[missing-migration] a string"\n',
        '"""\n# lockstep: ignore[missing-migration] a docstring\n"""\n',
        "# about lockstep, ignore[missing-migration]\n",
        "a = (  # lockstep: ignore[missing-migration] never closed\n",
        "# lockstep: ignore[missing-migration] above\nif a:\n    b\n  c\n",
    ],
)
def test_what_is_none(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("comment", "fault"),
    [
        ("ignore[missing-migration]", "it gives no reason"),
        ("ignore[missing-migration]   # noqa: E501", "it gives no reason"),
        ("ignore[missing-migratoin] soon", "did you mean 'missing-migration'?"),
        ("ignore[missing-migration, zzz] soon", "no rule is called 'zzz'"),
        ("ignore[] soon", "it names no rule"),
        ("ignore missing-migration", "it is not of the form ignore[rule] reason"),
        ("skip[missing-migration] soon", "it is not of the form ignore[rule] reason"),
        ("ignore[broken-upgrade] soon", "broken-upgrade cannot be ignored"),
    ],
)
def test_what_is_wrong_with_it(comment: str, fault: str) -> None:
    (directive,) = read(f"a = 1  # lockstep: {comment}\n")
    assert fault in directive.fault


@pytest.mark.parametrize("after", ["  # noqa: E501", " # type: ignore[assignment]", ""])
def test_another_tools_comment_is_no_part_of_the_reason(after: str) -> None:
    (directive,) = read(f"a = 1  # noqa  # lockstep: ignore[missing-migration] see #12{after}\n")
    assert directive.reason == "see #12"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("# lockstep: ignore[missing-migration] x\na = 1\n", 2),
        ("# lockstep: ignore[missing-migration] x\n# and more\na = 1\n", 3),
        ("# lockstep: ignore[missing-migration] x\n\na = 1\n", 1),
        ("# lockstep: ignore[missing-migration] x", 1),
        ("# lockstep: ignore[missing-migration] x\na = 1", 2),
        ("a = 1  # lockstep: ignore[missing-migration] x\nb = 2\n", 1),
    ],
)
def test_one_that_stands_alone_is_about_the_line_below(text: str, target: int) -> None:
    (directive,) = read(text)
    assert directive.target == target


MODELS = """\
games = Table(
    "games",
    metadata,
    Column("id", Integer),
    Column(
        "code",
        String,
    ),
    Index("ix", "code"),
)


@decorated
class Game(
    Base
):
    '''A game.'''

    winners: Mapped[str] = mapped_column(
        JSON,
        CheckConstraint("x"),
    )
    rounds = Column(Integer); turns = Column(Integer)

    __table_args__ = (
        Index("a", "winners"),
        UniqueConstraint(
            "rounds",
        ),
    )

    def score(self):
        return 1


scores = Table(
    "scores",
    Column("id"),
)
"""


@pytest.mark.parametrize(
    ("line", "around"),
    [
        (1, {1, 2, 3, 10}),  # the table is not its columns
        (4, {4}),
        (6, {5, 6, 7, 8}),
        (9, {9}),
        (14, {13, 14, 15, 16}),  # the head of a class is not its body
        (19, {19, 20, 21, 22}),  # all of a statement
        (23, {23}),
        (26, {26}),
        (27, {27, 28, 29}),
        (38, {36, 37, 38, 39}),  # of a table with one column, all
        (99, {99}),
    ],
)
def test_lines_around(line: int, around: set[int]) -> None:
    assert set(lines_around(MODELS, line)) == around


@pytest.mark.parametrize(
    ("line", "statements"),
    [
        (6, ("games = Table(",)),
        (13, ("Game",)),  # a decorator is the class's
        (21, ("Game", "winners: Mapped[str] = mapped_column(")),
        (33, ("Game", "score", "return 1")),
        (99, ()),
    ],
)
def test_the_statements_of_a_line(line: int, statements: tuple[str, ...]) -> None:
    assert surroundings(MODELS, line) == statements


def test_what_python_cannot_parse_has_single_lines() -> None:
    assert set(lines_around("def (\na\n", 1)) == {1}


MIGRATION = """\
revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.drop_column("games", "winners")


def downgrade() -> None:
    op.drop_table("maps")
"""


def test_a_function_and_the_whole_migration_have_lines_of_their_own() -> None:
    assert lines_of_migration(MIGRATION, 6) == {1, 5}
    assert lines_of_migration(MIGRATION, 10) == {1, 9}
    assert lines_of_migration(MIGRATION, 1) == {1}


def test_a_line_of_the_other_function_is_about_nothing_here() -> None:
    assert not {9, 10} & {*lines_of_migration(MIGRATION, 6)}
