"""The command `init`: show and write the files that a repository needs."""
