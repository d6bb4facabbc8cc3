"""A trivia game."""
