"""Find the project's Python without configuration."""
