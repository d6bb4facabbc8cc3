"""Reports, and the formats that render them: one module each."""
