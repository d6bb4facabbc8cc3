"""The command `fix`: write the missing migration, judge it, and hand it over."""

#: The rules whose findings a new migration fixes.
FIXED_BY_MIGRATION = frozenset({"missing-migration", "migration-mismatch"})
