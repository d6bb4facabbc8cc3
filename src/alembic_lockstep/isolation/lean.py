"""Parts of the standard library for the supervisor, without modules that take long to import.

`signal`, `socket`, `contextlib` and `collections` make enumerations and load a dozen modules: a
third of the supervisor's start, which every dry run waits for.
"""

from __future__ import annotations

TYPE_CHECKING = False  # instead of that of `typing`, whose import takes as long
if TYPE_CHECKING:
    import signal
    import socket
else:
    try:
        import _signal as signal
        import _socket as socket
    except ImportError:  # not CPython
        import signal
        import socket

__all__ = ["signal", "socket", "suppress"]


class suppress:  # noqa: N801 - it stands for contextlib's
    """Ignore these exceptions in the block."""

    def __init__(self, *kinds: type[BaseException]) -> None:
        self._kinds = kinds

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        """Return whether the block ended with one of them."""
        return kind is not None and issubclass(kind, self._kinds)
