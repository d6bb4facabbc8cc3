"""What a failed run says of its cause, and what to type."""
