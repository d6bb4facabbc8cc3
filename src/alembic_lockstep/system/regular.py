"""Reading files of the working tree, in whose place may be anything by now."""

from __future__ import annotations

from pathlib import Path


def read_regular(file: Path) -> bytes | None:
    """Return the content of a regular file; None if it is none or cannot be read.

    To read a device or a pipe, also behind a link, could take for ever.
    """
    try:
        return file.read_bytes() if file.is_file() else None
    except (OSError, ValueError):  # a path with a null character
        return None


def read_text(file: Path) -> str | None:
    """Return the text of a regular file, or None; bytes that are no UTF-8 are replaced."""
    content = read_regular(file)
    return None if content is None else content.decode("utf-8", "replace")
