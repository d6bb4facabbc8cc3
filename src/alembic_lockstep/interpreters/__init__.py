"""The project's Python, found without configuration."""
