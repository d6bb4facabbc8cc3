"""Files of the working tree: anything may be in their place, and their times are not exact."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

# Nanoseconds by which the times of files may lag behind the clock: the kernel's tick.
CLOCK_TICK = 20_000_000


def read_regular(file: Path, size: int = -1) -> bytes | None:
    """Return the content of a regular file; None if it is none or cannot be read.

    To read a device or a pipe, also behind a link, could take for ever.

    Args:
        size: The bytes to read from its beginning; -1 for all.
    """
    try:
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            return stream.read(size)
    except (OSError, ValueError):  # a path with a null character
        return None


def read_text(file: Path) -> str | None:
    """Return the text of a regular file, or None; bytes that are no UTF-8 are replaced."""
    content = read_regular(file)
    return None if content is None else content.decode("utf-8", "replace")
