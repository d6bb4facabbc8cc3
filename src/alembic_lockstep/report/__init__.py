"""What a run found, as a value, and the formats that render it: one module each."""
