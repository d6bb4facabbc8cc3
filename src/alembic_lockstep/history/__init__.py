"""Alembic environments and their revisions, read without importing them."""
