"""Begin, on postgresql"""
from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = "postgresql_1"
down_revision = None


def upgrade():
    op.create_table(
        "programmes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("title", sa.String(100)),
        sa.Column("guests", postgresql.JSONB()),
    )


def downgrade():
    op.drop_table("programmes")
