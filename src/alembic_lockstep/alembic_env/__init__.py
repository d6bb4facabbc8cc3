"""Alembic environments and revisions, read without importing them."""
