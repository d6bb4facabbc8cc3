"""Read and fix PostgreSQL databases, by their own catalogues."""

from .catalogues import read
from .missing_objects import MissingObjects, copy_prerequisites
from .postgresql_fix import alembic_fails, discard_statements, fix_statements

__all__ = [
    "MissingObjects",
    "alembic_fails",
    "copy_prerequisites",
    "discard_statements",
    "fix_statements",
    "read",
]
