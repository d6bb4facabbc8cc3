"""The report of a run as a value, and the formats that render it: one module each."""
