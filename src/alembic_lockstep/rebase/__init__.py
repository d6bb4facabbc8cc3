"""The command `rebase`: plan, judge, write."""
