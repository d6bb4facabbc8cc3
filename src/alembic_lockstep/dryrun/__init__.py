"""The dry run: the project's Python, scratch databases, what they were seen to differ in."""
