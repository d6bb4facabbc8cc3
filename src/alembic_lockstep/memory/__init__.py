"""What earlier dry runs read and found: answers at once where nothing of it has changed."""
