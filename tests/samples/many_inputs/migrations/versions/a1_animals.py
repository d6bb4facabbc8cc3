"""animals"""

from alembic import op
import sqlalchemy as sa

from farm.shapes import FEED_LENGTH

revision = "a1"
down_revision = None


def upgrade():
    op.create_table(
        "animals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(40)),
        sa.Column("code", sa.String(8)),
        sa.Column("feed", sa.String(FEED_LENGTH)),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade():
    op.drop_table("animals")
