"""A diary that makes its own tables when it starts."""
