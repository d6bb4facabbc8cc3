"""Benchmarks of alembic-lockstep; `benchmarks/run.py` is the command."""
