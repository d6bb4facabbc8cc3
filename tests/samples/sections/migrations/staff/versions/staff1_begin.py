"""Begin"""
from alembic import op
import sqlalchemy as sa

revision = "staff1"
down_revision = None


def upgrade():
    op.create_table(
        "workers",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(80)),
    )


def downgrade():
    op.drop_table("workers")
