"""The command `init`: what a repository needs, shown and written."""
