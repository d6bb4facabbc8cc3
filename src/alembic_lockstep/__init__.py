"""The gate that keeps SQLAlchemy models and Alembic migrations in lockstep."""

__version__ = "0.1.0"
