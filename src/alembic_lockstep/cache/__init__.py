"""What is kept from run to run: delete it, and every verdict stays the same."""
