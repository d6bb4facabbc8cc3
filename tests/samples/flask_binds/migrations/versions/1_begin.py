"""begin

Revision ID: 1
Revises:

"""
from alembic import op
import sqlalchemy as sa

revision = '1'
down_revision = None
branch_labels = None
depends_on = None


def upgrade(engine_name):
    globals()["upgrade_%s" % engine_name]()


def downgrade(engine_name):
    globals()["downgrade_%s" % engine_name]()


def upgrade_():
    op.create_table('visit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=100), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )


def downgrade_():
    op.drop_table('visit')


def upgrade_archive():
    op.create_table('old_visit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )


def downgrade_archive():
    op.drop_table('old_visit')
