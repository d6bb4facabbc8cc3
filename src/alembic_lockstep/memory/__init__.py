"""The cache of runs: verdicts, observations and snapshots, each with the files that were read."""
