"""Migrations that need not be loaded: what is told of them is what loading them would give."""

from __future__ import annotations

import pytest

from alembic_lockstep.alembic_env.inert_migrations import inert_facts

HEAD = 'revision: str = "b"\ndown_revision = "a"\n'


def test_a_migration_as_alembic_writes_it_is_told_of() -> None:
    text = '''"""add a column

Revision ID: b
"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa, sqlalchemy.dialects.postgresql as postgresql

# revision identifiers, used by Alembic.
revision: str = "b"
down_revision: Union[str, Sequence[str], None] = ("a", "z")
branch_labels = None
SIZES = {"small": -1, "large": [2, 3]}


def upgrade(name: str | None = None, *, sizes=SIZES) -> None:
    op.add_column("games", sa.Column("winners", sa.Integer()))


def downgrade() -> None:
    op.drop_column("games", "winners")
'''
    assert inert_facts(text) == {
        "revision": "b",
        "down_revision": ("a", "z"),
        "branch_labels": None,
        "depends_on": None,
        "doc": "add a column\n\nRevision ID: b\n",
        "imports": [
            ("typing", "Sequence"),
            ("typing", "Union"),
            ("alembic", "op"),
            ("sqlalchemy", ""),
            ("sqlalchemy.dialects.postgresql", ""),
        ],
    }


def test_a_mark_of_the_byte_order_and_an_old_escape_are_passed_over() -> None:
    assert inert_facts(f"\ufeff{HEAD}PATTERN = '\\d'\n") is not None


@pytest.mark.parametrize(
    "more",
    [
        "from . import helpers",
        "from models import *",
        "print('now')",
        "table = sa.Table('games', sa.MetaData())",
        "now = clock()",
        "now: int = clock()",
        "later: clock() = 1",
        "settings.debug = True",
        "first, second = 1, 2",
        "lines = [line for line in text]",
        "name = f'{clock()}'",
        "class Game(Base):\n    pass",
        "if True:\n    pass",
        "try:\n    import models\nexcept ImportError:\n    pass",
        "@retry\ndef helper():\n    pass",
        "def helper(now=clock()):\n    pass",
        "def helper(*, now=clock()):\n    pass",
        "def helper(*more: clock()):\n    pass",
        "def helper() -> clock():\n    pass",
        "async def helper():\n    pass",
        "del revision",
        "value = (yesterday := 1)",
        "helper = lambda: 1",
    ],
)
def test_whatever_may_do_more_is_loaded(more: str) -> None:
    assert inert_facts(HEAD) is not None
    assert inert_facts(f"{HEAD}{more}\n") is None


@pytest.mark.parametrize(
    "text",
    [
        'revision = "a"',
        "revision = 1\ndown_revision = None",
        HEAD + "branch_labels = {'a': 1}",
        HEAD + "type Size = int",  # to a Python that is older than the project's
        HEAD + "x = (",
        HEAD + "x = '\x00'",
    ],
)
def test_what_json_or_this_python_does_not_know_is_loaded(text: str) -> None:
    assert inert_facts(text) is None
