"""The command `fix`: write the missing migration, judge it, and hand it over."""
