"""Lines of models and migrations that make a part of the schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphs import Graph
from test_code_history import codes_of

from alembic_lockstep.described_schema import SchemaPart
from alembic_lockstep.doctor.part_locations import part_lines

FIRST = """\
revision, down_revision = "a", None
def upgrade():
    op.create_table("games", sa.Column("id", sa.Integer),
        sa.Column("title", sa.Text))
"""
SECOND = """\
revision, down_revision = "b", "a"
def upgrade():
    with op.batch_alter_table("games") as batch_op:
        batch_op.add_column(sa.Column("rounds", sa.Integer))
        batch_op.create_index("ix_rounds", ["rounds"])
"""
MODELS = """\
class Game(Base):
    __tablename__ = "games"
    id = Column(Integer)
    rounds = Column(Integer)
"""
COLUMN = {"file": "models.py", "class": "Game", "attribute": "rounds"}
TABLE = {"file": "models.py", "class": "Game", "columns": {"rounds": COLUMN}}
CATALOGUE = {"tables": {"games": TABLE}, "modules": ["models.py"], "bases": []}


@pytest.mark.parametrize(
    ("part", "lines"),
    [
        (SchemaPart("column", "rounds", "games"), ["models.py:4", "m/versions/b.py:4"]),
        (SchemaPart("column", "title", "games"), ["models.py:1", "m/versions/a.py:4"]),
        (SchemaPart("index", "ix_rounds", "games"), ["models.py:1", "m/versions/b.py:5"]),
        (SchemaPart("table", "games"), ["models.py:1", "m/versions/a.py:3"]),
        (SchemaPart("unique", "", "games", "(title)"), ["models.py:1"]),
        (SchemaPart("sequence", "games"), []),
    ],
)
def test_a_part_is_shown_where_the_code_makes_it(
    tmp_path: Path, part: SchemaPart, lines: list[str]
) -> None:
    graph = Graph(tmp_path)
    migrations = {"m/versions/a.py": FIRST, "m/versions/b.py": SECOND}
    graph.write({"models.py": MODELS, **migrations})
    (code,) = codes_of(graph)
    assert list(part_lines(part, code, CATALOGUE)) == lines
