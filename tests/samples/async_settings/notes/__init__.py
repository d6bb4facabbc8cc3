"""Notes, kept asynchronously."""
