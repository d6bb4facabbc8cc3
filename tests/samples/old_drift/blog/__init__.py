"""A blog whose migrations fell behind."""
