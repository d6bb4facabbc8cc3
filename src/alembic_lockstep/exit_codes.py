"""The exit codes of the command line."""

CLEAN, FINDINGS, COULD_NOT_JUDGE, INTERNAL_ERROR, INTERRUPTED = 0, 1, 2, 3, 130
