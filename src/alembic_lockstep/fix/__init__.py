"""The fix of a finding: what to write and what to type."""
