"""`python -m alembic_lockstep`."""

from alembic_lockstep.start import entry

entry()
