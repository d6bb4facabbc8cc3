"""What a project ignores, by setting and by comment."""
