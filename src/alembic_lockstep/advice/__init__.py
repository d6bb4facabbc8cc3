"""Explain failed runs: the cause, and what to type."""
