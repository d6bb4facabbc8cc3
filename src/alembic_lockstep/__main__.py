"""`python -m alembic_lockstep`."""

from alembic_lockstep.cli import entry

entry()
