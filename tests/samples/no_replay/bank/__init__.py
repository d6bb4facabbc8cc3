"""A bank that met Alembic late."""
