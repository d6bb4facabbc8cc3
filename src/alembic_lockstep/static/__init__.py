"""The weaker check: what model files declare and what migrations say, told from their text."""
