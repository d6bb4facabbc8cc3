"""what the files want"""

from pathlib import Path

from alembic import op
import sqlalchemy as sa

revision = "a2"
down_revision = "a1"

MORE = Path(__file__).parent.parent / "more_columns.txt"
COLUMNS = ["wheat", "barley", "meadow", "east", "north", "wool", *MORE.read_text().split()]


def upgrade():
    for name in COLUMNS:
        op.add_column("animals", sa.Column(name, sa.Integer()))


def downgrade():
    for name in COLUMNS:
        op.drop_column("animals", name)
