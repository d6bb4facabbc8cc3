"""Files of the working tree, which may be anything by the time they are read."""

from __future__ import annotations

from pathlib import Path


def read_regular(file: Path) -> bytes | None:
    """Return what a file holds; None if it cannot be read, or is none.

    A device or a pipe in its place, also behind a link, could be read for ever.
    """
    try:
        return file.read_bytes() if file.is_file() else None
    except (OSError, ValueError):  # a path with a null character
        return None


def read_text(file: Path) -> str | None:
    """Return the same as text, in which bytes that are no UTF-8 are replaced."""
    content = read_regular(file)
    return None if content is None else content.decode("utf-8", "replace")
